//! The tables of a file of plans, as an editor is told of them: one struct per table, a sentence per key.

mod cast;
mod debate;
mod head;
mod machine;
mod step;
mod template;
mod time;
mod undo;
mod workflow;
mod workstack;

use std::collections::BTreeMap;

use schemars::JsonSchema;

/// Values by name, with references such as `${path}` in their texts.
type Args = serde_json::Map<String, serde_json::Value>;

/// Plans of op-dbus, in any of five notations, and casts that say who plays them.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields, title = "op-dbus plans")]
pub(super) struct Plans {
    /// Plans of phases by id: a phase calls tools and then agents.
    workstacks: Option<BTreeMap<String, workstack::Workstack>>,
    /// Plans of nodes and edges by id: a data flow that is one transaction.
    workflows: Option<BTreeMap<String, workflow::Workflow>>,
    /// Plans of steps by id, each of which says where it goes on success and on failure.
    machines: Option<BTreeMap<String, machine::Machine>>,
    /// Plans of steps without identities by id: who plays them is said when they are run.
    templates: Option<BTreeMap<String, template::Template>>,
    /// Debates by id: participants argue in rounds until most of them agree.
    debates: Option<BTreeMap<String, debate::Debate>>,
    /// Casts by name: who plays which step or role, for `--cast NAME`.
    casts: Option<BTreeMap<String, cast::Cast>>,
}
