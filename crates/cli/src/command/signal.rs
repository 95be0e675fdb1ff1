//! `op-dbus signal`: sends a run what it waits for.

use clap::Args;
use op_proto::v1::SignalRequest;
use op_proto::v1::apply_request::Control;
use serde_json::Value;

use super::steer::{Which, Words, no_more, steer};
use crate::failure::{Exit, Failure};
use crate::seat::Context;

const EXAMPLES: &str = "\
Examples:
  op-dbus signal k3x9 shipped
  op-dbus signal k3x9 payment '{\"amount\": 12.5}'   # JSON where it reads as JSON
  op-dbus signal k3x9 comment 'looks good'         # text where it does not
  op-dbus signal --plan release --state waiting freeze_is_over

A signal is kept until a step waits for it.";

/// Send a signal that a step waits for, or will
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES, override_usage = "op-dbus signal [OPTIONS] <RUN> <NAME> [DATA]\n       op-dbus signal [OPTIONS] <FILTER> <NAME> [DATA]")]
pub(crate) struct Signal {
    /// Run, by its id or the beginning of it; left out where options say below which ones
    run: Option<String>,
    /// Name of the signal
    name: Option<String>,
    /// What it carries: JSON, or text
    data: Option<String>,
    #[command(flatten)]
    which: Which,
}

impl Signal {
    /// Does it.
    pub(crate) async fn run(self, ctx: &Context) -> Result<Exit, Failure> {
        let (target, words) = self.which.pick([self.run, self.name, self.data])?;
        let mut words = words.into_iter();
        let Some(signal) = words.next() else {
            let refused = Failure::refused("no signal is named");
            return Err(refused.hint("`op-dbus explain RUN` says which signal a run waits for"));
        };
        let data = words.next().map(|text| read(&text)).unwrap_or_default();
        no_more(words.as_slice())?;
        let request = SignalRequest { run: String::new(), signal, data };
        steer(ctx, target, Control::Signal(request), Words::GOES_ON).await
    }
}

/// Text as JSON: as it is where it reads as JSON, else as a string.
fn read(text: &str) -> String {
    match serde_json::from_str::<Value>(text) {
        Ok(_) => text.to_owned(),
        Err(_) => Value::from(text).to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_json_is_text() {
        let read = ["12", "[1]", "yes", "{\"a\": 1}", "looks good"].map(read);
        assert_eq!(read, ["12", "[1]", "\"yes\"", "{\"a\": 1}", "\"looks good\""]);
    }
}
