//! An operation that goes on until it is stopped.

use std::time::Duration;

use tokio::time::Instant;

use super::hub::{Hub, Missed};
use super::record::ending;
use super::report::{Checked, Gap, short, untried};
use super::subject::Subject;
use super::trial::Call;

/// How long an operation is watched before it counts as one that goes on.
const WATCH: Duration = Duration::from_millis(200);

/// What the hub asks for when it cancels.
const GRACE: Duration = Duration::from_secs(1);

/// What a hub adds to a grace before it gives the session up, for the way and for a machine that is busy.
pub(super) const MARGIN: Duration = Duration::from_secs(2);

/// Time limit of an operation that is to reach it.
pub(super) const LIMIT: Duration = Duration::from_millis(300);

/// How long an agent may take beyond the limit to stop what it does: its own grace.
pub(super) const OWN_GRACE: Duration = Duration::from_secs(5);

/// The call that is slow.
pub(super) fn call<'a>(subject: &'a Subject<'_>) -> Result<&'a Call, Gap> {
    let slow = subject.trial.slow.as_ref();
    slow.ok_or_else(|| untried("name an operation that goes on for ten seconds or more with --slow"))
}

/// Asks for the slow operation and sees to it that it goes on.
pub(super) async fn begin(hub: &mut Hub<'_>, subject: &Subject<'_>, check: &str) -> Result<String, Gap> {
    let call = call(subject)?;
    let id = subject.id(check);
    hub.ask(call.order(&id));
    let name = &call.operation;
    let taken = hub.until(subject.trial.patience, |hub| !hub.record(&id).events.is_empty()).await;
    taken.map_err(|missed| short(format!("that `{name}` is accepted"), missed.to_string()))?;
    match hub.outcome(&id, WATCH).await {
        Err(Missed::Silence(_)) => Ok(id),
        Err(ended) => Err(short(format!("that `{name}` goes on"), ended.to_string())),
        Ok(outcome) => {
            Err(untried(format!("`{name}` does not go on until it is stopped: it {}", ending(&outcome))))
        }
    }
}

/// An operation that is cancelled ends within the grace, and still says how.
pub(super) async fn cancel(subject: &Subject<'_>) -> Checked {
    call(subject)?;
    let mut hub = Hub::open(subject).await?;
    let id = begin(&mut hub, subject, "cancel").await?;
    let asked = Instant::now();
    hub.cancel(&id, GRACE);
    let outcome = hub.outcome(&id, GRACE + MARGIN).await.map_err(|missed| {
        let expected =
            format!("an outcome within the grace of {GRACE:?} once it is cancelled, and {MARGIN:?}");
        short(expected, missed.to_string())
    })?;
    let took = asked.elapsed();
    hub.settle().await?;
    Ok(format!("{}, after {took:.1?}", ending(&outcome)))
}

/// An operation ends at its time limit, by itself.
pub(super) async fn deadline(subject: &Subject<'_>) -> Checked {
    let mut hub = Hub::open(subject).await?;
    let id = subject.id("deadline");
    let asked = Instant::now();
    hub.ask(limited(call(subject)?.order(&id)));
    let outcome = hub.outcome(&id, LIMIT + OWN_GRACE).await.map_err(|missed| overdue(&missed.to_string()))?;
    let took = asked.elapsed();
    hub.settle().await?;
    judge(took, &ending(&outcome))
}

/// The same, on a stream of its own.
pub(super) async fn deadline_alone(subject: &Subject<'_>) -> Checked {
    let order = limited(call(subject)?.order(&subject.id("deadline")));
    let asked = Instant::now();
    let performing = super::execute::perform(subject, order);
    let Ok(record) = tokio::time::timeout(LIMIT + OWN_GRACE, performing).await else {
        return Err(overdue("nothing of the kind"));
    };
    let ended = record?.outcome().map(ending).unwrap_or_default();
    judge(asked.elapsed(), &ended)
}

fn limited(order: op_proto::agent::v1::Operation) -> op_proto::agent::v1::Operation {
    op_proto::agent::v1::Operation { timeout: prost_types::Duration::try_from(LIMIT).ok(), ..order }
}

fn overdue(came: &str) -> Gap {
    short(format!("an outcome at the time limit of {LIMIT:?}, and within {OWN_GRACE:?} of it"), came)
}

fn judge(took: Duration, ended: &str) -> Checked {
    if took < LIMIT {
        return Err(untried(format!("it ended by itself before its time limit of {LIMIT:?}: {ended}")));
    }
    Ok(format!("{ended}, after {took:.1?}"))
}

/// While an operation goes on, others are answered and the agent can be asked whether it lives.
pub(super) async fn beside(subject: &Subject<'_>) -> Checked {
    call(subject)?;
    let mut hub = Hub::open(subject).await?;
    let id = begin(&mut hub, subject, "beside").await?;
    hub.settle().await?;
    let other = super::subject::nobody().order(&subject.id("beside"));
    hub.perform(other).await?;
    let still = hub.record(&id).outcome().is_none();
    hub.cancel(&id, GRACE);
    // How it ends is judged where it is cancelled.
    let _ = hub.outcome(&id, GRACE + MARGIN).await;
    if still { Ok(String::new()) } else { Err(untried("the slow operation ended meanwhile")) }
}

/// A session that is ended ends what is in flight, and then itself.
pub(super) async fn bye(subject: &Subject<'_>) -> Checked {
    call(subject)?;
    let mut hub = Hub::open(subject).await?;
    begin(&mut hub, subject, "bye").await?;
    let said = Instant::now();
    let within = subject.trial.patience;
    hub.leave(within)
        .await
        .map_err(|missed| short("the end of the session after bye", missed.to_string()))?;
    Ok(format!("after {:.1?}", said.elapsed()))
}
