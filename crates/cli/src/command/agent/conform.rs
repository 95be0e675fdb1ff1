//! `op-dbus agent conform`: whether an agent, in whatever language, keeps to the protocol.

use clap::Args;
use op_agent::conform::{self, Call, Finding, News, ParseCallError, Report, Trial, Verdict};
use op_proto::Address;
use serde_json::{Value, json};

use crate::failure::{Exit, Failure};
use crate::print;
use crate::render::text::hang;
use crate::seat::Context;
use crate::terminal::Terminal;

const EXAMPLES: &str = "\
Examples:
  op-dbus agent conform unix:/run/me/scribe.sock
  op-dbus agent conform tcp:127.0.0.1:50051 --operation look --slow 'wait={\"seconds\": 60}' --large pour --write note
  op-dbus agent conform unix:/run/me/scribe.sock --drain --json

Calls are NAME or NAME={\"argument\": ...}. Without --operation a read is called that takes no argument it must have; without the other
calls what they would show is not checked, and the report says so. Exits with 1 when the agent falls short of the protocol.
The protocol is told in proto/README.md.";

/// Hold an agent, in any language, against the protocol
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Conform {
    /// Where the agent listens: unix:PATH or tcp:HOST:PORT
    #[arg(value_name = "ADDRESS")]
    address: Address,
    /// Operation to call where any will do, a few dozen times
    #[arg(long, value_name = "NAME")]
    operation: Option<String>,
    /// Arguments of that operation
    #[arg(long, value_name = "JSON", requires = "operation", default_value = "{}")]
    arguments: String,
    /// Call that goes on for ten seconds or more: shows cancelling and time limits
    #[arg(long, value_name = "CALL")]
    slow: Option<Call>,
    /// Call that writes more than 256 KiB of output and less than 16 MiB, the same each time: shows flow control
    #[arg(long, value_name = "CALL")]
    large: Option<Call>,
    /// Call that changes something, is not idempotent, and answers something else each time: shows what is done twice
    #[arg(long, value_name = "CALL")]
    write: Option<Call>,
    /// Call that asks the hub for something
    #[arg(long, value_name = "CALL")]
    asks: Option<Call>,
    /// Wait while you send the agent SIGTERM, and see how it leaves
    #[arg(long)]
    drain: bool,
}

impl Conform {
    /// Does it.
    pub(super) async fn run(self, ctx: &Context) -> Result<Exit, Failure> {
        let address = self.address.clone();
        let trial = self.trial().map_err(|error| Failure::refused(error.to_string()))?;
        let terminal = &ctx.terminal;
        let mut written = Ok(());
        let report = conform::conform(&address, &trial, |news| match news {
            News::Drain => print::note("send the agent SIGTERM now"),
            News::Checked(_) if terminal.json => {}
            News::Checked(finding) => {
                let line = print::text(&line(finding, terminal));
                written = std::mem::replace(&mut written, Ok(())).and(line);
            }
        });
        let report = report.await.map_err(|error| {
            Failure::broken("the agent cannot be tried")
                .because(&error)
                .hint("see whether it runs and listens at that address, and which operations it has")
        })?;
        written?;
        if terminal.json {
            print::json(&report.findings.iter().map(json).collect::<Value>())?;
        } else {
            print::line(&summary(&report))?;
        }
        Ok(if report.falls_short() { Exit::Broken } else { Exit::Done })
    }

    fn trial(self) -> Result<Trial, ParseCallError> {
        let Self { operation, arguments, slow, large, write, asks, drain, .. } = self;
        let operation = operation.map(|name| format!("{name}={arguments}").parse()).transpose()?;
        let trial = Trial { operation, slow, large, write, asks, ..Trial::default() };
        Ok(if drain { trial.with_drain() } else { trial })
    }
}

fn line(finding: &Finding, terminal: &Terminal) -> String {
    let paint = terminal.paint;
    let word = match &finding.verdict {
        Verdict::Passed { .. } => paint.green(format!("{:11}", "pass")),
        Verdict::Failed { .. } => paint.red(format!("{:11}", "FAIL")),
        Verdict::NotChecked { .. } => paint.yellow(format!("{:11}", "not checked")),
    };
    let name = paint.bold(format!("{:26}", finding.check));
    hang(&format!("{word}  {name} "), &finding.verdict.to_string(), terminal.width)
}

fn json(finding: &Finding) -> Value {
    let Finding { check, verdict } = finding;
    match verdict {
        Verdict::Passed { seen } => json!({ "check": check, "verdict": "pass", "seen": seen }),
        Verdict::Failed { expected, came } => {
            json!({ "check": check, "verdict": "fail", "expected": expected, "came": came })
        }
        Verdict::NotChecked { why } => json!({ "check": check, "verdict": "not_checked", "why": why }),
    }
}

fn summary(report: &Report) -> String {
    let count =
        |is: fn(&Verdict) -> bool| report.findings.iter().filter(|finding| is(&finding.verdict)).count();
    format!(
        "{} passed, {} fell short, {} not checked",
        count(|verdict| matches!(verdict, Verdict::Passed { .. })),
        count(|verdict| matches!(verdict, Verdict::Failed { .. })),
        count(|verdict| matches!(verdict, Verdict::NotChecked { .. })),
    )
}
