//! Steps that wait for a person, a signal, or time; also over kill -9.

use op_proto::v1::RunState;
use op_tests::support::client::{payload, state, step};
use op_tests::support::{Daemon, Place};
use serde_json::{Value, json};
use tonic::Code;

use crate::plans::{WAIT, gate, is_waiting, plan, shell};

/// A phase that asks before it marks, with more about the question.
fn asking(more: &str) -> String {
    format!("{}\napproval = {{ message = \"Ship ${{what}}?\"{more} }}", shell("ship", "echo x >> marks"))
}

/// A plan that asks.
fn ask(place: &Place, more: &str) {
    plan(place, "ask", "inputs = { what = { type = \"string\", default = \"it\" } }", &[&asking(more)]);
}

/// A plan that waits for a signal and answers with what it brings.
fn listen(place: &Place, before: &[&str]) {
    let phases = [before, &["id = \"listen\"\nsignal = \"go\""]].concat();
    plan(place, "listen", "output = \"${steps.listen.output}\"", &phases);
}

async fn ends(daemon: &Daemon, run: &str, wanted: RunState) -> op_proto::v1::Run {
    let run = daemon.client().end(run).await;
    assert_eq!(state(&run), wanted, "{run:#?}");
    run
}

#[tokio::test]
async fn a_question_shows_the_call_and_is_answered_by_its_digest_alone() {
    let place = Place::new();
    ask(&place, "");
    let daemon = Daemon::start(&place).await;
    let client = daemon.client();
    let [first, other] =
        [client.start("ask", &json!({})).await, client.start("ask", &json!({ "what": "that" })).await];
    let gate = client.gate(&first, "ship").await;
    assert_eq!((gate.kind.as_str(), gate.text.as_str()), ("approval", "Ship it?"));
    let call: Value = serde_json::from_str(&gate.call).expect("the call as JSON");
    assert_eq!((&call["performer"], &call["arguments"]["program"]), (&json!("command"), &json!("sh")));
    assert_eq!(state(&client.run(&first).await), RunState::Waiting);

    let digest = client.gate(&other, "ship").await.digest;
    assert_ne!(digest, gate.digest, "another question");
    let refused = client.approve(&first, &digest, true).await.expect_err("the answer is to another question");
    assert_eq!(refused.code(), Code::Aborted, "{refused:?}");
    assert_eq!(state(&client.run(&first).await), RunState::Waiting);
    assert_eq!(place.read("work/marks"), "");

    client.approve(&first, &gate.digest, true).await.expect("it is the question");
    ends(&daemon, &first, RunState::Completed).await;
    assert_eq!(place.read("work/marks"), "x\n");
    client.approve(&first, &gate.digest, true).await.expect_err("it is answered");
}

#[tokio::test]
async fn what_a_person_rejects_is_not_done() {
    let place = Place::new();
    ask(&place, "");
    let daemon = Daemon::start(&place).await;
    let run = daemon.client().start("ask", &json!({})).await;
    let gate = daemon.client().gate(&run, "ship").await;
    daemon.client().approve(&run, &gate.digest[..8], false).await.expect("a prefix names it too");
    let ended = ends(&daemon, &run, RunState::Failed).await;
    let failure = step(&ended, "ship").failure.clone().expect("it says why");
    assert_eq!((failure.kind.as_str(), failure.reason.as_str()), ("rejected", "not_approved"));
    assert!(!place.at("work/marks").exists());
}

#[tokio::test]
async fn a_question_that_nobody_answers_ends_as_the_plan_says() {
    for (way, wanted, marks) in [("reject", RunState::Failed, ""), ("approve", RunState::Completed, "x\n")] {
        let place = Place::new();
        ask(&place, &format!(", timeout = \"50ms\", on_timeout = \"{way}\""));
        let daemon = Daemon::start(&place).await;
        let run = daemon.client().start("ask", &json!({})).await;
        ends(&daemon, &run, wanted).await;
        assert_eq!(place.read("work/marks"), marks, "{way}");
    }
}

#[tokio::test]
async fn a_question_that_is_parked_waits_on_and_can_be_answered_late() {
    let place = Place::new();
    ask(&place, ", timeout = \"50ms\", on_timeout = \"park\"");
    let daemon = Daemon::start(&place).await;
    let run = daemon.client().start("ask", &json!({})).await;
    daemon.client().until(&run, |event| event.kind == "approval_overdue").await;
    assert_eq!(state(&daemon.client().run(&run).await), RunState::Waiting);
    daemon.client().approve(&run, "", true).await.expect("it is asked still");
    ends(&daemon, &run, RunState::Completed).await;
}

