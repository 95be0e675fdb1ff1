//! The agent `deployment`: brings units, containers, clusters and hosts into the state that a manifest names, and back.
//!
//! ```text
//!   plan ── digest ──▶ apply ──▶ revision n ──▶ status
//!    ▲                   │            │
//!    └── looks, changes  └─ fails ─┐  └─▶ rollback: what was there before revision n
//!        nothing                   └────▶ taken back at once
//! ```
//!
//! A manifest is a list of steps, each of a kind: a unit of systemd, a container, manifests of Kubernetes, a compose project, a playbook of
//! Ansible. `plan` looks at what is there and says what would change; its digest stands for the manifest and for what was seen,
//! so that `apply` refuses when either is another one by now. What was there is on disk before a step begins (`record`),
//! so that `rollback` brings it back also after a crash; done twice it is done, and what somebody else changed since is left alone.
//!
//! What cannot be brought back (a secret of a cluster, a playbook without a counterpart) is named by the plan, and is applied only
//! with `irreversible = true`.
//!
//! Programs find their engines and clusters as those of the agent `tools` do: through `environment` of the agent.

mod ansible_check;
mod apply;
mod compose;
mod compose_up;
mod container;
mod kubernetes;
mod manifest;
mod outlook;
mod plan;
mod playbook;
mod record;
mod rollback;
mod status;
mod step;
mod unit;

use op_agent::{Agent, Operation};

use crate::engine::build;
use crate::settings::Settings;
use crate::tools::{Desk, at};

/// Builds the agent. Doing it twice would forget what was there before the first time, so that what can be undone is not
/// idempotent.
pub(crate) fn agent(settings: &Settings) -> Agent {
    let desk = &Desk::new(settings);
    let agent = Agent::new("deployment", env!("CARGO_PKG_VERSION"))
        .describe_as(
            "Plans, applies, watches and takes back deployments: units, containers, clusters, hosts.",
        )
        .max_concurrent(4)
        .operation(
            Operation::read("plan", "Says what a manifest would change, and changes nothing.")
                .idempotent()
                .streaming(),
            at(desk, plan::plan),
        )
        .operation(
            Operation::external("apply", "Does what a plan says, if everything still is as the plan saw it.")
                .streaming()
                .undo("rollback"),
            at(desk, apply::apply),
        )
        .operation(
            Operation::read("status", "Tells whether what was applied still is so.").idempotent().streaming(),
            at(desk, status::status),
        )
        .operation(
            Operation::external(
                "rollback",
                "Undoes apply and compose_up: brings back what was there before.",
            )
            .idempotent()
            .streaming(),
            at(desk, rollback::rollback),
        );
    single(agent, desk)
}

fn single(agent: Agent, desk: &std::sync::Arc<Desk>) -> Agent {
    agent
        .operation(
            Operation::write("docker_build", "Builds an image with docker or podman and tags it.")
                .streaming()
                .undo("docker_remove_image"),
            at(desk, build::docker_build),
        )
        .operation(
            Operation::write("docker_remove_image", "Undoes docker_build: takes the tag off again.")
                .idempotent()
                .streaming(),
            at(desk, build::docker_remove_image),
        )
        .operation(
            Operation::external("compose_up", "Brings the services of a compose file up.")
                .streaming()
                .undo("rollback"),
            at(desk, compose_up::compose_up),
        )
        .operation(
            Operation::external(
                "ansible_check",
                "Tells what a playbook would change on its hosts, by its check mode.",
            )
            .idempotent()
            .streaming(),
            at(desk, ansible_check::ansible_check),
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_can_be_undone_names_what_undoes_it_and_that_can_be_repeated() {
        let operations = agent(&Settings::default()).description().operations;
        let undone: Vec<_> = operations.iter().filter(|operation| !operation.undo.is_empty()).collect();
        assert_eq!(undone.len(), 3);
        for operation in undone {
            let undo = operations.iter().find(|undo| undo.name == operation.undo).expect("its undo");
            assert!(undo.idempotent && !operation.idempotent, "{}", undo.name);
        }
    }
}
