//! `op-dbus reload`: has the daemon read its configuration again.

use clap::Args;
use op_proto::v1::ReloadRequest;
use serde_json::json;

use crate::failure::{Exit, Failure};
use crate::print;
use crate::seat::{Context, Seat};

const EXAMPLES: &str = "\
Examples:
  op-dbus check && op-dbus reload
  systemctl reload op-dbus            # the same, for the service of the host

Files with errors change nothing: the configuration before stays in force, and the errors are told. Runs under way keep their
plans; agents that did not change keep their connections.";

/// Have the daemon read its configuration again
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Reload {}

impl Reload {
    /// Does it.
    pub(crate) async fn run(self, ctx: &Context) -> Result<Exit, Failure> {
        let Seat::Daemon(client) = Seat::find(ctx).await? else {
            return Err(Failure::refused("no daemon is running")
                .hint("`op-dbus serve` starts one, with the files as they are"));
        };
        let generation = client.plans().reload(ReloadRequest {}).await?.into_inner().generation;
        if ctx.terminal.json {
            print::json(&json!({ "generation": generation }))?;
        } else {
            print::line(&format!("the configuration is in force: generation {generation}"))?;
        }
        Ok(Exit::Done)
    }
}
