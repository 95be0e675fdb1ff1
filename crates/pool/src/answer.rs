//! From the end of a call on the wire to its one answer.
//!
//! | end | kind | reason |
//! | --- | --- | --- |
//! | completed | succeeded | |
//! | completed with a value that is no JSON | failed | `protocol` |
//! | failed | failed | the agent's |
//! | rejected | rejected | the agent's |
//! | rejected as `draining` or `busy` | unavailable | the agent's |
//! | rejected as `outcome_unknown` | lost | the agent's |
//! | cancelled, on the caller's wish or the agent's own | cancelled | `cancelled` |
//! | cancelled, its time over | timed out | `timed_out` |
//! | events that make no sense | lost | `protocol` |
//! | link broken | lost | `link_broken` |
//! | message over the limit | failed when alone, else lost | `message_too_large` |
//! | asked to stop and silent, or no answer to pings | lost | `unresponsive` |

use std::time::Duration;

use op_plan::plan::FailureKind;
use op_proto::agent::v1::{self as wire, Outcome, outcome::Kind};
use op_run::{Answer, Evidence, Failure};
use serde_json::Value;

use crate::fault::{Fault, FaultKind};
use crate::flight::{End, Ended, Stopped};

/// What the hub itself observed of a call.
#[derive(Debug, Clone)]
pub(crate) struct Observed {
    pub(crate) peer: String,
    pub(crate) duration: Duration,
    /// Whether the call has used up its time.
    pub(crate) overdue: bool,
}

/// The answer of a call that never was with its agent.
pub(crate) fn refused(failure: Failure, observed: Observed) -> Answer {
    Answer::Failed { failure, evidence: evidence(observed, None, 0) }
}

/// The answer of a call that was.
pub(crate) fn answer(ended: Ended, observed: Observed) -> Answer {
    let stopped = ended.stopped.or_else(|| observed.overdue.then_some(Stopped::Deadline));
    let failure = match ended.end {
        End::Outcome(outcome, bytes) => return told(outcome, bytes, stopped, observed),
        End::Garbled(what) => {
            let message = format!("the agent broke the protocol: {what}");
            Failure::new(FailureKind::Lost, "protocol", message).hint("this is a bug in the agent")
        }
        End::Refused(status) => said_no(&status),
        End::Broken { fault, alone } => lost(&fault, alone),
        End::Silent => {
            let message = "the agent did not end the call within its grace, and its session was cut";
            Failure::new(FailureKind::Lost, "unresponsive", message)
        }
        End::Unsent => stop(stopped, "before it was sent"),
        End::Closed => stop(stopped, "by closing its stream; the agent does not tell what it did then"),
    };
    refused(failure, observed)
}

fn told(outcome: Outcome, bytes: u64, stopped: Option<Stopped>, observed: Observed) -> Answer {
    let evidence = evidence(observed, outcome.evidence, bytes);
    let failure = match outcome.kind {
        Some(Kind::Completed(completed)) => match serde_json::from_str(&completed.value) {
            Ok(value) => return Answer::Succeeded { value, evidence },
            Err(error) => {
                let message = format!("the agent says that it completed, and its value is no JSON: {error}");
                Failure::new(FailureKind::Failed, "protocol", message).hint("this is a bug in the agent")
            }
        },
        Some(Kind::Failed(wire::Failed { reason, message, hint, detail })) => {
            full(FailureKind::Failed, reason, message, hint, detail)
        }
        Some(Kind::Rejected(wire::Rejected { reason, message, hint, detail })) => {
            full(rejection(&reason), reason, message, hint, detail)
        }
        Some(Kind::Cancelled(wire::Cancelled { message })) => stop(stopped, &message),
        None => Failure::new(FailureKind::Lost, "protocol", "the outcome is of no known kind"),
    };
    Answer::Failed { failure, evidence }
}

