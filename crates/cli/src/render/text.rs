//! Text that is safe to show and fits.

use std::borrow::Cow;

use console::{measure_text_width, strip_ansi_codes, truncate_str};

/// Text from elsewhere, without anything that would move a terminal's cursor, colour it, or change the order of reading.
pub(crate) fn clean(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_hidden) {
        return Cow::Borrowed(text);
    }
    let visible = |c: char| match c {
        '\t' => ' ',
        c if is_hidden(c) => '\u{fffd}',
        c => c,
    };
    Cow::Owned(strip_ansi_codes(text).chars().map(visible).collect())
}

fn is_hidden(c: char) -> bool {
    c != '\n' && c.is_control()
        || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Text from elsewhere on one line.
pub(crate) fn one_line(text: &str) -> String {
    clean(text).split_whitespace().collect::<Vec<_>>().join(" ")
}

/// What a line of a program's output shows in the end: what stands behind the last carriage return.
pub(crate) fn settled(line: &str) -> Cow<'_, str> {
    let line = line.trim_end_matches(['\r', '\n']);
    clean(line.rsplit('\r').next().unwrap_or(line))
}

/// Cuts a line to some columns. Colour is kept and costs none.
pub(crate) fn cut(line: &str, columns: usize) -> String {
    truncate_str(line, columns, "…").into_owned()
}

/// Wraps text to some columns, at spaces where there are any. Line breaks of the text are kept.
pub(crate) fn wrap(text: &str, columns: usize) -> Vec<String> {
    let columns = columns.max(1);
    clean(text).lines().flat_map(|line| wrap_line(line, columns)).collect()
}

fn wrap_line(line: &str, columns: usize) -> Vec<String> {
    let mut lines = vec![line.chars().take_while(|c| *c == ' ').take(columns / 2).collect::<String>()];
    for word in line.split_whitespace() {
        let last = lines.last_mut().expect("there is always a line");
        let is_fresh = last.trim().is_empty();
        if is_fresh || measure_text_width(last) + 1 + measure_text_width(word) <= columns {
            last.push_str(if is_fresh { "" } else { " " });
            last.push_str(word);
        } else {
            lines.push(word.to_owned());
        }
        split_last(&mut lines, columns);
    }
    lines
}

/// Splits the last line as often as it is too long: a word that fits nowhere.
fn split_last(lines: &mut Vec<String>, columns: usize) {
    while lines.last().is_some_and(|last| measure_text_width(last) > columns) {
        let last = lines.pop().unwrap_or_default();
        let head = truncate_str(&last, columns, "").into_owned();
        let at = if head.is_empty() { last.chars().next().map_or(0, char::len_utf8) } else { head.len() };
        let (head, rest) = last.split_at(at);
        lines.push(head.to_owned());
        if rest.is_empty() {
            return;
        }
        lines.push(rest.to_owned());
    }
}

/// Wraps text behind a first prefix; the lines after the first stand under its text.
pub(crate) fn hang(prefix: &str, text: &str, columns: usize) -> String {
    let indent = measure_text_width(prefix);
    let lines = wrap(text, columns.saturating_sub(indent).max(20));
    let mut hung = String::new();
    for (at, line) in lines.iter().enumerate() {
        let before = if at == 0 { prefix.to_owned() } else { " ".repeat(indent) };
        hung += format!("{before}{line}").trim_end();
        hung.push('\n');
    }
    if lines.is_empty() { format!("{}\n", prefix.trim_end()) } else { hung }
}

/// `1 phase`, `2 phases`, `0 successes`.
pub(crate) fn count(number: usize, noun: &str) -> String {
    let ending = match noun {
        _ if number == 1 => "",
        noun if noun.ends_with('s') => "es",
        _ => "s",
    };
    format!("{number} {noun}{ending}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_from_elsewhere_reaches_the_terminal_as_a_control() {
        assert_eq!(clean("a\u{1b}[31mred\u{1b}[0m\tb\u{202e}"), "ared b\u{fffd}");
        assert_eq!(clean("two\nlines"), "two\nlines");
        assert_eq!(one_line("  two\nlines\u{7} "), "two lines\u{fffd}");
    }

    #[test]
    fn of_a_line_that_is_drawn_over_the_last_state_is_shown() {
        assert_eq!(settled("10 %\r50 %\rdone\r\n"), "done");
    }

    #[test]
    fn text_is_wrapped_at_spaces() {
        assert_eq!(wrap("the quick brown fox", 10), ["the quick", "brown fox"]);
        assert_eq!(wrap("  fn main()\nlet x", 12), ["  fn main()", "let x"]);
        assert!(wrap("", 10).is_empty());
    }

    #[test]
    fn a_word_that_fits_nowhere_is_split_and_nothing_is_lost() {
        assert_eq!(wrap("abcdefghij", 4), ["abcd", "efgh", "ij"]);
        assert_eq!(wrap("漢字漢字", 5), ["漢字", "漢字"]);
        assert_eq!(wrap("漢", 1), ["漢"]);
    }

    #[test]
    fn hanging_text_stands_under_itself() {
        assert_eq!(hang("  - ", "aaaaaaaaaaaa bbbbbbbbbbbbb", 24), "  - aaaaaaaaaaaa\n    bbbbbbbbbbbbb\n");
        assert_eq!(hang("  - ", "", 24), "  -\n");
    }
}
