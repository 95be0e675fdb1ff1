//! `op-dbus schedule`: steers one schedule.

use clap::{Args, Subcommand};
use op_proto::v1::{PauseScheduleRequest, RunScheduleRequest, Schedule as Status};
use serde_json::json;

use crate::failure::{Exit, Failure};
use crate::render::time;
use crate::seat::{Context, Session};
use crate::{json, print};

const EXAMPLES: &str = "\
Examples:
  op-dbus schedule pause nightly      # starts nothing until it is resumed
  op-dbus schedule resume nightly
  op-dbus schedule run nightly        # starts a run as the schedule would, now

`op-dbus schedules` lists them.";

/// Pause or resume the schedule of a plan, or start its run now
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES, arg_required_else_help = true)]
pub(crate) struct Schedule {
    #[command(subcommand)]
    action: Action,
}

/// What to do with it.
#[derive(Debug, Clone, PartialEq, Eq, Subcommand)]
enum Action {
    /// Hold it: what falls into the time until it is resumed is let go
    Pause {
        /// Plan, as `op-dbus schedules` lists it
        plan: String,
    },
    /// Let it go on
    Resume {
        /// Plan, as `op-dbus schedules` lists it
        plan: String,
    },
    /// Start a run as it would, now
    Run {
        /// Plan, as `op-dbus schedules` lists it
        plan: String,
    },
}

impl Schedule {
    /// Does it.
    pub(crate) async fn run(self, ctx: &Context) -> Result<Exit, Failure> {
        ctx.with(Vec::new(), async move |session| {
            match self.action {
                Action::Pause { plan } => hold(session, plan, true, ctx).await?,
                Action::Resume { plan } => hold(session, plan, false, ctx).await?,
                Action::Run { plan } => start(session, plan, ctx).await?,
            }
            Ok(Exit::Done)
        })
        .await
    }
}

async fn hold(session: &Session, plan: String, paused: bool, ctx: &Context) -> Result<(), Failure> {
    let request = PauseScheduleRequest { plan, paused };
    let answer = session.client.plans().pause_schedule(request).await?.into_inner();
    let schedule = answer.schedule.unwrap_or_default();
    if ctx.terminal.json {
        print::json(&json::schedule(&schedule))
    } else {
        print::line(&sentence(&schedule))
    }
}

fn sentence(of: &Status) -> String {
    let plan = &of.plan;
    match time::of(of.next.as_ref()) {
        _ if of.paused => {
            format!("the schedule of {plan} is paused; `op-dbus schedule resume {plan}` lets it go on")
        }
        Some(next) => format!("the schedule of {plan} starts a run next at {}", time::day(next)),
        None => format!("the schedule of {plan} goes on"),
    }
}

/// A run that is started in this process would end with it.
async fn start(session: &Session, plan: String, ctx: &Context) -> Result<(), Failure> {
    if session.is_hosted() {
        let refused = Failure::refused("no daemon is running that the run could be left to");
        return Err(refused.hint(format!("start one with `op-dbus serve`, or use `op-dbus run {plan}`")));
    }
    let run = session.client.plans().run_schedule(RunScheduleRequest { plan }).await?.into_inner().run;
    if ctx.terminal.json {
        return print::json(&json!({ "run": run }));
    }
    print::line(&format!("run {run} started; `op-dbus watch {run}` shows it to its end"))
}
