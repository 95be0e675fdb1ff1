//! What code that ships does not say.

use crate::code::{Extent, find, words};
use crate::expect_none;
use crate::tree::{File, files};

/// Code that is not there.
const HOLES: [&str; 2] = ["todo !", "unimplemented !"];

/// Promises to write it one day.
const PROMISES: [&str; 3] = ["TODO", "FIXME", "XXX"];

/// A task or a thread that nobody has.
const FREE: [&str; 6] = [
    "tokio : : spawn",
    "task : : spawn",
    "task : : spawn_local",
    "Handle : : spawn",
    "thread : : spawn",
    "thread : : Builder",
];

/// Tasks outside of trackers and sets, and threads: where, how many, who owns them, and what becomes of them.
const OWNED: [(&str, usize, &str); 4] = [
    ("crates/agents/src/lifeline.rs", 1, "the lifeline: belongs to the process and ends it"),
    ("crates/agents/src/source/job.rs", 1, "a review: scoped, joined by the call that waits for it"),
    ("crates/cli/src/command/doctor/host.rs", 1, "a try of the sandbox: joined at once"),
    ("crates/journal/src/sqlite/writer.rs", 1, "the writer: joined when the journal is closed or dropped"),
];

fn unfinished(files: &[File]) -> Vec<String> {
    let mut complaints = Vec::new();
    for file in files.iter().filter(|file| file.is_shipped()) {
        let Some(words) = words(&file.text, Extent::Shipped) else {
            complaints.push(format!("{} is no Rust code", file.path));
            continue;
        };
        let holes =
            HOLES.iter().flat_map(|hole| find(&words, hole).into_iter().map(move |line| (line, *hole)));
        complaints.extend(holes.map(|(line, hole)| format!("{}:{line} says `{hole}`", file.path)));
        for (line, text) in (1..).zip(file.before_tests().lines()) {
            let mut said = text.split(|letter: char| !letter.is_alphanumeric());
            if let Some(promise) = said.find(|word| PROMISES.contains(word)) {
                complaints.push(format!("{}:{line} says `{promise}`", file.path));
            }
        }
    }
    complaints
}

/// Law 11.
fn free_tasks(files: &[File], owned: &[(&str, usize, &str)]) -> Vec<String> {
    let mut complaints = Vec::new();
    for file in files.iter().filter(|file| file.is_shipped()) {
        let words = words(&file.text, Extent::Shipped).unwrap_or_default();
        let lines: Vec<_> = FREE.iter().flat_map(|spawn| find(&words, spawn)).collect();
        let known = owned.iter().find(|(path, ..)| *path == file.path).map_or(0, |(_, count, _)| *count);
        if lines.len() != known {
            complaints.push(format!(
                "{} starts {} free tasks or threads (lines {lines:?}), and {known} of them have a stated owner",
                file.path,
                lines.len()
            ));
        }
    }
    let is_there = |path: &str| files.iter().any(|file| file.path == path);
    let stale = owned.iter().filter(|(path, ..)| !is_there(path));
    complaints
        .extend(stale.map(|(path, ..)| format!("{path} has stated owners of tasks and does not exist")));
    complaints
}

fn waivers(files: &[File]) -> Vec<String> {
    let mut complaints = Vec::new();
    for file in files.iter().filter(|file| file.is_rust()) {
        let words = words(&file.text, Extent::Whole).unwrap_or_default();
        for (at, word) in words.iter().enumerate().filter(|(_, word)| word.text == "unsafe_code") {
            let attribute = words[..at].iter().rev().take_while(|word| word.text != "[");
            if attribute.take(8).any(|word| ["allow", "expect", "warn", "deny"].contains(&word.text.as_str()))
            {
                complaints.push(format!("{}:{} lowers the lint `unsafe_code`", file.path, word.line));
            }
        }
    }
    complaints
}

#[test]
fn nothing_that_ships_is_unfinished() {
    expect_none(&unfinished(files()));
}

#[test]
fn law_11_every_task_has_an_owner_and_a_stated_fate() {
    expect_none(&free_tasks(files(), &OWNED));
}

#[test]
fn no_file_lowers_the_lint_against_unsafe_code() {
    expect_none(&waivers(files()));
}

#[test]
fn a_hole_and_a_promise_are_complained_of() {
    let text = "fn a() {\n    todo!()\n}\n// TODO: later\n#[cfg(test)]\nmod tests {\n    // TODO\n}\n";
    let complaints = unfinished(&[File::new("crates/a/src/b.rs", text)]);
    assert_eq!(complaints, ["crates/a/src/b.rs:2 says `todo !`", "crates/a/src/b.rs:4 says `TODO`"]);
    assert!(unfinished(&[File::new("crates/a/tests/b.rs", text)]).is_empty());
}

#[test]
fn a_free_task_is_complained_of_and_so_is_an_owner_of_none() {
    let free = File::new(
        "crates/a/src/b.rs",
        "fn a() { tokio::spawn(b()); set.spawn(c()); tokio::task::spawn(d()); }",
    );
    assert_eq!(free_tasks(std::slice::from_ref(&free), &[]).len(), 1);
    assert!(free_tasks(std::slice::from_ref(&free), &[("crates/a/src/b.rs", 2, "it")]).is_empty());
    assert_eq!(
        free_tasks(&[free], &[("crates/a/src/b.rs", 2, "it"), ("crates/a/src/c.rs", 1, "it")]).len(),
        1
    );
}

#[test]
fn a_waiver_for_unsafe_code_is_complained_of() {
    let waived = File::new("crates/a/src/b.rs", "#![allow(missing_docs, unsafe_code)]");
    let field = File::new("crates/a/src/c.rs", "struct A { unsafe_code: Option<String> }");
    assert_eq!(waivers(&[waived, field]).len(), 1);
}
