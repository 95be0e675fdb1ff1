//! `import`: contexts that were exported, all of them or none.
//!
//! A version whose content, type and tags any version of the same name has already is left as it is; any other one becomes the next
//! version of its name, in the order of the numbers that it had.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use op_agent::{Call, Failure};
use rusqlite::Transaction;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Shelf;
use super::archive;
use super::content::Content;
use super::delete::{One, answerable};
use super::export::{Document, FILE, FORMAT, Format, VERSION};
use super::name::{check_name, checked_tags};
use super::record::{Record, heard, now};
use super::store::{New, keep_once};
use crate::database::Fault;
use crate::scope::Scope;
use crate::tools::blocking;

/// What to import.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Import {
    /// The file that was exported; a relative path starts at the first root.
    #[serde(default)]
    path: Option<PathBuf>,
    /// The JSON document that was exported, as a text; either this or a path.
    #[serde(default)]
    data: Option<String>,
    /// The form: `json` or `tar`. If not said, tar is known by its mark.
    #[serde(default)]
    format: Option<Format>,
    /// Whose contexts they become.
    #[serde(default)]
    scope: Scope,
}

/// What was imported.
#[derive(Debug, PartialEq, Serialize, JsonSchema)]
pub(super) struct Imported {
    /// The versions that were made, under their new numbers.
    imported: Vec<One>,
    /// How many were there already.
    already: usize,
}

/// Imports contexts.
pub(super) async fn import(shelf: Arc<Shelf>, call: Call, args: Import) -> Result<Imported, Failure> {
    let session = args.scope.owner(call.session())?;
    let Import { path, data, format, .. } = args;
    let theirs = Arc::clone(&shelf);
    let records = blocking(move || {
        let bytes = match (path, data) {
            (Some(path), None) => read(&theirs, &path)?,
            (None, Some(data)) => data.into_bytes(),
            _ => {
                return Err(Failure::rejected(
                    "missing_argument",
                    "either `path` or `data` must be given, and not both",
                ));
            }
        };
        decoded(format, &bytes)
    });
    let records = records.await?;
    let write = shelf
        .contexts
        .write(move |db| answerable(add(db, &session, records)?, "import fewer versions at once"));
    write.await
}

fn read(shelf: &Shelf, path: &Path) -> Result<Vec<u8>, Failure> {
    let shown = path.display();
    let failed = |error| Failure::failed("io_error", format!("reading {shown}: {error}"));
    let file = shelf.roots.open(path)?;
    if !file.metadata().map_err(failed)?.is_file() {
        return Err(Failure::rejected("not_a_file", format!("{shown} is not a regular file")));
    }
    let mut bytes = Vec::new();
    let most = FILE as u64;
    file.take(most + 1).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() as u64 > most {
        return Err(Failure::rejected("too_large", format!("{shown} is longer than {most} bytes")));
    }
    Ok(bytes)
}

fn decoded(format: Option<Format>, bytes: &[u8]) -> Result<Vec<Record>, Failure> {
    // https://www.gnu.org/software/tar/manual/html_node/Standard.html
    let is_tar = || bytes.get(257..262) == Some(b"ustar");
    match format {
        Some(Format::Yaml) => {
            Err(Failure::rejected("unsupported_format", "YAML is not imported")
                .hint("export as `json` or `tar`"))
        }
        Some(Format::Tar) => archive::unpack(bytes),
        None if is_tar() => archive::unpack(bytes),
        Some(Format::Json) | None => document(bytes),
    }
}

fn document(bytes: &[u8]) -> Result<Vec<Record>, Failure> {
    let invalid =
        |why: String| Failure::rejected("invalid_document", format!("this is no export of contexts: {why}"));
    let document: Document = serde_json::from_slice(bytes).map_err(|error| invalid(error.to_string()))?;
    if document.format != FORMAT {
        return Err(invalid(format!("its format is `{}` and not `{FORMAT}`", document.format)));
    }
    if document.version != VERSION {
        return Err(invalid(format!(
            "it has version {}, and this program knows {VERSION}",
            document.version
        )));
    }
    Ok(document.contexts)
}

