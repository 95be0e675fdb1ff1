//! `save`, and `unsave`, which undoes it.

use std::sync::Arc;

use op_agent::{Call, Failure};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Shelf;
use super::content::Content;
use super::delete::{Deleted, meant, throw};
use super::name::{Type, check_name, checked_tags};
use super::record::{Version, now};
use super::repeats;
use super::store::{New, keep};
use crate::scope::Scope;
use crate::undo::Undo;

/// What to save.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Save {
    /// The name of the context; it may have parts, as in `project/notes`.
    name: String,
    /// The content: a text, or any other JSON. All arguments of a call together have at most 4 MiB; larger contexts, up to 8 MiB, come
    /// in by `import`.
    content: Value,
    /// What the context is about; as before if not said, and generic for a new one.
    #[serde(default, rename = "type")]
    kind: Option<Type>,
    /// Tags, at most 32; as before if not said.
    #[serde(default)]
    tags: Option<Vec<String>>,
    /// Who sees it.
    #[serde(default)]
    scope: Scope,
}

/// A context that is saved.
#[derive(Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub(super) struct Saved {
    #[serde(flatten)]
    pub(super) version: Version,
    /// Whether the newest version was the same already, so that no new one was made.
    pub(super) already: bool,
}

/// Saves a context.
pub(super) async fn save(shelf: Arc<Shelf>, call: Call, args: Save) -> Result<Saved, Failure> {
    let session = args.scope.owner(call.session())?;
    check_name(&args.name)?;
    let tags = args.tags.map(checked_tags).transpose()?;
    let (name, kind, content, key) = (args.name, args.kind, args.content, call.key().to_owned());
    let write = shelf.contexts.write(move |db| {
        let (content, saved) = (Content::of(content)?, now());
        if let Some((version, already)) = repeats::answered(db, (&session, &name), &key, &content)? {
            return Ok(Saved { version, already });
        }
        let (version, already) = keep(db, &session, New { name, kind, tags, content, saved })?;
        repeats::note(db, &session, &key, (&version, already), saved)?;
        Ok(Saved { version, already })
    });
    write.await
}

/// Undoes `save`: puts the version that it made into the trash. What others saved since stays, as what was there before does.
pub(super) async fn unsave(
    shelf: Arc<Shelf>,
    call: Call,
    args: Undo<Save, Saved>,
) -> Result<Deleted, Failure> {
    let scope = args.arguments.scope;
    let session = scope.owner(call.session())?;
    let Saved { version, already } = args.output;
    let write = shelf.contexts.write(move |db| {
        let made =
            if already { Vec::new() } else { meant(db, &session, &version.name, Some(version.number))? };
        Ok(Deleted { deleted: throw(db, &session, made, now())?, scope })
    });
    write.await
}
