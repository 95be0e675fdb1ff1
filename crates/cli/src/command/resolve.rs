//! `op-dbus resolve`: says how a stuck run goes on.

use clap::{ArgGroup, Args};
use op_proto::v1::apply_request::Control;
use op_proto::v1::{Resolution, ResolveRequest, RunState};

use super::steer::{Which, Words, steer};
use crate::failure::{Exit, Failure};
use crate::seat::Context;

const EXAMPLES: &str = "\
Examples:
  op-dbus resolve k3x9 --retry     # the undo that failed is tried again
  op-dbus resolve k3x9 --accept    # it stays as it is, and the rest is undone

A run is stuck when an undo failed. `op-dbus explain RUN` says which one, and why.";

const WORDS: Words = Words {
    goes_on: "is being undone",
    wanted: &[RunState::RolledBack, RunState::Cancelled, RunState::Failed],
};

/// Say how a stuck run goes on
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES, group = ArgGroup::new("way").required(true).args(["retry", "accept"]))]
pub(crate) struct Resolve {
    /// Run, by its id or the beginning of it; or say below which ones
    run: Option<String>,
    /// Try the undo again that failed
    #[arg(long)]
    retry: bool,
    /// Accept what could not be undone, and undo the rest
    #[arg(long)]
    accept: bool,
    #[command(flatten)]
    which: Which,
}

impl Resolve {
    /// Does it.
    pub(crate) async fn run(self, ctx: &Context) -> Result<Exit, Failure> {
        let target = self.which.target(self.run)?;
        let resolution = if self.accept { Resolution::Accept } else { Resolution::Retry };
        let request = ResolveRequest { run: String::new(), resolution: resolution.into() };
        steer(ctx, target, Control::Resolve(request), WORDS).await
    }
}
