//! A file as a syntax tree. Parsing never fails for what stands in the file: a tree with errors is a tree, and says where they are.

use std::io::Read;
use std::ops::ControlFlow;
use std::path::Path;
use std::time::{Duration, Instant};

use op_agent::Failure;
use tree_sitter::{Node, ParseOptions, ParseState, Parser, Tree};

use super::answer::{Caller, Remarks};
use super::files;
use super::grammar::Language;
use crate::source::MAX_FILE;

/// Longest time for one file. Those that people write take milliseconds.
const PATIENCE: Duration = Duration::from_secs(5);

/// A file that was parsed.
pub(super) struct Parsed {
    pub(super) language: Language,
    pub(super) text: String,
    pub(super) tree: Tree,
}

/// The syntax errors of a file.
#[derive(Debug, PartialEq)]
pub(super) struct Errors {
    pub(super) count: usize,
    /// The line of the first, counted from 1.
    pub(super) line: usize,
}

/// What a pass over the files of a tree could not use.
#[derive(Debug, Default)]
pub(super) struct Aside {
    /// How many files were parsed or known not to matter.
    pub(super) files: usize,
    pub(super) left_out: Remarks,
    pub(super) broken: Remarks,
}

/// Goes over the files of `tree` that are in one of `languages`, or in any known one if there are none.
///
/// `matters` sees a text before it is parsed, and can pass it over. `visit` stops the pass by returning false.
pub(super) fn each(
    tree: &files::Tree<'_>,
    languages: &[Language],
    caller: &Caller<'_>,
    matters: impl Fn(&str) -> bool,
    mut visit: impl FnMut(&str, &Parsed) -> bool,
) -> Result<Aside, Failure> {
    let mut aside = Aside::default();
    for file in tree.files() {
        caller.goes_on()?;
        let (path, name) = match file {
            Ok(file) => file,
            Err(error) => {
                aside.left_out.add("", error.to_string());
                continue;
            }
        };
        let Some(language) = Language::of(&name) else {
            if languages.is_empty() {
                aside.left_out.add(&name, "its language is not known");
            }
            continue;
        };
        if !languages.is_empty() && !languages.contains(&language) {
            continue;
        }
        let parsed = match read(tree, &path) {
            Ok(text) if !matters(&text) => {
                aside.files += 1;
                continue;
            }
            Ok(text) => parse(language, text, caller)?,
            Err(why) => Err(why),
        };
        match parsed {
            Ok(parsed) => {
                aside.files += 1;
                if let Some(Errors { count, line }) = parsed.errors() {
                    aside.broken.add(&name, format!("{count} syntax errors, the first in line {line}"));
                }
                if !visit(&name, &parsed) {
                    return Ok(aside);
                }
            }
            Err(why) => aside.left_out.add(&name, why),
        }
    }
    Ok(aside)
}

fn read(tree: &files::Tree<'_>, path: &Path) -> Result<String, String> {
    let mut bytes = Vec::new();
    tree.open(path, MAX_FILE)?.take(MAX_FILE).read_to_end(&mut bytes).map_err(|error| error.to_string())?;
    if bytes.contains(&0) {
        return Err("it is binary".to_owned());
    }
    Ok(String::from_utf8(bytes)
        .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned()))
}

/// Parses a text; the inner error says why there is no tree.
pub(super) fn parse(
    language: Language,
    text: String,
    caller: &Caller<'_>,
) -> Result<Result<Parsed, String>, Failure> {
    let mut parser = Parser::new();
    parser
        .set_language(&language.grammar().language)
        .map_err(|error| Failure::failed("grammar_failed", error.to_string()))?;
    let started = Instant::now();
    let mut goes_on = |_: &ParseState| {
        let late = started.elapsed() > PATIENCE || (caller.stopped)();
        if late { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    let options = ParseOptions::new().progress_callback(&mut goes_on);
    let bytes = text.as_bytes();
    let tree =
        parser.parse_with_options(&mut |at, _| bytes.get(at..).unwrap_or_default(), None, Some(options));
    caller.goes_on()?;
    Ok(match tree {
        Some(tree) => Ok(Parsed { language, text, tree }),
        None => Err(format!("it was not parsed within {PATIENCE:?}")),
    })
}

impl Parsed {
    /// The text of a node.
    pub(super) fn text_of(&self, node: Node<'_>) -> &str {
        self.text.get(node.byte_range()).unwrap_or_default()
    }

    /// The line in which a node begins.
    pub(super) fn line_of(&self, node: Node<'_>) -> &str {
        let start = node.start_byte().saturating_sub(node.start_position().column);
        self.text.get(start..).unwrap_or_default().lines().next().unwrap_or_default()
    }

    /// Where in its line a node begins, in characters, counted from 1.
    pub(super) fn column_of(&self, node: Node<'_>) -> usize {
        let line = node.start_byte().saturating_sub(node.start_position().column);
        self.text.get(line..node.start_byte()).unwrap_or_default().chars().count() + 1
    }

    /// The syntax errors, if there are any.
    pub(super) fn errors(&self) -> Option<Errors> {
        let mut cursor = self.tree.walk();
        let mut errors: Option<Errors> = None;
        loop {
            let node = cursor.node();
            if node.is_error() || node.is_missing() {
                errors.get_or_insert(Errors { count: 0, line: node.start_position().row + 1 }).count += 1;
            }
            // Below an error there is nothing but its parts.
            if node.has_error() && !node.is_error() && cursor.goto_first_child() {
                continue;
            }
            while !cursor.goto_next_sibling() {
                if !cursor.goto_parent() {
                    return errors;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::answer::STACK;
    use super::super::answer::testing::PATIENT;
    use super::*;
    use crate::source::deep;

    fn parsed(text: &str) -> Parsed {
        parse(Language::Rust, text.to_owned(), &PATIENT).unwrap().unwrap()
    }

    #[test]
    fn errors_are_counted_and_placed() {
        assert_eq!(parsed("fn a() {}\n").errors(), None);
        assert_eq!(parsed("fn a() {}\nfn b( {}\n").errors().map(|errors| errors.line), Some(2));
    }

    #[test]
    fn deep_and_senseless_texts_come_to_an_end() {
        let most = usize::try_from(MAX_FILE).unwrap();
        for (word, language) in
            [("(", Language::Rust), ("a=>{", Language::Javascript), ("if x:\n", Language::Python)]
        {
            let text = word.repeat(most / word.len());
            deep(STACK, || {
                // How much of it makes sense is for the grammar to say; that it ends, on a small stack, is not.
                if let Err(why) = parse(language, text, &PATIENT).unwrap() {
                    assert!(why.contains("within"), "{why}");
                }
            });
        }
    }

    #[test]
    fn parsing_stops_with_its_call() {
        let stopped = Caller { stopped: &|| true, tell: &|_| {} };
        let refused = parse(Language::Rust, "fn a() {}".repeat(1_000), &stopped).err().unwrap();
        assert_eq!(refused.reason(), "cancelled");
    }
}
