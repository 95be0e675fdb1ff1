//! `op-dbus retry`: lets a run go on that has ended.

use clap::Args;
use op_proto::v1::RetryRequest;
use op_proto::v1::apply_request::Control;

use super::steer::{Which, Words, steer};
use crate::failure::{Exit, Failure};
use crate::seat::Context;

const EXAMPLES: &str = "\
Examples:
  op-dbus retry k3x9                   # from what failed
  op-dbus retry k3x9 --from build/1    # from there on, although it succeeded
  op-dbus retry --state failed --plan nightly --since 1d

What succeeded is kept and not done again.";

/// Let a run that failed go on, keeping what succeeded
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Retry {
    /// Run, by its id or the beginning of it; or say below which ones
    run: Option<String>,
    /// Step or phase to go on from; what failed when left out
    #[arg(long, value_name = "STEP", default_value = "", hide_default_value = true)]
    from: String,
    #[command(flatten)]
    which: Which,
}

impl Retry {
    /// Does it.
    pub(crate) async fn run(self, ctx: &Context) -> Result<Exit, Failure> {
        let target = self.which.target(self.run)?;
        let request = RetryRequest { run: String::new(), from: self.from };
        steer(ctx, target, Control::Retry(request), Words::GOES_ON).await
    }
}
