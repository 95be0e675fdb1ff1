//! `op-dbus cancel`: stops a run.

use clap::Args;
use op_proto::v1::CancelRequest;
use serde_json::json;

use crate::failure::{Exit, Failure};
use crate::print;
use crate::render::state::{Told as _, has_ended};
use crate::seat::Context;

const EXAMPLES: &str = "\
Examples:
  op-dbus cancel k3x9
  op-dbus cancel k3x9 --rollback --reason 'wrong branch'

Returns once the decision is on disk; `op-dbus watch RUN` shows the run to its end.";

/// Cancel a run, and undo it if asked
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Cancel {
    /// Run, by its id or the beginning of it
    run: String,
    /// Undo what was done, in reverse order of completion
    #[arg(long)]
    rollback: bool,
    /// Why, for the journal
    #[arg(long, value_name = "TEXT", default_value = "")]
    reason: String,
}

impl Cancel {
    /// Does it.
    pub(crate) async fn run(self, ctx: &Context) -> Result<Exit, Failure> {
        let request = CancelRequest { run: self.run, rollback: self.rollback, reason: self.reason };
        ctx.with(Vec::new(), async move |session| {
            let answer = session.client.runs().cancel(request).await?.into_inner();
            let state = answer.state();
            if ctx.terminal.json {
                print::json(&json!({ "run": answer.run, "state": state.word() }))?;
            } else if has_ended(state) {
                print::line(&format!("run {} is {}", answer.run, state.word()))?;
            } else {
                print::line(&format!(
                    "run {} is stopping; `op-dbus watch {}` shows it to its end",
                    answer.run, answer.run
                ))?;
            }
            Ok(Exit::Done)
        })
        .await
    }
}
