//! Conditions of a query, for as many as are asked for.

use rusqlite::types::Value;

/// Conditions that must all hold, and the values in them.
#[derive(Default)]
pub(super) struct Clauses {
    pub(super) text: String,
    pub(super) values: Vec<Value>,
}

impl Clauses {
    /// A comparison with a value, where one is wanted.
    pub(super) fn one(&mut self, comparison: &str, value: Option<impl Into<Value>>) {
        if let Some(value) = value {
            self.all(&format!("{comparison} ?"), [value]);
        }
    }

    /// A column that has one of these values, where any are wanted.
    pub(super) fn any<'a>(&mut self, column: &str, values: impl ExactSizeIterator<Item = &'a str>) {
        if values.len() > 0 {
            let places = vec!["?"; values.len()].join(", ");
            self.all(&format!("{column} IN ({places})"), values.map(str::to_owned));
        }
    }

    /// A condition with a place for each of these values.
    pub(super) fn all<T: Into<Value>>(&mut self, condition: &str, values: impl IntoIterator<Item = T>) {
        self.text += if self.text.is_empty() { "WHERE " } else { " AND " };
        self.text += condition;
        self.values.extend(values.into_iter().map(Into::into));
    }
}
