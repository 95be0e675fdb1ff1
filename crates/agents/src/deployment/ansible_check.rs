//! `ansible_check`: what a playbook would change.

use std::collections::BTreeMap;
use std::sync::Arc;

use op_agent::{Call, Failure};
use schemars::JsonSchema;
use serde::Serialize;

use super::outlook::Site;
use super::playbook::{Ansible, Recap};
use crate::tools::Desk;

/// What would change.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Checked {
    /// What the playbook would do on each host.
    hosts: BTreeMap<String, Recap>,
    /// How many tasks would change something, on all hosts.
    changes: u32,
}

/// Plays a playbook in check mode, and passes on the differences that it shows.
pub(super) async fn ansible_check(desk: Arc<Desk>, call: Call, args: Ansible) -> Result<Checked, Failure> {
    let hosts = args.check(Site { desk: &desk, call: &call }).await?;
    let changes = hosts.values().map(|recap| recap.changed).sum();
    Ok(Checked { hosts, changes })
}
