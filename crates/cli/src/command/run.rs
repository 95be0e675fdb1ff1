//! `op-dbus run`: starts a run and watches it to its end.

use std::collections::HashMap;
use std::env;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use op_proto::v1::{ExecuteRequest, PreviewRequest, StartRequest, WatchResponse};
use serde_json::{Map, Value, json};
use tokio_stream::{Stream, StreamExt as _};
use tonic::Status;

use super::watch::conclude;
use crate::failure::{Exit, Failure};
use crate::inputs::{self, Given};
use crate::interrupt::Interrupts;
use crate::live::{Follow, OnStop, Until, Watched};
use crate::render::{preview, time};
use crate::seat::{Context, Seat, Session};
use crate::words::{Word, pair};
use crate::{json, print};

const EXAMPLES: &str = "\
Examples:
  op-dbus run code_review path=.
  op-dbus run code_review path=~/src/project --json > review.json
  op-dbus run release version=1.2.0 targets:='[\"x86_64\", \"aarch64\"]' --timeout 30m
  op-dbus run code_review path=. --cast thorough --role 'reviewer=rust_pro.audit' --role docs=none
  op-dbus run code_review path=. --dry-run          # who would do what, and nothing starts
  op-dbus run nightly --input nightly.toml --detach --key nightly-2026-01-31

Ctrl-C cancels the run and watches it to its end; Ctrl-C again leaves it.";

/// Start a run and watch it to its end
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Run {
    /// Plan, as `op-dbus plans` lists it
    plan: String,
    /// Inputs: KEY=VALUE by the type the plan wants, or KEY:=JSON
    #[arg(value_name = "KEY=VALUE")]
    words: Vec<Word>,
    /// A cast that says who plays what, as `op-dbus casts` lists it; of several, the first ones first
    #[arg(long, value_name = "NAME")]
    cast: Vec<String>,
    /// Who plays a step or role: a role, an agent or AGENT.OPERATION; `none` means nobody
    #[arg(long, value_name = "STEP=WHO", value_parser = pair)]
    role: Vec<(String, String)>,
    /// Only show what it would do: inputs, who plays what, arguments, waits
    #[arg(long = "dry-run", conflicts_with_all = ["detach", "key"])]
    preview: bool,
    /// File with inputs, a JSON object or TOML; - reads standard input
    #[arg(long, value_name = "FILE")]
    input: Option<PathBuf>,
    /// Print the id of the run and return
    #[arg(long)]
    detach: bool,
    /// Limit on the whole run, in place of the plan's own
    #[arg(long, value_name = "DURATION", value_parser = time::duration)]
    timeout: Option<Duration>,
    /// Label for people and filters
    #[arg(long, value_name = "KEY=VALUE", value_parser = pair)]
    label: Vec<(String, String)>,
    /// Idempotency key: a repeat with the same request is the same run
    #[arg(long, value_name = "KEY")]
    key: Option<String>,
    /// Session whose memory it shares, as `op-dbus session` printed it
    #[arg(long, value_name = "ID")]
    session: Option<String>,
}

impl Run {
    /// Does it.
    pub(crate) async fn run(self, ctx: &Context) -> Result<Exit, Failure> {
        let mut interrupts = Interrupts::listen()?;
        let seat = Seat::find(ctx).await?;
        if self.detach && matches!(seat, Seat::Empty(_)) {
            let refused = Failure::refused("no daemon is running that a detached run could be left to");
            return Err(refused.hint("start one with `op-dbus serve`"));
        }
        let given = self.given(&seat, ctx).await?;
        let roots = given.roots.clone();
        let request = self.request(given);
        let session = tokio::select! {
            session = seat.open(roots) => session?,
            _ = interrupts.next() => return Err(Failure::interrupted()),
        };
        if !self.preview {
            session.tell_sleepers(&ctx.terminal);
        }
        let result = if self.preview {
            preview(&session, request, ctx).await
        } else if self.detach {
            detach(&session, request, ctx).await
        } else {
            execute(&session, request, &mut interrupts, ctx).await
        };
        session.close().await;
        result
    }

    async fn given(&self, seat: &Seat, ctx: &Context) -> Result<Given, Failure> {
        let takes = seat.inputs(&self.plan, &ctx.terminal).await?;
        let values = self.input.as_deref().map_or_else(|| Ok(Map::new()), inputs::file)?;
        let here = env::current_dir()
            .map_err(|error| Failure::broken("the current directory is gone").because(&error))?;
        inputs::gather(&takes, values, &self.words, &here)
    }

    fn request(&self, given: Given) -> StartRequest {
        StartRequest {
            plan: self.plan.clone(),
            inputs: Value::Object(given.values).to_string(),
            cast: self.role.iter().cloned().collect::<HashMap<_, _>>(),
            casts: self.cast.clone(),
            idempotency_key: self.key.clone().unwrap_or_default(),
            labels: self.label.iter().cloned().collect(),
            timeout: self.timeout.map(time::wire),
            session: self.session.clone().unwrap_or_default(),
        }
    }
}

async fn preview(session: &Session, request: StartRequest, ctx: &Context) -> Result<Exit, Failure> {
    let request = PreviewRequest { start: Some(request) };
    let answer = session.client.runs().preview(request).await?.into_inner();
    if ctx.terminal.json {
        print::json(&json::preview(&answer))?;
    } else {
        print::text(&preview::text(&answer, &ctx.terminal))?;
    }
    Ok(Exit::Done)
}

async fn detach(session: &Session, request: StartRequest, ctx: &Context) -> Result<Exit, Failure> {
    let started = session.client.runs().start(request).await?.into_inner();
    if ctx.terminal.json {
        print::json(&json!({ "run": started.run, "existing": started.existing }))?;
    } else {
        print::line(&started.run)?;
    }
    Ok(Exit::Done)
}

async fn execute(
    session: &Session,
    request: StartRequest,
    interrupts: &mut Interrupts,
    ctx: &Context,
) -> Result<Exit, Failure> {
    let request = ExecuteRequest { start: Some(request) };
    let mut runs = session.client.runs();
    let stream = tokio::select! {
        stream = runs.execute(request) => seen(stream?.into_inner()),
        _ = interrupts.next() => return Err(Failure::interrupted()),
    };
    let (client, terminal) = (&session.client, &ctx.terminal);
    let follow = Follow {
        client,
        terminal,
        interrupts,
        on_stop: OnStop::Cancel,
        quiet: false,
        from: 1,
        until: Until::End,
        program: Some(session.program()),
    };
    match follow.watch(stream, |_| Ok(())).await? {
        Watched::Ended { run } => conclude(session, &run, ctx).await,
        Watched::Left { run } => Err(left(run.as_deref(), session)),
    }
}

fn seen<S>(stream: S) -> impl Stream<Item = Result<WatchResponse, Status>>
where
    S: Stream<Item = Result<op_proto::v1::ExecuteResponse, Status>>,
{
    stream.filter_map(|executed| executed.map(|executed| executed.seen).transpose())
}

/// The user left a run that goes on, or sleeps when its host ends with this process.
fn left(run: Option<&str>, session: &Session) -> Failure {
    let failure = Failure::interrupted();
    match run {
        None => failure,
        Some(run) if session.is_hosted() => {
            failure.hint(format!("run {run} sleeps in the journal; `op-dbus serve` wakes it"))
        }
        Some(run) => failure.hint(format!("run {run} goes on; `op-dbus watch {run}` shows it")),
    }
}
