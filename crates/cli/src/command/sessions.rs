//! `op-dbus sessions`: clients that work with agents for a while.

use clap::Args;
use jiff::Timestamp;
use op_proto::v1::{ListSessionsRequest, Session};
use serde_json::Value;

use crate::failure::{Exit, Failure};
use crate::render::table::Table;
use crate::render::text::one_line;
use crate::render::time;
use crate::seat::Context;
use crate::terminal::Terminal;
use crate::{json, print};

const EXAMPLES: &str = "\
Examples:
  op-dbus sessions
  op-dbus sessions --json | jq -r '.[].id'

Those of others are shown to who may manage agents. `op-dbus session` opens one.";

/// List the sessions that are open
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Sessions {}

impl Sessions {
    /// Does it.
    pub(crate) async fn run(self, ctx: &Context) -> Result<Exit, Failure> {
        ctx.with(Vec::new(), async |session| {
            let answer = session.client.sessions().list(ListSessionsRequest {}).await?;
            let sessions = answer.into_inner().sessions;
            if ctx.terminal.json {
                print::json(&sessions.iter().map(json::session).collect::<Value>())?;
            } else if sessions.is_empty() {
                print::note("no session is open");
            } else {
                print::text(&table(&sessions, &ctx.terminal))?;
            }
            Ok(Exit::Done)
        })
        .await
    }
}

fn table(sessions: &[Session], terminal: &Terminal) -> String {
    let mut table = Table::new(["SESSION", "USER", "SINCE", "CALLS", "RUNS", "AGENTS", "CLIENT"]);
    for of in sessions {
        table.row([
            terminal.paint.bold(&of.id),
            one_line(&of.user),
            time::day(time::of(of.since.as_ref()).unwrap_or_else(Timestamp::now)),
            of.calls.to_string(),
            of.runs.to_string(),
            of.agents.len().to_string(),
            one_line(&of.client),
        ]);
    }
    table.render(terminal.columns)
}
