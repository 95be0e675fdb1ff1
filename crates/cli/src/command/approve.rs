//! `op-dbus approve`: lets a step go on that asks.

use clap::Args;

use super::answer::Answer;
use crate::failure::{Exit, Failure};
use crate::seat::Context;

const EXAMPLES: &str = "\
Examples:
  op-dbus approve k3x9                    # the only step that asks
  op-dbus approve k3x9 deploy/1 --comment 'checked with Anna'
  op-dbus approve k3x9 deploy/1 --digest 5f3a     # only if it still asks just this
  op-dbus approve --plan release --state waiting

On a terminal the question and the call that it is about are shown first, and the answer counts for just that. `op-dbus
show RUN` shows them too, with the digest.";

/// Let a step go on that waits for an approval
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Approve {
    /// Do not ask again on a terminal
    #[arg(long, short)]
    yes: bool,
    #[command(flatten)]
    answer: Answer,
}

impl Approve {
    /// Does it.
    pub(crate) async fn run(self, ctx: &Context) -> Result<Exit, Failure> {
        self.answer.give(true, !self.yes, ctx).await
    }
}
