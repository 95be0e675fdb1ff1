//! The invariants that `crates/README.md` promises are held by tests that exist.

use std::collections::BTreeSet;

use crate::code::{Extent, Word, words};
use crate::expect_none;
use crate::tree::{File, files};

/// How a paragraph that promises something begins.
const PROMISE: &str = "**Invariant:**";

/// Where they stand.
const TOUR: &str = "crates/README.md";

fn complaints(tour: Option<&File>, tests: &BTreeSet<String>) -> Vec<String> {
    let Some(tour) = tour else { return vec![format!("{TOUR} is missing")] };
    let promises: Vec<_> = tour.text.split("\n\n").filter(|paragraph| paragraph.contains(PROMISE)).collect();
    if promises.is_empty() {
        return vec![format!("{TOUR} promises no invariant")];
    }
    promises.into_iter().flat_map(|promise| broken(promise.trim(), tests)).collect()
}

/// What is wrong with one promise.
fn broken(promise: &str, tests: &BTreeSet<String>) -> Vec<String> {
    let first = promise.lines().next().unwrap_or_default();
    match held_by(promise) {
        None => vec![format!("the paragraph does not end with the names of its tests: {first}")],
        Some(names) => {
            let missing = names.into_iter().filter(|name| !tests.contains(*name));
            missing.map(|name| format!("no test is called `{name}`: {first}")).collect()
        }
    }
}

/// The names that a paragraph ends with: "Test: `a_is_b`." or "Tests: `a_is_b`, `hall::c_is_d`.", without their modules.
fn held_by(promise: &str) -> Option<Vec<&str>> {
    let (_, list) = promise.rsplit_once("Tests:").or_else(|| promise.rsplit_once("Test:"))?;
    let parts: Vec<_> = list.split('`').collect();
    let (between, names): (Vec<_>, Vec<_>) = parts.iter().enumerate().partition(|(at, _)| at % 2 == 0);
    let is_plain = between.iter().all(|(_, text)| !text.contains(char::is_alphanumeric));
    let names: Vec<_> = names.into_iter().filter_map(|(_, name)| name.rsplit("::").next()).collect();
    (is_plain && !names.is_empty()).then_some(names)
}

/// Names of all tests; those in comments and strings are none.
fn tests(files: &[File]) -> BTreeSet<String> {
    let words =
        files.iter().filter(|file| file.is_rust()).filter_map(|file| words(&file.text, Extent::Whole));
    words.flat_map(|words| tests_of(&words)).collect()
}

fn tests_of(words: &[Word]) -> Vec<String> {
    let functions = words.windows(2).enumerate().filter(|(_, pair)| pair[0].text == "fn");
    functions.filter(|(at, _)| is_test(&words[..*at])).map(|(_, pair)| pair[1].text.clone()).collect()
}

/// Whether the attributes that end here, with nothing but `async` after them, make what follows a test.
fn is_test(before: &[Word]) -> bool {
    let before = match before {
        [before @ .., last] if last.text == "async" => before,
        _ => before,
    };
    let [before @ .., last] = before else { return false };
    if last.text != "]" {
        return false;
    }
    // Brackets do not stand inside of the attributes of tests.
    let open = before.iter().rposition(|word| word.text == "[").unwrap_or(0);
    before[open..].iter().any(|word| word.text == "test") || is_test(&before[..open.saturating_sub(1)])
}

#[test]
fn every_invariant_of_the_tour_is_held_by_a_test_that_exists() {
    let tour = files().iter().find(|file| file.path == TOUR);
    expect_none(&complaints(tour, &tests(files())));
}

#[test]
fn an_invariant_that_nothing_holds_is_complained_of() {
    let code = "// fn spoken() {}\nfn called() {}\n#[test]\n#[ignore]\nasync fn it_holds() {}\n#[tokio::test(a = 1)] fn so_does_it() {}";
    let tests = tests(&[File::new("a.rs", code)]);
    let judge = |text: &str| complaints(Some(&File::new(TOUR, text)), &tests).len();
    assert_eq!(judge("**Invariant:** it holds.\nTests: `hall::it_holds`,\n`so_does_it`.\n\nNext."), 0);
    assert_eq!(judge("**Invariant:** it holds. Tests: `spoken`, `it_holds`, `called`\n"), 2);
    assert_eq!(judge("**Invariant:** it holds. Test: `it_holds` says so.\n"), 1);
    assert_eq!(judge("**Invariant:** it holds. `it_holds`\n"), 1);
    assert_eq!(judge("**Invariant:** it holds.\n"), 1);
    assert_eq!(judge("No promise.\n"), 1);
    assert_eq!(complaints(None, &tests).len(), 1);
}
