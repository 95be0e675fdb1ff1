//! What every undo operation takes.

use schemars::JsonSchema;
use serde::Deserialize;

/// A call that succeeded and is to be undone.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Undo<A, O> {
    /// The arguments of the call, as it was made.
    pub(crate) arguments: A,
    /// What it answered.
    pub(crate) output: O,
}
