//! How long a file may be: one idea, seen whole.

use crate::expect_none;
use crate::tree::{File, files};

/// Lines that are not blank, before the tests at the foot of the file.
const LIMIT: usize = 400;

/// Files that may be longer, each with why.
const EXCEPTIONS: [(&str, &str); 0] = [];

fn long(files: &[File], exceptions: &[(&str, &str)]) -> Vec<String> {
    let is_excepted = |file: &File| exceptions.iter().any(|(path, _)| *path == file.path);
    let lines = |file: &File| file.before_tests().lines().filter(|line| !line.trim().is_empty()).count();
    let judged = files.iter().filter(|file| file.is_rust() && !is_excepted(file));
    let long = judged.map(|file| (file, lines(file))).filter(|(_, lines)| *lines > LIMIT);
    long.map(|(file, lines)| format!("{} has {lines} lines before its tests; {LIMIT} are allowed", file.path))
        .collect()
}

#[test]
fn no_file_is_longer_than_one_idea() {
    expect_none(&long(files(), &EXCEPTIONS));
}

#[test]
fn a_long_file_is_complained_of_unless_its_length_is_blank_or_tests() {
    let code = "fn a() {}\n".repeat(LIMIT);
    let fits = File::new("crates/a/src/b.rs", &format!("{code}\n\n\n#[cfg(test)]\nmod tests {{\n{code}}}\n"));
    let long_one = File::new("crates/a/src/c.rs", &format!("{code}fn b() {{}}\n"));
    assert_eq!(long(&[fits, long_one], &[]).len(), 1);
    assert!(long(&[File::new("a.rs", &code.repeat(2))], &[("a.rs", "why")]).is_empty());
}
