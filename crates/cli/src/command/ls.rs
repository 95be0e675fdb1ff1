//! `op-dbus ls`: runs, newest first.

use clap::Args;
use clap::builder::PossibleValuesParser;
use jiff::Timestamp;
use op_proto::v1::{ListRequest, RunState, RunSummary};
use serde_json::Value;

use crate::failure::{Exit, Failure};
use crate::render::state::{RUN_STATES, Told as _, painted};
use crate::render::table::Table;
use crate::render::text::one_line;
use crate::render::time;
use crate::seat::Context;
use crate::terminal::Terminal;
use crate::{json, print};

const EXAMPLES: &str = "\
Examples:
  op-dbus ls
  op-dbus ls --state running --state pending
  op-dbus ls --plan code_review --limit 5 --json";

/// List runs, newest first
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Ls {
    /// Only runs in this state; may stand more than once
    #[arg(long, value_name = "STATE", value_parser = PossibleValuesParser::new(RUN_STATES.map(|state| state.word())))]
    state: Vec<String>,
    /// Only runs of this plan
    #[arg(long, value_name = "PLAN")]
    plan: Option<String>,
    /// At most so many
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=1000))]
    limit: u32,
}

impl Ls {
    /// Does it.
    pub(crate) async fn run(self, ctx: &Context) -> Result<Exit, Failure> {
        let request = self.request();
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

    fn request(self) -> ListRequest {
        let states: Vec<RunState> = RUN_STATES
            .into_iter()
            .filter(|state| self.state.iter().any(|word| word == state.word()))
            .collect();
        ListRequest {
            states: states.into_iter().map(i32::from).collect(),
            plan: self.plan.unwrap_or_default(),
            limit: self.limit,
        }
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
