//! `op-dbus rollback`: undoes a run that has ended.

use std::fmt::Write as _;

use clap::Args;
use op_proto::v1::apply_request::Control;
use op_proto::v1::{RollbackRequest, RollbackResponse, RunState};
use serde_json::{Value, json};

use super::steer::{Target, Which, Words, steer};
use crate::failure::{Exit, Failure};
use crate::print;
use crate::render::text::{count, one_line};
use crate::seat::Context;

const EXAMPLES: &str = "\
Examples:
  op-dbus rollback k3x9 --dry-run       # what would be undone, in which order
  op-dbus rollback k3x9
  op-dbus rollback k3x9 --to build      # build and what came before it stay
  op-dbus rollback --plan deploy --state failed --since 1h

A run that has not ended is undone with `op-dbus cancel RUN --rollback`.";

const WORDS: Words = Words { goes_on: "is being undone", wanted: &[RunState::RolledBack] };

/// Undo what a run did, after its end
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Rollback {
    /// Run, by its id or the beginning of it; or say below which ones
    run: Option<String>,
    /// The last phase that stays; everything is undone when left out
    #[arg(long, value_name = "PHASE", default_value = "", hide_default_value = true)]
    to: String,
    /// Only show what would be undone
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    which: Which,
}

impl Rollback {
    /// Does it.
    pub(crate) async fn run(self, ctx: &Context) -> Result<Exit, Failure> {
        let target = self.which.target(self.run)?;
        let request = RollbackRequest { run: String::new(), to: self.to, dry_run: self.dry_run };
        match (target, self.dry_run) {
            (Target::One(run), true) => dry_run(ctx, RollbackRequest { run, ..request }).await,
            (Target::Many(_), true) => {
                let refused = Failure::refused("--dry-run is for a single run");
                Err(refused.hint("`op-dbus ls` takes the same filter and lists the runs"))
            }
            (target, false) => steer(ctx, target, Control::Rollback(request), WORDS).await,
        }
    }
}

async fn dry_run(ctx: &Context, request: RollbackRequest) -> Result<Exit, Failure> {
    ctx.with(Vec::new(), async move |session| {
        let answer = session.client.runs().rollback(request).await?.into_inner();
        if ctx.terminal.json {
            print::json(&document(&answer))?;
        } else {
            print::text(&text(&answer))?;
        }
        Ok(Exit::Done)
    })
    .await
}

fn document(answer: &RollbackResponse) -> Value {
    let phases = answer.phases.iter();
    let phases = phases.map(|of| json!({ "phase": of.phase, "visit": of.visit, "calls": of.calls }));
    json!({ "run": answer.run, "phases": phases.collect::<Value>() })
}

fn text(answer: &RollbackResponse) -> String {
    let run = &answer.run;
    if answer.phases.is_empty() {
        return format!("there is nothing to undo in run {run}\n");
    }
    let mut text =
        format!("{} of run {run} would be undone, in this order\n", count(answer.phases.len(), "phase"));
    for (place, phase) in (1..).zip(&answer.phases) {
        let visit = if phase.visit > 1 { format!(" (visit {})", phase.visit) } else { String::new() };
        let _ = writeln!(text, "  {place}. {}{visit}", one_line(&phase.phase));
        text.extend(phase.calls.iter().map(|call| format!("     {}\n", one_line(call))));
    }
    text
}
