//! What the suite says of them.

use std::time::Duration;

use futures::future::join_all;
use op_agent::conform::{News, ReachError, Report, Trial, Verdict, conform};
use op_proto::Address;

use crate::fault::Fault;
use crate::honest::{Honest, trial};
use crate::liar::Liar;

/// Long enough for a busy machine.
const PATIENCE: Duration = Duration::from_secs(20);

/// For agents that do not answer, again and again.
const HURRY: Duration = Duration::from_secs(1);

async fn judge(address: &Address, trial: &Trial) -> Report {
    conform(address, trial, |_| {}).await.expect("the agent can be tried")
}

fn failed(report: &Report) -> Vec<&'static str> {
    let failed = report.findings.iter().filter(|finding| matches!(finding.verdict, Verdict::Failed { .. }));
    failed.map(|finding| finding.check).collect()
}

fn unchecked(report: &Report) -> Vec<&'static str> {
    let unchecked =
        report.findings.iter().filter(|finding| matches!(finding.verdict, Verdict::NotChecked { .. }));
    unchecked.map(|finding| finding.check).collect()
}

#[tokio::test]
async fn an_agent_of_the_kit_keeps_to_the_protocol_and_what_was_not_tried_is_told() {
    let honest = Honest::serve().await;
    let report = judge(&honest.address, &trial(PATIENCE)).await;
    assert_eq!(failed(&report), [""; 0], "{report:#?}");
    assert!(!report.falls_short());
    assert_eq!(unchecked(&report), ["session.drain"], "{report:#?}");
}

#[tokio::test]
async fn without_calls_a_read_without_arguments_is_tried_and_nothing_passes_that_was_not() {
    let honest = Honest::serve().await;
    let report = judge(&honest.address, &Trial { patience: PATIENCE, ..Trial::default() }).await;
    assert_eq!(failed(&report), [""; 0], "{report:#?}");
    for check in ["session.cancel", "session.deadline", "session.credit", "session.acknowledged"] {
        assert!(unchecked(&report).contains(&check), "{check}: {report:#?}");
    }
    assert!(
        matches!(report.verdict("execute.value"), Some(Verdict::Passed { seen }) if seen.contains("look"))
    );
}

#[tokio::test]
async fn an_agent_that_drains_is_watched_while_it_does() {
    let mut honest = Honest::serve().await;
    let mut stop = honest.stop.take();
    let trial = trial(PATIENCE).with_drain();
    let report = conform(&honest.address, &trial, |news| {
        if matches!(news, News::Drain) {
            drop(stop.take());
        }
    });
    let report = report.await.expect("the agent can be tried");
    assert!(matches!(report.verdict("session.drain"), Some(Verdict::Passed { .. })), "{report:#?}");
}

#[tokio::test]
async fn a_minimal_agent_is_held_to_execute_alone() {
    let liar = Liar::serve(Fault::SpeaksNoSession).await;
    let report = judge(&liar.address, &trial(PATIENCE)).await;
    assert_eq!(failed(&report), [""; 0], "{report:#?}");
    assert!(matches!(report.verdict("execute.deadline"), Some(Verdict::Passed { .. })), "{report:#?}");
    let sessions = report.findings.iter().filter(|finding| finding.check.starts_with("session."));
    for finding in sessions {
        assert!(matches!(&finding.verdict, Verdict::NotChecked { why } if why.contains("UNIMPLEMENTED")));
    }
}