#[tokio::test]
async fn a_signal_is_taken_by_the_step_that_waits_for_it() {
    let place = Place::new();
    listen(&place, &[]);
    let daemon = Daemon::start(&place).await;
    let run = daemon.client().start("listen", &json!({})).await;
    let gate = daemon.client().gate(&run, "listen").await;
    assert_eq!((gate.kind.as_str(), gate.text.as_str()), ("signal", "go"));
    let refused = daemon.client().signal(&run, "gone", &json!(1)).await.expect_err("nobody waits for it");
    assert!(refused.message().contains("there is go"), "{refused:?}");
    daemon.client().signal(&run, "go", &json!({ "n": 1 })).await.expect("it waits for it");
    let ended = ends(&daemon, &run, RunState::Completed).await;
    assert_eq!(payload(ended.output.as_ref()), json!({ "n": 1 }));
}

#[tokio::test]
async fn a_signal_that_comes_before_its_step_is_kept_for_it_also_over_kill_9() {
    let place = Place::new();
    let gate = gate(&place);
    listen(&place, &[&(WAIT.to_owned() + "\nretry = { max = 1, on = [\"lost\"] }")]);
    let daemon = Daemon::start(&place).await;
    let run = daemon.client().start("listen", &json!({})).await;
    is_waiting(&place).await;
    daemon.client().signal(&run, "go", &json!("early")).await.expect("a step waits for it later");
    daemon.kill().await;
    place.is_quiet().await;

    let daemon = Daemon::start(&place).await;
    is_waiting(&place).await;
    gate.open();
    let ended = ends(&daemon, &run, RunState::Completed).await;
    assert_eq!(payload(ended.output.as_ref()), json!("early"));
}

#[tokio::test]
async fn a_delay_is_kept() {
    let place = Place::new();
    plan(&place, "later", "", &[&(shell("mark", "echo x >> marks") + "\ndelay = \"200ms\"")]);
    let daemon = Daemon::start(&place).await;
    let run = daemon.client().start("later", &json!({})).await;
    let events = daemon.client().events(&run).await;
    let at = |kind: &str| {
        let event = events.iter().find(|event| event.kind == kind).expect("it came");
        let at = event.at.expect("every event has a time");
        at.seconds * 1000 + i64::from(at.nanos) / 1_000_000
    };
    assert!(at("step_passed") - at("step_waiting") >= 200, "{events:#?}");
    assert_eq!(place.read("work/marks"), "x\n");
}

#[tokio::test]
async fn runs_that_wait_survive_kill_9_with_their_questions_and_times() {
    let place = Place::new();
    ask(&place, "");
    plan(&place, "later", "", &[&(shell("mark", "echo y >> later") + "\ndelay = \"300ms\"")]);
    let daemon = Daemon::start(&place).await;
    let asked = daemon.client().start("ask", &json!({})).await;
    let delayed = daemon.client().start("later", &json!({})).await;
    let before = daemon.client().gate(&asked, "ship").await;
    daemon.client().until(&delayed, |event| event.kind == "step_waiting").await;
    daemon.kill().await;
    place.is_quiet().await;

    let daemon = Daemon::start(&place).await;
    assert_eq!(state(&daemon.client().run(&asked).await), RunState::Waiting);
    assert_eq!(daemon.client().gate(&asked, "ship").await, before);
    daemon.client().approve(&asked, &before.digest, true).await.expect("it is the question still");
    ends(&daemon, &asked, RunState::Completed).await;
    ends(&daemon, &delayed, RunState::Completed).await;
    assert_eq!((place.read("work/marks"), place.read("work/later")), ("x\n".into(), "y\n".into()));
}

#[tokio::test]
async fn a_paused_run_survives_a_restart_and_goes_on_when_it_is_resumed() {
    let place = Place::new();
    let gate = gate(&place);
    plan(&place, "hold", "", &[WAIT, &shell("after", "echo x >> marks")]);
    let daemon = Daemon::start(&place).await;
    let run = daemon.client().start("hold", &json!({})).await;
    is_waiting(&place).await;
    daemon.client().pause(&run).await.expect("it runs");
    gate.open();
    daemon.client().until(&run, |event| event.kind == "step_succeeded").await;
    assert_eq!(state(&daemon.client().run(&run).await), RunState::Paused);
    daemon.kill().await;
    place.is_quiet().await;

    let daemon = Daemon::start(&place).await;
    assert_eq!(state(&daemon.client().run(&run).await), RunState::Paused);
    assert!(!place.at("work/marks").exists());
    daemon.client().resume(&run).await.expect("it is held");
    ends(&daemon, &run, RunState::Completed).await;
    assert_eq!(place.read("work/marks"), "x\n");
}
