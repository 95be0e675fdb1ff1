//! `outline`: the symbols of a file or a tree.

use std::path::PathBuf;
use std::sync::Arc;

use op_agent::{Call, Failure};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::answer::{Caller, Remarks, Room, ask, most};
use super::files::{Choice, Tree};
use super::grammar::{Kind, Language};
use super::parse::{Parsed, each};
use super::syntax::Syntax;
use crate::tools::Desk;

/// Whose symbols.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Outline {
    /// A file, or a directory with all below it; a relative path starts at the first root, which is also the default. Files that
    /// `.gitignore` names are left out, and links are not followed.
    path: PathBuf,
    /// Globs of which a file must match one, such as `*.rs`; one that begins with `!` leaves files out.
    globs: Vec<String>,
    /// Only files in these languages; by default all that are known.
    languages: Vec<Language>,
    /// Only symbols of these kinds; by default all.
    kinds: Vec<Kind>,
    /// After how many symbols to stop, from 1 to 10,000; 1,000 by default.
    max_results: Option<usize>,
}

/// The symbols.
#[derive(Debug, Default, Serialize, JsonSchema)]
pub(super) struct Outlined {
    /// The symbols in order of file and line. Variables of functions are not among them.
    symbols: Vec<Listed>,
    /// How many files were parsed.
    files: usize,
    /// Files with syntax errors. Their symbols are listed as far as they could be made out.
    broken: Remarks,
    /// Files that were not parsed: in a language that is not known, binary, longer than 1 MiB, or unreadable.
    left_out: Remarks,
    /// Whether there are more symbols than these: it stopped at `max_results`, or where the answer was full.
    truncated: bool,
}

/// A symbol.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Listed {
    /// The file, relative to the path of the call; its own name if that was a file.
    file: String,
    /// The language of the file.
    language: Language,
    /// What it is.
    kind: Kind,
    /// Its name; of an implementation, that of the type.
    name: String,
    /// Its first line, counted from 1.
    line: usize,
    /// Its last line.
    last_line: usize,
    /// The symbol that it stands in or belongs to.
    parent: Option<String>,
    /// Of an implementation: the trait that is implemented.
    #[serde(rename = "trait", skip_serializing_if = "Option::is_none")]
    of: Option<String>,
}

/// Lists the symbols.
pub(super) async fn outline(desk: Arc<Desk>, call: Call, args: Outline) -> Result<Outlined, Failure> {
    ask(call, move |caller| list(&desk, &args, caller)).await
}

fn list(desk: &Desk, args: &Outline, caller: &Caller<'_>) -> Result<Outlined, Failure> {
    let mut room = Room::new(most(args.max_results)?);
    let tree = Tree::new(desk, &Choice { path: &args.path, globs: &args.globs, ..Choice::default() })?;
    let mut outlined = Outlined::default();
    let aside = each(
        &tree,
        &args.languages,
        caller,
        |_| true,
        |file, parsed| {
            outlined.add(file, parsed, &args.kinds, &mut room, caller);
            !outlined.truncated
        },
    )?;
    Ok(Outlined { files: aside.files, broken: aside.broken, left_out: aside.left_out, ..outlined })
}

impl Outlined {
    fn add(&mut self, file: &str, parsed: &Parsed, kinds: &[Kind], room: &mut Room, caller: &Caller<'_>) {
        for symbol in Syntax::new(parsed, caller).symbols.iter().filter(|symbol| !symbol.is_local) {
            let Some(kind) = symbol.kind.filter(|kind| kinds.is_empty() || kinds.contains(kind)) else {
                continue;
            };
            let listed = Listed {
                file: file.to_owned(),
                language: parsed.language,
                kind,
                name: symbol.name.to_owned(),
                line: symbol.lines.0,
                last_line: symbol.lines.1,
                parent: symbol.parent.map(str::to_owned),
                of: symbol.of.map(str::to_owned),
            };
            if !room.takes(&listed) {
                self.truncated = true;
                return;
            }
            (caller.tell)(&format!("{file}:{}: {} {}\n", listed.line, kind.name(), listed.name));
            self.symbols.push(listed);
        }
    }
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
        list(&desk, &args, &PATIENT).map(|listed| serde_json::to_value(listed).unwrap())
    }

    const FILES: [(&str, &str); 4] = [
        ("a.rs", "struct One;\nimpl Clone for One {\n    fn clone(&self) -> Self { One }\n}\n"),
        ("b.py", "class Two:\n    def go(self): pass\ndef broken(:\n"),
        ("c.md", "# three\n"),
        ("d.rs", "fn \0"),
    ];

    #[test]
    fn a_tree_is_outlined_and_what_is_broken_or_unknown_is_said() {
        let found = look(&FILES, json!({})).unwrap();
        let symbols = found["symbols"].as_array().unwrap();
        assert_eq!(
            symbols[2],
            json!({ "file": "a.rs", "language": "rust", "kind": "method", "name": "clone", "line": 3, "last_line": 3, "parent": "One" })
        );
        assert_eq!((&symbols[1]["kind"], &symbols[1]["trait"]), (&json!("impl"), &json!("Clone")));
        assert_eq!((&symbols[4]["name"], &symbols[4]["parent"]), (&json!("go"), &json!("Two")));
        assert_eq!(found["files"], 2);
        assert_eq!(found["broken"]["files"][0]["file"], "b.py");
        assert!(found["broken"]["files"][0]["reason"].as_str().unwrap().contains("line 3"));
        assert_eq!(
            found["left_out"]["files"],
            json!([{ "file": "c.md", "reason": "its language is not known" }, { "file": "d.rs", "reason": "it is binary" }])
        );
    }

    #[test]
    fn a_file_in_another_language_is_said_so() {
        let found = look(&FILES, json!({ "path": "c.md" })).unwrap();
        assert_eq!(found["left_out"]["files"][0]["reason"], "its language is not known");
        assert_eq!((&found["files"], &found["symbols"]), (&json!(0), &json!([])));
    }

    #[test]
    fn languages_and_kinds_choose() {
        let found = look(&FILES, json!({ "languages": ["rust"], "kinds": ["struct"] })).unwrap();
        assert_eq!(found["symbols"].as_array().unwrap().len(), 1);
        assert_eq!(found["left_out"]["count"], 1, "what was not asked for is not missed");
    }

    #[test]
    fn a_list_that_is_cut_says_so() {
        let found = look(&FILES, json!({ "max_results": 2 })).unwrap();
        assert_eq!((found["symbols"].as_array().unwrap().len(), &found["truncated"]), (2, &json!(true)));
    }
}
