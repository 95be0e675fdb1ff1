//! `load`: a version of a context, checked before anything of it is answered.

use std::sync::Arc;

use op_agent::{Call, Failure};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Shelf;
use super::record::Version;
use super::store::{content, find};
use super::stream::{CHUNK, send};
use crate::scope::Scope;

/// Which version.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Load {
    /// The name of the context.
    name: String,
    /// The number of the version; the newest one if not said.
    #[serde(default)]
    version: Option<u32>,
    /// Whose context it is.
    #[serde(default)]
    scope: Scope,
}

/// A version of a context.
#[derive(Debug, PartialEq, Serialize, JsonSchema)]
pub(super) struct Loaded {
    #[serde(flatten)]
    version: Version,
    /// The content; null when it was larger than 64 KiB and came as output.
    content: Option<Value>,
    /// How many chunks of 64 KiB came as output.
    chunks: usize,
}

/// Loads a version.
pub(super) async fn load(shelf: Arc<Shelf>, call: Call, args: Load) -> Result<Loaded, Failure> {
    let session = args.scope.owner(call.session())?;
    let read = shelf.contexts.database.read(move |db| {
        let version = find(db, &session, &args.name, args.version)?;
        let content = content(db, &version)?;
        Ok((version, content))
    });
    let (version, content) = read.await?;
    if content.bytes.len() <= CHUNK {
        return Ok(Loaded { version, content: Some(content.value()?), chunks: 0 });
    }
    let chunks = send(&call, &content.bytes).await?;
    Ok(Loaded { version, content: None, chunks })
}
