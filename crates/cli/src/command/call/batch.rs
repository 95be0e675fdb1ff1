//! `op-dbus call --batch`: several calls as one.

use std::fs;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use op_proto::v1::call_batch_request::Strategy as Of;
use op_proto::v1::call_batch_response::Seen;
use op_proto::v1::call_outcome::Kind;
use op_proto::v1::{
    BatchOutcome, BatchSummary, CallBatchRequest, CallRequest, FirstSuccess, Parallel, Pipeline, Sequential,
    Voting,
};
use serde::Deserialize;
use serde_json::{Map, Value};
use tokio_stream::StreamExt as _;

use crate::failure::{Exit, Failure};
use crate::render::run::blame;
use crate::render::text::{count, cut, one_line};
use crate::render::value;
use crate::seat::Session;
use crate::terminal::Terminal;
use crate::{json, print};

/// Largest file of calls, in bytes.
const MOST: u64 = 8 << 20;

/// What a batch takes.
#[derive(Debug, Args)]
#[expect(clippy::struct_field_names, reason = "fields are called as their options are")]
pub(super) struct Batch {
    /// File of calls in place of one: JSON lines or a list of {target, arguments}; - reads standard input
    #[arg(long, value_name = "FILE", conflicts_with_all = ["target", "words", "args"])]
    batch: Option<PathBuf>,
    /// In which order, and what counts as success
    #[arg(
        long,
        value_name = "STRATEGY",
        requires = "batch",
        conflicts_with = "target",
        default_value = "parallel"
    )]
    strategy: Strategy,
    /// How many at once, where they run side by side
    #[arg(
        long,
        value_name = "N",
        requires = "batch",
        conflicts_with = "target",
        default_value_t = 0,
        hide_default_value = true
    )]
    at_once: u32,
    /// Stop at the first that does not succeed
    #[arg(long, requires = "batch", conflicts_with = "target")]
    stop_on_error: bool,
    /// Argument that takes the value of the call before, in a pipeline
    #[arg(long, value_name = "NAME", requires = "batch", conflicts_with = "target", default_value = "input")]
    argument: String,
    /// How many must give the same value, in a vote; more than half without it
    #[arg(
        long,
        value_name = "N",
        requires = "batch",
        conflicts_with = "target",
        default_value_t = 0,
        hide_default_value = true
    )]
    threshold: u32,
    /// Field of the values that is compared in a vote, as a JSON pointer; the whole value without it
    #[arg(
        long,
        value_name = "POINTER",
        requires = "batch",
        conflicts_with = "target",
        default_value = "",
        hide_default_value = true
    )]
    pointer: String,
}

/// In which order, and what counts as success.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Strategy {
    /// All side by side; all must succeed.
    Parallel,
    /// One after the other; all must succeed.
    Sequential,
    /// All side by side until one succeeds.
    First,
    /// One after the other, each with the value of the one before.
    Pipeline,
    /// All side by side until so many agree.
    Voting,
}

/// A call as a file has it.
#[derive(Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    target: String,
    #[serde(default)]
    arguments: Map<String, Value>,
}

impl Batch {
    /// Performs the batch; each call is one like `like`.
    pub(super) async fn run(
        &self,
        session: &Session,
        like: &CallRequest,
        terminal: &Terminal,
    ) -> Result<Exit, Failure> {
        let path = self.batch.as_deref().ok_or_else(|| Failure::refused("nothing is to be called"))?;
        let written = written(&text(path)?)?;
        let names: Vec<_> = written.iter().map(|call| call.target.clone()).collect();
        let calls = written.into_iter().map(|call| CallRequest {
            target: call.target,
            arguments: Value::Object(call.arguments).to_string(),
            ..like.clone()
        });
        let request = CallBatchRequest { calls: calls.collect(), strategy: Some(self.strategy()) };
        let mut seen = session.client.agents().call_batch(request).await?.into_inner();
        while let Some(response) = seen.next().await {
            match response?.seen {
                Some(Seen::Ended(ended)) => self.strategy.tell(&ended, &names, terminal)?,
                Some(Seen::Summary(summary)) => return conclude(&summary, terminal),
                None => {}
            }
        }
        Err(Failure::broken("the daemon went away before the batch had ended"))
    }

    fn strategy(&self) -> Of {
        let stop_on_error = self.stop_on_error;
        match self.strategy {
            Strategy::Parallel => Of::Parallel(Parallel { limit: self.at_once, stop_on_error }),
            Strategy::Sequential => Of::Sequential(Sequential { stop_on_error }),
            Strategy::First => Of::FirstSuccess(FirstSuccess {}),
            Strategy::Pipeline => Of::Pipeline(Pipeline { argument: self.argument.clone() }),
            Strategy::Voting => {
                Of::Voting(Voting { threshold: self.threshold, pointer: self.pointer.clone() })
            }
        }
    }
}

