//! `op-dbus output`: the value of a run or of a step.

use clap::Args;
use op_proto::v1::OutputRequest;
use serde_json::json;

use super::fetch;
use super::watch::state_of;
use crate::failure::{Exit, Failure};
use crate::render::state::Told as _;
use crate::render::value;
use crate::seat::{Context, Session};
use crate::terminal::Terminal;
use crate::{json, print};

const EXAMPLES: &str = "\
Examples:
  op-dbus output k3x9                       # the value of the run
  op-dbus output k3x9 build/1               # the value of a step
  op-dbus output k3x9 build/1 --raw > log   # what the step wrote, byte for byte
  op-dbus output k3x9 build/1 --visit 2 --raw
  op-dbus output k3x9 'test/1[3]' --raw     # what item 3 of its list wrote, counted from 0";

/// Print the value of a run or a step
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Output {
    /// Run, by its id or the beginning of it
    run: String,
    /// Step, or `STEP[ITEM]` for an item of its list; the run itself when left out
    step: Option<String>,
    /// What the step wrote, byte for byte, in place of its value
    #[arg(long, requires = "step")]
    raw: bool,
    /// Attempt, counted from 1; the last one when left out
    #[arg(long, value_name = "N", requires = "step", default_value_t = 0, hide_default_value = true)]
    attempt: u32,
    /// Visit, counted from 1; the last one when left out
    #[arg(long, value_name = "N", requires = "step", default_value_t = 0, hide_default_value = true)]
    visit: u32,
}

impl Output {
    /// Does it.
    pub(crate) async fn run(self, ctx: &Context) -> Result<Exit, Failure> {
        ctx.with(Vec::new(), async |session| {
            match &self.step {
                None => of_run(&self.run, session, &ctx.terminal).await?,
                Some(step) => self.of_step(step, session, &ctx.terminal).await?,
            }
            Ok(Exit::Done)
        })
        .await
    }

    async fn of_step(&self, step: &str, session: &Session, terminal: &Terminal) -> Result<(), Failure> {
        let request = OutputRequest {
            run: self.run.clone(),
            step: step.to_owned(),
            attempt: self.attempt,
            visit: self.visit,
        };
        let output = session.client.runs().output(request).await?.into_inner();
        if terminal.json {
            return print::json(&json!({
                "step": output.step,
                "visit": output.visit,
                "attempt": output.attempt,
                "value": value::json(output.value.as_ref()),
                "output": json::chunks(&output.chunks),
                "dropped": output.dropped,
            }));
        }
        if self.raw {
            if output.dropped > 0 {
                print::note(&format!(
                    "note: {} bytes between the beginning and the end were not kept",
                    output.dropped
                ));
            }
            return output.chunks.iter().try_for_each(|chunk| print::bytes(&chunk.data));
        }
        match &output.value {
            Some(_) => print::bytes(&value::bytes(output.value.as_ref())),
            None => {
                Err(Failure::refused(format!("step `{step}` has no value")).hint("--raw shows what it wrote"))
            }
        }
    }
}

async fn of_run(run: &str, session: &Session, terminal: &Terminal) -> Result<(), Failure> {
    let run = fetch(&session.client, run).await?;
    if terminal.json {
        return print::json(&value::json(run.output.as_ref()));
    }
    if run.output.is_none() {
        let id = run.summary.as_ref().map(|summary| summary.id.clone()).unwrap_or_default();
        let refused = Failure::refused(format!("run {id} has no value: it is {}", state_of(&run).word()));
        return Err(refused.hint(format!(
            "`op-dbus show {id}` lists its steps; a step's value is `op-dbus output {id} STEP`"
        )));
    }
    print::bytes(&value::bytes(run.output.as_ref()))
}
