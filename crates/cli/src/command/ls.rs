//! `op-dbus ls`: runs, newest first.

use clap::Args;
use jiff::Timestamp;
use op_proto::v1::RunSummary;
use serde_json::Value;

use super::filter::Filter;
use crate::failure::{Exit, Failure};
use crate::render::state::painted;
use crate::render::table::Table;
use crate::render::text::one_line;
use crate::render::time;
use crate::seat::Context;
use crate::terminal::Terminal;
use crate::{json, print};

const EXAMPLES: &str = "\
Examples:
  op-dbus ls
  op-dbus ls --state waiting --state paused          # what needs a person
  op-dbus ls --plan code_review --since 1d --limit 5 --json
  op-dbus ls --user alice --label branch=main --text timeout";

/// List runs, newest first
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Ls {
    /// At most so many
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=1000))]
    limit: u32,
    #[command(flatten)]
    filter: Filter,
}

impl Ls {
    /// Does it.
    pub(crate) async fn run(self, ctx: &Context) -> Result<Exit, Failure> {
        let request = self.filter.request(self.limit);
        ctx.with(Vec::new(), async move |session| {
            let runs = session.client.runs().list(request).await?.into_inner().runs;
            let now = Timestamp::now();
            if ctx.terminal.json {
                print::json(&runs.iter().map(|run| json::summary(run, now)).collect::<Value>())?;
            } else if runs.is_empty() {
                print::note("no runs");
            } else {
                print::text(&table(&runs, now, &ctx.terminal))?;
                session.tell_sleepers(&ctx.terminal);
            }
            Ok(Exit::Done)
        })
        .await
    }
}

fn table(runs: &[RunSummary], now: Timestamp, terminal: &Terminal) -> String {
    let mut table = Table::new(["RUN", "PLAN", "STATE", "PHASES", "STARTED", "TIME", "USER", "WHY"]);
    for run in runs {
        let taken = time::taken(run.started_at.as_ref(), run.ended_at.as_ref(), now);
        table.row([
            terminal.paint.bold(&run.id),
            one_line(&run.plan),
            painted(run.state(), terminal.paint),
            format!("{}/{}", run.settled_phases, run.total_phases),
            time::of(run.started_at.as_ref()).map(time::day).unwrap_or_default(),
            taken.map(time::span).unwrap_or_default(),
            one_line(&run.user),
            one_line(&run.reason),
        ]);
    }
    table.render(terminal.columns)
}
