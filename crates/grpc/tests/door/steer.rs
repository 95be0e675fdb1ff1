//! Steering runs over the wire.

use std::collections::HashMap;

use op_proto::v1 as wire;
use op_proto::v1::RunState;
use tonic::Code;

use crate::support::{House, assert_field, assert_refused};

fn signal(run: &str, signal: &str, data: &str) -> wire::SignalRequest {
    wire::SignalRequest { run: run.to_owned(), signal: signal.to_owned(), data: data.to_owned() }
}

fn approve(run: &str, digest: &str, approved: bool) -> wire::ApproveRequest {
    wire::ApproveRequest {
        run: run.to_owned(),
        digest: digest.to_owned(),
        approved,
        ..wire::ApproveRequest::default()
    }
}

/// A run that asks a person.
async fn asking(house: &House) -> String {
    let run = house.start("gated").await;
    house.runs().signal(signal(&run, "go", "")).await.expect("it waits");
    loop {
        let told = house.get(&run).await;
        if told.phases[1].steps[0].gate.is_some() {
            return run;
        }
        tokio::task::yield_now().await;
    }
}

async fn summary(house: &House, run: &str) -> wire::RunSummary {
    house.get(run).await.summary.expect("told")
}

#[tokio::test]
async fn a_run_is_held_and_let_go() {
    let house = House::open().await;
    let run = house.start("gated").await;
    let pause = wire::PauseRequest { run: run.clone(), reason: "lunch".to_owned() };
    let held = house.runs().pause(pause.clone()).await.expect("it runs").into_inner();
    assert_eq!((held.run.as_str(), held.state()), (run.as_str(), RunState::Paused));
    assert_refused(house.runs().pause(pause).await, Code::FailedPrecondition, "RUN_STATE");
    let resume = wire::ResumeRequest { run: run[..11].to_owned() };
    let state = house.runs().resume(resume.clone()).await.expect("it is held").into_inner().state();
    assert_eq!(state, RunState::Waiting);
    assert_refused(house.runs().resume(resume).await, Code::FailedPrecondition, "RUN_STATE");
}

