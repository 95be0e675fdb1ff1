//! Lines that stand there twice.

use std::collections::HashMap;

use super::Finding;

/// Fewest lines that are a repetition.
const FEWEST: usize = 6;

/// Shortest line that says something, in letters; brackets and the like are shorter.
const SAYING: usize = 8;

/// How many of the lines must say something.
const SAYINGS: usize = 4;

/// Looks for lines, but blank ones, that are the same but for their indentation and stand one after the other twice.
pub(super) fn check(code: &str) -> Vec<Finding> {
    let lines = (1..).zip(code.lines()).map(|(line, text)| (line, text.trim()));
    let lines: Vec<(usize, &str)> = lines.filter(|(_, text)| !text.is_empty()).collect();
    let texts: Vec<&str> = lines.iter().map(|(_, text)| *text).collect();
    let mut first: HashMap<&[&str], usize> = HashMap::new();
    let mut findings = Vec::new();
    let mut at = 0;
    while at + FEWEST <= texts.len() {
        let window = &texts[at..at + FEWEST];
        let earlier = first.get(window).copied().filter(|earlier| earlier + FEWEST <= at && says(window));
        let Some(earlier) = earlier else {
            first.entry(window).or_insert(at);
            at += 1;
            continue;
        };
        let same =
            texts[at..].iter().zip(&texts[earlier..at]).take_while(|(one, other)| one == other).count();
        let message = format!("{same} lines are the same as those from line {}", lines[earlier].0);
        findings.push(Finding::new(lines[at].0, "duplicated_lines", message));
        at += same;
    }
    findings
}

fn says(window: &[&str]) -> bool {
    window.iter().filter(|text| text.chars().count() >= SAYING).count() >= SAYINGS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repetition_is_found_once_with_both_its_places() {
        let block = "let one = first();\nlet two = second();\n\nlet three = third();\nuse(one, two);\nuse(three, one);\n}\n";
        let found = check(&format!("{block}other();\n  {}", block.replace('\n', "\n  ")));
        assert_eq!(found.len(), 1);
        assert_eq!(
            (found[0].line, found[0].message.as_str()),
            (9, "6 lines are the same as those from line 1")
        );
        assert_eq!(check(block), []);
    }

    #[test]
    fn brackets_that_stand_below_each_other_are_no_repetition() {
        assert_eq!(check(&"}\n".repeat(20)), []);
    }
}
