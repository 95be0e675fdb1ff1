//! Reads a table key by key: each with its type, and at the end every key that nobody asked for.

use std::collections::BTreeSet;
use std::time::Duration;

use super::{Entry, Node, Place, Table, Value};
use crate::diagnostic::Report;
use crate::duration;

/// A table that is being read. What is asked for is what is known.
pub(crate) struct Fields<'a> {
    table: &'a Table,
    asked: BTreeSet<&'static str>,
}

impl<'a> Fields<'a> {
    pub(crate) fn new(table: &'a Table) -> Self {
        Self { table, asked: BTreeSet::new() }
    }

    /// The value under a key.
    pub(crate) fn entry(&mut self, key: &'static str) -> Option<&'a Entry> {
        self.asked.insert(key);
        self.table.get(key)
    }

    /// The value under a key.
    pub(crate) fn node(&mut self, key: &'static str) -> Option<&'a Node> {
        self.entry(key).map(|entry| &entry.node)
    }

    pub(crate) fn text(&mut self, key: &'static str, report: &mut Report<'_>) -> Option<&'a str> {
        expect_text(self.node(key)?, &format!("`{key}`"), report)
    }

    /// A text and where it stands.
    pub(crate) fn placed(&mut self, key: &'static str, report: &mut Report<'_>) -> Option<(&'a str, Place)> {
        Some((self.text(key, report)?, self.table[key].node.place))
    }

    pub(crate) fn flag(&mut self, key: &'static str, report: &mut Report<'_>) -> Option<bool> {
        let node = self.node(key)?;
        match &node.value {
            Value::Boolean(value) => Some(*value),
            other => wrong(node, &format!("`{key}`"), "true or false", other, report),
        }
    }

    /// A whole number within bounds.
    pub(crate) fn count(
        &mut self,
        key: &'static str,
        least: u32,
        most: u32,
        report: &mut Report<'_>,
    ) -> Option<u32> {
        let node = self.node(key)?;
        let Value::Integer(number) = &node.value else {
            return wrong(node, &format!("`{key}`"), "a whole number", &node.value, report);
        };
        let count = u32::try_from(*number).ok().filter(|count| (least..=most).contains(count));
        if count.is_none() {
            report.error(node.place, format!("`{key}` must be from {least} to {most}, and {number} is not"));
        }
        count
    }

    pub(crate) fn number(&mut self, key: &'static str, report: &mut Report<'_>) -> Option<(f64, Place)> {
        let node = self.node(key)?;
        match &node.value {
            Value::Float(number) => Some((*number, node.place)),
            Value::Integer(number) => {
                let number = i32::try_from(*number).unwrap_or(if *number < 0 { i32::MIN } else { i32::MAX });
                Some((f64::from(number), node.place))
            }
            other => wrong(node, &format!("`{key}`"), "a number", other, report),
        }
    }

    pub(crate) fn duration(&mut self, key: &'static str, report: &mut Report<'_>) -> Option<Duration> {
        let node = self.node(key)?;
        let read = match &node.value {
            Value::Text(text) => duration::parse(text),
            Value::Integer(seconds) => duration::from_seconds(*seconds),
            other => {
                report
                    .error(node.place, format!("`{key}` must be a duration, and this is {}", other.kind()))
                    .hint(duration::HINT);
                return None;
            }
        };
        match read {
            Ok(duration) => Some(duration),
            Err(error) => {
                report.error(node.place, format!("`{key}`: {error}")).hint(duration::HINT);
                None
            }
        }
    }

    /// A duration that is a limit: nothing could ever be done in no time.
    pub(crate) fn limit(&mut self, key: &'static str, report: &mut Report<'_>) -> Option<Duration> {
        let limit = self.duration(key, report)?;
        if limit.is_zero() {
            let place = self.table[key].node.place;
            report
                .error(place, format!("`{key}` must be longer than zero"))
                .hint("leave it out for no limit");
            return None;
        }
        Some(limit)
    }

    pub(crate) fn list(&mut self, key: &'static str, report: &mut Report<'_>) -> Option<&'a [Node]> {
        expect_list(self.node(key)?, &format!("`{key}`"), report)
    }

    pub(crate) fn table(&mut self, key: &'static str, report: &mut Report<'_>) -> Option<&'a Table> {
        expect_table(self.node(key)?, &format!("`{key}`"), report)
    }

    /// A list of text, with the place of each.
    pub(crate) fn texts(
        &mut self,
        key: &'static str,
        report: &mut Report<'_>,
    ) -> Option<Vec<(&'a str, Place)>> {
        let nodes = self.list(key, report)?;
        let what = format!("an entry of `{key}`");
        let read = |node: &'a Node| Some((expect_text(node, &what, report)?, node.place));
        Some(nodes.iter().filter_map(read).collect())
    }

    /// Reports every key that was not asked for.
    pub(crate) fn close(self, of: &str, report: &mut Report<'_>) {
        for (key, entry) in self.table {
            if !self.asked.contains(key.as_str()) {
                let finding = report.error(entry.key, format!("unknown key `{key}` in {of}"));
                finding.meant(key, self.asked.iter().copied());
            }
        }
    }
}

/// The text of a node, or a report that it is none.
pub(crate) fn expect_text<'a>(node: &'a Node, what: &str, report: &mut Report<'_>) -> Option<&'a str> {
    match &node.value {
        Value::Text(text) => Some(text),
        other => wrong(node, what, "text", other, report),
    }
}

/// The list of a node, or a report that it is none.
pub(crate) fn expect_list<'a>(node: &'a Node, what: &str, report: &mut Report<'_>) -> Option<&'a [Node]> {
    match &node.value {
        Value::List(nodes) => Some(nodes),
        other => wrong(node, what, "a list", other, report),
    }
}

/// The table of a node, or a report that it is none.
pub(crate) fn expect_table<'a>(node: &'a Node, what: &str, report: &mut Report<'_>) -> Option<&'a Table> {
    match &node.value {
        Value::Table(table) => Some(table),
        other => wrong(node, what, "a table", other, report),
    }
}

fn wrong<T>(node: &Node, what: &str, wanted: &str, given: &Value, report: &mut Report<'_>) -> Option<T> {
    report.error(node.place, format!("{what} must be {wanted}, and this is {}", given.kind()));
    None
}
