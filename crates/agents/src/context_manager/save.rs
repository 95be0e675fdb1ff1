//! `save`: a context as a new version.

use std::sync::Arc;

use op_agent::{Call, Failure};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Shelf;
use super::content::Content;
use super::name::{Type, check_name, checked_tags};
use super::record::{Version, now};
use super::store::{New, keep};
use crate::scope::Scope;

/// What to save.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Save {
    /// The name of the context; it may have parts, as in `project/notes`.
    name: String,
    /// The content: a text, or any other JSON, of at most 8 MiB.
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
#[derive(Debug, PartialEq, Serialize, JsonSchema)]
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
    let (name, kind, content) = (args.name, args.kind, args.content);
    let write = shelf.contexts.database.write(move |db| {
        let new = New { name, kind, tags, content: Content::of(content)?, saved: now() };
        let (version, already) = keep(db, &session, new)?;
        Ok(Saved { version, already })
    });
    write.await
}