/// A rejection is the agent's judgement, but for the words by which it says that it did not look, or cannot know.
fn rejection(reason: &str) -> FailureKind {
    match reason {
        "draining" | "busy" => FailureKind::Unavailable,
        "outcome_unknown" => FailureKind::Lost,
        _ => FailureKind::Rejected,
    }
}

fn full(kind: FailureKind, reason: String, message: String, hint: String, detail: String) -> Failure {
    let failure = Failure::new(kind, reason, message).hint(hint);
    if detail.is_empty() {
        return failure;
    }
    // What was found out is for people too: it is kept as text where it is no JSON.
    failure.detail(serde_json::from_str(&detail).unwrap_or(Value::String(detail)))
}

fn stop(stopped: Option<Stopped>, how: &str) -> Failure {
    match stopped {
        Some(Stopped::Deadline) => {
            let message = format!("it took longer than its time limit and was stopped: {how}");
            Failure::new(FailureKind::TimedOut, "timed_out", message)
        }
        Some(Stopped::Asked) => {
            Failure::new(FailureKind::Cancelled, "cancelled", format!("it was stopped: {how}"))
        }
        None => Failure::new(FailureKind::Cancelled, "cancelled", format!("the agent stopped it: {how}")),
    }
}

fn lost(fault: &Fault, alone: bool) -> Failure {
    match fault.kind {
        FaultKind::TooLarge => {
            let kind = if alone { FailureKind::Failed } else { FailureKind::Lost };
            Failure::new(kind, "message_too_large", fault.reason.clone())
                .hint("let the operation return less, or raise the limit of the pool")
        }
        FaultKind::Hung => Failure::new(FailureKind::Lost, "unresponsive", fault.reason.clone()),
        FaultKind::Absent
        | FaultKind::Refused
        | FaultKind::Broken
        | FaultKind::Exited
        | FaultKind::Released => {
            let message = format!("the link broke while the call was with its agent: {}", fault.reason);
            Failure::new(FailureKind::Lost, "link_broken", message)
        }
    }
}

/// A status instead of events: the agent did not take the call.
fn said_no(status: &tonic::Status) -> Failure {
    let message = format!("the agent answered with the status {:?}: {}", status.code(), status.message());
    Failure::new(FailureKind::Rejected, "status", message)
}

