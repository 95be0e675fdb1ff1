//! `op-dbus explain`: why a run is where it is.

use clap::Args;
use jiff::Timestamp;
use op_proto::v1::ExplainRequest;

use crate::failure::{Exit, Failure};
use crate::render::state::painted;
use crate::render::text::hang;
use crate::seat::Context;
use crate::{json, print};

const EXAMPLES: &str = "\
Examples:
  op-dbus explain k3x9
  op-dbus explain k3x9 --json | jq -r '.sentences[]'";

/// Say why a run is where it is, and what it waits for
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Explain {
    /// Run, by its id or the beginning of it
    run: String,
}

impl Explain {
    /// Does it.
    pub(crate) async fn run(self, ctx: &Context) -> Result<Exit, Failure> {
        ctx.with(Vec::new(), async move |session| {
            let answer = session.client.runs().explain(ExplainRequest { run: self.run }).await?.into_inner();
            let (run, terminal) = (answer.run.unwrap_or_default(), &ctx.terminal);
            if terminal.json {
                let mut told = json::summary(&run, Timestamp::now());
                told["sentences"] = answer.sentences.into();
                print::json(&told)?;
                return Ok(Exit::Done);
            }
            let state = painted(run.state(), terminal.paint);
            let mut text = format!("run {} of {} is {state}\n", terminal.paint.bold(&run.id), run.plan);
            text.extend(answer.sentences.iter().map(|sentence| told(sentence, terminal.width)));
            print::text(&text)?;
            Ok(Exit::Done)
        })
        .await
    }
}

/// Stands for a space at which no line is broken.
const JOINT: &str = "\u{e000}";

/// A sentence as an entry of a list. A command in it stays on one line, so that it can be copied.
fn told(sentence: &str, width: usize) -> String {
    let parts = sentence.split('`').enumerate().map(|(at, part)| {
        let is_command = at % 2 == 1 && part.starts_with("op-dbus ");
        if is_command { part.replace(' ', JOINT) } else { part.to_owned() }
    });
    hang("  - ", &parts.collect::<Vec<_>>().join("`"), width).replace(JOINT, " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_in_a_sentence_stays_on_one_line() {
        let text = told("`a` waits for a person. To answer: `op-dbus approve k3x9 a`.", 40);
        assert_eq!(text, "  - `a` waits for a person. To answer:\n    `op-dbus approve k3x9 a`.\n");
    }
}
