//! Runs that are steered: retried, undone, resolved, recast, and many at once.

use op_proto::v1::apply_request::Control;
use op_proto::v1::{
    ApplyRequest, CancelRequest, ExplainRequest, ListRequest, Resolution, ResumeRequest, RunState,
};
use op_tests::support::client::{payload, state, step};
use op_tests::support::{Client, Daemon, Place};
use serde_json::{Value, json};

use crate::plans::{WAIT, gate, is_waiting, plan, sh, shell};

/// A phase that notes that it was done, and its undo that it was undone.
fn undoable(id: &str, undo: &str) -> String {
    format!("{}\nrollback = [{}]", shell(id, &format!("echo {id} >> done")), sh(undo))
}

fn noting(id: &str) -> String {
    undoable(id, &format!("echo {id} >> undone"))
}

async fn ends(client: &Client, run: &str, wanted: RunState) -> op_proto::v1::Run {
    let run = client.end(run).await;
    assert_eq!(state(&run), wanted, "{run:#?}");
    run
}

#[tokio::test]
async fn a_retry_goes_on_from_what_failed_and_keeps_what_succeeded() {
    let place = Place::new();
    let first = shell("first", "echo x >> first; echo result");
    let second = "id = \"second\"\ntools = [{ tool = \"command\", args = { program = \"sh\", args = [\"-c\", \
                  \"test -e mended && echo $0 >> second\", \"${steps.first.output.stdout}\"] } }]";
    plan(&place, "again", "", &[&first, second, &shell("third", "echo z >> third")]);
    let daemon = Daemon::start(&place).await;
    let client = daemon.client();
    let run = client.start("again", &json!({})).await;
    ends(client, &run, RunState::Failed).await;
    client.retry(&run, "").await.expect("it failed");
    ends(client, &run, RunState::Failed).await;

    place.write("work/mended", "");
    client.retry(&run, "").await.expect("it failed again");
    ends(client, &run, RunState::Completed).await;
    let counts = ["first", "second", "third"].map(|name| place.read(&format!("work/{name}")));
    assert_eq!(counts, ["x\n", "result\n", "z\n"], "each was done once");
}

#[tokio::test]
async fn a_retry_from_an_earlier_phase_does_that_and_what_follows_again() {
    let place = Place::new();
    let phases = ["one", "two", "three"].map(|id| shell(id, &format!("echo {id} >> done")));
    let bad = shell("bad", "exit 1");
    plan(&place, "again", "", &[&phases[0], &phases[1], &phases[2], &bad]);
    let daemon = Daemon::start(&place).await;
    let client = daemon.client();
    let run = client.start("again", &json!({})).await;
    ends(client, &run, RunState::Failed).await;
    client.retry(&run, "two").await.expect("it is over");
    ends(client, &run, RunState::Failed).await;
    assert_eq!(place.read("work/done"), "one\ntwo\nthree\ntwo\nthree\n");
    let refused = client.retry(&run, "nowhere").await.expect_err("no phase of this name");
    assert!(refused.message().contains("nowhere"), "{refused:?}");
}

#[tokio::test]
async fn a_rollback_to_a_phase_tells_first_and_then_undoes_what_came_after_it() {
    let place = Place::new();
    let phases = ["one", "two", "three"].map(noting);
    plan(&place, "undo", "", &[&phases[0], &phases[1], &phases[2]]);
    let daemon = Daemon::start(&place).await;
    let client = daemon.client();
    let run = client.start("undo", &json!({})).await;
    ends(client, &run, RunState::Completed).await;

    let told = client.rollback(&run, "one", true).await.expect("it is over");
    let phases: Vec<_> = told.phases.iter().map(|phase| phase.phase.as_str()).collect();
    assert_eq!((phases, told.state()), (vec!["three", "two"], RunState::Unspecified));
    assert!(told.phases.iter().all(|phase| phase.calls == ["command"]), "{told:#?}");
    assert_eq!(state(&client.run(&run).await), RunState::Completed);
    assert!(!place.at("work/undone").exists(), "it was only told");

    let undone = client.rollback(&run, "one", false).await.expect("it is over");
    assert_eq!(undone.phases, told.phases);
    ends(client, &run, RunState::RolledBack).await;
    assert_eq!(place.read("work/undone"), "three\ntwo\n");
}

/// A run of three phases of which the last fails and the second cannot be undone until the file `mended` is there.
async fn stuck(place: &Place) -> (Daemon, String) {
    let two = undoable("two", "test -e mended && echo two >> undone");
    plan(place, "stuck", "rollback = \"run\"", &[&noting("one"), &two, &shell("bad", "exit 1")]);
    let daemon = Daemon::start(place).await;
    let run = daemon.client().start("stuck", &json!({})).await;
    let ended = ends(daemon.client(), &run, RunState::Stuck).await;
    assert!(ended.summary.is_some_and(|summary| summary.reason.contains("two")));
    (daemon, run)
}

