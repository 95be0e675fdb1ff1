//! The configuration, the plans, and the daemon.

use std::path::Path;

use op_daemon::Configuration;
use op_plan::{Diagnostic, Loaded};
use op_proto::v1::{AgentState, AgentStatus, ListAgentsRequest};

use super::finding::{Finding, chain};
use crate::client::{Client, ConnectError};
use crate::options::Globals;
use crate::render::text::count;

/// Whether the configuration can be read, and what it says of itself.
pub(super) fn configuration(globals: &Globals, findings: &mut Vec<Finding>) -> Option<Configuration> {
    match Configuration::load(globals.config.as_deref()) {
        Ok(configuration) => {
            let place =
                configuration.directory().map(|folder| format!("`{}` over what ships", folder.display()));
            findings.push(Finding::good("configuration", place.unwrap_or_else(|| "what ships".to_owned())));
            let notes = configuration.notes().into_iter();
            findings
                .extend(notes.map(|note| Finding::lacking("configuration", note, "see the configuration")));
            Some(configuration)
        }
        Err(error) => {
            findings.push(Finding::broken(
                "configuration",
                chain(&error),
                "mend the file, or name another --config",
            ));
            None
        }
    }
}

/// Whether all plans can be run.
pub(super) fn plans(loaded: &Loaded) -> Finding {
    let wrong: Vec<_> = loaded.diagnostics.iter().filter(|found| found.is_error()).collect();
    match wrong.first() {
        None => Finding::good("plans", format!("{} can be run", count(loaded.plans.len(), "plan"))),
        Some(Diagnostic { message, spot, .. }) => {
            let errors = count(wrong.len(), "error");
            let first = format!("{errors}, the first in {}:{}: {message}", spot.file, spot.line);
            Finding::broken("plans", first, format!("`op-dbus check {}` shows them all", spot.file))
        }
    }
}

/// Whether a daemon answers, and how its agents are. That none runs is no fault, unless one was asked for by its socket.
pub(super) async fn daemon(socket: &Path, is_asked: bool) -> Vec<Finding> {
    match Client::connect(socket).await {
        Ok(client) => agents(&client, socket).await,
        Err(ConnectError::Absent(_)) if !is_asked => {
            let message = format!("none runs on `{}`; commands host one themselves", socket.display());
            vec![Finding::good("daemon", message)]
        }
        Err(error @ ConnectError::Absent(_)) => {
            vec![Finding::broken("daemon", chain(&error), "start one with `op-dbus serve`")]
        }
        Err(error) => {
            let mend = "look at the log of what listens there, and at the owner and mode of the socket";
            vec![Finding::broken("daemon", chain(&error), mend)]
        }
    }
}

async fn agents(client: &Client, socket: &Path) -> Vec<Finding> {
    match client.agents().list(ListAgentsRequest {}).await {
        Ok(answer) => {
            let agents = answer.into_inner().agents;
            let message = format!("answers on `{}` with {}", socket.display(), count(agents.len(), "agent"));
            let answers = Finding::good("daemon", message);
            std::iter::once(answers).chain(agents.iter().filter_map(ailing)).collect()
        }
        Err(status) => {
            let message = format!("it answers with an error: {}", status.message());
            vec![Finding::broken("daemon", message, "look at its log")]
        }
    }
}

fn ailing(agent: &AgentStatus) -> Option<Finding> {
    let what = match agent.state() {
        AgentState::Unhealthy => "is unhealthy",
        AgentState::BackingOff => "cannot be reached",
        AgentState::Unspecified
        | AgentState::Idle
        | AgentState::Connecting
        | AgentState::Ready
        | AgentState::Draining => return None,
    };
    let message = format!("`{}` {what}: {}", agent.name, agent.reason);
    let mend = format!("look at the log of the agent, which listens at {}", agent.endpoint);
    Some(Finding::lacking("agent", message, mend))
}
