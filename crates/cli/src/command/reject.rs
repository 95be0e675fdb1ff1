//! `op-dbus reject`: does not let a step go on that asks.

use clap::Args;

use super::answer::Answer;
use crate::failure::{Exit, Failure};
use crate::seat::Context;

const EXAMPLES: &str = "\
Examples:
  op-dbus reject k3x9 --comment 'not on a Friday'
  op-dbus reject k3x9 deploy/1
  op-dbus reject --plan release --state waiting

The step fails as rejected; the plan says what comes of that.";

/// Do not let a step go on that waits for an approval
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Reject {
    #[command(flatten)]
    answer: Answer,
}

impl Reject {
    /// Does it.
    pub(crate) async fn run(self, ctx: &Context) -> Result<Exit, Failure> {
        self.answer.give(false, false, ctx).await
    }
}
