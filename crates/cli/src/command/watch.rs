//! `op-dbus watch`: a run as it goes on, and what came of it.

use clap::Args;
use jiff::Timestamp;
use op_proto::v1::{OutputRequest, Run, RunState, WatchRequest, WatchResponse};
use serde_json::json;

use super::fetch;
use crate::client::Client;
use crate::failure::{Exit, Failure};
use crate::interrupt::Interrupts;
use crate::live::{Follow, OnStop, Until, Watched};
use crate::render::report::Report;
use crate::render::{ending, run as told, state, value};
use crate::seat::{Context, Session};
use crate::terminal::Terminal;
use crate::{json, print};

const EXAMPLES: &str = "\
Examples:
  op-dbus watch k3x9
  op-dbus watch k3x9 --from 42
  op-dbus watch k3x9 --json      # one JSON document per line: events and progress

A run can be named by the beginning of its id. Ctrl-C leaves; the run goes on.";

/// Watch a run to its end
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Watch {
    /// Run, by its id or the beginning of it
    run: String,
    /// First event wanted
    #[arg(long, value_name = "N", default_value_t = 1)]
    from: u64,
}

impl Watch {
    /// Does it.
    pub(crate) async fn run(self, ctx: &Context) -> Result<Exit, Failure> {
        let mut interrupts = Interrupts::listen()?;
        let session = ctx.open(Vec::new(), &mut interrupts).await?;
        let result = self.follow(&session, &mut interrupts, ctx).await;
        session.close().await;
        result
    }

    async fn follow(
        self,
        session: &Session,
        interrupts: &mut Interrupts,
        ctx: &Context,
    ) -> Result<Exit, Failure> {
        let run = fetch(&session.client, &self.run).await?;
        let request = WatchRequest { run: self.run.clone(), from: self.from, events_only: false };
        let (terminal, end) = (&ctx.terminal, last(&run, session));
        if end.is_some_and(|last| last < self.from) {
            return Err(unfinished(&run, session));
        }
        let stream = session.client.runs().watch(request).await?.into_inner();
        let (client, on_stop, quiet) = (&session.client, OnStop::Leave, terminal.json);
        let until = end.map_or(Until::End, Until::Event);
        // A run that sleeps is woken by no other process while this one has its journal.
        let program = end.is_none().then(|| session.program());
        let follow = Follow { client, terminal, interrupts, on_stop, quiet, from: self.from, until, program };
        let each =
            |seen: &WatchResponse| if terminal.json { print::json_line(&json::seen(seen)) } else { Ok(()) };
        let watched = follow.watch(stream, each).await?;
        match watched {
            Watched::Left { .. } => Err(Failure::interrupted().hint("the run goes on without a watcher")),
            Watched::Ended { run } if terminal.json => {
                Ok(Exit::of_run(state_of(&fetch(&session.client, &run).await?)))
            }
            Watched::Ended { run } => conclude(session, &run, ctx).await,
        }
    }
}

/// The last event there will be: a daemon that is hosted here wakes no run that it did not start.
pub(super) fn last(run: &Run, session: &Session) -> Option<u64> {
    (session.is_hosted() && !state::has_ended(state_of(run))).then_some(run.sequence)
}

pub(super) fn state_of(run: &Run) -> RunState {
    run.summary.as_ref().map_or(RunState::Unspecified, op_proto::v1::RunSummary::state)
}

/// Shows what came of a run, and ends as it did.
pub(super) async fn conclude(session: &Session, run: &str, ctx: &Context) -> Result<Exit, Failure> {
    let (client, terminal) = (&session.client, &ctx.terminal);
    let run = fetch(client, run).await?;
    let exit = Exit::of_run(state_of(&run));
    let shown = if terminal.json { print::json(&document(&run)) } else { show(client, &run, terminal).await };
    if !state::has_ended(state_of(&run)) {
        return Err(unfinished(&run, session));
    }
    // That nobody reads the report does not make a failed run a good one.
    match (shown, exit) {
        (Err(failure), Exit::Done) => Err(failure),
        (Ok(()) | Err(_), exit) => Ok(exit),
    }
}

/// `{"run": ..., "output": ...}`.
fn document(run: &Run) -> serde_json::Value {
    json!({ "run": json::run(run, Timestamp::now()), "output": value::json(run.output.as_ref()) })
}

fn unfinished(run: &Run, session: &Session) -> Failure {
    let id = run.summary.as_ref().map(|summary| summary.id.clone()).unwrap_or_default();
    let (why, hint) = if session.is_hosted() {
        ("sleeps: no daemon is running", "`op-dbus serve` wakes it".to_owned())
    } else {
        (
            "has not ended: the daemon went down",
            format!("`op-dbus watch {id} --from {}` goes on from here", run.sequence + 1),
        )
    };
    Failure::broken(format!("run {id} {why}")).hint(hint)
}

async fn show(client: &Client, run: &Run, terminal: &Terminal) -> Result<(), Failure> {
    let now = Timestamp::now();
    match state_of(run) {
        RunState::Completed => {}
        state if state::has_ended(state) => {
            let tails = tails(client, run).await;
            print::aside(&ending::autopsy(run, &tails, terminal.aside, terminal.width));
        }
        _ => return Ok(()),
    }
    let id = run.summary.as_ref().map_or("", |summary| summary.id.as_str());
    if let Some(report) = Report::read(&value::json(run.output.as_ref())) {
        let (text, phases) = (report.render(id, terminal), told::phases(run, now, terminal));
        let end = ending::line(run, now, terminal.paint);
        return print::text(&format!("{text}\n{phases}\n{end}\n"));
    }
    let shown = print::bytes(&value::bytes(run.output.as_ref()));
    print::note(&ending::line(run, now, terminal.aside));
    shown
}

/// The last lines of what the steps wrote that are to blame. Output that cannot be had is no reason not to tell the rest.
async fn tails(client: &Client, run: &Run) -> Vec<Vec<String>> {
    let id = run.summary.as_ref().map(|summary| summary.id.clone()).unwrap_or_default();
    let mut tails = Vec::new();
    for (_, step) in ending::blamed(run) {
        let request = OutputRequest { run: id.clone(), step: step.id.clone(), attempt: 0, visit: 0 };
        let answer = client.runs().output(request).await;
        tails.push(answer.map(|answer| ending::tail(&answer.into_inner().chunks)).unwrap_or_default());
    }
    tails
}
