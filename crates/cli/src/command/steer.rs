//! Steering: what is wanted of one run, or of every run that matches.
//!
//! With a daemon, a command returns once the decision is on disk. Without one, the run goes on in this process, so the command
//! stays with it until it ends or waits for a person.

mod many;
mod stay;

use clap::Args;
use op_proto::v1::apply_request::Control;
use op_proto::v1::{ListRequest, RunState};
use serde_json::json;

use super::fetch;
use super::filter::Filter;
use crate::client::Client;
use crate::failure::{Exit, Failure};
use crate::interrupt::Interrupts;
use crate::print;
use crate::render::gate::way_out;
use crate::render::state::{Told as _, has_ended};
use crate::seat::{Context, Session};

/// Which runs, where it is not one by its id.
#[derive(Debug, Args)]
#[command(next_help_heading = "Which runs")]
pub(crate) struct Which {
    /// Every run there is; a filter that lets all pass is refused without it
    #[arg(long)]
    all: bool,
    /// At most so many runs, newest first
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    limit: Option<u32>,
    #[command(flatten)]
    filter: Filter,
}

/// The run that is meant, or the filter of those that are.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Target {
    /// One, by its id or the beginning of it.
    One(String),
    /// All that match.
    Many(ListRequest),
}

impl Which {
    /// The run among the words that were typed, and the rest of them: with a filter, no word is a run.
    pub(super) fn pick<const N: usize>(
        self,
        words: [Option<String>; N],
    ) -> Result<(Target, Vec<String>), Failure> {
        let mut words: Vec<_> = words.into_iter().flatten().collect();
        let has_filter = !self.filter.is_empty();
        if has_filter || self.all || self.limit.is_some() {
            if !has_filter && !self.all {
                return Err(unclear("no filter says which runs"));
            }
            return Ok((Target::Many(self.filter.request(self.limit.unwrap_or(0))), words));
        }
        if words.is_empty() {
            return Err(unclear("no run is named"));
        }
        let run = words.remove(0);
        Ok((Target::One(run), words))
    }

    /// The run that was named, or the filter; both at once are refused.
    pub(super) fn target(self, run: Option<String>) -> Result<Target, Failure> {
        let (target, rest) = self.pick([run])?;
        no_more(&rest)?;
        Ok(target)
    }
}

/// Refuses words that mean nothing.
pub(super) fn no_more(rest: &[String]) -> Result<(), Failure> {
    match rest.first() {
        None => Ok(()),
        Some(word) => {
            let refused = Failure::refused(format!("`{word}` means nothing here"));
            Err(refused.hint("name one run by its id, or give a filter; not both"))
        }
    }
}

fn unclear(what: &str) -> Failure {
    Failure::refused(what)
        .hint("name a run by its id, or say which ones, such as `--state failed`; `--all` means every run")
}

/// What a decision came to.
#[derive(Debug)]
pub(super) struct Steered {
    pub(super) run: String,
    pub(super) state: RunState,
}

/// How it is told what happens now.
#[derive(Debug, Clone, Copy)]
pub(super) struct Words {
    /// What a run does that goes on: `is stopping`.
    pub(super) goes_on: &'static str,
    /// The ends that were asked for: they are no failure.
    pub(super) wanted: &'static [RunState],
}

impl Words {
    /// The run goes on, and how it ends counts.
    pub(super) const GOES_ON: Self = Self { goes_on: "goes on", wanted: &[] };
}

/// Steers what is meant.
pub(super) async fn steer(
    ctx: &Context,
    target: Target,
    control: Control,
    words: Words,
) -> Result<Exit, Failure> {
    match target {
        Target::One(run) => {
            with(ctx, &run, words, async |session, run| send(&session.client, run, &control).await).await
        }
        Target::Many(filter) => many::apply(ctx, filter, control, words).await,
    }
}

/// Opens what the run needs, decides something about it with `decide`, and tells what happens now.
pub(super) async fn with<D>(ctx: &Context, run: &str, words: Words, decide: D) -> Result<Exit, Failure>
where
    D: AsyncFnOnce(&Session, &str) -> Result<Steered, Failure>,
{
    let mut interrupts = Interrupts::listen()?;
    let session = ctx.open(Vec::new(), &mut interrupts).await?;
    let wakes = [run.to_owned()];
    let session = tokio::select! {
        session = session.able_to_wake(&wakes, ctx) => session?,
        _ = interrupts.next() => return Err(Failure::interrupted()),
    };
    let result = decided(&session, &mut interrupts, (run, words), decide, ctx).await;
    session.close().await;
    result
}

async fn decided<D>(
    session: &Session,
    interrupts: &mut Interrupts,
    (run, words): (&str, Words),
    decide: D,
    ctx: &Context,
) -> Result<Exit, Failure>
where
    D: AsyncFnOnce(&Session, &str) -> Result<Steered, Failure>,
{
    let deciding = async {
        let before = if session.is_hosted() { fetch(&session.client, run).await?.sequence } else { 0 };
        Ok::<_, Failure>((before, decide(session, run).await?))
    };
    let (before, steered) = tokio::select! {
        decided = deciding => decided?,
        _ = interrupts.next() => return Err(Failure::interrupted()),
    };
    if session.is_hosted() {
        return stay::stay(session, interrupts, &steered, before, words, ctx).await;
    }
    tell(&steered, words, ctx)?;
    Ok(Exit::Done)
}

/// Tells of a decision whose run goes on elsewhere.
fn tell(steered: &Steered, words: Words, ctx: &Context) -> Result<(), Failure> {
    let Steered { run, state } = steered;
    if ctx.terminal.json {
        return print::json(&json!({ "run": run, "state": state.word() }));
    }
    print::line(&sentence(run, *state, words))
}

fn sentence(run: &str, state: RunState, words: Words) -> String {
    match state {
        RunState::Paused => {
            let way = way_out("op-dbus", run, state).unwrap_or_default();
            format!("run {run} is paused; {way}")
        }
        RunState::Waiting => format!("run {run} waits; `op-dbus explain {run}` says for what"),
        state if has_ended(state) => format!("run {run} is {}", state.word()),
        _ => format!("run {run} {}; `op-dbus watch {run}` shows it to its end", words.goes_on),
    }
}

/// Brings a control to one run.
pub(super) async fn send(client: &Client, run: &str, control: &Control) -> Result<Steered, Failure> {
    let mut runs = client.runs();
    let run = run.to_owned();
    macro_rules! ask {
        ($rpc:ident, $request:expr) => {{
            let mut request = $request.clone();
            request.run = run;
            let answer = runs.$rpc(request).await?.into_inner();
            Ok(Steered { state: answer.state(), run: answer.run })
        }};
    }
    match control {
        Control::Cancel(request) => ask!(cancel, request),
        Control::Pause(request) => ask!(pause, request),
        Control::Resume(request) => ask!(resume, request),
        Control::Rollback(request) => ask!(rollback, request),
        Control::Retry(request) => ask!(retry, request),
        Control::Signal(request) => ask!(signal, request),
        Control::Approve(request) => ask!(approve, request),
        Control::Resolve(request) => ask!(resolve, request),
    }
}
