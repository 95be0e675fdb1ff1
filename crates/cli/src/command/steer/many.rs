//! Steering every run that matches.

use jiff::Timestamp;
use op_proto::v1::apply_request::Control;
use op_proto::v1::{ApplyRequest, ApplyResponse, ListRequest, Run};
use serde_json::{Value, json};

use super::Words;
use super::stay::{self, settle};
use crate::command::fetch;
use crate::command::watch::state_of;
use crate::failure::{Exit, Failure};
use crate::interrupt::Interrupts;
use crate::print;
use crate::render::ending;
use crate::render::text::{count, one_line};
use crate::seat::{Context, Session};

/// How many refusals are shown.
const SHOWN: usize = 10;

/// How many runs are listed at once, and so steered at most, where they go on in this process.
const PAGE: u32 = 1000;

/// Steers every run that matches, and tells how many did and why the others did not.
pub(super) async fn apply(
    ctx: &Context,
    filter: ListRequest,
    control: Control,
    words: Words,
) -> Result<Exit, Failure> {
    let mut interrupts = Interrupts::listen()?;
    let session = ctx.open(Vec::new(), &mut interrupts).await?;
    let matching = if session.is_hosted() { matching(&session, &filter).await } else { Ok(Vec::new()) };
    let session = match matching {
        Ok(ref runs) => session.able_to_wake(runs, ctx).await?,
        Err(failure) => {
            session.close().await;
            return Err(failure);
        }
    };
    let result = applied(&session, &mut interrupts, (filter, control, words), &matching?, ctx).await;
    session.close().await;
    result
}

/// The runs that match, by id.
async fn matching(session: &Session, filter: &ListRequest) -> Result<Vec<String>, Failure> {
    let limit = if filter.limit == 0 { PAGE } else { filter.limit.min(PAGE) };
    let request = ListRequest { limit, ..filter.clone() };
    let runs = session.client.runs().list(request).await?.into_inner().runs;
    Ok(runs.into_iter().map(|run| run.id).collect())
}

async fn applied(
    session: &Session,
    interrupts: &mut Interrupts,
    (filter, control, words): (ListRequest, Control, Words),
    matching: &[String],
    ctx: &Context,
) -> Result<Exit, Failure> {
    let mut before = Vec::new();
    for run in matching {
        before.push(fetch(&session.client, run).await?);
    }
    let request = ApplyRequest { filter: Some(filter), control: Some(control) };
    let mut runs = session.client.runs();
    let answer = tokio::select! {
        answer = runs.apply(request) => answer?.into_inner(),
        _ = interrupts.next() => {
            let hint = "the daemon goes on with it; the same command goes on where it was";
            return Err(Failure::interrupted().hint(hint));
        }
    };
    tell(&answer, ctx)?;
    let mut exit = outcome(&answer);
    for run in before {
        let is_refused = answer.refused.iter().any(|refused| refused.run == id_of(&run));
        if is_refused || run.sequence == fetch(&session.client, id_of(&run)).await?.sequence {
            continue;
        }
        let run = settle(session, interrupts, id_of(&run), run.sequence, ctx).await?;
        print::note(&ending::line(&run, Timestamp::now(), ctx.terminal.aside));
        exit = if exit == Exit::Done { stay::exit(state_of(&run), words) } else { exit };
    }
    Ok(exit)
}

fn id_of(run: &Run) -> &str {
    run.summary.as_ref().map_or("", |summary| summary.id.as_str())
}

/// Nothing was done although something matched: that was refused.
fn outcome(answer: &ApplyResponse) -> Exit {
    if answer.matched > 0 && answer.steered == 0 { Exit::Refused } else { Exit::Done }
}

fn tell(answer: &ApplyResponse, ctx: &Context) -> Result<(), Failure> {
    let refused = answer.matched - answer.steered;
    if ctx.terminal.json {
        let reasons = answer.refused.iter().map(|of| json!({ "run": of.run, "reason": of.reason }));
        return print::json(&json!({
            "matched": answer.matched,
            "steered": answer.steered,
            "refused": refused,
            "reasons": reasons.collect::<Value>(),
        }));
    }
    if answer.matched == 0 {
        print::note("no run matches");
        return Ok(());
    }
    let matched = count(usize::try_from(answer.matched).unwrap_or(usize::MAX), "run");
    print::line(&format!("{matched} matched: {} steered, {refused} refused", answer.steered))?;
    for of in answer.refused.iter().take(SHOWN) {
        // The run stands before it already.
        let reason = of.reason.strip_prefix(&format!("run {}: ", of.run)).unwrap_or(&of.reason);
        print::line(&format!("  {}: {}", ctx.terminal.paint.bold(&of.run), one_line(reason)))?;
    }
    let more = usize::try_from(refused).unwrap_or(usize::MAX).saturating_sub(SHOWN.min(answer.refused.len()));
    if more > 0 {
        print::line(&format!("  and {more} more"))?;
    }
    Ok(())
}
