//! `op-dbus serve`: the daemon in the foreground.

use clap::Args;
use op_daemon::logging;

use crate::failure::{Exit, Failure};
use crate::seat::Context;

const EXAMPLES: &str = "\
Examples:
  op-dbus serve
  op-dbus serve --config /etc/op-dbus

Serves until SIGTERM or Ctrl-C. Unfinished runs of the journal are woken at the start and sleep at the end.
OP_DBUS_LOG says what is logged to standard error, such as `info,op_pool=debug`.";

/// Serve as the daemon, in the foreground
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Serve {}

impl Serve {
    /// Does it.
    pub(crate) async fn run(self, ctx: &Context) -> Result<Exit, Failure> {
        logging::begin("info");
        let served = op_daemon::serve(ctx.configuration()?).await;
        served
            .map(|()| Exit::Done)
            .map_err(|error| Failure::broken("the daemon cannot serve").because(&error))
    }
}
