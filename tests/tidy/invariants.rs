//! The invariants that `crates/README.md` promises are held by tests that exist.

use std::collections::BTreeSet;

use crate::code::{Extent, words};
use crate::expect_none;
use crate::tree::{File, files};

/// How a paragraph that promises something begins.
const PROMISE: &str = "**Invariant:**";

/// Where they stand.
const TOUR: &str = "crates/README.md";

fn complaints(tour: Option<&File>, tests: &BTreeSet<String>) -> Vec<String> {
    let Some(tour) = tour else { return vec![format!("{TOUR} is missing")] };
    let paragraphs = tour.text.split("\n\n").map(str::trim).filter(|paragraph| paragraph.contains(PROMISE));
    let mut complaints = Vec::new();
    let mut count = 0;
    for paragraph in paragraphs {
        count += 1;
        let promise = paragraph.lines().next().unwrap_or_default();
        match held_by(paragraph) {
            None => complaints.push(format!("no name of a test ends the paragraph `{promise}`")),
            Some(test) if !tests.contains(test) => {
                complaints.push(format!("no test is called `{test}`, of `{promise}`"));
            }
            Some(_) => {}
        }
    }
    if count == 0 {
        complaints.push(format!("{TOUR} promises no invariant"));
    }
    complaints
}

/// The last name in backticks, when nothing but marks comes after it. Of `hall::crash::it_holds` it is `it_holds`.
fn held_by(paragraph: &str) -> Option<&str> {
    let (before, end) = paragraph.rsplit_once('`')?;
    let (_, name) = before.rsplit_once('`')?;
    let name = name.rsplit("::").next()?;
    let is_name =
        !name.is_empty() && name.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '_');
    (is_name && !end.contains(char::is_alphanumeric)).then_some(name)
}

/// Names of all functions; those in comments and strings are none.
fn functions(files: &[File]) -> BTreeSet<String> {
    let words =
        files.iter().filter(|file| file.is_rust()).filter_map(|file| words(&file.text, Extent::Whole));
    words
        .flat_map(|words| {
            let named = words.windows(2).filter(|pair| pair[0].text == "fn");
            named.map(|pair| pair[1].text.clone()).collect::<Vec<_>>()
        })
        .collect()
}

#[test]
fn every_invariant_of_the_tour_is_held_by_a_test_that_exists() {
    let tour = files().iter().find(|file| file.path == TOUR);
    expect_none(&complaints(tour, &functions(files())));
}

#[test]
fn an_invariant_that_nothing_holds_is_complained_of() {
    let tests = functions(&[File::new("a.rs", "// fn spoken() {}\n#[test]\nfn it_holds() {}")]);
    let judge = |text: &str| complaints(Some(&File::new(TOUR, text)), &tests);
    assert!(judge("**Invariant:** it holds.\nHeld by `hall::it_holds`.\n\nNext.").is_empty());
    assert_eq!(judge("**Invariant:** it holds. `spoken`\n").len(), 1);
    assert_eq!(judge("**Invariant:** it holds because `it_holds` says so.\n").len(), 1);
    assert_eq!(judge("**Invariant:** it holds.\n").len(), 1);
    assert_eq!(judge("No promise.\n").len(), 1);
    assert_eq!(complaints(None, &tests).len(), 1);
}
