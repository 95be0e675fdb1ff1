//! `search`: the lines of a tree that match, told as they are found.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use grep_matcher::Matcher;
use grep_regex::RegexMatcher;
use grep_searcher::{
    BinaryDetection, Searcher, SearcherBuilder, Sink, SinkContext, SinkContextKind, SinkMatch,
};
use op_agent::{Call, Failure};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::answer::{Caller, Remarks, Room, ask, most, shown};
use super::files::{Choice, Tree};
use super::pattern::{Case, Reading, matcher};
use crate::tools::Desk;

/// Longest file that is searched; longer ones are data, and are named.
const LONGEST_FILE: u64 = 32 * 1024 * 1024;

/// Most lines of context on one side of a match.
const MOST_CONTEXT: usize = 50;

/// Most lines of one match that an answer carries.
const MOST_LINES: usize = 50;

/// Where, and for what.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Search {
    /// What is searched for: a regular expression in the syntax of the Rust crate `regex`, matched line by line.
    pattern: String,
    /// A file, or a directory with all below it; a relative path starts at the first root, which is also the default. Files that
    /// `.gitignore` names are left out, and links are not followed.
    #[serde(default)]
    path: PathBuf,
    /// Whether the pattern is a text to be found as it is.
    #[serde(default)]
    literal: bool,
    /// Whether capital and small letters differ; by default they do.
    #[serde(default)]
    case: Case,
    /// Whether only whole words match.
    #[serde(default)]
    word: bool,
    /// Whether a match may span lines; `.` does not match the end of a line, `(?s:.)` does.
    #[serde(default)]
    multiline: bool,
    /// Globs of which a file must match one, such as `*.rs`; one that begins with `!` leaves files out.
    #[serde(default)]
    globs: Vec<String>,
    /// Types of files by ripgrep's names, such as `rust` or `py`.
    #[serde(default)]
    types: Vec<String>,
    /// Whether hidden files are searched too.
    #[serde(default)]
    hidden: bool,
    /// How many lines before each match are shown; at most 50.
    #[serde(default)]
    before: usize,
    /// How many lines after each match are shown; at most 50.
    #[serde(default)]
    after: usize,
    /// After how many matches to stop, from 1 to 10,000; 1,000 by default.
    max_results: Option<usize>,
}

/// What was found.
#[derive(Debug, Default, Serialize, JsonSchema)]
pub(super) struct Found {
    /// The matches in order of file and line.
    matches: Vec<Match>,
    /// How many files were searched to their end, or to where the search stopped.
    files: usize,
    /// Files that were not searched, or not to their end: binary, longer than 32 MiB, or unreadable.
    left_out: Remarks,
    /// Whether there are more matches than these: the search stopped at `max_results`, or where the answer was full.
    truncated: bool,
}

/// One match: one line, or several if it spans them.
#[derive(Debug, PartialEq, Serialize, JsonSchema)]
pub(super) struct Match {
    /// The file, relative to the path that was searched; its own name if that was a file.
    file: String,
    /// Its first line, counted from 1.
    line: u64,
    /// Its last line.
    last_line: u64,
    /// Where in the first line it begins, in characters, counted from 1.
    column: usize,
    /// Its lines, each cut at 400 characters, at most 50 of them.
    text: String,
    /// Lines before it that were not shown with the match before.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    before: Vec<Line>,
    /// Lines after it, up to the next match.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    after: Vec<Line>,
}

/// A line of context.
#[derive(Debug, PartialEq, Serialize, JsonSchema)]
pub(super) struct Line {
    /// Its number, counted from 1.
    line: u64,
    /// The line, cut at 400 characters.
    text: String,
}

/// Searches a tree.
pub(super) async fn search(desk: Arc<Desk>, call: Call, args: Search) -> Result<Found, Failure> {
    ask(call, move |caller| find(&desk, &args, caller)).await
}

fn find(desk: &Desk, args: &Search, caller: &Caller<'_>) -> Result<Found, Failure> {
    let (matcher, mut searcher) = (pattern(args)?, searcher(args)?);
    let mut room = Room::new(most(args.max_results)?);
    let choice = Choice { path: &args.path, globs: &args.globs, types: &args.types, hidden: args.hidden };
    let tree = Tree::new(desk, &choice)?;
    let mut found = Found::default();
    for file in tree.files() {
        caller.goes_on()?;
        let (path, name) = match file {
            Ok(file) => file,
            Err(error) => {
                found.left_out.add("", error.to_string());
                continue;
            }
        };
        let mut hits = Hits::new(&name, &matcher, caller, &mut room);
        let searched = tree.open(&path, LONGEST_FILE).and_then(|file| {
            searcher.search_file(&matcher, &file, &mut hits).map_err(|error| error.to_string())
        });
        let why = searched.err().or_else(|| hits.binary.then(|| "it is binary".to_owned()));
        found.files += usize::from(why.is_none());
        let (matches, full) = (std::mem::take(&mut hits.matches), hits.full);
        found.matches.extend(matches);
        if let Some(why) = why {
            found.left_out.add(&name, why);
        }
        if full {
            found.truncated = true;
            break;
        }
    }
    caller.goes_on()?;
    Ok(found)
}

