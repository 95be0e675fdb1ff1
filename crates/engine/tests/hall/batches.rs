//! Batches: what is called, what is stopped, what comes of all together.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures::StreamExt as _;
use op_engine::batch::{BatchError, Strategy, Summary};
use op_engine::fakes::{MemoryJournal, ScriptedPerform, succeed};
use op_engine::guard::rate::RateLimits;
use op_engine::handle::batch::Batched;
use op_engine::handle::call::Calling;
use op_engine::ports::Request;
use op_engine::{Engine, Limits};
use op_plan::plan::FailureKind;
use op_run::Answer;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use crate::support::{ONE, calling, fail, limited, settle};

/// Performs `echo` at once, `fail` after a second, and `hang` until it is stopped, which it counts.
struct Stage {
    perform: Arc<ScriptedPerform>,
    stopped: Arc<AtomicUsize>,
    engine: Engine,
}

fn stage_with(rate: RateLimits) -> Stage {
    let stopped = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&stopped);
    let perform = ScriptedPerform::default()
        .on("w.echo", |request: Request, _, _| async move { succeed((*request.arguments).clone()) })
        .on("w.fail", |_, _, _| async {
            tokio::time::sleep(Duration::from_secs(1)).await;
            fail(FailureKind::Failed)
        })
        .on("w.hang", move |_, _, stop| {
            let count = Arc::clone(&count);
            async move {
                stop.cancelled().await;
                // It takes its time to end, and is waited for.
                tokio::time::sleep(Duration::from_secs(1)).await;
                count.fetch_add(1, Ordering::SeqCst);
                fail(FailureKind::Cancelled)
            }
        });
    let perform = Arc::new(perform);
    let limits = Limits { rate, ..Limits::default() };
    let engine = limited(ONE, Arc::new(MemoryJournal::new()), perform.clone(), limits);
    Stage { perform, stopped, engine }
}

fn stage() -> Stage {
    stage_with(RateLimits::OFF)
}

fn given(name: &str, value: &Value) -> Calling {
    let arguments = value.as_object().cloned().unwrap_or_default();
    Calling { arguments, ..calling(name) }
}

const PARALLEL: Strategy = Strategy::Parallel { limit: None, stop_on_error: false };

impl Stage {
    async fn run(&self, calls: Vec<Calling>, strategy: Strategy) -> (Vec<(usize, Option<Answer>)>, Summary) {
        let seen = self.engine.call_batch(calls, strategy, &CancellationToken::new()).expect("a batch");
        let mut seen: Vec<_> = seen.collect().await;
        let Some(Batched::Summary(summary)) = seen.pop() else { panic!("the summary is last: {seen:?}") };
        let ended = seen.into_iter().map(|seen| match seen {
            Batched::Ended { place, answer } => (place, answer),
            Batched::Summary(summary) => panic!("one summary: {summary:?}"),
        });
        (ended.collect(), summary)
    }
}

#[tokio::test(start_paused = true)]
async fn each_call_is_told_once_and_the_summary_last() {
    let stage = stage();
    let calls = vec![calling("w.fail"), given("w.echo", &json!({ "n": 1 })), calling("nobody.test")];
    let (mut ended, summary) = stage.run(calls, PARALLEL).await;
    assert_ne!(ended[0].0, 0, "outcomes come as they end");
    ended.sort_by_key(|(place, _)| *place);
    assert_eq!(ended.iter().map(|(place, _)| *place).collect::<Vec<_>>(), [0, 1, 2]);
    let reasons: Vec<_> = ended.iter().map(|(_, answer)| answer.as_ref().and_then(reason)).collect();
    assert_eq!(reasons[1..], [None, Some("agent_unknown".to_owned())], "others go on beside a wrong name");
    assert_eq!((summary.succeeded, summary.successes, summary.failures, summary.skipped), (false, 1, 2, 0));
}

fn reason(answer: &Answer) -> Option<String> {
    match answer {
        Answer::Succeeded { .. } => None,
        Answer::Failed { failure, .. } => Some(failure.reason.clone()),
    }
}

#[tokio::test(start_paused = true)]
async fn losers_of_a_race_are_stopped_and_awaited() {
    let stage = stage();
    let calls = vec![calling("w.hang"), given("w.echo", &json!({ "n": 2 })), calling("w.hang")];
    let (ended, summary) = stage.run(calls, Strategy::FirstSuccess).await;
    assert_eq!((ended[0].0, stage.stopped.load(Ordering::SeqCst)), (1, 2));
    assert_eq!((summary.succeeded, summary.value), (true, Some(json!({ "n": 2 }))));
}

