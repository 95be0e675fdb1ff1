//! Globs of performers and of paths, and targets of constraints.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::catalogue::Performer;

/// Longest glob, in bytes.
const MAX_GLOB: usize = 200;

/// Characters that other notations of globs give a meaning to. They are refused, so that nobody is surprised.
const FOREIGN: [char; 7] = ['[', ']', '{', '}', '!', '\\', '|'];

/// A glob of names: `*` is any text, `?` one character.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Glob(String);

/// A glob of paths: `*` and `?` stay in one folder, `**` is any number of folders.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PathGlob(String);

/// Calls: those whose performer matches, with a value of an argument if one is named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern {
    /// Of the performer.
    pub performer: Glob,
    /// An argument and its value as text.
    pub argument: Option<(String, String)>,
}

impl Glob {
    /// Reads a glob.
    ///
    /// # Errors
    /// When it is empty, too long, or says something that only other notations know; in one sentence.
    pub fn parse(text: &str) -> Result<Self, String> {
        check(text).map(|()| Self(text.to_owned()))
    }

    /// Whether a name matches.
    pub fn matches(&self, name: &str) -> bool {
        is_like(&self.0, name)
    }
}

impl PathGlob {
    /// Reads a glob.
    ///
    /// # Errors
    /// As [`Glob::parse`], and when it leads out of a folder.
    pub fn parse(text: &str) -> Result<Self, String> {
        check(text)?;
        if text.split('/').any(|part| part == "..") {
            return Err(format!("`{text}` leads out of a folder with `..`"));
        }
        Ok(Self(text.to_owned()))
    }

    /// Whether a path matches. A path is taken as it is written, less `.` parts.
    pub fn matches(&self, path: &str) -> bool {
        self.fits(&parts(path))
    }

    /// Whether the path of these parts matches.
    pub(crate) fn fits(&self, path: &[&str]) -> bool {
        let anywhere = (!self.0.starts_with('/')).then_some("**");
        let globs: Vec<_> = anywhere.into_iter().chain(parts(&self.0)).collect();
        fits(&globs, path, |glob| *glob == "**", |glob, part| is_like(glob, part))
    }
}

impl Pattern {
    /// Reads `GLOB` or `GLOB(ARGUMENT=VALUE)`.
    ///
    /// # Errors
    /// When it is neither, in one sentence.
    pub fn parse(text: &str) -> Result<Self, String> {
        let Some((performer, rest)) = text.split_once('(') else {
            return Ok(Self { performer: Glob::parse(text)?, argument: None });
        };
        let argument = rest.strip_suffix(')').and_then(|inner| inner.split_once('='));
        let Some((name, value)) = argument.filter(|(name, value)| !name.is_empty() && !value.is_empty())
        else {
            return Err(format!("`{text}` is no `PERFORMER(ARGUMENT=VALUE)`"));
        };
        Ok(Self { performer: Glob::parse(performer)?, argument: Some((name.to_owned(), value.to_owned())) })
    }

    /// Whether a call is meant.
    pub fn matches(&self, performer: &Performer, arguments: &Value) -> bool {
        let has = |(name, value): &(String, String)| match arguments.get(name) {
            Some(Value::String(given)) => given == value,
            Some(given) => serde_json::to_string(given).is_ok_and(|text| text == *value),
            None => false,
        };
        self.may_match(performer) && self.argument.as_ref().is_none_or(has)
    }

    /// Whether a call of this performer is meant with some arguments.
    pub fn may_match(&self, performer: &Performer) -> bool {
        self.performer.matches(&performer.to_string())
    }
}

/// The parts of a path that lead somewhere.
pub(crate) fn parts(path: &str) -> Vec<&str> {
    path.split('/').filter(|part| !part.is_empty() && *part != ".").collect()
}

/// Whether a name is like a glob of names. Most are ASCII, and cost no memory.
fn is_like(glob: &str, name: &str) -> bool {
    if glob.is_ascii() && name.is_ascii() {
        let (glob, name) = (glob.as_bytes(), name.as_bytes());
        return fits(glob, name, |glob| *glob == b'*', |glob, letter| *glob == b'?' || glob == letter);
    }
    let (glob, name): (Vec<_>, Vec<_>) = (glob.chars().collect(), name.chars().collect());
    fits(&glob, &name, |glob| *glob == '*', |glob, letter| *glob == '?' || glob == letter)
}

