//! `[casts.NAME]`.

use std::collections::BTreeMap;

use schemars::JsonSchema;

/// Who plays which step or role.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(super) struct Cast {
    /// What it is for, for people.
    description: Option<String>,
    /// The plan that it is for: its parts are then looked for in that.
    plan: Option<String>,
    /// Steps by name or id, and roles: each with the role, `agent.operation` or agent that plays it, or `none`.
    parts: Option<BTreeMap<String, String>>,
}
