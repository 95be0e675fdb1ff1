//! `export`: contexts in one document, into a file below the roots or as output.
//!
//! JSON and YAML hold `{ "format": "op-dbus contexts", "version": 1, "contexts": [..] }`, tar one file for each version. Each content
//! is checked; an export with a damaged one fails and writes nothing.

use std::io;
use std::path::PathBuf;
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
use crate::staging::put;
use crate::tools::blocking;

/// Bytes of contents that one export or import may hold.
pub(super) const LARGEST: usize = 64 << 20;

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
    let Export { glob, kind, tag, versions, format, path, .. } = args;
    let chosen = Chosen { glob, kind, tag, versions };
    chosen.check()?;
    let records = shelf.contexts.database.read(move |db| records(db, &session, &chosen)).await?;
    let contexts = records.len();
    let bytes = blocking(move || encoded(format, records)).await?;
    let (length, sha256) = (bytes.len(), sha256(&bytes));
    let (path, chunks) = match path {
        Some(path) => (Some(blocking(move || write(&shelf, &path, &bytes)).await?), 0),
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
    let failed = |error: io::Error| Failure::failed("io_error", format!("making the export: {error}"));
    if format == Format::Tar {
        return archive::pack(&contexts).map_err(failed);
    }
    let document = Document { format: FORMAT.to_owned(), version: VERSION, contexts };
    let json = serde_json::to_value(document).map_err(|error| failed(error.into()))?;
    let text = if format == Format::Yaml { yaml::yaml(&json) } else { format!("{json:#}\n") };
    Ok(text.into_bytes())
}

fn write(shelf: &Shelf, path: &std::path::Path, bytes: &[u8]) -> Result<PathBuf, Failure> {
    let (folder, name) = shelf.roots.parent(path)?;
    let real = shelf.roots.future(path)?;
    put(folder, &[(name.as_os_str(), bytes)])
        .map_err(|error| Failure::failed("io_error", format!("writing {}: {error}", path.display())))?;
    Ok(real)
}