fn check(text: &str) -> Result<(), String> {
    if text.is_empty() || text.len() > MAX_GLOB {
        return Err(format!("a glob has 1 to {MAX_GLOB} bytes, and this has {}", text.len()));
    }
    match text.find(FOREIGN) {
        Some(at) => Err(format!(
            "`{text}` has `{}`, and globs here know `*`, `**` and `?` only: write several globs",
            text[at..].chars().next().unwrap_or_default()
        )),
        None => Ok(()),
    }
}

/// Whether a text fits a glob, letter by letter or part by part. A wild one that took too little is asked to take one more; only the
/// last of them ever has to, so that the time is that of one by the other.
fn fits<G, T>(glob: &[G], text: &[T], wild: impl Fn(&G) -> bool, one: impl Fn(&G, &T) -> bool) -> bool {
    let (mut at, mut read) = (0, 0);
    let mut last_wild = None;
    while read < text.len() {
        if at < glob.len() && wild(&glob[at]) {
            last_wild = Some((at + 1, read));
            at += 1;
        } else if at < glob.len() && one(&glob[at], &text[read]) {
            (at, read) = (at + 1, read + 1);
        } else if let Some((after, taken)) = last_wild {
            last_wild = Some((after, taken + 1));
            (at, read) = (after, taken + 1);
        } else {
            return false;
        }
    }
    glob[at..].iter().all(wild)
}

impl fmt::Display for Glob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for PathGlob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.argument {
            Some((name, value)) => write!(f, "{}({name}={value})", self.performer),
            None => write!(f, "{}", self.performer),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_glob_of_names_is_any_text_or_one_letter() {
        let fits = |glob: &str, name: &str| Glob::parse(glob).expect(glob).matches(name);
        for (glob, name) in
            [("*", "x.y"), ("rust_pro.*", "rust_pro.test"), ("*.status", "a.status"), ("a?c*e", "abcde")]
        {
            assert!(fits(glob, name), "{glob} {name}");
        }
        for (glob, name) in
            [("rust_pro.*", "rust_pro"), ("*.status", "a.status2"), ("file_read", "file_reads"), ("a?", "a")]
        {
            assert!(!fits(glob, name), "{glob} {name}");
        }
    }

    #[test]
    fn a_glob_of_paths_keeps_to_folders() {
        let fits = |glob: &str, path: &str| PathGlob::parse(glob).expect(glob).matches(path);
        for (glob, path) in [
            ("**/*.rs", "/home/x/src/lib.rs"),
            ("*.rs", "src/lib.rs"),
            ("Cargo.toml", "/a/Cargo.toml"),
            ("/etc/**", "/etc/systemd/system/a.service"),
            ("src/**/mod.rs", "./src/mod.rs"),
            ("docs/*.md", "/repo/docs/a.md"),
        ] {
            assert!(fits(glob, path), "{glob} {path}");
        }
        for (glob, path) in [
            ("/etc/*", "/etc/systemd/system"),
            ("/etc/**", "/home/etc/x"),
            ("*.rs", "src/lib.rs/x"),
            ("docs/*.md", "/repo/docs/deep/a.md"),
        ] {
            assert!(!fits(glob, path), "{glob} {path}");
        }
    }

    #[test]
    fn a_glob_that_backtracks_takes_the_time_of_one_text_by_the_other() {
        let glob = Glob::parse(&format!("{}b", "a*".repeat(90))).expect("a glob");
        assert!(!glob.matches(&"a".repeat(20_000)));
    }

    #[test]
    fn what_only_other_notations_know_is_refused() {
        for glob in ["", "[ab]", "{a,b}", "!x", "a\\*", &"x".repeat(201)] {
            assert!(Glob::parse(glob).is_err(), "{glob}");
        }
        assert!(PathGlob::parse("../x").is_err());
        for pattern in ["a(b)", "a(=c)", "a(b=)", "a(b=c", "(b=c)"] {
            assert!(Pattern::parse(pattern).is_err(), "{pattern}");
        }
    }

    #[test]
    fn a_pattern_asks_for_the_value_of_an_argument() {
        let pattern = Pattern::parse("systemd_unit(action=restart)").expect("a pattern");
        let unit = Performer::parse("systemd_unit");
        assert!(pattern.matches(&unit, &json!({ "action": "restart" })));
        assert!(
            !pattern.matches(&unit, &json!({ "action": "start" })) && !pattern.matches(&unit, &json!({}))
        );
        assert_eq!(pattern.to_string(), "systemd_unit(action=restart)");
        assert!(
            Pattern::parse("t(n=3)").expect("a pattern").matches(&Performer::parse("t"), &json!({ "n": 3 }))
        );
    }
}
