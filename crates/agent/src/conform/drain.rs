//! An agent that is going away. Who sends it SIGTERM is whoever tries it.

use std::time::Duration;

use op_proto::agent::v1::outcome;

use super::hub::Hub;
use super::record::ending;
use super::report::{Checked, short, untried};
use super::slow;
use super::subject::{Subject, nobody};

/// The agent says that it is draining, finishes what is in flight, takes nothing new, and leaves. `ready` is called when it is
/// time to send it SIGTERM.
pub(super) async fn drains(subject: &Subject<'_>, ready: impl FnOnce()) -> Checked {
    let Some(within) = subject.trial.drain else {
        return Err(untried("nobody sends the agent SIGTERM; do so once --drain asks for it"));
    };
    let mut hub = Hub::open(subject).await?;
    let flying = match subject.trial.slow {
        Some(_) => Some(slow::begin(&mut hub, subject, "drain").await?),
        None => None,
    };
    ready();
    let said = hub.until(within, |hub| hub.draining).await;
    said.map_err(|missed| short("draining, before the session ends", missed.to_string()))?;
    let late = subject.main().cloned().unwrap_or_else(|_| nobody()).order(&subject.id("late"));
    let outcome = hub.perform(late).await?;
    if !matches!(outcome.kind, Some(outcome::Kind::Rejected(_))) {
        return Err(short("that a draining agent rejects what is new", ending(&outcome)));
    }
    let mut ended = String::from("nothing was in flight");
    if let Some(id) = flying {
        hub.cancel(&id, Duration::ZERO);
        let heard = hub.outcome(&id, subject.trial.patience).await;
        let outcome =
            heard.map_err(|missed| short("an outcome of what was in flight", missed.to_string()))?;
        ended = ending(&outcome);
    }
    hub.leave(subject.trial.patience)
        .await
        .map_err(|missed| short("the end of the session", missed.to_string()))?;
    Ok(format!("in flight: {ended}; new: {}", ending(&outcome)))
}
