//! The agent `tools`: small operations without memory, which plans call by their bare name.
//!
//! One operation, one file. Each checks its paths against the roots, keeps to its limits, and answers what it observed.
//!
//! # Undo
//!
//! An operation that can be undone names the operation that undoes it, which stands in the same file. That one takes
//! `{ "arguments": .., "output": .. }`: the arguments of the call that is undone, and what it answered. It is idempotent: done
//! twice it is done, and what is as it should be is a result and no error. It never takes back what somebody else did since.
//!
//! # What programs need from outside
//!
//! `docker`, `podman` and `kubectl` are clients: they need a socket, which the sandbox does not close, and settings of their user,
//! which it does. A program sees those variables that `environment` of the agent lists, and the sandbox opens what
//! `KUBECONFIG`, `DOCKER_CONFIG` and `REGISTRY_AUTH_FILE` name when they are listed:
//!
//! ```toml
//! [agents.tools]
//! environment = ["KUBECONFIG", "DOCKER_CONFIG", "DOCKER_HOST"]
//! ```
//!
//! - `KUBECONFIG` must be set, to files and not to a directory; kubectl's own choice, `~/.kube/config`, is closed.
//! - `DOCKER_CONFIG` is needed for registries that ask for credentials, `DOCKER_HOST` for an engine elsewhere than at its usual
//!   socket, as a rootless one is.
//! - podman cannot mount or map users inside the sandbox, so it must be the client of a service: set and list
//!   `CONTAINER_HOST` (`unix:///run/user/1000/podman/podman.sock`), which turns its `--remote` on.
//! - Programs that kubectl or docker start for credentials must be in PATH or below those files.
//! - The buses need nothing; whether the user may drive units of the system is for polkit to say.

mod cargo_build;
mod cargo_test;
mod command;
mod consensus;
mod dbus_call;
mod docker_push;
mod file_list;
mod file_read;
mod file_search;
mod file_write;
mod http_request;
mod kubectl_apply;
mod log;
mod ovs_list_bridges;
mod report;
mod systemd_unit;

use std::sync::Arc;

use op_agent::{Agent, Call, Failure, Operation, Risk};

use crate::engine::build;

use crate::roots::Roots;
use crate::settings::Settings;

/// What every operation of an agent works with.
#[derive(Debug)]
pub(crate) struct Desk {
    /// What the agent may touch, and how much of it.
    pub(crate) settings: Settings,
    /// Its roots, resolved when the agent started.
    pub(crate) roots: Roots,
}

impl Desk {
    /// The desk of an agent with these settings.
    pub(crate) fn new(settings: &Settings) -> Arc<Self> {
        Arc::new(Self { settings: settings.clone(), roots: settings.roots() })
    }
}

/// The function of an operation with its desk at hand.
pub(crate) fn at<A, F>(
    desk: &Arc<Desk>,
    function: impl Fn(Arc<Desk>, Call, A) -> F + Send + Sync + 'static,
) -> impl Fn(Call, A) -> F + Send + Sync + 'static {
    let desk = Arc::clone(desk);
    move |call, args| function(Arc::clone(&desk), call, args)
}

/// Does blocking work on a thread where it holds up nobody.
pub(crate) async fn blocking<R: Send + 'static>(
    work: impl FnOnce() -> Result<R, Failure> + Send + 'static,
) -> Result<R, Failure> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(error) => Err(Failure::failed("panicked", format!("the operation did not finish: {error}"))),
    }
}

/// Builds the agent.
pub(crate) fn agent(settings: &Settings) -> Agent {
    let desk = &Desk::new(settings);
    let agent = Agent::new("tools", env!("CARGO_PKG_VERSION"))
        .describe_as("Files, commands, HTTP, D-Bus, builds, images, clusters, units and reports: what plans are made of.")
        .max_concurrent(16);
    judging(systems(images(building(reaching(files(agent, desk), desk), desk), desk), desk), desk)
}

fn files(agent: Agent, desk: &Arc<Desk>) -> Agent {
    agent
        .operation(
            Operation::read("file_read", "Reads a text file below the allowed roots.").idempotent(),
            at(desk, file_read::file_read),
        )
        .operation(
            Operation::write("file_write", "Writes a text file, all of it or nothing.").idempotent(),
            at(desk, file_write::file_write),
        )
        .operation(
            Operation::read("file_list", "Lists a directory, sorted by name.").idempotent(),
            at(desk, file_list::file_list),
        )
        .operation(
            Operation::read("file_search", "Searches the lines of text files for a regular expression.")
                .idempotent(),
            at(desk, file_search::file_search),
        )
}

