//! Host calls: what an agent asks of the hub for the sake of an operation.

use op_proto::agent::v1::{HostCall, Operation};
use serde_json::Value;

use super::hub::{Hub, Manner};
use super::record::ending;
use super::report::{Checked, Gap, short, untried};
use super::subject::Subject;
use super::trial::Call;

fn call<'a>(subject: &'a Subject<'_>) -> Result<&'a Call, Gap> {
    let asks = subject.trial.asks.as_ref();
    asks.ok_or_else(|| untried("name an operation that asks the hub for something with --asks"))
}

/// Host calls are numbered from 1 and say what they want; the operation ends whether the hub performs them or refuses.
pub(super) async fn answered(subject: &Subject<'_>) -> Checked {
    let call = call(subject)?;
    let mut ends = Vec::new();
    let mut asked = 0;
    for manner in [Manner::Perform, Manner::Refuse] {
        let mut hub = Hub::open(subject).await?;
        hub.manner = manner;
        let order = call.order(&subject.id("asks"));
        let outcome = hub.perform(order.clone()).await?;
        hub.settle().await?;
        let calls = &hub.record(&order.id).host_calls;
        if calls.is_empty() {
            return Err(untried(format!("`{}` asked for nothing and {}", call.operation, ending(&outcome))));
        }
        calls.iter().zip(1..).try_for_each(|(call, number)| well_formed(call, number))?;
        asked += calls.len();
        ends.push(ending(&outcome));
    }
    Ok(format!("{asked} host calls; performed: {}; refused: {}", ends[0], ends[1]))
}

fn well_formed(call: &HostCall, number: u32) -> Result<(), Gap> {
    if call.number != number {
        return Err(short(
            format!("host call {number} of `{}`", call.id),
            format!("host call {}", call.number),
        ));
    }
    if call.performer.is_empty() {
        return Err(short(format!("a performer in host call {number} of `{}`", call.id), "none"));
    }
    let is_object = serde_json::from_str::<Value>(&call.arguments).is_ok_and(|value| value.is_object());
    if !is_object {
        let expected = format!("a JSON object as the arguments of host call {number} of `{}`", call.id);
        return Err(short(expected, format!("`{}`", call.arguments)));
    }
    Ok(())
}

/// Opens a session, asks for the operation there and waits for its first host call, which is not answered.
async fn unanswered<'a>(subject: &'a Subject<'_>) -> Result<(Hub<'a>, Operation, HostCall), Gap> {
    let call = call(subject)?;
    let mut hub = Hub::open(subject).await?;
    if hub.welcome.window.is_none_or(|window| window.seconds == 0 && window.nanos == 0) {
        return Err(untried(
            "the welcome names no window: operations stop at once when their session breaks",
        ));
    }
    hub.manner = Manner::Ignore;
    let order = call.order(&subject.id("asks"));
    let id = order.id.clone();
    hub.ask(order.clone());
    let asked = |hub: &Hub<'_>| !hub.record(&id).host_calls.is_empty() || hub.record(&id).outcome().is_some();
    let heard = hub.until(subject.trial.patience, asked).await;
    heard.map_err(|missed| short(format!("a host call of `{}`", call.operation), missed.to_string()))?;
    let Some(first) = hub.record(&id).host_calls.first().cloned() else {
        return Err(untried(format!("`{}` asked for nothing", call.operation)));
    };
    Ok((hub, order, first))
}

/// A host call that was not answered when the session broke is sent again on the next, with its number.
pub(super) async fn again(subject: &Subject<'_>) -> Checked {
    let (hub, order, first) = unanswered(subject).await?;
    let before = hub.record(&order.id).events.clone();
    drop(hub);
    let mut hub = Hub::open(subject).await?;
    hub.manner = Manner::Perform;
    hub.resume(&order.id, &before, 0);
    repeated(hub, subject, &order.id, &first).await
}

/// A hub that sends an operation again which another session has in flight gets what that one leaves unanswered when it breaks.
pub(super) async fn joined(subject: &Subject<'_>) -> Checked {
    let (hub, order, first) = unanswered(subject).await?;
    let mut heir = Hub::open(subject).await?;
    heir.manner = Manner::Perform;
    heir.ask(Operation { repeat: true, ..order.clone() });
    // It has joined before the other session breaks.
    heir.settle().await?;
    drop(hub);
    repeated(heir, subject, &order.id, &first).await
}

/// Waits for a host call to come again, and for the end of its operation.
async fn repeated(mut hub: Hub<'_>, subject: &Subject<'_>, id: &str, first: &HostCall) -> Checked {
    let heard = hub.outcome(id, subject.trial.patience).await;
    let outcome = heard.map_err(|missed| {
        short(format!("host call {} again, and the end of the operation", first.number), missed.to_string())
    })?;
    match hub.record(id).host_calls.first() {
        Some(call) if call == first => Ok(ending(&outcome)),
        Some(call) => {
            Err(short(format!("host call {} again", first.number), format!("host call {}", call.number)))
        }
        None => Err(short(format!("host call {} again", first.number), ending(&outcome))),
    }
}
