//! A session that breaks within the window: nothing is lost and nothing comes twice.

use std::time::Duration;

use op_proto::agent::v1::{Event, outcome};

use super::flow::{self, PLENTY, STEP, fill};
use super::hub::{Hub, Missed};
use super::record::{Record, ending, output};
use super::report::{Checked, Gap, short, untried};
use super::rules;
use super::subject::Subject;

/// A sequence that an operation nobody asked for was seen at.
const SEEN: u64 = 3;

/// How long the agent goes on after a session broke.
fn window(hub: &Hub<'_>) -> Result<Duration, Gap> {
    let window = hub.welcome.window.and_then(|window| Duration::try_from(window).ok());
    window.filter(|window| !window.is_zero()).ok_or_else(|| {
        untried("the welcome names no window: operations stop at once when their session breaks")
    })
}

/// An operation goes on over a session that broke, after the last event that the hub saw.
pub(super) async fn goes_on(subject: &Subject<'_>) -> Checked {
    let order = subject.trial.slow.as_ref().map_or_else(|| subject.main(), Ok)?.order(&subject.id("resume"));
    let mut hub = Hub::open(subject).await?;
    let window = window(&hub)?;
    hub.ask(order.clone());
    let taken = hub.until(subject.trial.patience, |hub| !hub.record(&order.id).events.is_empty()).await;
    taken.map_err(|missed| short(format!("that `{}` is accepted", order.operation), missed.to_string()))?;
    // As if only the first had arrived.
    let before = hub.record(&order.id).events[..1].to_vec();
    drop(hub);
    let mut hub = Hub::open(subject).await?;
    hub.resume(&order.id, &before, 0);
    hub.cancel(&order.id, Duration::ZERO);
    let record = ended(&mut hub, subject, &order.id).await?;
    rules::sequence(std::slice::from_ref(&record))?;
    let outcome = record.outcome().cloned().unwrap_or_default();
    if matches!(&outcome.kind, Some(outcome::Kind::Rejected(rejected)) if rejected.reason == "outcome_unknown")
    {
        return Err(short(
            format!("that an operation is known for {window:?} after its session broke"),
            ending(&outcome),
        ));
    }
    Ok(format!("{} after a break; window {window:?}", ending(&outcome)))
}

/// Output that was on its way when the session broke comes once, and so does a grant that was.
pub(super) async fn output_once(subject: &Subject<'_>) -> Checked {
    let call = flow::call(subject)?;
    let mut hub = Hub::open(subject).await?;
    window(&hub)?;
    let whole = flow::alone(subject).await?;
    let id = subject.id("resume");
    hub.ask(call.order(&id));
    let first = fill(&mut hub, subject, &id).await?;
    // As if what came last had been lost with the connection, and the next grant on its way to the agent.
    let mut before = hub.record(&id).events.clone();
    before.truncate(before.len().div_ceil(2));
    drop(hub);
    let mut hub = Hub::open(subject).await?;
    hub.resume(&id, &before, STEP);
    let again = fill(&mut hub, subject, &id).await? + output(&before).len() as u64;
    if again <= first && hub.record(&id).outcome().is_none() {
        let expected =
            format!("more than the {first} bytes before the break, once {STEP} more are granted in resume");
        return Err(short(expected, format!("{again} bytes")));
    }
    hub.credit(&id, PLENTY);
    let record = ended(&mut hub, subject, &id).await?;
    rules::sequence(std::slice::from_ref(&record))?;
    flow::compare(&whole, &[output(&before), record.output()].concat())
}

/// An operation that the agent does not know cannot be gone on with: it says so in an event that follows the last one seen.
pub(super) async fn unknown(subject: &Subject<'_>) -> Checked {
    let mut hub = Hub::open(subject).await?;
    window(&hub)?;
    let id = subject.id("stranger");
    hub.resume(&id, &[Event { id: id.clone(), sequence: SEEN, ..Event::default() }], 0);
    let record = ended(&mut hub, subject, &id).await?;
    let outcome = record.outcome().cloned().unwrap_or_default();
    match &outcome.kind {
        Some(outcome::Kind::Rejected(rejected)) if rejected.reason == "outcome_unknown" => {
            rules::sequence(std::slice::from_ref(&record))?;
            Ok(ending(&outcome))
        }
        _ => Err(short("that what it does not know is rejected as `outcome_unknown`", ending(&outcome))),
    }
}

/// Listens to the end of an operation that is gone on with.
async fn ended(hub: &mut Hub<'_>, subject: &Subject<'_>, id: &str) -> Result<Record, Gap> {
    let heard = hub.outcome(id, subject.trial.patience).await;
    heard
        .map_err(|missed: Missed| short("an outcome of the operation that is resumed", missed.to_string()))?;
    hub.settle().await?;
    Ok(hub.record(id).clone())
}
