//! `export`: contexts in one document, into a file below the roots or as output.
//!
//! JSON and YAML hold `{ "format": "op-dbus contexts", "version": 1, "contexts": [..] }`, tar one file for each version. Each content
//! is checked; an export with a damaged one fails and writes nothing.

use std::io::{self, Read};
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use op_agent::{Call, Failure};
use rusqlite::Connection;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Shelf;
use super::chosen::Chosen;
use super::content::sha256;
use super::name::Type;
use super::record::Record;
use super::store::content;
use super::stream::send;
use super::{archive, yaml};
use crate::database::Fault;
use crate::scope::Scope;
use crate::staging::{is_file, mode, put};
use crate::tools::blocking;

/// Bytes of contents that one export or import may hold.
pub(super) const LARGEST: usize = 64 << 20;

/// Bytes of a file that an import reads: twice what contents may have, for what stands around them.
pub(super) const FILE: usize = 2 * LARGEST;

/// Most versions of one export.
const MOST: u32 = 10_000;

/// The name of the format, so that an import knows what it reads.
pub(super) const FORMAT: &str = "op-dbus contexts";

/// The version of the format.
pub(super) const VERSION: u32 = 1;

/// The form of an export.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum Format {
    /// One JSON document.
    #[default]
    Json,
    /// One YAML document of the same form. It is for people and other programs; `import` does not read it.
    Yaml,
    /// A tar archive with a JSON file for each version.
    Tar,
}

/// Which contexts to export, and where to.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Export {
    /// A pattern of names, as `list` takes it.
    #[serde(default)]
    glob: Option<String>,
    /// Only contexts of this type.
    #[serde(default, rename = "type")]
    kind: Option<Type>,
    /// Only contexts with this tag.
    #[serde(default)]
    tag: Option<String>,
    /// Whether to export every version, and not only the newest one of each name.
    #[serde(default)]
    versions: bool,
    /// The form; `json` if not said.
    #[serde(default)]
    format: Format,
    /// The file, whose folder must exist; a relative path starts at the first root. Without it the export comes as output.
    #[serde(default)]
    path: Option<PathBuf>,
    /// Whether a file that is there already is replaced. Else the call is rejected as `exists`, unless the file is the same.
    #[serde(default)]
    overwrite: bool,
    /// Whose contexts.
    #[serde(default)]
    scope: Scope,
}

/// What was exported.
#[derive(Debug, PartialEq, Serialize, JsonSchema)]
pub(super) struct Exported {
    /// The form.
    format: Format,
    /// How many versions there are in it.
    contexts: usize,
    /// Its length.
    bytes: usize,
    /// The SHA-256 of all of it in hexadecimal digits.
    sha256: String,
    /// Where it really is; none when it came as output.
    path: Option<PathBuf>,
    /// How many chunks of 64 KiB came as output.
    chunks: usize,
}

/// A document of contexts.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Document {
    /// [`FORMAT`].
    pub(super) format: String,
    /// [`VERSION`].
    pub(super) version: u32,
    /// The versions, by name and number.
    pub(super) contexts: Vec<Record>,
}

/// Exports contexts.
pub(super) async fn export(shelf: Arc<Shelf>, call: Call, args: Export) -> Result<Exported, Failure> {
    let session = args.scope.owner(call.session())?;
    let Export { glob, kind, tag, versions, format, path, overwrite, .. } = args;
    let chosen = Chosen { glob, kind, tag, versions };
    chosen.check()?;
    let records = shelf.contexts.database.read(move |db| records(db, &session, &chosen)).await?;
    let contexts = records.len();
    let bytes = blocking(move || encoded(format, records)).await?;
    let (length, sha256) = (bytes.len(), sha256(&bytes));
    let (path, chunks) = match path {
        Some(path) => (Some(blocking(move || write(&shelf, &path, &bytes, overwrite)).await?), 0),
        None => (None, send(&call, &bytes).await?),
    };
    Ok(Exported { format, contexts, bytes: length, sha256, path, chunks })
}

