//! What comes through a gate: a signal, the answer of a person, time that has passed.

use std::collections::BTreeSet;

use op_plan::plan::{FailureKind, Gate, OnTimeout};
use serde_json::{Value, json};

use super::Draft;
use crate::answer::Failure;
use crate::event::{Fact, Waiting};
use crate::input::{Refused, Verdict};
use crate::run::{Run, State};

/// Most signals that are kept for steps that have not come to wait for them.
const MAX_SIGNALS: usize = 100;

/// A signal goes to the first step that waits for it, or is kept.
pub(super) fn signal(draft: &mut Draft, signal: &str, data: &Value, user: &str) -> Result<(), Refused> {
    check_alive(&draft.run, "signalled")?;
    let known = signals(&draft.run);
    if !known.contains(signal) {
        let known = known.into_iter().map(str::to_owned).collect();
        return Err(Refused::NoSignal { signal: signal.to_owned(), known });
    }
    let waits =
        |step: &usize| matches!(gate(&draft.run, *step), Some(Waiting::Signal(name)) if name == signal);
    let waiting = draft.run.gated.iter().copied().find(waits);
    if waiting.is_none() && draft.run.signals.len() >= MAX_SIGNALS {
        return Err(Refused::TooManySignals(MAX_SIGNALS));
    }
    draft.record(Fact::SignalReceived {
        signal: signal.to_owned(),
        data: data.clone(),
        user: user.to_owned(),
    });
    waiting.into_iter().for_each(|step| take_kept(draft, step));
    Ok(())
}

fn signals(run: &Run) -> BTreeSet<&str> {
    let steps = run.plan.phases().iter().flat_map(|phase| &phase.steps);
    let signals = steps.filter_map(|step| match &step.gate {
        Some(Gate::Signal(signal)) => Some(signal.as_str()),
        Some(Gate::Delay(_) | Gate::Approval(_)) | None => None,
    });
    signals.collect()
}

/// A step that waits for a signal takes one that came before.
pub(super) fn take_kept(draft: &mut Draft, step: usize) {
    let Some(Waiting::Signal(signal)) = gate(&draft.run, step) else { return };
    let kept = draft.run.signals.iter().find(|(name, _)| name == signal);
    if let Some((_, data)) = kept.cloned() {
        draft.record(Fact::StepPassed { step: draft.step_id(step), answer: data, user: String::new() });
    }
}

/// A person answers the question that was shown, and no other one.
pub(super) fn approve(draft: &mut Draft, verdict: &Verdict) -> Result<(), Refused> {
    check_alive(&draft.run, "answered")?;
    let asked: Vec<_> = asked(&draft.run).collect();
    let step = match verdict.step.as_str() {
        "" if asked.len() == 1 => Some(asked[0]),
        id => draft.run.plan.find_named(id).filter(|step| asked.contains(step)),
    };
    let Some(step) = step else {
        let waiting_now = asked.into_iter().map(|step| draft.step_id(step)).collect();
        return Err(Refused::NotAsked { step: verdict.step.clone(), waiting_now });
    };
    if let Some(Waiting::Approval { digest, .. }) = gate(&draft.run, step)
        && !verdict.digest.is_empty()
        && !digest.starts_with(&verdict.digest)
    {
        return Err(Refused::OtherQuestion(draft.step_id(step)));
    }
    answer(draft, step, verdict.approved, &verdict.comment, &verdict.user);
    Ok(())
}

/// Steps that wait for the answer of a person.
fn asked(run: &Run) -> impl Iterator<Item = usize> {
    let is_question = |step: &usize| matches!(gate(run, *step), Some(Waiting::Approval { .. }));
    run.gated.iter().copied().filter(is_question)
}

fn answer(draft: &mut Draft, step: usize, approved: bool, comment: &str, user: &str) {
    let answer = json!({ "approved": approved, "comment": comment, "user": user });
    let id = draft.step_id(step);
    if approved {
        return draft.record(Fact::StepPassed { step: id, answer, user: user.to_owned() });
    }
    let why = if comment.is_empty() { String::new() } else { format!(": {comment}") };
    let failure =
        Failure::new(FailureKind::Rejected, "not_approved", format!("{user} did not approve it{why}"));
    draft.record(Fact::StepFailed { step: id, failure: failure.detail(answer), evidence: None });
}

/// A wait has come to its end.
pub(super) fn expired(draft: &mut Draft, step: usize) {
    let plan = draft.plan();
    let id = draft.step_id(step);
    match &plan.step(step).gate {
        Some(Gate::Approval(approval)) => match approval.on_timeout {
            OnTimeout::Park => draft.record(Fact::ApprovalOverdue { step: id }),
            OnTimeout::Approve => answer(draft, step, true, "nobody answered in time", "on_timeout"),
            OnTimeout::Reject => {
                let message = "nobody approved it in time";
                let failure = Failure::new(FailureKind::TimedOut, "approval_timed_out", message);
                draft.record(Fact::StepFailed { step: id, failure, evidence: None });
            }
        },
        Some(Gate::Signal(signal)) => {
            let message = format!("the signal `{signal}` did not come in time");
            let failure = Failure::new(FailureKind::TimedOut, "signal_timed_out", message);
            draft.record(Fact::StepFailed { step: id, failure, evidence: None });
        }
        Some(Gate::Delay(_)) | None => {
            draft.record(Fact::StepPassed { step: id, answer: Value::Null, user: String::new() });
        }
    }
}

fn gate(run: &Run, step: usize) -> Option<&Waiting> {
    run.steps[step].gate.as_ref().filter(|gate| gate.is_shut()).map(|gate| &gate.waits_for)
}

/// Whether something can still begin in the run.
pub(super) fn is_alive(run: &Run) -> bool {
    let is_under_way = !run.state.is_over() && run.state != State::RollingBack;
    is_under_way && run.origin.is_some() && run.halt.is_none()
}

fn check_alive(run: &Run, what: &'static str) -> Result<(), Refused> {
    if is_alive(run) { Ok(()) } else { Err(Refused::Unfit { state: run.state(), what }) }
}