/// Each fault, and the checks that are meant for it.
const CAUGHT: [(Fault, &[&str]); 35] = [
    (Fault::None, &[]),
    (Fault::NamesTwice, &["describe.names"]),
    (Fault::Schema, &["describe.schemas"]),
    (Fault::Effects, &["describe.effects"]),
    (Fault::Undo, &["describe.undo"]),
    (Fault::Description, &["session.description"]),
    (Fault::Version, &["session.welcome"]),
    (Fault::AcceptsNothing, &["operation.accepted_first"]),
    (
        Fault::SkipsNumber,
        &["session.resume", "session.resume_output", "session.resume_unknown", "operation.sequence"],
    ),
    (
        Fault::RepeatsNumber,
        &[
            "session.resume",
            "session.resume_output",
            "session.resume_unknown",
            "operation.sequence",
            "operation.within_credit",
        ],
    ),
    (Fault::EndsTwice, &["operation.one_outcome"]),
    (Fault::EndsWithout, &["execute.value", "operation.one_outcome"]),
    (Fault::Garbles, &["operation.outcome"]),
    (Fault::BreaksSchema, &["execute.value"]),
    (
        Fault::GivesNoReason,
        &["session.acknowledged", "session.repeat_of_nothing", "session.resume_unknown", "operation.outcome"],
    ),
    (Fault::Channel, &["operation.channel"]),
    (
        Fault::DoesAnything,
        &[
            "execute.unknown_operation",
            "session.unknown_operation",
            "session.acknowledged",
            "session.repeat_of_nothing",
            "session.resume_unknown",
        ],
    ),
    (Fault::FearsTheNew, &["session.unknown_frames"]),
    (Fault::MixesUp, &["session.interleaving"]),
    (Fault::IgnoresCancel, &["session.cancel", "session.resume"]),
    (Fault::IgnoresLimit, &["execute.deadline", "session.deadline"]),
    (
        Fault::DoesTwice,
        &[
            "execute.repeat",
            "session.repeat",
            "session.kept",
            "session.acknowledged",
            "session.repeat_of_nothing",
            "session.host_call_joined",
        ],
    ),
    (Fault::Forgets, &["session.repeat", "session.kept"]),
    (Fault::Floods, &["session.credit", "operation.within_credit"]),
    (Fault::Drowns, &["execute.value", "session.cancel", "operation.within_credit", "operation.bounded"]),
    (Fault::FoldsAll, &["operation.sequence"]),
    (Fault::LosesOutput, &["session.large_output"]),
    (Fault::SpeaksNoSession, &[]),
    (Fault::NoWindow, &[]),
    (Fault::ForgetsBroken, &["session.resume", "session.resume_output", "session.host_call_again"]),
    (Fault::LosesOnResume, &["session.resume", "session.resume_output", "operation.sequence"]),
    (
        Fault::DoublesOnResume,
        &[
            "session.resume",
            "session.resume_output",
            "session.resume_unknown",
            "operation.sequence",
            "operation.within_credit",
        ],
    ),
    (Fault::ForgetsGrant, &["session.resume_output"]),
    (Fault::Miscounts, &["session.host_call"]),
    (Fault::AsksOddly, &["session.host_call"]),
];

#[tokio::test(flavor = "multi_thread")]
async fn each_fault_is_caught_by_the_checks_that_are_meant_for_it_and_by_no_other() {
    let tried = CAUGHT.map(|(fault, expected)| async move {
        let liar = Liar::serve(fault).await;
        let report = judge(&liar.address, &trial(PATIENCE)).await;
        let failed = failed(&report);
        (failed != expected).then(|| format!("{fault:?}: {failed:?} instead of {expected:?}\n{report:#?}"))
    });
    let wrong: Vec<_> = join_all(tried).await.into_iter().flatten().collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Faults after which an agent does not answer, so that many checks fall short: the check that is meant for it among them.
const SILENT: [(Fault, &str); 7] = [
    (Fault::HidesHealth, "health"),
    (Fault::SpeaksFirst, "session.welcome"),
    (Fault::DeafToPings, "session.ping"),
    (Fault::Stays, "session.bye"),
    (Fault::Stalls, "session.credit"),
    (Fault::AsksOnce, "session.host_call_again"),
    (Fault::ForsakesJoined, "session.host_call_joined"),
];

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_that_falls_silent_is_given_up_and_the_check_says_what_was_expected() {
    let tried = SILENT.map(|(fault, check)| async move {
        let liar = Liar::serve(fault).await;
        let report = judge(&liar.address, &trial(HURRY)).await;
        let verdict = report.verdict(check);
        let is_caught = matches!(verdict, Some(Verdict::Failed { expected, came }) if !expected.is_empty() && !came.is_empty());
        (!is_caught).then(|| format!("{fault:?}: {verdict:?}"))
    });
    let wrong: Vec<_> = join_all(tried).await.into_iter().flatten().collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test]
async fn an_agent_that_leaves_silently_is_caught() {
    let mut liar = Liar::serve(Fault::LeavesSilently).await;
    let mut stop = liar.honest.stop.take();
    let trial = Trial { slow: None, drain: Some(HURRY), ..trial(PATIENCE) };
    let report = conform(&liar.address, &trial, |news| {
        if matches!(news, News::Drain) {
            drop(stop.take());
        }
    });
    let report = report.await.expect("the agent can be tried");
    assert_eq!(failed(&report), ["session.drain"], "{report:#?}");
}

#[tokio::test]
async fn a_call_that_the_agent_does_not_know_is_refused_with_what_it_knows() {
    let honest = Honest::serve().await;
    let trial = Trial { slow: Some("wiat".parse().expect("a call")), ..Trial::default() };
    let error = conform(&honest.address, &trial, |_| {}).await.expect_err("no such operation");
    assert!(matches!(&error, ReachError::Operation { known, .. } if known.contains("wait")), "{error}");
}

#[tokio::test]
async fn where_nobody_listens_the_address_is_named() {
    let address: Address = "unix:/nowhere/agent.sock".parse().expect("an address");
    let error = conform(&address, &Trial::default(), |_| {}).await.expect_err("nobody listens");
    assert!(error.to_string().contains("/nowhere/agent.sock"), "{error}");
}
