//! `op-dbus agents`: the pool.

use clap::Args;
use console::measure_text_width;
use jiff::Timestamp;
use op_proto::v1::{AgentStatus, ConnectRequest, ListAgentsRequest, OperationStatus, WatchAgentsRequest};
use serde_json::Value;
use tokio_stream::StreamExt as _;

use crate::client::Client;
use crate::failure::{Exit, Failure};
use crate::render::arguments::{Argument, arguments};
use crate::render::state::painted;
use crate::render::table::Table;
use crate::render::text::{count, hang, one_line};
use crate::render::time;
use crate::seat::{Context, Session};
use crate::terminal::Terminal;
use crate::{json, print};

/// Widest word of an argument beside which the others line up.
const WORD: usize = 32;

const EXAMPLES: &str = "\
Examples:
  op-dbus agents
  op-dbus agents rust_pro        # one agent: its operations, and what they take
  op-dbus agents --watch
  op-dbus agents --json | jq '.[].operations[].name'

Arguments in brackets may be left out.";

/// List the agents of the pool, or show one
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Agents {
    /// Only this agent, with its operations and what they take
    agent: Option<String>,
    /// Tell every change of state until interrupted
    #[arg(long, short, conflicts_with = "agent")]
    watch: bool,
}

impl Agents {
    /// Does it.
    pub(crate) async fn run(self, ctx: &Context) -> Result<Exit, Failure> {
        ctx.with(Vec::new(), async move |session| {
            if self.watch {
                return watch(session, &ctx.terminal).await;
            }
            if let Some(name) = &self.agent {
                return show(&session.client, name, &ctx.terminal).await;
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

/// An agent by its name, once it has said which operations it has; none if there is no such agent.
pub(super) async fn known(client: &Client, name: &str) -> Result<Option<AgentStatus>, Failure> {
    let agents = client.agents().list(ListAgentsRequest {}).await?.into_inner().agents;
    let Some(agent) = agents.into_iter().find(|agent| agent.name == name) else { return Ok(None) };
    if !agent.operations.is_empty() {
        return Ok(Some(agent));
    }
    let answer = client.agents().connect(ConnectRequest { agent: agent.name.clone() }).await?;
    Ok(Some(answer.into_inner().agent.unwrap_or(agent)))
}

async fn show(client: &Client, name: &str, terminal: &Terminal) -> Result<Exit, Failure> {
    let Some(agent) = known(client, name).await? else {
        return Err(
            Failure::refused(format!("there is no agent `{name}`")).hint("`op-dbus agents` lists them")
        );
    };
    if terminal.json {
        print::json(&json::agent(&agent))?;
    } else {
        print::text(&sheet(&agent, terminal))?;
    }
    Ok(Exit::Done)
}

/// The agent, and each operation with its arguments.
fn sheet(agent: &AgentStatus, terminal: &Terminal) -> String {
    let paint = terminal.paint;
    let mut text = format!("{}  {}\n", paint.bold(one_line(&agent.name)), painted(agent.state(), paint));
    let lines = [("version", &agent.version), ("endpoint", &agent.endpoint), ("why", &agent.reason)];
    for (name, value) in lines.into_iter().filter(|(_, value)| !value.is_empty()) {
        text += &hang(&format!("{name:9} "), value, terminal.width);
    }
    let operations: String = agent.operations.iter().map(|of| operation(of, terminal)).collect();
    text + &operations
}

fn operation(of: &OperationStatus, terminal: &Terminal) -> String {
    let paint = terminal.paint;
    let head = format!("{}  {}", paint.bold(one_line(&of.name)), paint.dim(one_line(&of.effects)));
    let mut text = format!("\n{}\n", head.trim_end());
    text += &hang("  ", &of.description, terminal.width);
    if !of.unavailable.is_empty() {
        text += &hang("  ", &format!("It cannot work here: {}", of.unavailable), terminal.width);
    }
    let told: Vec<_> = arguments(&of.input_schema).into_iter().map(|of| (word(&of), of.about)).collect();
    let widest = told.iter().map(|(word, _)| measure_text_width(word)).max().unwrap_or_default();
    for (word, about) in &told {
        let room = " ".repeat(widest.min(WORD).saturating_sub(measure_text_width(word)));
        text += &hang(&format!("    {word}{room}  "), about, terminal.width);
    }
    text
}

/// `path=string` when it must be given, in brackets when not.
fn word(argument: &Argument) -> String {
    let word = format!("{}={}", one_line(&argument.name), one_line(&argument.kind));
    if argument.required { word } else { format!("[{word}]") }
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
