//! Spans, lists and values in words.

use std::time::Duration;

use op_plan::{Expression, Scope as _};
use serde_json::Value;

use crate::run::Run;
use crate::time::Timestamp;

/// Most characters of a value that are shown.
const SHOWN: usize = 200;

/// A span in its two largest units: `2 h 5 min`.
pub(super) fn span(span: Duration) -> String {
    const UNITS: [(&str, u128); 5] =
        [("d", 86_400_000), ("h", 3_600_000), ("min", 60_000), ("s", 1_000), ("ms", 1)];
    let mut left = span.as_millis();
    let mut words = Vec::new();
    for (unit, size) in UNITS {
        // Of what takes seconds, nobody counts the milliseconds.
        let is_fine = unit == "ms" && !words.is_empty();
        if left >= size && words.len() < 2 && !is_fine {
            words.push(format!("{} {unit}", left / size));
            left %= size;
        }
    }
    if words.is_empty() { "0 s".to_owned() } else { words.join(" ") }
}

/// An instant that lies behind.
pub(super) fn ago(at: Timestamp, now: Timestamp) -> String {
    format!("{at} ({} ago)", span(now.since(at)))
}

/// An instant that lies ahead.
pub(super) fn ahead(at: Timestamp, now: Timestamp) -> String {
    format!("{at} (in {})", span(at.since(now)))
}

/// Names as `a`, `b` and `c`; many are counted.
pub(super) fn names<'n>(names: impl IntoIterator<Item = &'n str>) -> String {
    const MOST: usize = 8;
    let mut names: Vec<_> = names.into_iter().map(|name| format!("`{name}`")).collect();
    if names.len() > MOST {
        let more = names.len() - MOST;
        names.truncate(MOST);
        names.push(format!("{more} more"));
    }
    match names.pop() {
        None => String::new(),
        Some(last) if names.is_empty() => last,
        Some(last) => format!("{} and {last}", names.join(", ")),
    }
}

/// A value as JSON, cut when long.
pub(super) fn shown(value: &Value) -> String {
    let text = value.to_string();
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

/// A condition, with what it refers to.
pub(super) fn condition(run: &Run, condition: &Expression) -> String {
    let value = |reference| run.value(reference).map_or_else(|| "nothing".to_owned(), |value| shown(&value));
    let values =
        condition.references().iter().map(|reference| format!("`{reference}` is {}", value(reference)));
    let values: Vec<_> = values.collect();
    if values.is_empty() {
        format!("`{condition}`")
    } else {
        format!("`{condition}` ({})", values.join(", "))
    }
}
