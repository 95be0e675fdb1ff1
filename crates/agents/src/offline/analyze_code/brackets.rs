//! Brackets that have no partner.

use super::Finding;

const PAIRS: [(char, char); 3] = [('(', ')'), ('[', ']'), ('{', '}')];

/// Looks for brackets without partners in code whose literals and comments are blanked. After the first that closes what is not
/// open, the rest would only be its consequence, and is not told.
pub(super) fn check(bare: &str) -> Vec<Finding> {
    let mut open: Vec<(char, usize)> = Vec::new();
    for (line, text) in (1..).zip(bare.lines()) {
        for letter in text.chars() {
            if PAIRS.iter().any(|(opens, _)| *opens == letter) {
                open.push((letter, line));
            } else if let Some((wanted, _)) = PAIRS.iter().find(|(_, closes)| *closes == letter) {
                match open.pop() {
                    Some((opened, _)) if opened == *wanted => {}
                    Some((opened, since)) => {
                        let message = format!("`{letter}` closes the `{opened}` of line {since}");
                        return vec![Finding::new(line, "unbalanced_bracket", message)];
                    }
                    None => {
                        let message = format!("`{letter}` closes nothing");
                        return vec![Finding::new(line, "unbalanced_bracket", message)];
                    }
                }
            }
        }
    }
    let never = open.into_iter();
    never
        .map(|(letter, line)| Finding::new(line, "unbalanced_bracket", format!("`{letter}` is never closed")))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn messages(code: &str) -> Vec<(usize, String)> {
        check(code).into_iter().map(|finding| (finding.line, finding.message)).collect()
    }

    #[test]
    fn brackets_without_partners_are_found_where_they_stand() {
        assert_eq!(messages("f(a[1], { b: (2) })"), []);
        assert_eq!(
            messages("a {\n(\n"),
            [(1, "`{` is never closed".to_owned()), (2, "`(` is never closed".to_owned())]
        );
        assert_eq!(messages("a {\n)\n]"), [(2, "`)` closes the `{` of line 1".to_owned())]);
        assert_eq!(messages("}"), [(1, "`}` closes nothing".to_owned())]);
    }
}
