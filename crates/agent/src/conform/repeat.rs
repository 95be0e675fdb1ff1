//! The same id again: the same outcome, and nothing done twice.

use op_proto::agent::v1::host_frame::Frame;
use op_proto::agent::v1::{Ack, Operation, Outcome, outcome};

use super::hub::Hub;
use super::record::{Record, ending};
use super::report::{Checked, Gap, short, untried};
use super::subject::Subject;
use super::trial::Call;

/// The reason for what may have been done and must not be done twice.
const UNKNOWN: &str = "outcome_unknown";

/// The write where there is one: its repetition shows.
fn call<'a>(subject: &'a Subject<'_>) -> Result<&'a Call, Gap> {
    subject.trial.write.as_ref().map_or_else(|| subject.main(), Ok)
}

fn write<'a>(subject: &'a Subject<'_>) -> Result<&'a Call, Gap> {
    let write = subject.trial.write.as_ref();
    write.ok_or_else(|| untried("a read may be done twice; name a write with --write"))
}

/// The same id on the same session is answered as before.
pub(super) async fn again(subject: &Subject<'_>) -> Checked {
    let call = call(subject)?;
    let order = call.order(&subject.id("repeat"));
    let mut hub = Hub::open(subject).await?;
    hub.perform(order.clone()).await?;
    hub.settle().await?;
    let first = hub.record(&order.id).clone();
    hub.perform(Operation { repeat: true, ..order.clone() }).await?;
    hub.settle().await?;
    same(&call.operation, &first, hub.record(&order.id), subject.trial.write.is_some())
}

/// An outcome that nobody acknowledged is kept: a session that breaks does not lose it.
pub(super) async fn kept(subject: &Subject<'_>) -> Checked {
    let call = call(subject)?;
    let order = call.order(&subject.id("kept"));
    let mut hub = Hub::open(subject).await?;
    hub.perform(order.clone()).await?;
    let first = hub.record(&order.id).clone();
    drop(hub);
    let mut hub = Hub::open(subject).await?;
    hub.perform(Operation { repeat: true, ..order.clone() }).await?;
    same(&call.operation, &first, hub.record(&order.id), subject.trial.write.is_some())
}

/// What was acknowledged may be forgotten, and is not done again for that.
pub(super) async fn acknowledged(subject: &Subject<'_>) -> Checked {
    let call = write(subject)?;
    let order = call.order(&subject.id("ack"));
    let mut hub = Hub::open(subject).await?;
    hub.perform(order.clone()).await?;
    let first = hub.record(&order.id).clone();
    hub.send(Frame::Ack(Ack { id: order.id.clone() }));
    hub.settle().await?;
    hub.perform(Operation { repeat: true, ..order.clone() }).await?;
    once(&call.operation, &first, hub.record(&order.id))
}

/// A repeat of what the agent knows nothing of is rejected where it must not be done twice.
pub(super) async fn of_nothing(subject: &Subject<'_>) -> Checked {
    let call = write(subject)?;
    let order = Operation { repeat: true, ..call.order(&subject.id("lost")) };
    let mut hub = Hub::open(subject).await?;
    let outcome = hub.perform(order).await?;
    if is_unknown(&outcome) {
        return Ok(ending(&outcome));
    }
    let expected =
        format!("that `{}` is rejected as `{UNKNOWN}`: it may have been done before", call.operation);
    Err(short(expected, ending(&outcome)))
}

/// Holds the answer to a repeat to being the outcome before. `is_telling`: the value differs each time that it is done.
fn same(name: &str, first: &Record, again: &Record, is_telling: bool) -> Checked {
    let (Some(before), Some(after)) = (first.outcome(), again.outcome()) else {
        return Err(short(format!("an outcome of `{name}`"), "none"));
    };
    if before != after {
        return Err(short(format!("that `{name}` is answered as before: {}", told(before)), told(after)));
    }
    if again.shows_work() {
        return Err(short(
            format!("that `{name}` is not done again"),
            "output, progress or host calls of it",
        ));
    }
    // Without a trace of the work, done once and done twice look the same.
    let leaves_traces = first.shows_work() || before.evidence.is_some_and(|seen| seen.duration.is_some());
    if !leaves_traces && !is_telling {
        let why = "it answers the same, but neither its output nor its evidence would show a second time; name a call \
                   that answers something else each time with --write";
        return Err(untried(why));
    }
    Ok(told(before))
}

/// Holds a write to having been done once: the answer to its repeat is the outcome before, or that nobody knows it.
pub(super) fn once(name: &str, first: &Record, again: &Record) -> Checked {
    match again.outcome() {
        Some(outcome) if is_unknown(outcome) => Ok(ending(outcome)),
        Some(_) => same(name, first, again, true),
        None => Err(short(format!("an outcome of `{name}`"), "none")),
    }
}

fn is_unknown(outcome: &Outcome) -> bool {
    matches!(&outcome.kind, Some(outcome::Kind::Rejected(rejected)) if rejected.reason == UNKNOWN)
}

fn told(outcome: &Outcome) -> String {
    let duration = outcome.evidence.and_then(|seen| seen.duration);
    let took = duration.and_then(|duration| std::time::Duration::try_from(duration).ok());
    took.map_or_else(|| ending(outcome), |took| format!("{}, in {took:?}", ending(outcome)))
}
