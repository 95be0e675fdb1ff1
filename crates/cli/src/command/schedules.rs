//! `op-dbus schedules`: plans that start by themselves.

use clap::Args;
use op_proto::v1::{ListSchedulesRequest, Schedule};
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
  op-dbus schedules
  op-dbus schedules --json | jq -r '.[].next'

Schedules start runs only while `op-dbus serve` is running. `op-dbus schedule` steers one.";

/// List the plans that start by themselves
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Schedules {}

impl Schedules {
    /// Does it.
    pub(crate) async fn run(self, ctx: &Context) -> Result<Exit, Failure> {
        ctx.with(Vec::new(), async |session| {
            let answer = session.client.plans().list_schedules(ListSchedulesRequest {}).await?;
            let schedules = answer.into_inner().schedules;
            if ctx.terminal.json {
                print::json(&schedules.iter().map(json::schedule).collect::<Value>())?;
                return Ok(Exit::Done);
            }
            if schedules.is_empty() {
                print::note("no plan has a schedule");
                return Ok(Exit::Done);
            }
            print::text(&table(&schedules, &ctx.terminal))?;
            if session.is_hosted() {
                print::note("note: they start nothing until `op-dbus serve` is running");
            }
            Ok(Exit::Done)
        })
        .await
    }
}

fn table(schedules: &[Schedule], terminal: &Terminal) -> String {
    let mut table = Table::new(["PLAN", "WHEN", "MISSED", "STATE", "NEXT", "LAST"]);
    let day = |at: Option<&prost_types::Timestamp>| time::of(at).map(time::day).unwrap_or_default();
    for of in schedules {
        let paint = terminal.paint;
        let state = if of.paused { paint.yellow("paused") } else { paint.green("active") };
        table.row([
            paint.bold(&of.plan),
            one_line(&of.cron),
            one_line(&of.missed),
            state,
            day(of.next.as_ref()),
            day(of.last.as_ref()),
        ]);
    }
    table.render(terminal.columns)
}