fn reaching(agent: Agent, desk: &Arc<Desk>) -> Agent {
    agent
        .operation(
            Operation::write("command", "Runs a program; a non-zero exit code is a failure.")
                .risk(Risk::High)
                .streaming(),
            at(desk, command::command),
        )
        .operation(
            Operation::external(
                "http_request",
                "Sends one HTTP request and returns the response, whatever its status.",
            ),
            at(desk, http_request::http_request),
        )
        .operation(
            Operation::external("dbus_call", "Calls a method on a D-Bus bus and returns its reply.")
                .risk(Risk::High),
            at(desk, dbus_call::dbus_call),
        )
        .operation(
            Operation::read("ovs_list_bridges", "Lists the Open vSwitch bridges of this host.").idempotent(),
            at(desk, ovs_list_bridges::ovs_list_bridges),
        )
}

fn building(agent: Agent, desk: &Arc<Desk>) -> Agent {
    agent
        .operation(
            Operation::write("cargo_build", "Compiles a package and names the files that came of it.")
                .idempotent()
                .streaming(),
            at(desk, cargo_build::cargo_build),
        )
        .operation(
            Operation::write("cargo_test", "Runs the tests of a package; a test that fails is a failure.")
                .streaming(),
            at(desk, cargo_test::cargo_test),
        )
}

/// Doing it twice would forget what was there before the first time, so that what can be undone is not idempotent.
fn images(agent: Agent, desk: &Arc<Desk>) -> Agent {
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
            Operation::external("docker_push", "Pushes an image to its registry.")
                .risk(Risk::High)
                .idempotent()
                .streaming(),
            at(desk, docker_push::docker_push),
        )
}

fn systems(agent: Agent, desk: &Arc<Desk>) -> Agent {
    agent
        .operation(
            Operation::external("kubectl_apply", "Applies a manifest to a cluster, all of it or nothing.")
                .risk(Risk::High)
                .streaming()
                .undo("kubectl_restore"),
            at(desk, kubectl_apply::kubectl_apply),
        )
        .operation(
            Operation::external(
                "kubectl_restore",
                "Undoes kubectl_apply: brings back what was there before.",
            )
            .idempotent()
            .streaming(),
            at(desk, kubectl_apply::kubectl_restore),
        )
        .operation(
            Operation::write("systemd_unit", "Starts, stops, reloads, enables or disables a systemd unit.")
                .risk(Risk::High)
                .undo("systemd_unit_restore"),
            at(desk, systemd_unit::systemd_unit),
        )
        .operation(
            Operation::write("systemd_unit_restore", "Undoes systemd_unit: brings back the state it had.")
                .idempotent(),
            at(desk, systemd_unit::systemd_unit_restore),
        )
}

fn judging(agent: Agent, desk: &Arc<Desk>) -> Agent {
    agent
        .operation(
            Operation::read("report", "Joins reviews into one report.").idempotent(),
            at(desk, report::report),
        )
        .operation(
            Operation::read("consensus", "Tells by a rule how far participants agree.").idempotent(),
            at(desk, consensus::consensus),
        )
        .operation(
            Operation::read("log", "Writes a line for whoever watches the run.").idempotent().streaming(),
            at(desk, log::log),
        )
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    #[test]
    fn what_undoes_takes_the_arguments_and_the_output_of_what_it_undoes() {
        let operations = agent(&Settings::default()).description().operations;
        let read = |schema: &str| serde_json::from_str::<Value>(schema).unwrap();
        let undone: Vec<_> = operations.iter().filter(|operation| !operation.undo.is_empty()).collect();
        assert_eq!(undone.len(), 3);
        for operation in undone {
            let undo = operations.iter().find(|undo| undo.name == operation.undo).expect("its undo");
            assert!(undo.idempotent, "{}", undo.name);
            let schema = read(&undo.input_schema);
            assert_eq!(schema["required"], serde_json::json!(["arguments", "output"]), "{}", undo.name);
        }
    }

    #[test]
    fn every_operation_says_which_ports_it_has() {
        for operation in agent(&Settings::default()).description().operations {
            for schema in [&operation.input_schema, &operation.output_schema] {
                let schema: Value = serde_json::from_str(schema).unwrap();
                assert_eq!(schema["type"], "object", "{}: {schema}", operation.name);
            }
        }
    }
}
