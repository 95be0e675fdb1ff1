//! `op-dbus show`: one run with its phases and steps.

use clap::Args;
use jiff::Timestamp;

use super::fetch;
use crate::failure::{Exit, Failure};
use crate::render::run::tree;
use crate::seat::Context;
use crate::{json, print};

const EXAMPLES: &str = "\
Examples:
  op-dbus show k3x9
  op-dbus show k3x9 --json | jq '.phases[].steps[].failure'";

/// Show a run with its phases and steps
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Show {
    /// Run, by its id or the beginning of it
    run: String,
}

impl Show {
    /// Does it.
    pub(crate) async fn run(self, ctx: &Context) -> Result<Exit, Failure> {
        ctx.with(Vec::new(), async |session| {
            let run = fetch(&session.client, &self.run).await?;
            let now = Timestamp::now();
            if ctx.terminal.json {
                print::json(&json::run(&run, now))?;
            } else {
                print::text(&tree(&run, now, &ctx.terminal))?;
            }
            Ok(Exit::Done)
        })
        .await
    }
}