fn text(path: &Path) -> Result<String, Failure> {
    let mut text = String::new();
    let read = if path == Path::new("-") {
        io::stdin().take(MOST + 1).read_to_string(&mut text)
    } else {
        fs::File::open(path).and_then(|file| file.take(MOST + 1).read_to_string(&mut text))
    };
    let bytes = read.map_err(|error| {
        Failure::refused(format!("cannot read the calls of `{}`", path.display())).because(&error)
    })?;
    if bytes as u64 > MOST {
        return Err(Failure::refused(format!(
            "the calls of `{}` are larger than {MOST} bytes",
            path.display()
        )));
    }
    Ok(text)
}

/// The calls in a text: a list, or one in each line.
fn written(text: &str) -> Result<Vec<Written>, Failure> {
    if text.trim_start().starts_with('[') {
        return serde_json::from_str(text).map_err(|error| {
            Failure::refused("the calls are no list of {target, arguments}").because(&error)
        });
    }
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    let calls = lines.map(|(at, line)| {
        serde_json::from_str(line).map_err(|error| {
            Failure::refused(format!("line {} of the calls is no {{target, arguments}}", at + 1))
                .because(&error)
        })
    });
    calls.collect()
}

impl Strategy {
    /// Whether the values are of each call, and not one of all together.
    fn is_each(self) -> bool {
        match self {
            Self::Parallel | Self::Sequential => true,
            Self::First | Self::Pipeline | Self::Voting => false,
        }
    }

    /// One line for each call that ended, and its value: on standard output, unless there is one of all together at the end.
    fn tell(self, ended: &BatchOutcome, names: &[String], terminal: &Terminal) -> Result<(), Failure> {
        let name = names.get(ended.place as usize).map_or("", String::as_str);
        if terminal.json {
            return print::json_line(&json::batched(ended, name));
        }
        let (place, paint) = (ended.place + 1, terminal.aside);
        let name = paint.bold(one_line(name));
        let line = |word: String| {
            let columns = terminal.stage.map_or(terminal.width, |(_, columns)| columns);
            print::note(&cut(&format!("{place} {name} {word}"), columns));
        };
        match ended.outcome.as_ref().map(|outcome| &outcome.kind) {
            None => line(paint.dim("was not begun")),
            Some(Some(Kind::Failure(failure))) => {
                line(paint.red(one_line(&failure.kind)));
                print::aside(&blame(failure, "  ", paint, terminal.width));
            }
            Some(Some(Kind::Value(of))) if self.is_each() => {
                line(paint.green("succeeded"));
                print::bytes(&value::bytes(Some(of)))?;
            }
            Some(Some(Kind::Value(of))) => {
                let text = one_line(&value::json(Some(of)).to_string());
                line(format!("{} {text}", paint.green("succeeded")));
            }
            Some(None) => return Err(Failure::broken("the daemon told no outcome")),
        }
        Ok(())
    }
}

fn conclude(summary: &BatchSummary, terminal: &Terminal) -> Result<Exit, Failure> {
    let exit = if summary.succeeded { Exit::Done } else { Exit::Failed };
    if terminal.json {
        print::json_line(&json::batch(summary))?;
        return Ok(exit);
    }
    let number = |of: u32| usize::try_from(of).unwrap_or(usize::MAX);
    let mut parts = vec![
        count(number(summary.successes), "success"),
        count(number(summary.failures), "failure"),
        format!("{} not begun", summary.skipped),
    ];
    parts.extend(Some(one_line(&summary.remark)).filter(|remark| !remark.is_empty()));
    let word = if summary.succeeded { "succeeded" } else { "failed" };
    print::note(&format!("the batch {word}: {}", parts.join(", ")));
    if summary.value.is_some() {
        print::bytes(&value::bytes(summary.value.as_ref()))?;
    }
    Ok(exit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_are_written_in_lines_or_as_a_list() {
        let one = r#"{"target": "file_read", "arguments": {"path": "x"}}"#;
        let other = r#"{"target": "rust_pro.version"}"#;
        let lines = written(&format!("{one}\n\n{other}\n")).expect("two calls");
        let list = written(&format!(" [{one}, {other}]")).expect("two calls");
        assert_eq!(lines, list);
        assert_eq!((lines.len(), lines[0].arguments["path"].as_str()), (2, Some("x")));
        assert!(written(r#"{"target": "x", "argument": {}}"#).is_err(), "unknown keys are refused");
        assert!(written("[{}]").is_err());
    }
}
