//! `references`: where a symbol is defined and where it is used.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use op_agent::{Call, Failure};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::answer::{Caller, Remarks, Room, ask, most, shown};
use super::files::{Choice, Tree};
use super::grammar::{Kind, Language};
use super::parse::each;
use super::syntax::Syntax;
use crate::tools::Desk;

/// Most names that are told as near.
const MOST_NEAR: usize = 20;

/// Most names that are remembered as near while files are read.
const MOST_HEARD: usize = 1_000;

/// Which symbol, and where.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct References {
    /// The name of the symbol: one word, without what it belongs to.
    symbol: String,
    /// A file, or a directory with all below it; a relative path starts at the first root, which is also the default. Files that
    /// `.gitignore` names are left out, and links are not followed.
    #[serde(default)]
    path: PathBuf,
    /// Globs of which a file must match one, such as `*.rs`; one that begins with `!` leaves files out.
    #[serde(default)]
    globs: Vec<String>,
    /// Only files in these languages; by default all that are known.
    #[serde(default)]
    languages: Vec<Language>,
    /// Whether to look for names that are written almost like this one. They are told apart from the symbol itself.
    #[serde(default)]
    near: bool,
    /// After how many definitions and uses to stop, from 1 to 10,000; 1,000 by default.
    max_results: Option<usize>,
}

/// Where the symbol is, by its exact name. Different symbols of one name are not told apart.
#[derive(Debug, Default, Serialize, JsonSchema)]
pub(super) struct Referred {
    /// Where it is defined, declared or bound.
    definitions: Vec<Place>,
    /// Where else it stands. Comments and strings do not count.
    uses: Vec<Place>,
    /// Other names that are written almost like it, the nearest first; empty unless asked for.
    near: Vec<Near>,
    /// How many files were looked at.
    files: usize,
    /// Files with syntax errors, among those that were parsed: all, or if `near` is off those that contain the name.
    broken: Remarks,
    /// Files that were not looked at: in a language that is not known, binary, longer than 1 MiB, or unreadable.
    left_out: Remarks,
    /// Whether there are more places than these: it stopped at `max_results`, or where the answer was full.
    truncated: bool,
}

/// A place where the symbol stands.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub(super) struct Place {
    /// The file, relative to the path of the call; its own name if that was a file.
    file: String,
    /// The line, counted from 1.
    line: usize,
    /// The column in characters, counted from 1.
    column: usize,
    /// What is defined there; left out for a use.
    #[serde(skip_serializing_if = "Option::is_none")]
    kind: Option<Kind>,
    /// The symbol that it stands in.
    within: Option<String>,
    /// The line, cut at 400 characters.
    text: String,
}

/// Another name.
#[derive(Debug, PartialEq, Serialize, JsonSchema)]
pub(super) struct Near {
    /// The name.
    name: String,
    /// By how many letters it differs; 0 if only in capitals or underscores.
    distance: usize,
    /// How often it stands in the files.
    count: usize,
    /// Where it stands first.
    file: String,
    /// The line of that place.
    line: usize,
}

/// Finds the places.
pub(super) async fn references(desk: Arc<Desk>, call: Call, args: References) -> Result<Referred, Failure> {
    ask(call, move |caller| find(&desk, &args, caller)).await
}

fn find(desk: &Desk, args: &References, caller: &Caller<'_>) -> Result<Referred, Failure> {
    let wanted = name(&args.symbol)?;
    let mut room = Room::new(most(args.max_results)?);
    let tree = Tree::new(desk, &Choice { path: &args.path, globs: &args.globs, ..Choice::default() })?;
    let mut referred = Referred::default();
    let mut nearby = Nearby::default();
    let matters = |text: &str| args.near || text.contains(wanted);
    let aside = each(&tree, &args.languages, caller, matters, |file, parsed| {
        let syntax = Syntax::new(parsed, caller);
        if args.near {
            nearby.hear(wanted, file, &syntax);
        }
        referred.add(wanted, file, &syntax, &mut room, caller);
        !referred.truncated
    })?;
    let near = nearby.nearest();
    Ok(Referred { near, files: aside.files, broken: aside.broken, left_out: aside.left_out, ..referred })
}

/// The symbol as a word of a program.
fn name(symbol: &str) -> Result<&str, Failure> {
    let is_word = |c: char| c.is_alphanumeric() || matches!(c, '_' | '$' | '-');
    if !symbol.is_empty() && symbol.chars().all(is_word) {
        return Ok(symbol);
    }
    let last = symbol.rsplit(|c: char| !is_word(c)).find(|word| !word.is_empty());
    let failure = Failure::rejected("not_a_symbol", format!("`{symbol}` is not the name of one symbol"));
    Err(match last {
        Some(last) => failure.hint(format!("ask for `{last}`, and see `within` for what each belongs to")),
        None => failure,
    })
}

