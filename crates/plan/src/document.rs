//! TOML layers merged key by key, with the place of every value.
//!
//! Tables merge; everything else of a later layer replaces what an earlier one says.

mod fields;
mod parse;

use indexmap::IndexMap;
use serde_json::Value as Json;

use crate::diagnostic::Report;
use crate::load::Source;

pub(crate) use fields::{Fields, expect_table, expect_text};

/// Bytes of a source.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// Position of the source among the layers.
    pub file: usize,
    /// First byte.
    pub start: usize,
    /// Byte after the last.
    pub end: usize,
}

/// A value and where it stands.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    /// Where it stands: the value itself, or the header of a table.
    pub place: Place,
    /// The value.
    pub value: Value,
}

/// A TOML value.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// Text.
    Text(String),
    /// A whole number.
    Integer(i64),
    /// A finite number.
    Float(f64),
    /// True or false.
    Boolean(bool),
    /// A date or time, as it is written.
    Time(String),
    /// A list.
    List(Vec<Node>),
    /// A table.
    Table(Table),
}

/// Entries in the order of the file.
pub type Table = IndexMap<String, Entry>;

/// A value under its key.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// Where the key stands.
    pub key: Place,
    /// The value.
    pub node: Node,
}

impl Value {
    /// What it is, for messages.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Text(_) => "text",
            Self::Integer(_) => "a whole number",
            Self::Float(_) => "a number",
            Self::Boolean(_) => "true or false",
            Self::Time(_) => "a date or time",
            Self::List(_) => "a list",
            Self::Table(_) => "a table",
        }
    }
}

impl Node {
    /// The value as JSON; a date or time becomes text.
    pub fn to_json(&self) -> Json {
        match &self.value {
            Value::Text(text) | Value::Time(text) => Json::from(text.as_str()),
            Value::Integer(number) => Json::from(*number),
            Value::Float(number) => Json::from(*number),
            Value::Boolean(value) => Json::from(*value),
            Value::List(nodes) => Json::Array(nodes.iter().map(Self::to_json).collect()),
            Value::Table(table) => table_to_json(table),
        }
    }
}

/// A table as a JSON object.
pub(crate) fn table_to_json(table: &Table) -> Json {
    Json::Object(table.iter().map(|(key, entry)| (key.clone(), entry.node.to_json())).collect())
}

/// Reads layers and merges them. A layer that is no TOML is reported and left out.
pub(crate) fn read(sources: &[Source], report: &mut Report<'_>) -> Table {
    let mut merged = Table::new();
    for (file, source) in sources.iter().enumerate() {
        if let Some(table) = parse::parse(file, &source.text, report) {
            merge(&mut merged, table);
        }
    }
    merged
}

fn merge(below: &mut Table, above: Table) {
    for (name, entry) in above {
        match (below.get_mut(&name), entry.node.value) {
            (Some(Entry { key, node: Node { place, value: Value::Table(table) } }), Value::Table(over)) => {
                (*key, *place) = (entry.key, entry.node.place);
                merge(table, over);
            }
            (Some(old), value) => {
                *old = Entry { key: entry.key, node: Node { place: entry.node.place, value } }
            }
            (None, value) => {
                let node = Node { place: entry.node.place, value };
                below.insert(name, Entry { key: entry.key, node });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn sources(texts: &[&str]) -> Vec<Source> {
        let source =
            |(at, text): (usize, &&str)| Source { name: format!("{at}.toml"), text: (*text).to_owned() };
        texts.iter().enumerate().map(source).collect()
    }

    fn merged(texts: &[&str]) -> Json {
        let sources = sources(texts);
        let mut report = Report::new(&sources);
        let table = read(&sources, &mut report);
        assert_eq!(report.errors(), 0);
        table_to_json(&table)
    }

    #[test]
    fn tables_merge_and_everything_else_replaces() {
        let layers = [
            "a = 1\n[t]\nx = [1, 2]\ny = 1\n[t.u]\nk = 1\n",
            "a = 'two'\n[t]\nx = [3]\n[t.u]\nl = 2\n",
            "t.y = 9\n",
        ];
        let expected = json!({ "a": "two", "t": { "x": [3], "y": 9, "u": { "k": 1, "l": 2 } } });
        assert_eq!(merged(&layers), expected);
    }

    #[test]
    fn a_merged_value_is_placed_in_the_layer_it_came_from() {
        let sources = sources(&["t = { x = 1, y = 1 }", "t = { y = 2 }"]);
        let table = read(&sources, &mut Report::new(&sources));
        let Value::Table(inner) = &table["t"].node.value else { panic!("a table") };
        assert_eq!((inner["x"].node.place.file, inner["y"].node.place.file), (0, 1));
        assert_eq!(inner["y"].node.place, Place { file: 1, start: 10, end: 11 });
        assert_eq!(inner["y"].key, Place { file: 1, start: 6, end: 7 });
    }

    #[test]
    fn keys_keep_the_order_of_the_file() {
        let sources = sources(&["z = 1\na = 2\nm = 3\n"]);
        let table = read(&sources, &mut Report::new(&sources));
        assert_eq!(table.keys().collect::<Vec<_>>(), ["z", "a", "m"]);
    }

    #[test]
    fn every_syntax_error_of_a_file_is_reported_and_the_other_layers_are_read() {
        let sources = sources(&["a = 1\n", "b = \nc = 1\nd = [1,\ne == 2\nc = 3\n"]);
        let mut report = Report::new(&sources);
        let table = read(&sources, &mut report);
        assert_eq!(table.keys().collect::<Vec<_>>(), ["a"]);
        let found = report.finish();
        assert!(found.len() >= 2, "{found:?}");
        assert_eq!((found[0].spot.line, found[0].spot.column), (1, 5));
    }

    #[test]
    fn what_json_cannot_hold_is_refused() {
        for text in ["a = nan", "a = -inf", "a = 99999999999999999999"] {
            let sources = sources(&[text]);
            let mut report = Report::new(&sources);
            read(&sources, &mut report);
            assert_eq!(report.errors(), 1, "{text}");
        }
        assert_eq!(
            merged(&["a = 2026-01-02\nb = 0x1f\nc = 1e3"]),
            json!({ "a": "2026-01-02", "b": 31, "c": 1000.0 })
        );
    }
}
