//! `op-dbus pause`: holds a run.

use clap::Args;
use op_proto::v1::PauseRequest;
use op_proto::v1::apply_request::Control;

use super::steer::{Which, Words, steer};
use crate::failure::{Exit, Failure};
use crate::seat::Context;

const EXAMPLES: &str = "\
Examples:
  op-dbus pause k3x9 --reason 'the disk is nearly full'
  op-dbus pause --state running --plan nightly

Calls in flight end; no new step starts, and time limits stand still, until `op-dbus resume RUN`.";

/// Hold a run: no new step starts
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Pause {
    /// Run, by its id or the beginning of it; or say below which ones
    run: Option<String>,
    /// Why, for the journal
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    reason: String,
    #[command(flatten)]
    which: Which,
}

impl Pause {
    /// Does it.
    pub(crate) async fn run(self, ctx: &Context) -> Result<Exit, Failure> {
        let target = self.which.target(self.run)?;
        let request = PauseRequest { run: String::new(), reason: self.reason };
        steer(ctx, target, Control::Pause(request), Words::GOES_ON).await
    }
}
