//! `op-dbus compare`: two runs side by side.

use std::collections::{BTreeMap, BTreeSet};

use clap::Args;
use jiff::Timestamp;
use op_proto::v1::{OutputRequest, Run};

use super::fetch;
use crate::client::Client;
use crate::failure::{Exit, Failure};
use crate::print;
use crate::render::side::{Side, steps};
use crate::render::value;
use crate::seat::Context;

const EXAMPLES: &str = "\
Examples:
  op-dbus compare k3x9 a7m2
  op-dbus compare k3x9 a7m2 --json | jq '.steps[] | select(.output_differs)'

Where both agree there is one word, else LEFT → RIGHT; times are LEFT | RIGHT.";

/// Compare two runs: who played what, states, attempts, times and outputs
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Compare {
    /// Run on the left, by its id or the beginning of it
    left: String,
    /// Run on the right
    right: String,
}

impl Compare {
    /// Does it.
    pub(crate) async fn run(self, ctx: &Context) -> Result<Exit, Failure> {
        ctx.with(Vec::new(), async move |session| {
            let client = &session.client;
            let (left, right) = (fetch(client, &self.left).await?, fetch(client, &self.right).await?);
            let outputs = outputs(client, &left, &right).await?;
            let side = Side::new((&left, &right), outputs, Timestamp::now());
            if ctx.terminal.json {
                print::json(&side.json())?;
            } else {
                print::text(&side.text(&ctx.terminal))?;
            }
            Ok(Exit::Done)
        })
        .await
    }
}

/// The values of the steps of both runs, as text.
async fn outputs(
    client: &Client,
    left: &Run,
    right: &Run,
) -> Result<BTreeMap<String, (Option<String>, Option<String>)>, Failure> {
    let ids: BTreeSet<_> = steps(left).chain(steps(right)).map(|step| step.id.clone()).collect();
    let mut outputs = BTreeMap::new();
    for id in ids {
        let both = (output(client, left, &id).await?, output(client, right, &id).await?);
        outputs.insert(id, both);
    }
    Ok(outputs)
}

/// The value of a step as text; none where it is not in the run or has none.
async fn output(client: &Client, run: &Run, id: &str) -> Result<Option<String>, Failure> {
    let Some(step) = steps(run).find(|step| step.id == id) else { return Ok(None) };
    if step.started_at.is_none() {
        return Ok(None);
    }
    let run = run.summary.clone().unwrap_or_default().id;
    let request = OutputRequest { run, step: id.to_owned(), attempt: 0, visit: 0 };
    let value = client.runs().output(request).await?.into_inner().value;
    Ok(value.map(|value| String::from_utf8_lossy(&value::bytes(Some(&value))).into_owned()))
}