impl Referred {
    fn add(&mut self, wanted: &str, file: &str, syntax: &Syntax<'_>, room: &mut Room, caller: &Caller<'_>) {
        for word in syntax.words(|text| text == wanted) {
            let place = Place {
                file: file.to_owned(),
                line: word.line,
                column: word.column,
                kind: word.defines,
                within: word.within.map(str::to_owned),
                text: shown(word.shown),
            };
            if !room.takes(&place) {
                self.truncated = true;
                return;
            }
            let what = place.kind.map_or("use", Kind::name);
            (caller.tell)(&format!("{file}:{}: {what}: {}\n", place.line, place.text.trim()));
            let places = if place.kind.is_some() { &mut self.definitions } else { &mut self.uses };
            places.push(place);
        }
    }
}

/// Names that are near, while files are read.
#[derive(Debug, Default)]
struct Nearby(BTreeMap<String, Near>);

impl Nearby {
    fn hear(&mut self, wanted: &str, file: &str, syntax: &Syntax<'_>) {
        for word in syntax.words(|text| distance(wanted, text).is_some()) {
            let Some(distance) = distance(wanted, word.text) else { continue };
            if self.0.len() == MOST_HEARD && !self.0.contains_key(word.text) {
                continue;
            }
            let near = self.0.entry(word.text.to_owned()).or_insert_with(|| Near {
                name: word.text.to_owned(),
                distance,
                count: 0,
                file: file.to_owned(),
                line: word.line,
            });
            near.count += 1;
        }
    }

    fn nearest(self) -> Vec<Near> {
        let mut near: Vec<Near> = self.0.into_values().collect();
        near.sort_by(|a, b| (a.distance, b.count, &a.name).cmp(&(b.distance, a.count, &b.name)));
        near.truncate(MOST_NEAR);
        near
    }
}

/// By how many letters two different names differ, if they are near: one of four letters, two of eight.
fn distance(wanted: &str, other: &str) -> Option<usize> {
    if wanted == other || wanted.len().abs_diff(other.len()) > 8 {
        return None;
    }
    let plain = |name: &str| name.replace(['_', '-', '$'], "").to_lowercase();
    let (wanted, other) = (plain(wanted), plain(other));
    let most = (wanted.chars().count() / 4).min(2);
    Some(strsim::damerau_levenshtein(&wanted, &other)).filter(|distance| *distance <= most)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::answer::testing::PATIENT;
    use super::*;
    use crate::settings::Settings;
    use crate::source::fixture::tree;

    fn look(files: &[(&str, &str)], args: Value) -> Result<Value, Failure> {
        let place = tree(files);
        let desk = Desk::new(&Settings { roots: vec![place.path().to_owned()], ..Settings::default() });
        let args = serde_json::from_value(args).unwrap();
        find(&desk, &args, &PATIENT).map(|found| serde_json::to_value(found).unwrap())
    }

    fn lines(found: &Value, list: &str) -> Vec<String> {
        let place = |place: &Value| format!("{}:{}", place["file"].as_str().unwrap(), place["line"]);
        found[list].as_array().unwrap().iter().map(place).collect()
    }

    const FILES: [(&str, &str); 3] = [
        (
            "a.rs",
            "// load\nfn load() -> &'static str { \"load\" }\nfn main() {\n    load();\n    let loud = 1;\n}\n",
        ),
        ("b.py", "from a import load\nload('load')  # load\ndef Load(): pass\nclass X(\n"),
        ("c.py", "x = 'load'\n"),
    ];

    #[test]
    fn definitions_and_uses_are_found_and_comments_and_strings_are_not() {
        let found = look(&FILES, json!({ "symbol": "load" })).unwrap();
        assert_eq!(lines(&found, "definitions"), ["a.rs:2"]);
        assert_eq!(lines(&found, "uses"), ["a.rs:4", "b.py:1", "b.py:2"]);
        assert_eq!(found["uses"][0]["within"], "main");
        assert_eq!(found["definitions"][0]["kind"], "function");
        assert_eq!((&found["files"], &found["near"]), (&json!(3), &json!([])));
        assert_eq!(found["broken"]["files"][0]["file"], "b.py");
    }

    #[test]
    fn near_names_are_told_apart_from_the_symbol_itself() {
        let found = look(&FILES, json!({ "symbol": "load", "near": true })).unwrap();
        assert_eq!(lines(&found, "definitions"), ["a.rs:2"]);
        let near: Vec<_> =
            found["near"].as_array().unwrap().iter().map(|near| near["name"].clone()).collect();
        assert_eq!(near, ["Load", "loud"]);
        assert_eq!(found["near"][0]["distance"], 0);
        let found = look(&FILES, json!({ "symbol": "laod", "near": true })).unwrap();
        assert!(lines(&found, "definitions").is_empty() && lines(&found, "uses").is_empty());
        assert_eq!(found["near"][0]["name"], "load", "{found}");
    }

    #[test]
    fn a_path_of_names_is_rejected_with_the_name_to_ask_for() {
        for symbol in ["", "a::b", "a.b()", "a b", "\n"] {
            let refused = look(&FILES, json!({ "symbol": symbol })).unwrap_err();
            assert_eq!(refused.reason(), "not_a_symbol", "{symbol}");
        }
    }

    #[test]
    fn places_beyond_the_limit_are_cut_and_the_cut_is_said() {
        let found = look(&FILES, json!({ "symbol": "load", "max_results": 2 })).unwrap();
        assert_eq!((lines(&found, "uses").len(), &found["truncated"]), (1, &json!(true)));
    }
}
