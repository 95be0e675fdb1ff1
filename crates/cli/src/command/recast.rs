//! `op-dbus recast`: others play what has not begun.

use clap::Args;
use op_proto::v1::RecastRequest;

use super::steer::{Steered, Words, with};
use crate::failure::{Exit, Failure};
use crate::seat::Context;
use crate::words::pair;

const EXAMPLES: &str = "\
Examples:
  op-dbus recast k3x9 reviewer=rust_pro.audit
  op-dbus recast k3x9 docs/1=none      # nobody plays it: it is skipped

WHO is a role, an agent or AGENT.OPERATION. What has begun goes on as it is; `op-dbus show RUN` says who plays what.";

/// Have others play what has not begun
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Recast {
    /// Run, by its id or the beginning of it
    run: String,
    /// Step or role, and who plays it from now on; `none` means nobody
    #[arg(value_name = "STEP=WHO", required = true, value_parser = pair)]
    cast: Vec<(String, String)>,
}

impl Recast {
    /// Does it.
    pub(crate) async fn run(self, ctx: &Context) -> Result<Exit, Failure> {
        let cast: std::collections::HashMap<_, _> = self.cast.into_iter().collect();
        with(ctx, &self.run, Words::GOES_ON, async |session, run| {
            let request = RecastRequest { run: run.to_owned(), cast: cast.clone() };
            let answer = session.client.runs().recast(request).await?.into_inner();
            Ok(Steered { state: answer.state(), run: answer.run })
        })
        .await
    }
}
