//! The shape of a line: what stays of it when everything that differs from time to time is left out.

use std::borrow::Cow;
use std::sync::LazyLock;

use regex::{Captures, Regex};

/// What differs, in the order in which it is tried: times, ids, addresses, texts in quotes, hexadecimal and decimal numbers.
static PARTS: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(concat!(
        r"(?P<time>\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d+)?(?: ?(?:Z|[+-]\d\d:?\d\d))?",
        r"|^[A-Z][a-z]{2} +\d{1,2} \d\d:\d\d:\d\d|\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d [+-]\d{4})",
        r"|(?P<id>\b[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\b)",
        r"|(?P<address>\b\d{1,3}(?:\.\d{1,3}){3}(?::\d+)?\b)",
        r#"|(?P<text>"[^"]*"|'[^' ]*')"#,
        r"|(?P<hex>\b0x[0-9a-fA-F]+\b|\b[0-9a-fA-F]*(?:\d[a-fA-F]|[a-fA-F]\d)[0-9a-fA-F]{6,}\b)",
        r"|(?P<number>\d+(?:\.\d+)?)",
    ))
    .expect("a pattern that a test uses")
});

/// Longest shape, in bytes.
const LONGEST: usize = 400;

/// The shape of a line.
pub(super) fn shape(line: &str) -> String {
    let head = &line[..line.floor_char_boundary(LONGEST)];
    let named = |found: &Captures<'_>| {
        let names = ["time", "id", "address", "text", "hex"];
        let name = names.into_iter().find(|name| found.name(name).is_some());
        format!("<{}>", name.unwrap_or("n"))
    };
    PARTS.replace_all(head, named).trim().to_owned()
}

/// A line without colours and without whatever else a terminal would take for an order.
pub(super) fn plain(line: &str) -> Cow<'_, str> {
    static COLOUR: LazyLock<Regex> =
        LazyLock::new(|| Regex::new(r"\x1b\[[0-9;?]*[A-Za-z]").expect("a pattern that a test uses"));
    if !line.contains(|letter: char| letter.is_control() && letter != '\t') {
        return Cow::Borrowed(line);
    }
    let line = COLOUR.replace_all(line, "");
    Cow::Owned(line.chars().filter(|letter| !letter.is_control() || *letter == '\t').collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_that_differ_in_values_have_the_same_shape() {
        for (line, expected) in [
            ("2026-02-03T04:05:06Z took 12.5ms for user 7", "<time> took <n>ms for user <n>"),
            ("Feb  3 04:05:06 host app[12]: up", "<time> host app[<n>]: up"),
            ("peer 10.0.0.1:443 sent \"a b\"", "peer <address> sent <text>"),
            ("id 6f9619ff-8b86-d011-b42d-00cf4fc964ff at 0xdeadbeef", "id <id> at <hex>"),
            ("commit 1ce9e08f2ab", "commit <hex>"),
            ("a face, no number", "a face, no number"),
        ] {
            assert_eq!(shape(line), expected);
        }
        assert!(shape(&"é".repeat(1000)).len() <= LONGEST);
    }

    #[test]
    fn colours_and_orders_to_terminals_are_left_out() {
        assert_eq!(plain("\u{1b}[31mERROR\u{1b}[0m\ta\u{7}\r"), "ERROR\ta");
    }
}
