//! `op-dbus agents`: the pool.

use clap::Args;
use jiff::Timestamp;
use op_proto::v1::{AgentStatus, ListAgentsRequest, WatchAgentsRequest};
use serde_json::Value;
use tokio_stream::StreamExt as _;

use crate::failure::{Exit, Failure};
use crate::render::state::painted;
use crate::render::table::Table;
use crate::render::text::{count, one_line};
use crate::render::time;
use crate::seat::{Context, Session};
use crate::terminal::Terminal;
use crate::{json, print};

const EXAMPLES: &str = "\
Examples:
  op-dbus agents
  op-dbus agents --watch
  op-dbus agents --json | jq '.[].operations[].name'";

/// List the agents of the pool
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Agents {
    /// Tell every change of state until interrupted
    #[arg(long, short)]
    watch: bool,
}

impl Agents {
    /// Does it.
    pub(crate) async fn run(self, ctx: &Context) -> Result<Exit, Failure> {
        ctx.with(Vec::new(), async move |session| {
            if self.watch {
                return watch(session, &ctx.terminal).await;
            }
            let agents = session.client.agents().list(ListAgentsRequest {}).await?.into_inner().agents;
            if ctx.terminal.json {
                print::json(&agents.iter().map(json::agent).collect::<Value>())?;
            } else {
                print::text(&table(&agents, &ctx.terminal))?;
            }
            Ok(Exit::Done)
        })
        .await
    }
}

async fn watch(session: &Session, terminal: &Terminal) -> Result<Exit, Failure> {
    let mut stream = session.client.agents().watch(WatchAgentsRequest {}).await?.into_inner();
    while let Some(seen) = stream.next().await {
        let Some(agent) = seen?.agent else { continue };
        if terminal.json {
            print::json_line(&json::agent(&agent))?;
        } else {
            print::line(&change(&agent, terminal))?;
        }
    }
    Ok(Exit::Done)
}

pub(super) fn change(agent: &AgentStatus, terminal: &Terminal) -> String {
    let at = time::of(agent.since.as_ref()).unwrap_or_else(Timestamp::now);
    let because =
        if agent.reason.is_empty() { String::new() } else { format!(": {}", one_line(&agent.reason)) };
    let paint = terminal.paint;
    format!(
        "{} {} is {}{because}",
        paint.dim(time::clock(at)),
        one_line(&agent.name),
        painted(agent.state(), paint)
    )
}

fn table(agents: &[AgentStatus], terminal: &Terminal) -> String {
    let head = ["AGENT", "STATE", "MODE", "OPERATIONS", "CALLS", "RESTARTS", "LATENCY", "ENDPOINT", "WHY"];
    let mut table = Table::new(head);
    for agent in agents {
        let mode = if agent.run_on_connection { "always" } else { "on demand" };
        let latency = time::length(agent.latency.as_ref());
        table.row([
            terminal.paint.bold(&agent.name),
            painted(agent.state(), terminal.paint),
            mode.to_owned(),
            operations(agent),
            load(agent),
            agent.restarts.to_string(),
            latency.map(|latency| format!("{:.2} ms", latency.as_secs_f64() * 1e3)).unwrap_or_default(),
            one_line(&agent.endpoint),
            one_line(&agent.reason),
        ]);
    }
    table.render(terminal.columns)
}

fn operations(agent: &AgentStatus) -> String {
    if agent.operations.is_empty() { "unknown yet".to_owned() } else { agent.operations.len().to_string() }
}

/// `12, 2 active, 1 queued`.
fn load(agent: &AgentStatus) -> String {
    let mut parts = vec![agent.calls.to_string()];
    parts.extend((agent.active > 0).then(|| format!("{} active", agent.active)));
    parts.extend((agent.queued > 0).then(|| format!("{} queued", agent.queued)));
    parts.extend(
        (agent.faults > 0).then(|| count(usize::try_from(agent.faults).unwrap_or(usize::MAX), "fault")),
    );
    parts.join(", ")
}
