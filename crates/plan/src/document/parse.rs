//! One layer of TOML.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::{Entry, Node, Place, Table, Value};
use crate::diagnostic::Report;

/// Reads a layer and reports everything that is no TOML in it; `None` when there is any.
pub(super) fn parse(file: usize, text: &str, report: &mut Report<'_>) -> Option<Table> {
    let before = report.errors();
    let (table, errors) = DeTable::parse_recoverable(text);
    for error in errors {
        let span = error.span().unwrap_or(0..0);
        report.error(place(file, span), error.message());
    }
    let table = Layer { file, report }.table(table.get_ref());
    (report.errors() == before).then_some(table)
}

struct Layer<'r, 'a> {
    file: usize,
    report: &'r mut Report<'a>,
}

impl Layer<'_, '_> {
    fn table(&mut self, table: &DeTable<'_>) -> Table {
        let mut entries: Vec<_> = table.iter().collect();
        entries.sort_by_key(|(key, _)| key.span().start);
        let entries = entries.into_iter().map(|(key, value)| {
            let entry = Entry { key: place(self.file, key.span()), node: self.node(value) };
            (key.get_ref().to_string(), entry)
        });
        entries.collect()
    }

    fn node(&mut self, value: &Spanned<DeValue<'_>>) -> Node {
        let place = place(self.file, value.span());
        let value = match value.get_ref() {
            DeValue::String(text) => Value::Text(text.to_string()),
            DeValue::Integer(number) => match i64::from_str_radix(number.as_str(), number.radix()) {
                Ok(number) => Value::Integer(number),
                Err(_) => self.refuse(place, "the number does not fit 64 bits"),
            },
            DeValue::Float(number) => match number.as_str().parse::<f64>() {
                Ok(number) if number.is_finite() => Value::Float(number),
                _ => self.refuse(place, "a number must be finite"),
            },
            DeValue::Boolean(value) => Value::Boolean(*value),
            DeValue::Datetime(time) => Value::Time(time.to_string()),
            DeValue::Array(nodes) => Value::List(nodes.iter().map(|node| self.node(node)).collect()),
            DeValue::Table(table) => Value::Table(self.table(table)),
        };
        Node { place, value }
    }

    fn refuse(&mut self, place: Place, message: &str) -> Value {
        self.report.error(place, message);
        Value::Integer(0)
    }
}

fn place(file: usize, span: Range<usize>) -> Place {
    Place { file, start: span.start, end: span.end }
}
