//! Plans that start by themselves, and runs that take turns.

use op_proto::v1::{
    ListRequest, ListSchedulesRequest, PauseScheduleRequest, RunScheduleRequest, RunState, RunSummary,
    Schedule, StartRequest,
};
use op_tests::support::client::{kinds, state};
use op_tests::support::{Client, Daemon, Place, until};
use serde_json::{Value, json};
use tonic::Code;

use crate::plans::{plan, shell};

async fn runs(client: &Client, plan: &str) -> Vec<RunSummary> {
    let request = ListRequest { plan: plan.into(), ..ListRequest::default() };
    client.runs().list(request).await.expect("the daemon lists its runs").into_inner().runs
}

async fn the_schedule(client: &Client) -> Schedule {
    let answer = client.plans().list_schedules(ListSchedulesRequest {}).await.expect("it lists schedules");
    let schedules = answer.into_inner().schedules;
    assert_eq!(schedules.len(), 1, "{schedules:#?}");
    schedules.into_iter().next().expect("one")
}

async fn hold(client: &Client, paused: bool) -> Schedule {
    let request = PauseScheduleRequest { plan: "tick".into(), paused };
    let answer = client.plans().pause_schedule(request).await.expect("the plan has a schedule");
    answer.into_inner().schedule.expect("the schedule after that")
}

#[tokio::test]
async fn a_plan_starts_by_itself_once_for_each_of_its_times() {
    let place = Place::new();
    plan(&place, "tick", "schedule = \"* * * * * *\"", &[&shell("mark", "echo x >> marks")]);
    let daemon = Daemon::start(&place).await;
    let client = daemon.client();
    let started = until("a run for each of two seconds", async || {
        let runs = runs(client, "tick").await;
        (runs.len() >= 2).then_some(runs)
    })
    .await;
    for run in &started {
        assert_eq!(run.user, "schedule");
        assert_eq!(state(&client.end(&run.id).await), RunState::Completed);
    }
    let mut times: Vec<_> = started.iter().map(|run| run.labels["schedule"].as_str()).collect();
    times.dedup();
    assert_eq!(times.len(), started.len(), "one run for one time");
    let schedule = the_schedule(client).await;
    assert_eq!((schedule.plan.as_str(), schedule.cron.as_str()), ("tick", "* * * * * *"));
    assert!(schedule.last.is_some() && schedule.next.is_some(), "{schedule:#?}");
}

#[tokio::test]
async fn a_schedule_that_is_held_stays_so_over_a_restart_and_runs_by_hand() {
    let place = Place::new();
    plan(&place, "tick", "schedule = \"0 3 * * *\"", &[&shell("mark", "echo x >> marks")]);
    let daemon = Daemon::start(&place).await;
    assert!(the_schedule(daemon.client()).await.next.is_some());
    let held = hold(daemon.client(), true).await;
    assert!(held.paused && held.next.is_none(), "{held:#?}");
    assert!(daemon.terminate().await.success());

    let daemon = Daemon::start(&place).await;
    let client = daemon.client();
    assert!(the_schedule(client).await.paused);
    let answer = client.plans().run_schedule(RunScheduleRequest { plan: "tick".into() }).await;
    let run = answer.expect("the plan has a schedule").into_inner().run;
    assert_eq!(state(&client.end(&run).await), RunState::Completed);
    assert_eq!(place.read("work/marks"), "x\n");
    let freed = hold(client, false).await;
    assert!(!freed.paused && freed.next.is_some(), "{freed:#?}");
    let refused = client.plans().run_schedule(RunScheduleRequest { plan: "code_review".into() }).await;
    assert!(refused.expect_err("it has none").message().contains("no schedule"));
}

/// A plan that listens, of which one run at a time may go for each repository.
fn turns(place: &Place, on_conflict: &str) {
    let keys = format!(
        "inputs = {{ repo = {{ type = \"string\", default = \"a\" }} }}\n\
         concurrency = {{ key = \"${{repo}}\", limit = 1, on_conflict = \"{on_conflict}\" }}"
    );
    plan(place, "turns", &keys, &["id = \"listen\"\nsignal = \"go\"", &shell("mark", "echo x >> marks")]);
}

#[tokio::test]
async fn runs_with_one_key_take_turns_and_others_go_beside_them() {
    let place = Place::new();
    turns(&place, "queue");
    let daemon = Daemon::start(&place).await;
    let client = daemon.client();
    let first = client.start("turns", &json!({})).await;
    client.gate(&first, "listen").await;
    let second = client.start("turns", &json!({})).await;
    let other = client.start("turns", &json!({ "repo": "b" })).await;
    client.gate(&other, "listen").await;
    assert_eq!(state(&client.run(&second).await), RunState::Pending);

    client.signal(&first, "go", &Value::Null).await.expect("it waits");
    assert_eq!(state(&client.end(&first).await), RunState::Completed);
    client.gate(&second, "listen").await;
    client.signal(&second, "go", &Value::Null).await.expect("it waits");
    let seen = kinds(&client.events(&second).await);
    assert_eq!(seen[..2], ["run_started", "run_admitted"]);
    assert_eq!(seen.last().map(String::as_str), Some("run_completed"));
    assert_eq!(state(&client.run(&other).await), RunState::Waiting);
}

#[tokio::test]
async fn a_run_in_the_queue_waits_there_also_over_kill_9() {
    let place = Place::new();
    turns(&place, "queue");
    let daemon = Daemon::start(&place).await;
    let first = daemon.client().start("turns", &json!({})).await;
    daemon.client().gate(&first, "listen").await;
    let second = daemon.client().start("turns", &json!({})).await;
    daemon.kill().await;
    place.is_quiet().await;

    let daemon = Daemon::start(&place).await;
    let client = daemon.client();
    assert_eq!(state(&client.run(&second).await), RunState::Pending);
    for run in [first, second] {
        client.gate(&run, "listen").await;
        client.signal(&run, "go", &Value::Null).await.expect("it waits");
        assert_eq!(state(&client.end(&run).await), RunState::Completed);
    }
}

#[tokio::test]
async fn a_run_that_finds_no_place_is_refused_or_takes_that_of_another_as_the_plan_says() {
    let place = Place::new();
    turns(&place, "skip");
    let daemon = Daemon::start(&place).await;
    let client = daemon.client();
    let first = client.start("turns", &json!({})).await;
    let request = StartRequest { plan: "turns".into(), ..StartRequest::default() };
    let refused = client.runs().start(request).await.expect_err("there is no place");
    assert!([Code::FailedPrecondition, Code::AlreadyExists].contains(&refused.code()), "{refused:?}");
    assert!(refused.message().contains(&first), "{refused:?}");

    let place = Place::new();
    turns(&place, "cancel");
    let daemon = Daemon::start(&place).await;
    let client = daemon.client();
    let first = client.start("turns", &json!({})).await;
    client.gate(&first, "listen").await;
    let second = client.start("turns", &json!({})).await;
    assert_eq!(state(&client.end(&first).await), RunState::Cancelled);
    client.gate(&second, "listen").await;
}
