//! What a run is given: a file, words, and paths that mean the same to a daemon in another directory.

use std::env;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use op_plan::{Input, InputType};
use op_proto::v1;
use serde_json::{Map, Value};

use crate::failure::Failure;
use crate::words::{Typed, Word};

/// The inputs of a run, and where it must be able to work.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Given {
    /// Inputs as the daemon takes them.
    pub(crate) values: Map<String, Value>,
    /// Directories of all paths among them.
    pub(crate) roots: Vec<PathBuf>,
}

/// Puts together what was typed. Names and types that the plan does not know are left for the daemon to refuse.
pub(crate) fn gather(
    takes: &[v1::Input],
    mut values: Map<String, Value>,
    words: &[Word],
    here: &Path,
) -> Result<Given, Failure> {
    for (at, word) in words.iter().enumerate() {
        if words[..at].iter().any(|other| other.key == word.key) {
            return Err(Failure::refused(format!("input `{}` is given twice", word.key)));
        }
        let wanted = takes.iter().find(|input| input.name == word.key).and_then(kind);
        values.insert(word.key.clone(), read(word, wanted)?);
    }
    let mut roots = Vec::new();
    for input in takes.iter().filter(|input| kind(input) == Some(InputType::Path)) {
        let default = serde_json::from_str(&input.default).ok();
        let given = values.get(&input.name).cloned().or(default);
        if let Some(text) = given.as_ref().and_then(Value::as_str).filter(|text| !text.is_empty()) {
            let path = absolute(text, here);
            values.insert(input.name.clone(), Value::from(path.to_string_lossy()));
            roots.push(directory(&path));
        }
    }
    Ok(Given { values, roots })
}

fn kind(input: &v1::Input) -> Option<InputType> {
    InputType::ALL.into_iter().find(|kind| kind.word() == input.r#type)
}

fn read(word: &Word, wanted: Option<InputType>) -> Result<Value, Failure> {
    let (Typed::Text(text), Some(kind)) = (&word.value, wanted) else { return Ok(word.value.guess()) };
    let input =
        Input { kind, required: true, default: None, description: String::new(), choices: Vec::new() };
    let read = input.read(&word.key, text);
    read.map_err(|error| {
        Failure::refused(error.to_string()).hint("`op-dbus plans NAME` shows what the plan takes")
    })
}

/// A path as the daemon takes it, which may be in another directory. `~` is the user's home also where no shell says so.
fn absolute(text: &str, here: &Path) -> PathBuf {
    let home = || env::home_dir().filter(|home| home.is_absolute());
    let path = match text.strip_prefix('~').map(|rest| (rest.strip_prefix('/'), rest)) {
        Some((Some(rest), _)) => home().map(|home| home.join(rest)),
        Some((None, "")) => home(),
        Some((None, _)) | None => None,
    };
    // A lone `.` is no part of a path.
    path.unwrap_or_else(|| here.join(text)).components().collect()
}

/// The directory that must be open for a path: itself, or the one it is in.
fn directory(path: &Path) -> PathBuf {
    if path.is_dir() { path.to_owned() } else { path.parent().unwrap_or(path).to_owned() }
}

/// Reads a JSON or TOML object from a file, or from standard input when it is `-`.
pub(crate) fn file(path: &Path) -> Result<Map<String, Value>, Failure> {
    let text = if path == Path::new("-") {
        let mut text = String::new();
        io::stdin().read_to_string(&mut text).map(|_| text)
    } else {
        std::fs::read_to_string(path)
    };
    let unread =
        |error| Failure::refused(format!("cannot read the inputs from `{}`", path.display())).because(&error);
    object(&text.map_err(unread)?).map_err(|why| {
        let refused = Failure::refused(format!("`{}` holds no inputs", path.display()));
        refused.because(&io::Error::other(why)).hint("write a JSON object, or TOML")
    })
}

fn object(text: &str) -> Result<Map<String, Value>, String> {
    if text.trim_start().starts_with('{') {
        return serde_json::from_str(text).map_err(|error| error.to_string());
    }
    toml::from_str(text).map_err(|error| error.message().to_owned())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn takes(kinds: &[(&str, &str, &str)]) -> Vec<v1::Input> {
        let input = |(name, kind, default): &(&str, &str, &str)| v1::Input {
            name: (*name).to_owned(),
            r#type: (*kind).to_owned(),
            default: (*default).to_owned(),
            ..v1::Input::default()
        };
        kinds.iter().map(input).collect()
    }

    fn gathered(takes: &[v1::Input], words: &[&str], here: &Path) -> Result<Given, Failure> {
        let words: Vec<Word> = words.iter().map(|word| word.parse().expect(word)).collect();
        gather(takes, Map::new(), &words, here)
    }

    #[test]
    fn words_become_what_the_plan_takes() {
        let takes = takes(&[("name", "string", ""), ("limit", "integer", ""), ("deep", "boolean", "")]);
        let given = gathered(&takes, &["name=3", "limit=3", "deep=true"], Path::new("/")).expect("fits");
        assert_eq!(Value::from(given.values), json!({ "name": "3", "limit": 3, "deep": true }));
        let failure = gathered(&takes, &["limit=three"], Path::new("/")).expect_err("no number");
        assert!(format!("{failure:?}").contains("a whole number"), "{failure:?}");
    }

    #[test]
    fn relative_paths_and_defaults_start_where_the_user_is() {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join("notes.md"), "").expect("writes");
        let takes = takes(&[("path", "path", "\".\""), ("notes", "path", ""), ("more", "path", "")]);
        let given = gathered(&takes, &["notes=./notes.md"], folder.path()).expect("fits");
        let here = folder.path().to_str().expect("text");
        assert_eq!(Value::from(given.values), json!({ "path": here, "notes": format!("{here}/notes.md") }));
        assert_eq!(given.roots, [folder.path(), folder.path()]);
    }

    #[test]
    fn a_tilde_is_home_and_nothing_else_is() {
        let home = env::home_dir().expect("a home");
        let here = Path::new("/srv");
        assert_eq!(absolute("~", here), home);
        assert_eq!(absolute("~/src/./x", here), home.join("src/x"));
        assert_eq!(absolute("~other/x", here), Path::new("/srv/~other/x"));
        assert_eq!(absolute("a~/x", here), Path::new("/srv/a~/x"));
    }

    #[test]
    fn an_absolute_path_stays_as_it_is() {
        let given =
            gathered(&takes(&[("path", "path", "")]), &["path=/srv/code"], Path::new("/home")).expect("fits");
        assert_eq!(given.values["path"], "/srv/code");
    }

    #[test]
    fn an_input_that_is_given_twice_is_refused() {
        assert!(gathered(&[], &["a=1", "a=2"], Path::new("/")).is_err());
    }

    #[test]
    fn names_that_the_plan_does_not_know_are_left_to_the_daemon() {
        let given = gathered(&[], &["pth=x"], Path::new("/")).expect("passes");
        assert_eq!(given.values["pth"], "x");
    }

    #[test]
    fn a_file_of_inputs_is_json_or_toml() {
        assert_eq!(Value::from(object("{\"a\": [1]}").expect("json")), json!({ "a": [1] }));
        assert_eq!(
            Value::from(object("a = [1]\nb.c = \"x\"").expect("toml")),
            json!({ "a": [1], "b": { "c": "x" } })
        );
        assert!(object("a =").is_err() && object("{a").is_err() && object("[1, 2]").is_err());
    }
}
