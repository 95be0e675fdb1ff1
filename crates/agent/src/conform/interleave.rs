//! Many operations on one stream.

use op_proto::agent::v1::Operation;

use super::hub::{Hub, Missed};
use super::report::{Checked, short};
use super::subject::{Subject, nobody};
use super::trial::Call;

/// Operations at once.
const CROWD: usize = 16;

/// Operations asked for at once all end, each with events of its own.
pub(super) async fn crowd(subject: &Subject<'_>) -> Checked {
    let stranger = nobody();
    // Where nothing can be called without harm, an operation that does not exist must do.
    let call: &Call = subject.main().unwrap_or(&stranger);
    let mut hub = Hub::open(subject).await?;
    let orders: Vec<Operation> = (0..CROWD).map(|_| call.order(&subject.id("crowd"))).collect();
    for order in &orders {
        hub.ask(order.clone());
    }
    for order in &orders {
        let missed = |missed: Missed| {
            short(format!("an outcome of each of {CROWD} operations at once"), missed.to_string())
        };
        hub.outcome(&order.id, subject.trial.patience).await.map_err(missed)?;
    }
    hub.settle().await?;
    match hub.strays.first() {
        Some(stray) => {
            Err(short("events of operations that were asked for", format!("one of `{}`", stray.id)))
        }
        None => Ok(format!("{CROWD} at once")),
    }
}