#[tokio::test]
async fn a_stuck_run_is_resolved_by_trying_again_once_the_cause_is_mended() {
    let place = Place::new();
    let (daemon, run) = stuck(&place).await;
    let client = daemon.client();
    client.resolve(&run, Resolution::Retry).await.expect("it is stuck");
    ends(client, &run, RunState::Stuck).await;
    place.write("work/mended", "");
    client.resolve(&run, Resolution::Retry).await.expect("it is stuck again");
    ends(client, &run, RunState::RolledBack).await;
    assert_eq!(place.read("work/undone"), "two\none\n");
    client.resolve(&run, Resolution::Retry).await.expect_err("it is stuck no more");
}

#[tokio::test]
async fn a_stuck_run_is_resolved_by_accepting_what_cannot_be_undone() {
    let place = Place::new();
    let (daemon, run) = stuck(&place).await;
    daemon.client().resolve(&run, Resolution::Accept).await.expect("it is stuck");
    ends(daemon.client(), &run, RunState::RolledBack).await;
    assert_eq!(place.read("work/undone"), "one\n", "the rest is undone");
}

#[tokio::test]
async fn who_is_recast_plays_what_has_not_begun() {
    let place = Place::new();
    let gate = gate(&place);
    let specify = "id = \"specify\"\nagents = [{ role = \"product_manager\", args = { goal = \"A site with the pages Home and Hives\" } }]";
    plan(&place, "cast", "output = \"${steps.specify.output}\"", &[WAIT, specify]);
    let daemon = Daemon::start(&place).await;
    let client = daemon.client();
    let run = client.start("cast", &json!({})).await;
    is_waiting(&place).await;
    assert_eq!(step(&client.run(&run).await, "specify").performer, "models.respond");
    client.recast(&run, "product_manager", "offline.nothing").await.expect_err("nobody does that");
    client.recast(&run, "product_manager", "offline.specify").await.expect("it has not begun");
    gate.open();
    let ended = ends(client, &run, RunState::Completed).await;
    assert_eq!(step(&ended, "specify").performer, "offline.specify");
    assert_eq!(payload(ended.output.as_ref())["pages"][1]["title"], "Hives");
}

fn listening(place: &Place, name: &str) {
    plan(place, name, "", &["id = \"listen\"\nsignal = \"go\""]);
}

async fn listeners(client: &Client, plan: &str, count: usize) -> Vec<String> {
    let mut runs = Vec::new();
    for _ in 0..count {
        let run = client.start(plan, &json!({})).await;
        client.gate(&run, "listen").await;
        runs.push(run);
    }
    runs
}

#[tokio::test]
async fn every_run_that_matches_is_cancelled_and_counted_and_the_others_are_left() {
    let place = Place::new();
    listening(&place, "mine");
    listening(&place, "yours");
    let daemon = Daemon::start(&place).await;
    let client = daemon.client();
    let mine = listeners(client, "mine", 3).await;
    let yours = listeners(client, "yours", 2).await;
    client.signal(&mine[0], "go", &Value::Null).await.expect("it waits");
    ends(client, &mine[0], RunState::Completed).await;

    let states = vec![RunState::Waiting.into()];
    let filter = Some(ListRequest { plan: "mine".into(), states, ..ListRequest::default() });
    let resume = ApplyRequest {
        filter: filter.clone(),
        control: Some(Control::Resume(ResumeRequest { run: String::new() })),
    };
    let applied = client.runs().apply(resume).await.expect("it is taken").into_inner();
    assert_eq!((applied.matched, applied.steered, applied.refused.len()), (2, 0, 2), "{applied:#?}");
    assert!(applied.refused.iter().all(|refused| !refused.reason.is_empty()), "{applied:#?}");

    let cancel = CancelRequest { run: String::new(), rollback: false, reason: "enough".into() };
    let cancel = ApplyRequest { filter, control: Some(Control::Cancel(cancel)) };
    let applied = client.runs().apply(cancel.clone()).await.expect("it is taken").into_inner();
    assert_eq!((applied.matched, applied.steered, applied.refused.len()), (2, 2, 0), "{applied:#?}");
    for run in &mine[1..] {
        ends(client, run, RunState::Cancelled).await;
    }
    for run in &yours {
        assert_eq!(state(&client.run(run).await), RunState::Waiting);
    }
    let applied = client.runs().apply(cancel).await.expect("it is taken").into_inner();
    assert_eq!((applied.matched, applied.steered), (0, 0));
}

#[tokio::test]
async fn a_run_explains_why_it_is_where_it_is() {
    let place = Place::new();
    listening(&place, "mine");
    plan(&place, "bad", "", &[&shell("good", "true"), &shell("bad", "exit 7"), &shell("never", "true")]);
    let daemon = Daemon::start(&place).await;
    let client = daemon.client();
    let waiting = listeners(client, "mine", 1).await.remove(0);
    let failed = client.start("bad", &json!({})).await;
    ends(client, &failed, RunState::Failed).await;
    for (run, words) in [(waiting, ["listen", "`go`"]), (failed, ["`bad`", "exit code 7"])] {
        let answer = client.runs().explain(ExplainRequest { run }).await.expect("the run is there");
        let text = answer.into_inner().sentences.join("\n");
        assert!(words.iter().all(|word| text.contains(word)), "{text}");
    }
}
