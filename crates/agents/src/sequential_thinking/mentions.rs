//! What a text says that it comes after, among other texts of the same list.
//!
//! | in the text | it depends on |
//! | --- | --- |
//! | "after", "once", "when", "depends on", "requires", "needs", "based on", "following" and a name such as `T2` or `FR-3` | what has the name |
//! | the same words and others, up to the next comma or full stop | the one text that has all of those words |
//! | "before" | the other way round |
//!
//! Words are compared without endings, and where two texts have them all, neither is meant.

use std::collections::{BTreeSet, HashMap};
use std::sync::LazyLock;

use regex::Regex;

use crate::text::words::terms;

/// Most mentions of one text that are looked after: what names more is no piece of work.
const MOST: usize = 32;

/// A text, the names it goes by, and what it says.
#[derive(Debug, Clone)]
pub(super) struct Named {
    /// Names such as `T2`.
    pub(super) names: Vec<String>,
    /// What it says.
    pub(super) text: String,
}

static AFTER: LazyLock<Regex> = LazyLock::new(|| {
    let pattern =
        r"(?i)\b(after|once|when|depends?\s+on|requires?|needs?|based\s+on|following|before)\s+([^,.;:()]+)";
    Regex::new(pattern).expect("it is a regular expression")
});

/// For each text the indices of those that it depends on.
pub(super) fn dependencies(texts: &[Named]) -> Vec<Vec<usize>> {
    let words: Vec<BTreeSet<String>> =
        texts.iter().map(|named| terms(&main_part(&named.text)).into_iter().collect()).collect();
    let names = by_name(texts);
    let mut found = vec![BTreeSet::new(); texts.len()];
    for (index, named) in texts.iter().enumerate() {
        for captures in AFTER.captures_iter(&named.text).take(MOST) {
            let is_before = captures[1].eq_ignore_ascii_case("before");
            for other in meant(&captures[2], index, &names, &words) {
                let (one, two) = if is_before { (other, index) } else { (index, other) };
                found[one].insert(two);
            }
        }
    }
    found.into_iter().map(|found| found.into_iter().collect()).collect()
}

/// The text without what it says about others.
fn main_part(text: &str) -> String {
    AFTER.replace_all(text, "").into_owned()
}

/// The texts of each name, in small letters.
fn by_name(texts: &[Named]) -> HashMap<String, Vec<usize>> {
    let mut found: HashMap<String, Vec<usize>> = HashMap::new();
    for (index, named) in texts.iter().enumerate() {
        for name in &named.names {
            found.entry(name.to_ascii_lowercase()).or_default().push(index);
        }
    }
    found
}

fn meant(
    phrase: &str,
    own: usize,
    names: &HashMap<String, Vec<usize>>,
    words: &[BTreeSet<String>],
) -> BTreeSet<usize> {
    let parts = phrase.split(|letter: char| !letter.is_alphanumeric() && !['-', '_'].contains(&letter));
    let named = parts.filter_map(|part| names.get(&part.to_ascii_lowercase())).flatten().copied();
    let named: BTreeSet<usize> = named.filter(|index| *index != own).collect();
    if !named.is_empty() {
        return named;
    }
    let wanted: BTreeSet<String> = terms(phrase).into_iter().collect();
    let has_all = |index: &usize| *index != own && !wanted.is_empty() && wanted.is_subset(&words[*index]);
    let mut having = (0..words.len()).filter(has_all);
    match (having.next(), having.next()) {
        (Some(one), None) => BTreeSet::from([one]),
        _ => BTreeSet::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(texts: &[&str]) -> Vec<Vec<usize>> {
        let named = (1..).zip(texts).map(|(number, text)| Named {
            names: vec![format!("T{number}"), format!("FR-{number}")],
            text: (*text).to_owned(),
        });
        dependencies(&named.collect::<Vec<_>>())
    }

    #[test]
    fn names_behind_after_and_its_like_are_dependencies() {
        let found =
            of(&["Build.", "Test after T1.", "Ship, which depends on FR-1 and t2.", "Plan before T1."]);
        assert_eq!(found, [vec![3], vec![0], vec![0, 1], vec![]]);
    }

    #[test]
    fn words_that_only_one_other_text_has_are_a_dependency() {
        let found = of(&[
            "Create the user table.",
            "Import users once the table is created.",
            "Draw the user chart.",
        ]);
        assert_eq!(found, [vec![], vec![0], vec![]]);
        assert_eq!(
            of(&["Make the table.", "Fill the table.", "Ship after the table."])[2],
            Vec::<usize>::new()
        );
    }

    #[test]
    fn a_text_that_needs_itself_or_what_is_not_there_depends_on_nothing() {
        assert_eq!(of(&["Restart after T1.", "Wait after lunch."]), [Vec::<usize>::new(), vec![]]);
    }
}