fn pattern(args: &Search) -> Result<RegexMatcher, Failure> {
    let reading =
        Reading { literal: args.literal, case: args.case, word: args.word, multiline: args.multiline };
    matcher(&args.pattern, &reading)
}

fn searcher(args: &Search) -> Result<Searcher, Failure> {
    if args.before.max(args.after) > MOST_CONTEXT {
        let message = format!("`before` and `after` are at most {MOST_CONTEXT}");
        return Err(Failure::rejected("invalid_arguments", message));
    }
    let limit = usize::try_from(LONGEST_FILE).unwrap_or(usize::MAX);
    Ok(SearcherBuilder::new()
        .binary_detection(BinaryDetection::quit(0))
        .multi_line(args.multiline)
        .before_context(args.before)
        .after_context(args.after)
        .heap_limit(Some(limit))
        .build())
}

/// The matches of one file.
struct Hits<'a> {
    file: &'a str,
    matcher: &'a RegexMatcher,
    caller: &'a Caller<'a>,
    room: &'a mut Room,
    matches: Vec<Match>,
    before: Vec<Line>,
    binary: bool,
    full: bool,
}

impl<'a> Hits<'a> {
    fn new(file: &'a str, matcher: &'a RegexMatcher, caller: &'a Caller<'a>, room: &'a mut Room) -> Self {
        Self {
            file,
            matcher,
            caller,
            room,
            matches: Vec::new(),
            before: Vec::new(),
            binary: false,
            full: false,
        }
    }
}

impl Sink for Hits<'_> {
    type Error = io::Error;

    fn matched(&mut self, _: &Searcher, hit: &SinkMatch<'_>) -> io::Result<bool> {
        let line = hit.line_number().unwrap_or_default();
        let lines = hit.lines().count() as u64;
        let text: Vec<String> =
            hit.lines().take(MOST_LINES).map(|line| shown(&String::from_utf8_lossy(line))).collect();
        let found = Match {
            file: self.file.to_owned(),
            line,
            last_line: line + lines.saturating_sub(1),
            column: column(self.matcher, hit.bytes())?,
            text: text.join("\n"),
            before: std::mem::take(&mut self.before),
            after: Vec::new(),
        };
        self.full = !self.room.takes(&found);
        if !self.full {
            (self.caller.tell)(&format!("{}:{}:{}\n", found.file, found.line, found.text));
            self.matches.push(found);
        }
        Ok(!self.full && !(self.caller.stopped)())
    }

    fn context(&mut self, _: &Searcher, context: &SinkContext<'_>) -> io::Result<bool> {
        let text = shown(&String::from_utf8_lossy(context.bytes()));
        let line = Line { line: context.line_number().unwrap_or_default(), text };
        match (context.kind(), self.matches.last_mut()) {
            (SinkContextKind::After, Some(last)) => {
                self.full = !self.room.takes_part(&line);
                last.after.push(line);
            }
            _ => self.before.push(line),
        }
        Ok(!self.full)
    }

    fn binary_data(&mut self, _: &Searcher, _: u64) -> io::Result<bool> {
        self.binary = true;
        Ok(false)
    }
}

