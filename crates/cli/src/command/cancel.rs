//! `op-dbus cancel`: stops a run.

use clap::Args;
use op_proto::v1::apply_request::Control;
use op_proto::v1::{CancelRequest, RunState};

use super::steer::{Which, Words, steer};
use crate::failure::{Exit, Failure};
use crate::seat::Context;

const EXAMPLES: &str = "\
Examples:
  op-dbus cancel k3x9
  op-dbus cancel k3x9 --rollback --reason 'wrong branch'
  op-dbus cancel --plan code_review --state waiting --since 1h

Returns once the decision is on disk; `op-dbus watch RUN` shows the run to its end.";

const WORDS: Words = Words { goes_on: "is stopping", wanted: &[RunState::Cancelled, RunState::RolledBack] };

/// Cancel a run, and undo it if asked
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Cancel {
    /// Run, by its id or the beginning of it; or say below which ones
    run: Option<String>,
    /// Undo what was done, in reverse order of completion
    #[arg(long)]
    rollback: bool,
    /// Why, for the journal
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    reason: String,
    #[command(flatten)]
    which: Which,
}

impl Cancel {
    /// Does it.
    pub(crate) async fn run(self, ctx: &Context) -> Result<Exit, Failure> {
        let target = self.which.target(self.run)?;
        let request = CancelRequest { run: String::new(), rollback: self.rollback, reason: self.reason };
        steer(ctx, target, Control::Cancel(request), WORDS).await
    }
}