#[tokio::test(start_paused = true)]
async fn an_error_stops_the_others_where_it_is_to() {
    let stage = stage();
    let strategy = Strategy::Parallel { limit: Some(2), stop_on_error: true };
    let calls = vec![calling("w.fail"), calling("w.hang"), calling("w.echo")];
    let (ended, summary) = stage.run(calls, strategy).await;
    assert_eq!(
        ended.iter().map(|(place, answer)| (*place, answer.is_some())).collect::<Vec<_>>(),
        [(0, true), (1, true), (2, false)]
    );
    assert_eq!((summary.failures, summary.skipped, stage.stopped.load(Ordering::SeqCst)), (2, 1, 1));
}

#[tokio::test(start_paused = true)]
async fn a_pipeline_hands_values_on() {
    let stage = stage();
    let calls = vec![given("w.echo", &json!({ "n": 1 })), given("w.echo", &json!({ "m": 2 }))];
    let (_, summary) = stage.run(calls, Strategy::Pipeline { argument: "before".to_owned() }).await;
    assert_eq!(summary.value, Some(json!({ "m": 2, "before": { "n": 1 } })));
}

#[tokio::test(start_paused = true)]
async fn votes_that_have_decided_stop_the_others() {
    let stage = stage();
    let vote = |value: &str| given("w.echo", &json!({ "vote": value }));
    let calls = vec![vote("yes"), vote("yes"), calling("w.hang")];
    let (_, summary) =
        stage.run(calls, Strategy::Voting { threshold: None, pointer: "/vote".to_owned() }).await;
    assert_eq!((summary.succeeded, summary.value), (true, Some(json!({ "vote": "yes" }))));
    assert_eq!(stage.stopped.load(Ordering::SeqCst), 1);
}

#[tokio::test(start_paused = true)]
async fn a_batch_that_nobody_reads_any_more_is_stopped() {
    let stage = stage();
    let calls = (0..3).map(|_| calling("w.hang")).collect();
    let seen = stage.engine.call_batch(calls, PARALLEL, &CancellationToken::new()).expect("a batch");
    let mut seen = Box::pin(seen);
    assert!(futures::poll!(seen.next()).is_pending());
    stage.perform.was_asked(3).await;
    drop(seen);
    settle().await;
    let noted = stage.engine.calls(&op_engine::ports::CallFilter { limit: 10, ..Default::default() }).await;
    let outcomes: Vec<_> = noted.expect("read").into_iter().map(|call| call.outcome).collect();
    assert_eq!(outcomes, ["cancelled"; 3]);
}

#[tokio::test(start_paused = true)]
async fn a_batch_has_no_more_under_way_than_its_caller_may() {
    let stage = stage_with(RateLimits { minute: 0, hour: 0, at_once: 2 });
    let calls = (0..7).map(|_| calling("w.fail")).collect();
    let (ended, summary) = stage.run(calls, PARALLEL).await;
    let refused = ended
        .iter()
        .filter(|(_, answer)| answer.as_ref().and_then(reason).as_deref() == Some("rate_limited"));
    assert_eq!((refused.count(), summary.failures), (0, 7));
}

#[tokio::test(start_paused = true)]
async fn each_call_of_a_batch_counts() {
    let stage = stage_with(RateLimits { minute: 3, hour: 0, at_once: 0 });
    let calls = (0..5).map(|n| given("w.echo", &json!({ "n": n }))).collect();
    let (_, summary) = stage.run(calls, PARALLEL).await;
    assert_eq!((summary.successes, summary.failures, stage.perform.asked().len()), (3, 2, 3));
}

#[tokio::test(start_paused = true)]
async fn what_is_no_batch_is_refused_before_anything_is_called() {
    let stage = stage();
    let none = stage.engine.call_batch(Vec::new(), PARALLEL, &CancellationToken::new()).map(drop);
    assert_eq!(none, Err(BatchError::Empty));
    let many = (0..257).map(|_| calling("w.echo")).collect();
    let many = stage.engine.call_batch(many, PARALLEL, &CancellationToken::new()).map(drop);
    assert_eq!(many, Err(BatchError::TooMany(257)));
    assert!(stage.perform.asked().is_empty());
}