/// Where the first match in these lines begins, in characters.
fn column(matcher: &RegexMatcher, lines: &[u8]) -> io::Result<usize> {
    let start = matcher.find(lines).map_err(io::Error::other)?.map_or(0, |found| found.start());
    let line = lines[..start].iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
    Ok(String::from_utf8_lossy(&lines[line..start]).chars().count() + 1)
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use serde_json::{Value, json};

    use super::super::answer::testing::PATIENT;
    use super::*;
    use crate::settings::Settings;
    use crate::source::fixture::tree;

    fn look(files: &[(&str, &str)], args: Value, caller: &Caller<'_>) -> Result<Value, Failure> {
        let place = tree(files);
        let desk = Desk::new(&Settings { roots: vec![place.path().to_owned()], ..Settings::default() });
        let args = serde_json::from_value(args).unwrap();
        find(&desk, &args, caller).map(|found| serde_json::to_value(found).unwrap())
    }

    fn places(found: &Value) -> Vec<String> {
        let place =
            |hit: &Value| format!("{}:{}:{}", hit["file"].as_str().unwrap(), hit["line"], hit["column"]);
        found["matches"].as_array().unwrap().iter().map(place).collect()
    }

    const FILES: [(&str, &str); 3] = [
        ("b.rs", "fn one() {}\n// fn\nü fn two() {}\n"),
        ("a/x.py", "def fn(): pass\n"),
        ("data", "fn \0 fn\n"),
    ];

    #[test]
    fn matches_come_in_order_with_their_places_and_are_told_as_they_are_found() {
        let told = RefCell::new(String::new());
        let caller = Caller { stopped: &|| false, tell: &|text| told.borrow_mut().push_str(text) };
        let found = look(&FILES, json!({ "pattern": "fn" }), &caller).unwrap();
        assert_eq!(places(&found), ["a/x.py:1:5", "b.rs:1:1", "b.rs:2:4", "b.rs:3:3"]);
        assert_eq!((&found["files"], &found["truncated"]), (&json!(2), &json!(false)));
        assert_eq!(found["left_out"]["files"], json!([{ "file": "data", "reason": "it is binary" }]));
        assert!(told.borrow().starts_with("a/x.py:1:def fn(): pass\nb.rs:1:"), "{told:?}");
    }

    #[test]
    fn a_search_stops_at_its_limit_and_says_so_only_if_there_is_more() {
        let found = look(&FILES, json!({ "pattern": "fn", "max_results": 2 }), &PATIENT).unwrap();
        assert_eq!((places(&found).len(), &found["truncated"]), (2, &json!(true)));
        let found = look(&FILES, json!({ "pattern": "two", "max_results": 1 }), &PATIENT).unwrap();
        assert_eq!((places(&found).len(), &found["truncated"]), (1, &json!(false)));
    }

    #[test]
    fn an_answer_that_is_full_is_cut_and_the_cut_is_said() {
        let long = "x".repeat(400) + "\n";
        let text = long.repeat(9_000);
        let found =
            look(&[("a", &text)], json!({ "pattern": "x", "max_results": 10_000 }), &PATIENT).unwrap();
        assert_eq!(found["truncated"], true);
        assert!(found.to_string().len() < 4 * 1024 * 1024);
    }

    #[test]
    fn a_line_of_context_is_told_once() {
        let text = "1\n2\nhit\n4\n5\n6\nhit\n8\n";
        let found =
            look(&[("a", text)], json!({ "pattern": "hit", "before": 2, "after": 2 }), &PATIENT).unwrap();
        let lines = |hit: usize, side: &str| -> Vec<u64> {
            let lines = found["matches"][hit][side].as_array().cloned().unwrap_or_default();
            lines.iter().map(|line| line["line"].as_u64().unwrap()).collect()
        };
        assert_eq!((lines(0, "before"), lines(0, "after")), (vec![1, 2], vec![4, 5]));
        assert_eq!((lines(1, "before"), lines(1, "after")), (vec![6], vec![8]));
    }

    #[test]
    fn a_match_may_span_lines_when_it_is_allowed_to() {
        let files = [("a", "x\nfn one(\n  a,\n) {}\n")];
        let found = look(&files, json!({ "pattern": r"one\([^)]*\)", "multiline": true }), &PATIENT).unwrap();
        let hit = &found["matches"][0];
        assert_eq!((&hit["line"], &hit["last_line"], &hit["column"]), (&json!(2), &json!(4), &json!(4)));
        assert_eq!(hit["text"], "fn one(\n  a,\n) {}");
        assert!(places(&look(&files, json!({ "pattern": r"one\([^)]*\)" }), &PATIENT).unwrap()).is_empty());
    }

    #[test]
    fn wrong_arguments_are_rejected() {
        for (args, reason) in [
            (json!({ "pattern": "(" }), "invalid_pattern"),
            (json!({ "pattern": "x", "path": ".." }), "outside_roots"),
            (json!({ "pattern": "x", "before": 51 }), "invalid_arguments"),
            (json!({ "pattern": "x", "max_results": 0 }), "invalid_arguments"),
            (json!({ "pattern": "x", "types": ["nonsense"] }), "unknown_type"),
        ] {
            assert_eq!(look(&FILES, args.clone(), &PATIENT).unwrap_err().reason(), reason, "{args}");
        }
    }

    #[test]
    fn a_search_can_be_stopped() {
        let stopped = Caller { stopped: &|| true, tell: &|_| {} };
        assert_eq!(look(&FILES, json!({ "pattern": "fn" }), &stopped).unwrap_err().reason(), "cancelled");
    }
}
