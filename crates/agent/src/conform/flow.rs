//! Output under flow control.

use std::time::Duration;

use tokio::time::Instant;

use super::hub::{Hub, Missed};
use super::record::{Record, ending, output};
use super::report::{Checked, Gap, short, untried};
use super::subject::Subject;
use super::trial::Call;
use crate::credit::INITIAL;

/// How long an operation must be silent before it counts as one that waits for credit.
const QUIET: Duration = Duration::from_millis(400);

/// What is granted at a time.
pub(super) const STEP: u64 = 64 << 10;

/// More than any operation of a trial writes.
pub(super) const PLENTY: u64 = 1 << 40;

/// The call that writes much.
pub(super) fn call<'a>(subject: &'a Subject<'_>) -> Result<&'a Call, Gap> {
    let large = subject.trial.large.as_ref();
    large.ok_or_else(|| {
        untried(
            "name an operation that writes more than 256 KiB of output, and less than 16 MiB, with --large",
        )
    })
}

/// An operation waits when its credit is used up, and goes on when it gets more. That it never sends more is judged over all.
pub(super) async fn credit(subject: &Subject<'_>) -> Checked {
    let call = call(subject)?;
    let mut hub = Hub::open(subject).await?;
    let id = subject.id("credit");
    hub.ask(call.order(&id));
    let first = fill(&mut hub, subject, &id).await?;
    if first > INITIAL {
        return Err(short(format!("{INITIAL} bytes before the first credit"), format!("{first} bytes")));
    }
    if let Some(outcome) = hub.record(&id).outcome() {
        return Err(untried(format!("`{}` wrote {first} bytes and {}", call.operation, ending(outcome))));
    }
    hub.credit(&id, STEP);
    let second = fill(&mut hub, subject, &id).await?;
    if second <= first {
        let expected = format!("more output once {STEP} bytes more are allowed");
        return Err(short(expected, format!("{first} bytes before and after")));
    }
    hub.cancel(&id, Duration::ZERO);
    let _ = hub.outcome(&id, subject.trial.patience).await;
    Ok(format!("{first} bytes before the first credit, {second} after {STEP} more"))
}

/// Listens until an operation says no more for now, or has ended; how much it wrote by then.
pub(super) async fn fill(hub: &mut Hub<'_>, subject: &Subject<'_>, id: &str) -> Result<u64, Gap> {
    let begun = hub.record(id).last();
    let first = hub.until(subject.trial.patience, |hub| hub.record(id).last() > begun).await;
    first.map_err(|missed| short(format!("output of `{id}`"), missed.to_string()))?;
    loop {
        let written = hub.record(id).written;
        if hub.record(id).outcome().is_some() {
            return Ok(written);
        }
        let more = |hub: &Hub<'_>| hub.record(id).written > written || hub.record(id).outcome().is_some();
        match hub.until(QUIET, more).await {
            Ok(()) => {}
            Err(Missed::Silence(_)) => return Ok(written),
            Err(ended) => return Err(short(format!("output of `{id}`"), ended.to_string())),
        }
    }
}

/// A large output arrives whole: as much as on a stream without credit, byte by byte.
pub(super) async fn large(subject: &Subject<'_>) -> Checked {
    let whole = alone(subject).await?;
    let call = call(subject)?;
    let mut hub = Hub::open(subject).await?;
    let id = subject.id("large");
    hub.ask(call.order(&id));
    let (mut before, mut grew) = (0, Instant::now());
    while hub.record(&id).outcome().is_none() {
        let written = hub.record(&id).written;
        if written > before {
            (before, grew) = (written, Instant::now());
        }
        let came = match hub.until(QUIET, |hub| is_step(hub.record(&id), written)).await {
            Err(missed @ (Missed::Ended(_) | Missed::Flood)) => Some(missed.to_string()),
            Ok(()) | Err(Missed::Silence(_)) => (grew.elapsed() > subject.trial.patience)
                .then(|| format!("{written} bytes, and then silence")),
        };
        if let Some(came) = came {
            return Err(short(format!("all {} bytes of output", whole.len()), came));
        }
        hub.credit(&id, STEP);
    }
    hub.settle().await?;
    compare(&whole, &hub.record(&id).output())
}

fn is_step(record: &Record, before: u64) -> bool {
    record.written >= before + STEP || record.outcome().is_some()
}

/// The output of the large operation on a stream of its own.
pub(super) async fn alone(subject: &Subject<'_>) -> Result<Vec<u8>, Gap> {
    let order = call(subject)?.order(&subject.id("whole"));
    let record: Record = super::execute::perform(subject, order).await?;
    Ok(output(&record.events))
}

/// Holds an output to being all of it, once.
pub(super) fn compare(whole: &[u8], came: &[u8]) -> Checked {
    if whole == came {
        return Ok(format!("{} bytes", whole.len()));
    }
    let same = whole.iter().zip(came).take_while(|(one, other)| one == other).count();
    let expected = format!("the {} bytes that Execute brought", whole.len());
    Err(short(expected, format!("{} bytes, other than these from byte {same}", came.len())))
}
