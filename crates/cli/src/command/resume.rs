//! `op-dbus resume`: lets a run go on that is held.

use clap::Args;
use op_proto::v1::ResumeRequest;
use op_proto::v1::apply_request::Control;

use super::steer::{Which, Words, steer};
use crate::failure::{Exit, Failure};
use crate::seat::Context;

const EXAMPLES: &str = "\
Examples:
  op-dbus resume k3x9
  op-dbus resume --state paused

A run that failed goes on with `op-dbus retry`, one that is stuck with `op-dbus resolve`.";

/// Let a paused run go on
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Resume {
    /// Run, by its id or the beginning of it; or say below which ones
    run: Option<String>,
    #[command(flatten)]
    which: Which,
}

impl Resume {
    /// Does it.
    pub(crate) async fn run(self, ctx: &Context) -> Result<Exit, Failure> {
        let target = self.which.target(self.run)?;
        steer(ctx, target, Control::Resume(ResumeRequest::default()), Words::GOES_ON).await
    }
}
