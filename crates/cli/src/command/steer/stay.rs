//! Staying with a run that goes on in this process.

use jiff::Timestamp;
use op_proto::v1::{Run, RunState, WatchRequest};
use serde_json::json;

use super::{Steered, Words};
use crate::command::fetch;
use crate::command::watch::{conclude, state_of};
use crate::failure::{Exit, Failure};
use crate::interrupt::Interrupts;
use crate::live::{Follow, OnStop, Until, Watched, is_at_rest};
use crate::print;
use crate::render::state::{Told as _, has_ended};
use crate::render::{ending, run as told};
use crate::seat::{Context, Session};

/// Follows a run from what was decided about it to its end, or until it waits for a person, and tells what came of it.
pub(super) async fn stay(
    session: &Session,
    interrupts: &mut Interrupts,
    steered: &Steered,
    before: u64,
    words: Words,
    ctx: &Context,
) -> Result<Exit, Failure> {
    let id = &steered.run;
    let run = settle(session, interrupts, id, before, ctx).await?;
    let state = state_of(&run);
    let exit = exit(state, words);
    if ctx.terminal.json {
        print::json(&json!({ "run": id, "state": state.word() }))?;
    } else if !has_ended(state) {
        print::text(&told::rest(&run, "op-dbus", &ctx.terminal))?;
    } else if words.wanted.contains(&state) {
        let now = Timestamp::now();
        let end = ending::line(&run, now, ctx.terminal.paint);
        print::text(&format!("{}\n{end}\n", told::phases(&run, now, &ctx.terminal)))?;
    } else {
        return conclude(session, id, ctx).await;
    }
    Ok(exit)
}

/// The run once it does not go on by itself.
pub(super) async fn settle(
    session: &Session,
    interrupts: &mut Interrupts,
    id: &str,
    before: u64,
    ctx: &Context,
) -> Result<Run, Failure> {
    let run = fetch(&session.client, id).await?;
    if is_at_rest(&run) {
        return Ok(run);
    }
    follow(session, interrupts, id, before, ctx).await?;
    let run = fetch(&session.client, id).await?;
    if is_at_rest(&run) { Ok(run) } else { Err(asleep(id)) }
}

fn asleep(run: &str) -> Failure {
    let hint = format!("run {run} sleeps in the journal; `op-dbus serve` wakes it");
    Failure::interrupted().hint(hint)
}

/// An end that was asked for is no failure, and a run that waits is as it should be.
pub(super) fn exit(state: RunState, words: Words) -> Exit {
    if words.wanted.contains(&state) || !has_ended(state) { Exit::Done } else { Exit::of_run(state) }
}

async fn follow(
    session: &Session,
    interrupts: &mut Interrupts,
    run: &str,
    before: u64,
    ctx: &Context,
) -> Result<(), Failure> {
    let (client, terminal) = (&session.client, &ctx.terminal);
    let from = before + 1;
    let request = WatchRequest { run: run.to_owned(), from, events_only: false };
    let stream = client.runs().watch(request).await?.into_inner();
    let follow = Follow {
        client,
        terminal,
        interrupts,
        on_stop: OnStop::Leave,
        quiet: terminal.json,
        from,
        until: Until::Rest,
        program: None,
    };
    match follow.watch(stream, |_| Ok(())).await? {
        Watched::Ended { .. } => Ok(()),
        Watched::Left { .. } => Err(asleep(run)),
    }
}
