//! `op-dbus suggest`: plans for what is called by hand again and again.

use std::time::Duration;

use clap::Args;
use op_proto::v1::{SuggestRequest, Suggestion};
use serde_json::Value;

use crate::failure::{Exit, Failure};
use crate::render::text::{clean, one_line};
use crate::render::time;
use crate::seat::Context;
use crate::terminal::Terminal;
use crate::{json, print};

const EXAMPLES: &str = "\
Examples:
  op-dbus suggest
  op-dbus suggest --times 5 --within 7d
  op-dbus suggest > suggested.toml && op-dbus check suggested.toml
  op-dbus suggest --json | jq -r '.[0].toml'

What is suggested is TOML as a file in plans.d has it: move there what is useful, give it a better name, and say where an
argument comes from that is the same each time, or what the call before it returned. Arguments are not kept of calls, so
each that must be given is an input, and those that may be left out are named in a comment. Looked at are calls outside of
runs that succeeded, each sequence within one session, or outside of sessions, at most 10 minutes apart. `op-dbus events --kind call` lists them.";

/// Suggest workstacks for calls that are made again and again in the same order
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Suggest {
    /// At least so many times
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u32).range(2..))]
    times: u32,
    /// How far back calls are looked at
    #[arg(long, value_name = "DURATION", default_value = "24h", value_parser = time::duration)]
    within: Duration,
    /// Only what this user called
    #[arg(long, value_name = "USER", default_value = "", hide_default_value = true)]
    user: String,
}

impl Suggest {
    /// Does it.
    pub(crate) async fn run(self, ctx: &Context) -> Result<Exit, Failure> {
        ctx.with(Vec::new(), async |session| {
            let request = SuggestRequest {
                times: self.times,
                within: Some(time::wire(self.within)),
                user: self.user.clone(),
            };
            let suggestions = session.client.plans().suggest(request).await?.into_inner().suggestions;
            if ctx.terminal.json {
                print::json(&suggestions.iter().map(json::suggestion).collect::<Value>())?;
            } else if suggestions.is_empty() {
                print::note(&self.nothing());
            } else {
                print::text(&file(&suggestions, &ctx.terminal))?;
            }
            Ok(Exit::Done)
        })
        .await
    }

    /// That there is nothing, and what it takes.
    fn nothing(&self) -> String {
        let within = time::span(self.within);
        let within = within.strip_suffix(" 0 min").unwrap_or(&within);
        format!(
            "no sequence of calls was made {} times in the last {within}: it takes different operations that succeed, called in \
             the same order outside of runs, each within 10 minutes of the one before",
            self.times
        )
    }
}

/// A file of plans, with what is told of each above it.
fn file(suggestions: &[Suggestion], terminal: &Terminal) -> String {
    let plans = suggestions.iter().map(|of| {
        let last = time::of(of.last.as_ref()).map(time::day).unwrap_or_default();
        let told = format!("# {} called this {} times, last at {last}.", one_line(&of.user), of.times);
        format!("{}\n{}", terminal.paint.dim(told), clean(&of.toml))
    });
    plans.collect::<Vec<_>>().join("\n")
}
