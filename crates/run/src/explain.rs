//! Why a run is where it is, in plain English: what it does, what it waits for, what went wrong, and what to do next.
//!
//! All of it is read off the run; values of conditions are those they have now.

mod past;
mod present;
mod words;

use crate::run::{Halt, Run, State};
use crate::time::Timestamp;
use words::{ago, span};

/// Sentences that say why the run is where it is, the most important first.
pub fn explain(run: &Run, now: Timestamp) -> Vec<String> {
    let mut told = state(run, now);
    if !run.state.is_over() && run.state != State::Pending {
        told.extend(present::calls(run, now));
        told.extend(present::undo(run, now));
        told.extend(present::lists(run));
        told.extend(present::repeats(run, now));
        told.extend(present::gates(run, now));
        told.extend(present::phases(run));
    }
    told.extend(past::way(run));
    told.extend(past::conditions(run));
    told.extend(past::failures(run));
    told.extend(past::undone(run));
    told.extend(past::kept(run, now));
    told.extend(next(run));
    told
}

/// Its state, since when and why.
fn state(run: &Run, now: Timestamp) -> Vec<String> {
    let Some(origin) = run.origin() else { return vec!["The run was not started yet.".to_owned()] };
    let since = ago(run.paused_at().or(run.ended_at).unwrap_or(origin.at), now);
    let reason = run.reason();
    let told = match run.state() {
        State::Pending => match &origin.concurrency {
            Some(key) => {
                format!("The run is queued since {since}: it waits for a place among those of `{key}`.")
            }
            None => format!("The run is queued since {since}: it waits for a place."),
        },
        State::Running => format!("The run is running since {since}."),
        State::Waiting => {
            format!("The run is waiting: it began at {since}, and nothing of it is with a performer now.")
        }
        State::Paused => format!("The run is paused since {since}{}: nothing new starts.", held_by(run)),
        State::RollingBack => format!("The run is being undone, because {}.", why_undone(run)),
        State::Completed => {
            let took = run.ended_at.map(|end| span(end.since(origin.at))).unwrap_or_default();
            format!("The run completed at {since}, {took} after it was started.")
        }
        State::Failed => format!("The run failed at {since}: {reason}."),
        State::Cancelled => format!("The run was cancelled at {since}: {reason}."),
        State::RolledBack => format!("The run was undone at {since}: {reason}."),
        State::Stuck => format!("The run is stuck since {since}: {reason}."),
    };
    std::iter::once(told).chain(stopping(run)).collect()
}

/// Who holds it, and why.
fn held_by(run: &Run) -> String {
    let Some(pause) = run.paused.as_ref().filter(|pause| !pause.user.is_empty()) else {
        return String::new();
    };
    let why = if pause.reason.is_empty() { "without a reason" } else { &pause.reason };
    format!(" by {} ({why})", pause.user)
}

fn why_undone(run: &Run) -> String {
    match (&run.rolled_back_by, run.halt(), run.failed.front()) {
        (Some(user), _, _) => format!("{user} wanted it undone"),
        (None, Some(halt), _) => why_halted(halt),
        (None, None, Some(phase)) => format!("`{}` failed", run.plan.phases()[*phase].id),
        (None, None, None) => "it did not come to a good end".to_owned(),
    }
}

fn why_halted(halt: &Halt) -> String {
    match halt {
        Halt::Cancelled { reason, .. } if reason.is_empty() => "it was cancelled".to_owned(),
        Halt::Cancelled { reason, .. } => format!("it was cancelled: {reason}"),
        Halt::TimedOut => "its time limit passed".to_owned(),
        Halt::Exhausted(reason) => reason.clone(),
    }
}

/// That it comes to its end.
fn stopping(run: &Run) -> Option<String> {
    let halt = run.halt().filter(|_| matches!(run.state, State::Running))?;
    Some(format!("It is being stopped, because {}; it ends once its calls have answered.", why_halted(halt)))
}

/// What a person can do.
fn next(run: &Run) -> Option<String> {
    let id = run.id();
    match run.state() {
        State::Pending if run.origin().is_some() => {
            Some("It begins by itself when there is a place.".to_owned())
        }
        State::Paused => Some(format!("To let it go on: `op-dbus resume {id}`.")),
        State::Failed | State::Cancelled => {
            Some(format!("To go on from there, keeping what succeeded: `op-dbus retry {id}`."))
        }
        State::RolledBack => Some(format!("To do again what was undone: `op-dbus retry {id}`.")),
        State::Stuck => {
            Some(format!("To try the undo again, or to accept it as it is: `op-dbus resolve {id}`."))
        }
        State::Pending | State::Running | State::Waiting | State::RollingBack | State::Completed => None,
    }
}