fn records(db: &Connection, session: &str, chosen: &Chosen) -> Result<Vec<Record>, Fault> {
    let versions = chosen.versions(db, session, MOST + 1, 0)?;
    let bytes: usize = versions.iter().map(|version| version.bytes as usize).sum();
    if bytes > LARGEST || versions.len() > MOST as usize {
        let message = format!(
            "{} versions of {bytes} bytes are more than one export holds ({MOST} of {LARGEST})",
            versions.len()
        );
        return Err(Failure::rejected("too_large", message)
            .hint("choose fewer by `glob`, `type` or `tag`")
            .into());
    }
    let mut records = Vec::new();
    for version in versions {
        let value = content(db, &version)?.value()?;
        records.push(Record::new(version, value));
    }
    Ok(records)
}

fn encoded(format: Format, contexts: Vec<Record>) -> Result<Vec<u8>, Failure> {
    let failed =
        |error: serde_json::Error| Failure::failed("io_error", format!("making the export: {error}"));
    let document = |contexts| Document { format: FORMAT.to_owned(), version: VERSION, contexts };
    match format {
        Format::Tar => importable(archive::pack(&contexts)?),
        Format::Json => {
            let mut json = serde_json::to_vec(&document(contexts)).map_err(failed)?;
            json.push(b'\n');
            importable(json)
        }
        Format::Yaml => {
            let value = serde_json::to_value(document(contexts)).map_err(failed)?;
            Ok(yaml::yaml(&value).into_bytes())
        }
    }
}

/// An export that an import reads again.
fn importable(bytes: Vec<u8>) -> Result<Vec<u8>, Failure> {
    if bytes.len() <= FILE {
        return Ok(bytes);
    }
    let message = format!("the export has {} bytes, and an import reads at most {FILE}", bytes.len());
    Err(Failure::rejected("too_large", message).hint("choose fewer by `glob`, `type` or `tag`"))
}

fn write(shelf: &Shelf, path: &Path, bytes: &[u8], overwrite: bool) -> Result<PathBuf, Failure> {
    let failed =
        |error: io::Error| Failure::failed("io_error", format!("writing {}: {error}", path.display()));
    let (folder, name) = shelf.roots.parent(path)?;
    let real = shelf.roots.future(path)?;
    let there = mode(folder.as_fd(), &name).map_err(failed)?;
    if !overwrite && there.is_some_and(is_file) {
        if holds(shelf, path, bytes)? {
            return Ok(real);
        }
        let message = format!("{} is there already, and something else", path.display());
        return Err(Failure::rejected("exists", message)
            .hint("choose another `path`, or set `overwrite` to true to replace it"));
    }
    put(folder, &[(name.as_os_str(), bytes)]).map_err(failed)?;
    Ok(real)
}

/// Whether a file is just these bytes.
fn holds(shelf: &Shelf, path: &Path, bytes: &[u8]) -> Result<bool, Failure> {
    let failed =
        |error: io::Error| Failure::failed("io_error", format!("reading {}: {error}", path.display()));
    let mut found = Vec::new();
    shelf.roots.open(path)?.take(bytes.len() as u64 + 1).read_to_end(&mut found).map_err(failed)?;
    Ok(found == bytes)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_export_is_no_larger_than_what_it_holds_and_what_no_import_would_read_is_refused() {
        let content = json!(vec![json!([[[[]]]]); 10_000]);
        let record = json!({ "name": "a", "version": 1, "content": content });
        let bytes = encoded(Format::Json, vec![serde_json::from_value(record).unwrap()]).unwrap();
        assert!(bytes.len() < content.to_string().len() + 1000);
        assert!(importable(bytes).is_ok());
        assert_eq!(importable(vec![0; FILE + 1]).unwrap_err().reason(), "too_large");
    }
}
