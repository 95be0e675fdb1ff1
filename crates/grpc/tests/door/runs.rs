//! `opdbus.v1.Runs`.

use std::collections::HashMap;

use op_proto::v1 as wire;
use op_proto::v1::runs_client::RunsClient;
use serde_json::Value;
use tonic::Code;

use crate::support::{House, assert_field, assert_refused, request};

fn kinds(facts: &[wire::Event]) -> Vec<&str> {
    facts.iter().map(|fact| fact.kind.as_str()).collect()
}

#[tokio::test]
async fn a_run_is_started_followed_and_told_of() {
    let house = House::open().await;
    let labels = HashMap::from([("ticket".to_owned(), "7".to_owned())]);
    let start = wire::StartRequest { inputs: r#"{"count": 5}"#.to_owned(), labels, ..request("quick") };
    let started = house.runs().start(start).await.expect("started").into_inner();
    assert!(!started.existing);
    let facts = house.facts(&started.run, 1).await;
    assert_eq!((kinds(&facts)[0], *kinds(&facts).last().expect("facts")), ("run_started", "run_completed"));
    assert_eq!(
        facts.iter().map(|fact| fact.sequence).collect::<Vec<_>>(),
        (1..=facts.len() as u64).collect::<Vec<_>>()
    );
    let step = facts.iter().find(|fact| fact.kind == "step_succeeded").expect("a step succeeded");
    assert_eq!(
        (step.step.as_str(), step.phase.as_str(), step.message.as_str()),
        ("a", "", "step `a` succeeded")
    );
    let json: Value = serde_json::from_str(&step.json).expect("an event is JSON");
    assert_eq!(json["kind"], "step_succeeded");

    let run = house.get(&started.run).await;
    let summary = run.summary.expect("told");
    assert_eq!(
        (summary.id.as_str(), summary.plan.as_str(), summary.state()),
        (started.run.as_str(), "quick", wire::RunState::Completed)
    );
    assert!(summary.user.starts_with("uid:") && summary.labels["ticket"] == "7");
    assert_eq!((summary.settled_phases, summary.total_phases, run.sequence), (2, 2, facts.len() as u64));
    assert_eq!(serde_json::from_str::<Value>(&run.inputs).expect("JSON")["count"], 5);
    assert_eq!(
        run.output.expect("completed").kind,
        Some(wire::payload::Kind::Json(r#"{"by":"step"}"#.to_owned()))
    );
    let (first, second) = (&run.phases[0], &run.phases[1]);
    assert_eq!(
        (first.name.as_str(), first.state(), &second.depends_on),
        ("First", wire::PhaseState::Succeeded, &vec!["a".to_owned()])
    );
    let step = &first.steps[0];
    assert_eq!(
        (step.performer.as_str(), step.state(), step.attempts),
        ("w.step", wire::StepState::Succeeded, 1)
    );
    assert_eq!(step.evidence.as_ref().expect("observed").peer, "scripted");
}

#[tokio::test]
async fn execute_follows_a_run_from_its_first_event_to_its_last() {
    let house = House::open().await;
    let execute = wire::ExecuteRequest { start: Some(request("quick")) };
    let mut stream = house.runs().execute(execute).await.expect("started").into_inner();
    let mut seen = Vec::new();
    while let Some(response) = stream.message().await.expect("the stream ends well") {
        seen.push(response.seen.expect("something is seen"));
    }
    assert!(!seen[0].run.is_empty() && seen.iter().all(|other| other.run == seen[0].run));
    let events: Vec<_> = seen
        .iter()
        .filter_map(|seen| match seen.seen.as_ref()? {
            wire::watch_response::Seen::Event(event) => Some(event.clone()),
            wire::watch_response::Seen::Progress(_) => None,
        })
        .collect();
    assert_eq!(events, house.facts(&seen[0].run, 1).await);
    assert_field(
        &house.runs().execute(wire::ExecuteRequest { start: None }).await.expect_err("refused"),
        "start",
    );
}

#[tokio::test]
async fn a_field_that_cannot_be_taken_is_named() {
    let house = House::open().await;
    let long_ago = prost_types::Duration { seconds: -1, nanos: 0 };
    for (request, field) in [
        (request(""), "plan"),
        (wire::StartRequest { inputs: "[1]".to_owned(), ..request("quick") }, "inputs"),
        (wire::StartRequest { inputs: "{".to_owned(), ..request("quick") }, "inputs"),
        (wire::StartRequest { timeout: Some(long_ago), ..request("quick") }, "timeout"),
        (
            wire::StartRequest { timeout: Some(prost_types::Duration::default()), ..request("quick") },
            "timeout",
        ),
    ] {
        assert_field(&house.runs().start(request).await.expect_err("refused"), field);
    }
    let long_ago = || Some(prost_types::Timestamp { seconds: -1, nanos: 0 });
    for (list, field) in [
        (wire::ListRequest { since: long_ago(), ..wire::ListRequest::default() }, "since"),
        (wire::ListRequest { until: long_ago(), ..wire::ListRequest::default() }, "until"),
    ] {
        assert_field(&house.runs().list(list).await.expect_err("refused"), field);
    }
    for state in [0, 99] {
        let list = wire::ListRequest { states: vec![state], ..wire::ListRequest::default() };
        assert_field(&house.runs().list(list).await.expect_err("refused"), "states");
    }
    let list = wire::ListRequest { limit: 1001, ..wire::ListRequest::default() };
    assert_field(&house.runs().list(list).await.expect_err("refused"), "limit");
    assert!(house.perform.asked().is_empty());
}

#[tokio::test]
async fn every_refusal_has_a_code_and_a_reason() {
    let house = House::open().await;
    let mut runs = house.runs();
    assert_refused(runs.start(request("quikc")).await, Code::NotFound, "PLAN_UNKNOWN");
    let wrong = wire::StartRequest { inputs: r#"{"count": "x"}"#.to_owned(), ..request("quick") };
    assert_refused(runs.start(wrong).await, Code::InvalidArgument, "INPUTS_INVALID");
    let cast = |part: &str, who: &str| wire::StartRequest {
        cast: HashMap::from([(part.to_owned(), who.to_owned())]),
        ..request("quick")
    };
    assert_refused(runs.start(cast("nobody", "w")).await, Code::InvalidArgument, "CAST_INVALID");
    assert_refused(runs.start(cast("a", "nobody.x")).await, Code::NotFound, "AGENT_UNKNOWN");
    assert_refused(runs.start(cast("a", "tools.x")).await, Code::NotFound, "OPERATION_UNKNOWN");
    let casts = |name: &str, plan| wire::StartRequest { casts: vec![name.to_owned()], ..request(plan) };
    assert_refused(runs.start(casts("raeder", "quick")).await, Code::NotFound, "CAST_UNKNOWN");
    assert_refused(runs.start(casts("reader", "held")).await, Code::InvalidArgument, "CAST_INVALID");
    house.start("single").await;
    assert_refused(runs.start(request("single")).await, Code::FailedPrecondition, "BUSY");
    let nobody = || "nobody".to_owned();
    assert_refused(runs.get(wire::GetRequest { run: nobody() }).await, Code::NotFound, "RUN_UNKNOWN");
    let watch = wire::WatchRequest { run: nobody(), ..wire::WatchRequest::default() };
    assert_refused(runs.watch(watch).await, Code::NotFound, "RUN_UNKNOWN");
    let run = house.start("quick").await;
    house.facts(&run, 1).await;
    let cancel = wire::CancelRequest { run: run.clone(), ..wire::CancelRequest::default() };
    assert_refused(runs.cancel(cancel).await, Code::FailedPrecondition, "RUN_STATE");
    let output = wire::OutputRequest { run, step: nobody(), attempt: 0, visit: 0 };
    assert_refused(runs.output(output).await, Code::NotFound, "STEP_UNKNOWN");
    for error in [
        (op_engine::ports::AppendError::Full("x".to_owned()), Code::ResourceExhausted, "DISK_FULL"),
        (op_engine::ports::AppendError::Broken("x".to_owned()), Code::Unavailable, "JOURNAL_BROKEN"),
        (op_engine::ports::AppendError::Closed, Code::Unavailable, "GOING_DOWN"),
    ] {
        house.journal.fail_next(error.0);
        assert_refused(runs.start(request("quick")).await, error.1, error.2);
    }
    // One of them is under way already.
    for _ in 0..49 {
        house.start("held").await;
    }
    assert_refused(runs.start(request("quick")).await, Code::ResourceExhausted, "TOO_MANY_RUNS");
}

#[tokio::test]
async fn the_same_key_is_the_same_run_and_never_another_request() {
    let house = House::open().await;
    let keyed = |plan: &str| wire::StartRequest { idempotency_key: "k".to_owned(), ..request(plan) };
    let first = house.runs().start(keyed("quick")).await.expect("started").into_inner();
    let again = house.runs().start(keyed("quick")).await.expect("told").into_inner();
    assert_eq!((first.existing, again.existing, &first.run), (false, true, &again.run));
    assert_refused(house.runs().start(keyed("held")).await, Code::AlreadyExists, "IDEMPOTENCY_KEY_REUSED");
}

#[tokio::test]
async fn a_watcher_that_comes_back_goes_on_where_it_was() {
    let house = House::open().await;
    let run = house.start("quick").await;
    let all = house.facts(&run, 1).await;
    for from in 0..=all.len() as u64 + 1 {
        let skipped = usize::try_from(from.saturating_sub(1)).expect("few");
        assert_eq!(house.facts(&run, from).await, all[skipped.min(all.len())..]);
    }
}

#[tokio::test]
async fn a_client_that_goes_away_takes_no_run_with_it() {
    let house = House::open().await;
    let mut visitor = RunsClient::new(house.visitor().await);
    let execute = wire::ExecuteRequest { start: Some(request("held")) };
    let mut stream = visitor.execute(execute).await.expect("started").into_inner();
    let run = stream.message().await.expect("seen").expect("something").seen.expect("something").run;
    house.perform.was_asked(1).await;
    drop((stream, visitor));
    house.release.notify_one();
    house.facts(&run, 1).await;
    assert_eq!(house.get(&run).await.summary.expect("told").state(), wire::RunState::Completed);
    assert_eq!(*house.stopped.borrow(), 0);
}

#[tokio::test]
async fn a_reader_that_stops_reading_costs_the_run_nothing() {
    let house = House::open().await;
    let execute = wire::ExecuteRequest { start: Some(request("noisy")) };
    let mut unread = house.runs().execute(execute).await.expect("started").into_inner();
    let run = unread.message().await.expect("seen").expect("something").seen.expect("something").run;
    // 64 MiB of output pass a reader that looks at none of it.
    let facts = house.facts(&run, 1).await;
    assert_eq!(*kinds(&facts).last().expect("facts"), "run_completed");
    // When it reads again, it is told what it missed, and no fact is missing.
    let (mut events, mut folded) = (vec![1], 0);
    while let Some(response) = unread.message().await.expect("the stream ends well") {
        match response.seen.and_then(|seen| seen.seen).expect("something is seen") {
            wire::watch_response::Seen::Event(event) => events.push(event.sequence),
            wire::watch_response::Seen::Progress(progress) => folded += progress.folded,
        }
    }
    assert_eq!(events, (1..=facts.len() as u64).collect::<Vec<_>>());
    assert!(folded > 0);
}

#[tokio::test]
async fn a_run_is_cancelled_and_undone_by_a_prefix_of_its_id() {
    let house = House::open().await;
    let run = house.start("held").await;
    house.perform.was_asked(1).await;
    let cancel =
        |rollback| wire::CancelRequest { run: run[..11].to_owned(), rollback, reason: String::new() };
    let cancelled = house.runs().cancel(cancel(true)).await.expect("it runs").into_inner();
    assert_eq!((cancelled.run.as_str(), cancelled.state()), (run.as_str(), wire::RunState::Running));
    house.was_stopped(1).await;
    let facts = house.facts(&run, 1).await;
    assert_eq!(*kinds(&facts).last().expect("facts"), "run_rolled_back");
    let summary = house.get(&run).await.summary.expect("told");
    assert!(summary.reason.starts_with("cancelled by uid:"), "{}", summary.reason);
    assert_eq!(summary.state(), wire::RunState::RolledBack);
}

#[tokio::test]
async fn the_output_of_a_step_and_its_value_are_told() {
    let house = House::open().await;
    let run = house.start("quick").await;
    house.facts(&run, 1).await;
    let output = |attempt| wire::OutputRequest { run: run.clone(), step: "a".to_owned(), attempt, visit: 0 };
    let told = house.runs().output(output(0)).await.expect("known").into_inner();
    assert_eq!((told.step.as_str(), told.attempt, told.dropped), ("a", 1, 0));
    assert_eq!(told.chunks[0].channel(), wire::OutputChannel::Stdout);
    assert_eq!(told.chunks[0].data, "done\n");
    assert_eq!(
        told.value.expect("a value").kind,
        Some(wire::payload::Kind::Json(r#"{"by":"step"}"#.to_owned()))
    );
    assert!(house.runs().output(output(2)).await.expect("known").into_inner().chunks.is_empty());
}

#[tokio::test]
async fn a_failure_is_told_with_its_kind_its_hint_and_what_was_observed() {
    let house = House::open().await;
    let run = house.start("failing").await;
    house.facts(&run, 1).await;
    let run = house.get(&run).await;
    assert_eq!(run.summary.as_ref().expect("told").state(), wire::RunState::Failed);
    assert_eq!(
        (run.phases[0].state(), run.phases[0].reason.as_str()),
        (wire::PhaseState::Failed, "as scripted")
    );
    let step = &run.phases[0].steps[0];
    let failure = step.failure.as_ref().expect("failed");
    assert_eq!(
        (failure.kind.as_str(), failure.reason.as_str(), failure.hint.as_str()),
        ("failed", "scripted", "look at the script")
    );
    assert_eq!(step.evidence.as_ref().expect("observed").exit_code, Some(3));
}

#[tokio::test]
async fn runs_are_listed_by_state_and_plan() {
    let house = House::open().await;
    let failed = house.start("failing").await;
    house.facts(&failed, 1).await;
    let done = house.start("quick").await;
    house.facts(&done, 1).await;
    let ids = async |states: &[wire::RunState], plan: &str, limit| -> Vec<String> {
        let states = states.iter().map(|state| (*state).into()).collect();
        let list = wire::ListRequest { states, plan: plan.to_owned(), limit, ..wire::ListRequest::default() };
        let runs = house.runs().list(list).await.expect("read").into_inner().runs;
        runs.into_iter().map(|run| run.id).collect()
    };
    assert_eq!(ids(&[], "", 0).await.len(), 2);
    assert_eq!(ids(&[wire::RunState::Failed], "", 0).await, ids(&[], "failing", 0).await);
    assert_eq!(ids(&[], "quick", 0).await, [done]);
    assert_eq!(ids(&[], "failing", 1).await, [failed]);
    assert!(ids(&[wire::RunState::Stuck], "", 0).await.is_empty());
}

#[tokio::test]
async fn the_name_of_a_credential_is_not_told_with_the_inputs() {
    let house = House::open().await;
    let start = wire::StartRequest { inputs: r#"{"token": "deploy"}"#.to_owned(), ..request("secretive") };
    let run = house.runs().start(start).await.expect("started").into_inner().run;
    assert_eq!(house.get(&run).await.inputs, r#"{"count":3}"#);
}

#[tokio::test]
async fn runs_are_listed_by_who_started_them_when_with_which_labels_and_by_text() {
    let house = House::open().await;
    let labelled = |ticket: &str| wire::StartRequest {
        labels: HashMap::from([("ticket".to_owned(), ticket.to_owned())]),
        ..request("quick")
    };
    let mut runs = Vec::new();
    for ticket in ["Seven", "eight"] {
        let run = house.runs().start(labelled(ticket)).await.expect("started").into_inner().run;
        house.facts(&run, 1).await;
        runs.push(run);
    }
    let user = house.get(&runs[0]).await.summary.expect("told").user;
    let all = wire::ListRequest::default;
    let at = |seconds| Some(prost_types::Timestamp { seconds, nanos: 0 });
    let labels = HashMap::from([("ticket".to_owned(), "eight".to_owned())]);
    for (list, expected) in [
        (wire::ListRequest { user, ..all() }, vec![&runs[1], &runs[0]]),
        (wire::ListRequest { user: "somebody".to_owned(), ..all() }, vec![]),
        (wire::ListRequest { labels, ..all() }, vec![&runs[1]]),
        (wire::ListRequest { text: "seven".to_owned(), ..all() }, vec![&runs[0]]),
        (wire::ListRequest { after: runs[1].clone(), ..all() }, vec![&runs[0]]),
        (wire::ListRequest { since: at(1), ..all() }, vec![&runs[1], &runs[0]]),
        (wire::ListRequest { until: at(1), ..all() }, vec![]),
    ] {
        let found = house.runs().list(list.clone()).await.expect("read").into_inner().runs;
        assert_eq!(found.iter().map(|run| &run.id).collect::<Vec<_>>(), expected, "{list:?}");
    }
}

#[tokio::test]
async fn a_preview_tells_what_would_be_and_starts_nothing() {
    let house = House::open().await;
    let casts = vec!["reader".to_owned()];
    let start = wire::StartRequest { inputs: r#"{"count": 5}"#.to_owned(), casts, ..request("quick") };
    let preview = wire::PreviewRequest { start: Some(start) };
    let told = house.runs().preview(preview).await.expect("it could be started").into_inner();
    assert_eq!((told.plan.as_str(), told.inputs.as_str()), ("quick", r#"{"count":5}"#));
    let steps: Vec<_> = told
        .steps
        .iter()
        .map(|step| (step.phase.as_str(), step.performers[0].as_str(), step.arguments.as_str()))
        .collect();
    assert_eq!(steps, [("a", "file_read", r#"{"count":5}"#), ("b", "w.step", "{}")]);
    let start = wire::StartRequest { inputs: r#"{"token": "deploy"}"#.to_owned(), ..request("secretive") };
    let preview = wire::PreviewRequest { start: Some(start) };
    let told = house.runs().preview(preview).await.expect("it could be started").into_inner();
    assert_eq!(told.inputs, r#"{"count":3}"#);
    let gated = wire::PreviewRequest { start: Some(request("gated")) };
    let told = house.runs().preview(gated).await.expect("it could be started").into_inner();
    let waits: Vec<_> = told.steps.iter().map(|step| step.waits_for.as_str()).collect();
    assert_eq!(waits, ["signal go", "the approval of a person: Sure?"]);
    assert_field(
        &house.runs().preview(wire::PreviewRequest { start: None }).await.expect_err("refused"),
        "start",
    );
    let unknown = wire::PreviewRequest { start: Some(request("quikc")) };
    assert_refused(house.runs().preview(unknown).await, Code::NotFound, "PLAN_UNKNOWN");
    assert!(
        house.runs().list(wire::ListRequest::default()).await.expect("read").into_inner().runs.is_empty()
    );
}

#[tokio::test]
async fn the_output_of_each_visit_of_a_step_is_told() {
    let house = House::open().await;
    let run = house.start("quick").await;
    house.facts(&run, 1).await;
    let retry = wire::RetryRequest { run: run.clone(), from: "a".to_owned() };
    house.runs().retry(retry).await.expect("it goes on");
    house.facts(&run, 1).await;
    for (visit, told) in [(0, 2), (1, 1), (2, 2)] {
        let output = wire::OutputRequest { run: run.clone(), step: "a".to_owned(), attempt: 0, visit };
        let output = house.runs().output(output).await.expect("known").into_inner();
        assert_eq!((output.visit, output.chunks.len()), (told, 1), "visit {visit}");
    }
}