fn add(db: &Transaction<'_>, session: &str, mut records: Vec<Record>) -> Result<Imported, Fault> {
    records.sort_by(|one, two| (&one.name, one.version).cmp(&(&two.name, two.version)));
    let twice =
        records.windows(2).find(|pair| pair[0].name == pair[1].name && pair[0].version == pair[1].version);
    if let Some([record, _]) = twice {
        let message = format!("`{}` version {} is there twice", record.name, record.version);
        return Err(Failure::rejected("duplicate_entry", message).hint("nothing was imported").into());
    }
    let (mut imported, mut already) = (Vec::new(), 0);
    for record in records {
        let (version, was_there) = keep_once(db, session, checked(record)?)?;
        if was_there {
            already += 1;
        } else {
            imported.push(One::from(version));
        }
    }
    Ok(Imported { imported, already })
}

fn checked(record: Record) -> Result<New, Failure> {
    check_name(&record.name)?;
    let words = format!("`{}` version {}", record.name, record.version);
    let content = Content::of(record.content)?;
    if let Some(expected) = record.sha256.filter(|expected| *expected != content.sha256) {
        let message =
            format!("the content of {words} has the SHA-256 {}, and {expected} was expected", content.sha256);
        return Err(Failure::rejected("damaged", message).hint("nothing was imported"));
    }
    let saved = match record.saved {
        Some(saved) => heard(&saved).ok_or_else(|| {
            Failure::rejected("invalid_document", format!("{words} was saved at {saved:?}, which is no time"))
        })?,
        None => now(),
    };
    let tags = checked_tags(record.tags)?;
    Ok(New { name: record.name, kind: Some(record.kind), tags: Some(tags), content, saved })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::store::find;
    use super::super::store::fixture::contexts;
    use super::*;

    fn records(contexts: &Value) -> Vec<Record> {
        let document = json!({ "format": FORMAT, "version": 1, "contexts": contexts });
        decoded(None, document.to_string().as_bytes()).unwrap()
    }

    #[test]
    fn what_is_there_already_stays_and_the_rest_follows_in_the_order_of_its_numbers() {
        let (_home, contexts) = contexts();
        let given = json!([
            { "name": "a", "version": 9, "content": "new" },
            { "name": "a", "version": 2, "content": "old", "type": "task", "tags": ["t"], "saved": "2026-01-02T03:04:05Z" },
        ]);
        let done = contexts.now(|db| add(db, "", records(&given))).unwrap();
        assert_eq!(done.imported.iter().map(|one| one.version).collect::<Vec<_>>(), [1, 2]);
        let first = contexts.now(|db| find(db, "", "a", Some(1))).unwrap();
        assert_eq!(
            (first.saved.as_str(), first.tags.as_slice()),
            ("2026-01-02T03:04:05Z", &["t".to_owned()][..])
        );
        let again = contexts.now(|db| add(db, "", records(&given))).unwrap();
        assert_eq!((again.imported.len(), again.already), (0, 2));
    }

    #[test]
    fn one_bad_version_and_nothing_is_imported() {
        let (_home, contexts) = contexts();
        let good = json!({ "name": "a", "version": 1, "content": "x" });
        for (bad, reason) in [
            (json!({ "name": "../b", "version": 1, "content": "x" }), "invalid_name"),
            (json!({ "name": "b", "version": 1, "content": "x", "sha256": "00" }), "damaged"),
            (json!({ "name": "b", "version": 1, "content": "x", "saved": "soon" }), "invalid_document"),
            (json!({ "name": "b", "version": 1, "content": "x", "tags": [""] }), "invalid_tag"),
            (json!({ "name": "a", "version": 1, "content": "y" }), "duplicate_entry"),
        ] {
            let failure = contexts.now(|db| add(db, "", records(&json!([good, bad])))).unwrap_err();
            assert_eq!(failure.reason(), reason);
            assert_eq!(contexts.now(|db| find(db, "", "a", None)).unwrap_err().reason(), "not_found");
        }
    }

    #[test]
    fn a_document_that_is_something_else_is_refused() {
        for text in [
            "{".to_owned(),
            json!({ "format": "other", "version": 1, "contexts": [] }).to_string(),
            json!({ "format": FORMAT, "version": 2, "contexts": [] }).to_string(),
            json!({ "format": FORMAT, "version": 1, "contexts": [], "more": 1 }).to_string(),
        ] {
            assert_eq!(decoded(None, text.as_bytes()).unwrap_err().reason(), "invalid_document", "{text}");
        }
        assert_eq!(decoded(Some(Format::Yaml), b"").unwrap_err().reason(), "unsupported_format");
    }
}