#[tokio::test]
async fn a_signal_carries_what_is_sent_with_it() {
    let house = House::open().await;
    let run = house.start("gated").await;
    let gate = house.get(&run).await.phases[0].steps[0].gate.clone().expect("it waits");
    assert_eq!((gate.kind.as_str(), gate.text.as_str()), ("signal", "go"));
    assert_field(&house.runs().signal(signal(&run, "", "")).await.expect_err("refused"), "signal");
    assert_field(&house.runs().signal(signal(&run, "go", "{")).await.expect_err("refused"), "data");
    assert_refused(house.runs().signal(signal(&run, "og", "")).await, Code::NotFound, "SIGNAL_UNKNOWN");
    let sent = house.runs().signal(signal(&run, "go", r#"{"n": 1}"#)).await.expect("it waits").into_inner();
    assert_eq!(sent.run, run);
    let cancel = wire::CancelRequest { run: run.clone(), ..wire::CancelRequest::default() };
    house.runs().cancel(cancel).await.expect("it runs");
    let facts = house.facts(&run, 1).await;
    let fact = facts.iter().find(|fact| fact.kind == "signal_received").expect("it was heard");
    assert!(fact.json.contains(r#""n":1"#) && fact.message.ends_with("sent the signal `go`"), "{fact:?}");
}

#[tokio::test]
async fn a_question_is_answered_as_it_was_shown() {
    let house = House::open().await;
    for (approved, ends) in [(true, RunState::Completed), (false, RunState::Failed)] {
        let run = asking(&house).await;
        let gate = house.get(&run).await.phases[1].steps[0].gate.clone().expect("it asks");
        assert_eq!((gate.kind.as_str(), gate.text.as_str()), ("approval", "Sure?"));
        assert!(gate.call.contains('x') && !gate.digest.is_empty(), "{gate:?}");
        let other = house.runs().approve(approve(&run, "other", approved)).await;
        assert_refused(other, Code::Aborted, "OTHER_QUESTION");
        let astray = wire::ApproveRequest { step: "a".to_owned(), ..approve(&run, "", approved) };
        assert_refused(house.runs().approve(astray).await, Code::FailedPrecondition, "NOT_ASKED");
        house.runs().approve(approve(&run, &gate.digest, approved)).await.expect("it asks");
        house.facts(&run, 1).await;
        assert_eq!(summary(&house, &run).await.state(), ends);
    }
}

#[tokio::test]
async fn others_are_cast_for_what_has_not_begun() {
    let house = House::open().await;
    let run = house.start("gated").await;
    let recast = |part: &str, who: &str| wire::RecastRequest {
        run: run.clone(),
        cast: HashMap::from([(part.to_owned(), who.to_owned())]),
    };
    house.runs().recast(recast("b", "tools.file_read")).await.expect("it has not begun");
    assert_eq!(house.get(&run).await.phases[1].steps[0].performer, "file_read");
    let mut runs = house.runs();
    assert_refused(runs.recast(recast("a", "w.held")).await, Code::FailedPrecondition, "STEP_BEGUN");
    assert_refused(runs.recast(recast("zz", "w.held")).await, Code::InvalidArgument, "CAST_INVALID");
    assert_refused(runs.recast(recast("b", "tools.zz")).await, Code::NotFound, "OPERATION_UNKNOWN");
    let nothing = wire::RecastRequest { run: run.clone(), cast: HashMap::new() };
    assert_field(&runs.recast(nothing).await.expect_err("refused"), "cast");
}

#[tokio::test]
async fn a_run_is_undone_after_its_end_as_was_previewed() {
    let house = House::open().await;
    let run = asking(&house).await;
    let rollback = |dry_run, to: &str| wire::RollbackRequest { run: run.clone(), to: to.to_owned(), dry_run };
    assert_refused(house.runs().rollback(rollback(true, "")).await, Code::FailedPrecondition, "RUN_STATE");
    house.runs().approve(approve(&run, "", true)).await.expect("it asks");
    house.facts(&run, 1).await;
    let previewed = house.runs().rollback(rollback(true, "")).await.expect("it completed").into_inner();
    let phases: Vec<_> =
        previewed.phases.iter().map(|of| (of.phase.as_str(), of.visit, of.calls.join(","))).collect();
    assert_eq!(phases, [("b", 1, "w.step".to_owned())]);
    assert_eq!((previewed.run.as_str(), previewed.state()), (run.as_str(), RunState::Unspecified));
    assert_eq!(summary(&house, &run).await.state(), RunState::Completed);
    let nothing = house.runs().rollback(rollback(false, "b")).await;
    assert_refused(nothing, Code::FailedPrecondition, "NOTHING_TO_UNDO");
    assert_refused(house.runs().rollback(rollback(true, "zz")).await, Code::NotFound, "STEP_UNKNOWN");
    let begun = house.runs().rollback(rollback(false, "")).await.expect("it completed").into_inner();
    assert_eq!((begun.state(), begun.phases), (RunState::RollingBack, previewed.phases));
    house.facts(&run, 1).await;
    assert_eq!(summary(&house, &run).await.state(), RunState::RolledBack);
}

#[tokio::test]
async fn a_run_is_retried_after_its_end() {
    let house = House::open().await;
    let run = house.start("quick").await;
    house.facts(&run, 1).await;
    let retry = |from: &str| wire::RetryRequest { run: run.clone(), from: from.to_owned() };
    assert_refused(house.runs().retry(retry("")).await, Code::FailedPrecondition, "NOTHING_TO_RETRY");
    assert_refused(house.runs().retry(retry("zz")).await, Code::NotFound, "STEP_UNKNOWN");
    let again = house.runs().retry(retry("b")).await.expect("it ended").into_inner();
    assert_eq!((again.run.as_str(), again.state()), (run.as_str(), RunState::Running));
    house.facts(&run, 1).await;
    assert_eq!(house.perform.asked().len(), 3);
}

#[tokio::test]
async fn only_a_stuck_run_is_resolved_and_only_one_way_or_the_other() {
    let house = House::open().await;
    let run = house.start("gated").await;
    let resolve = |resolution: i32| wire::ResolveRequest { run: run.clone(), resolution };
    for resolution in [0, 9] {
        assert_field(&house.runs().resolve(resolve(resolution)).await.expect_err("refused"), "resolution");
    }
    for resolution in [1, 2] {
        let refused = house.runs().resolve(resolve(resolution)).await;
        assert_refused(refused, Code::FailedPrecondition, "RUN_STATE");
    }
}

#[tokio::test]
async fn many_runs_are_steered_at_once() {
    use wire::apply_request::Control;
    let house = House::open().await;
    for _ in 0..3 {
        house.start("gated").await;
    }
    let done = house.start("quick").await;
    house.facts(&done, 1).await;
    let apply = |limit, control| wire::ApplyRequest {
        filter: Some(wire::ListRequest { limit, ..wire::ListRequest::default() }),
        control,
    };
    let pause = Some(Control::Pause(wire::PauseRequest::default()));
    let told = house.runs().apply(apply(0, pause.clone())).await.expect("read").into_inner();
    assert_eq!((told.matched, told.steered, told.refused.len()), (4, 3, 1));
    assert_eq!(told.refused[0].run, done);
    assert!(told.refused[0].reason.contains("completed") && !told.last.is_empty());
    let resume = Some(Control::Resume(wire::ResumeRequest::default()));
    let told = house.runs().apply(apply(2, resume)).await.expect("read").into_inner();
    assert_eq!((told.matched, told.steered), (2, 1));
    assert_field(&house.runs().apply(apply(0, None)).await.expect_err("refused"), "control");
    let everywhere = wire::ApplyRequest { filter: None, control: pause };
    assert_field(&house.runs().apply(everywhere).await.expect_err("refused"), "filter");
    for (control, field) in [
        (
            Control::Rollback(wire::RollbackRequest { dry_run: true, ..Default::default() }),
            "rollback.dry_run",
        ),
        (Control::Signal(wire::SignalRequest::default()), "signal"),
        (Control::Resolve(wire::ResolveRequest::default()), "resolution"),
    ] {
        assert_field(&house.runs().apply(apply(0, Some(control))).await.expect_err("refused"), field);
    }
    let cancel = Some(Control::Cancel(wire::CancelRequest::default()));
    assert_eq!(house.runs().apply(apply(0, cancel)).await.expect("read").into_inner().steered, 3);
}

#[tokio::test]
async fn why_a_run_is_where_it_is_is_told() {
    let house = House::open().await;
    let run = house.start("gated").await;
    let explain = |run: &str| wire::ExplainRequest { run: run.to_owned() };
    let told = house.runs().explain(explain(&run)).await.expect("known").into_inner();
    assert_eq!(told.run.expect("told").state(), RunState::Waiting);
    assert!(told.sentences.iter().any(|sentence| sentence.contains("`go`")), "{:?}", told.sentences);
    assert_refused(house.runs().explain(explain("nobody")).await, Code::NotFound, "RUN_UNKNOWN");
}