/// What the hub observed itself, with what the agent observed beyond that.
fn evidence(observed: Observed, said: Option<wire::Evidence>, bytes: u64) -> Evidence {
    let said = said.unwrap_or_default();
    Evidence {
        peer: observed.peer,
        duration: observed.duration,
        exit_code: said.exit_code,
        bytes: if said.bytes == 0 { bytes } else { said.bytes },
        kept: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn observed(overdue: bool) -> Observed {
        Observed { peer: "a@unix:/a".into(), duration: Duration::from_millis(7), overdue }
    }

    fn outcome(kind: Kind) -> End {
        let evidence = wire::Evidence { exit_code: Some(3), bytes: 0, duration: None };
        End::Outcome(Outcome { kind: Some(kind), evidence: Some(evidence) }, 11)
    }

    fn failure(end: End, stopped: Option<Stopped>, overdue: bool) -> Failure {
        match answer(Ended { end, stopped }, observed(overdue)) {
            Answer::Failed { failure, .. } => failure,
            Answer::Succeeded { .. } => panic!("nothing succeeded"),
        }
    }

    fn cancelled() -> End {
        outcome(Kind::Cancelled(wire::Cancelled { message: "told to".into() }))
    }

    fn rejected(reason: &str) -> End {
        let message = "no".to_owned();
        outcome(Kind::Rejected(wire::Rejected {
            reason: reason.into(),
            message,
            ..wire::Rejected::default()
        }))
    }

    #[test]
    fn a_value_comes_with_what_both_sides_observed() {
        let end = outcome(Kind::Completed(wire::Completed { value: r#"{"x":1}"#.into() }));
        let Answer::Succeeded { value, evidence } = answer(end.into(), observed(false)) else {
            panic!("completed")
        };
        assert_eq!(value, serde_json::json!({"x": 1}));
        assert_eq!((evidence.peer.as_str(), evidence.exit_code, evidence.bytes), ("a@unix:/a", Some(3), 11));
        assert_eq!(evidence.duration, Duration::from_millis(7));
    }

    #[test]
    fn a_call_that_completed_although_it_was_asked_to_stop_has_completed() {
        let end = outcome(Kind::Completed(wire::Completed { value: "1".into() }));
        let ended = Ended { end, stopped: Some(Stopped::Asked) };
        assert!(matches!(answer(ended, observed(false)), Answer::Succeeded { .. }));
    }

    #[test]
    fn a_value_that_is_no_json_is_never_a_success() {
        for value in ["", "{", "1 2", "\u{0}"] {
            let failure =
                failure(outcome(Kind::Completed(wire::Completed { value: value.into() })), None, false);
            assert_eq!((failure.kind, failure.reason.as_str()), (FailureKind::Failed, "protocol"), "{value}");
        }
    }

    #[test]
    fn what_an_agent_says_of_a_failure_is_passed_on_whole() {
        let failed = |detail: &str| {
            outcome(Kind::Failed(wire::Failed {
                reason: "exit_status".into(),
                message: "it failed".into(),
                hint: "mend it".into(),
                detail: detail.into(),
            }))
        };
        let said = failure(failed(r#"{"n":2}"#), None, false);
        let want = Failure::new(FailureKind::Failed, "exit_status", "it failed").hint("mend it");
        assert_eq!(said, want.clone().detail(serde_json::json!({"n": 2})));
        assert_eq!(failure(failed(""), None, false), want.clone());
        assert_eq!(failure(failed("{oops"), None, false), want.detail("{oops".into()));
    }

    #[test]
    fn a_stop_is_told_by_who_wished_it() {
        for (stopped, overdue, kind) in [
            (Some(Stopped::Asked), false, FailureKind::Cancelled),
            (Some(Stopped::Asked), true, FailureKind::Cancelled),
            (Some(Stopped::Deadline), true, FailureKind::TimedOut),
            (None, true, FailureKind::TimedOut),
            (None, false, FailureKind::Cancelled),
        ] {
            assert_eq!(failure(cancelled(), stopped, overdue).kind, kind, "{stopped:?} {overdue}");
        }
    }

    #[test]
    fn a_rejection_is_a_judgement_unless_the_agent_did_not_look() {
        for (reason, kind) in [
            ("outside_roots", FailureKind::Rejected),
            ("draining", FailureKind::Unavailable),
            ("busy", FailureKind::Unavailable),
            ("outcome_unknown", FailureKind::Lost),
        ] {
            let failure = failure(rejected(reason), None, false);
            assert_eq!((failure.kind, failure.reason.as_str()), (kind, reason));
        }
    }

    #[test]
    fn a_broken_link_loses_a_call_and_a_message_too_large_blames_only_who_was_alone() {
        let broken = |kind, alone| End::Broken { fault: Fault::new(kind, "why"), alone };
        for (kind, alone, want, reason) in [
            (FaultKind::Broken, true, FailureKind::Lost, "link_broken"),
            (FaultKind::Hung, false, FailureKind::Lost, "unresponsive"),
            (FaultKind::TooLarge, true, FailureKind::Failed, "message_too_large"),
            (FaultKind::TooLarge, false, FailureKind::Lost, "message_too_large"),
        ] {
            let failure = failure(broken(kind, alone), None, false);
            assert_eq!((failure.kind, failure.reason.as_str()), (want, reason));
        }
        assert_eq!(failure(End::Silent, Some(Stopped::Asked), false).kind, FailureKind::Lost);
        assert_eq!(failure(End::Garbled("a gap".into()), None, false).kind, FailureKind::Lost);
    }
}
