//! `ovs_list_bridges`: the bridges that Open vSwitch has on this host.

use std::sync::Arc;

use op_agent::{Call, Failure};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Desk;
use crate::process::{Program, run};

/// Nothing to say.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct OvsListBridges {}

/// The bridges of this host.
#[derive(Debug, PartialEq, Serialize, JsonSchema)]
pub(super) struct Bridges {
    /// Their names, in the order of Open vSwitch.
    bridges: Vec<String>,
}

/// Asks Open vSwitch for its bridges.
pub(super) async fn ovs_list_bridges(
    desk: Arc<Desk>,
    call: Call,
    _args: OvsListBridges,
) -> Result<Bridges, Failure> {
    let directory = desk.roots.existing(".".as_ref())?;
    // Without --timeout, ovs-vsctl waits for its database for ever.
    let program = Program::new(&desk.settings, "ovs-vsctl", &directory).args(["--timeout=10", "list-br"]);
    let ended = run(program, &call).await?;
    if ended.status.success() {
        return Ok(names(&ended.stdout.text()));
    }
    let message = "ovs-vsctl could not list the bridges of Open vSwitch";
    Err(Failure::failed("exit_status", message).detail(ended.detail()).hint("is ovsdb-server running?"))
}

fn names(text: &str) -> Bridges {
    Bridges {
        bridges: text.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_line_is_a_bridge() {
        assert_eq!(names("br0\nbr-int\n\n"), Bridges { bridges: vec!["br0".into(), "br-int".into()] });
        assert_eq!(names(""), Bridges { bridges: Vec::new() });
    }
}
