//! Calls, from admission to their answer.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures::StreamExt;
use futures::stream::FuturesUnordered;
use op_engine::ports::{AgentState, Agents, Breaker, Channel, Perform, Progress, Request, Sink};
use op_plan::Risk;
use op_plan::plan::FailureKind;
use op_pool::{AgentSettings, BreakerSettings, PoolSettings};
use op_proto::agent::v1::host_frame::Frame;
use op_run::Answer;
use serde_json::json;
use tokio_util::sync::CancellationToken;

use crate::scripted::{accepted, behave, completed, event, serve_session};
use crate::support::{
    Kept, PATIENCE, agent, answer, at, begin, call, directory, failure, one, pool, request, serve, settings,
    until, value,
};

#[tokio::test]
async fn an_answer_comes_with_its_evidence_and_the_output_went_to_the_sink() {
    let home = directory();
    let address = at(home.path(), "a");
    let agent = serve(agent("a"), &address).await;
    let pool = one(settings(), &address);
    let kept = Arc::new(Kept::default());
    let asked = request("a.speak", "r/s/1/1", json!({"text": "hello", "bytes": 3}));
    let told = pool.perform(asked, Arc::clone(&kept) as Arc<dyn Sink>, CancellationToken::new()).await;
    let Answer::Succeeded { value, evidence } = told else { panic!("{told:?}") };
    assert_eq!(value, json!(3));
    assert_eq!(evidence.peer, format!("a@{address}"));
    assert_eq!((evidence.exit_code, evidence.bytes), (Some(0), 8));
    let progress = kept.progress.lock().expect("no panic").clone();
    let said: Vec<(Channel, &[u8])> = progress
        .iter()
        .filter_map(|progress| match progress {
            Progress::Output(chunk) => Some((chunk.channel, &*chunk.data)),
            Progress::Fraction { .. } => None,
        })
        .collect();
    assert_eq!(said, [(Channel::Stdout, &b"hello"[..]), (Channel::Stderr, &b"xxx"[..])]);
    assert!(progress.contains(&Progress::Fraction { fraction: Some(0.5), note: "half".into() }));
    pool.shutdown().await;
    agent.stop().await;
}

#[tokio::test]
async fn a_failure_of_an_operation_is_passed_on_and_counted_and_never_opens_the_breaker() {
    let home = directory();
    let address = at(home.path(), "a");
    let agent = serve(agent("a"), &address).await;
    let pool = one(settings(), &address);
    for key in 0..20 {
        let failure = failure(call(&pool, "a.fail", &key.to_string(), json!({})).await);
        assert_eq!((failure.kind, failure.reason.as_str()), (FailureKind::Failed, "exit_status"));
        assert_eq!((failure.hint.as_str(), failure.detail), ("mend it", Some(json!({"code": 1}))));
    }
    let rejected = failure(call(&pool, "a.fail", "21", json!(["no object"])).await);
    assert_eq!((rejected.kind, rejected.reason.as_str()), (FailureKind::Rejected, "invalid_arguments"));
    let status = &pool.list()[0];
    assert_eq!((status.breaker, status.calls, status.faults), (Breaker::Closed, 21, 0));
    let counted = &status.operations["fail"];
    assert_eq!((counted.calls, counted.failures), (21, 21));
    assert!(counted.total > Duration::ZERO);
    pool.shutdown().await;
    agent.stop().await;
}

#[tokio::test]
async fn a_call_to_nobody_says_so() {
    let pool = pool(settings(), vec![]);
    let failure = failure(call(&pool, "nobody.x", "1", json!({})).await);
    assert_eq!(failure.reason, "unknown_agent");
}

#[tokio::test]
async fn a_stop_reaches_the_agent_and_its_outcome_is_awaited() {
    let home = directory();
    let address = at(home.path(), "a");
    let agent = serve(agent("a"), &address).await;
    let pool = one(settings(), &address);
    let stop = CancellationToken::new();
    let waiting = begin(&pool, "1", &stop).await;
    stop.cancel();
    let failure = failure(answer(waiting).await);
    assert_eq!((failure.kind, failure.reason.as_str()), (FailureKind::Cancelled, "cancelled"));
    assert!(failure.message.contains("the caller asked to stop"), "{}", failure.message);
    pool.shutdown().await;
    agent.stop().await;
}

#[tokio::test]
async fn a_call_that_nobody_waits_for_any_more_is_cancelled_at_the_agent() {
    let home = directory();
    let address = at(home.path(), "a");
    let (tell, mut told) = tokio::sync::mpsc::unbounded_channel();
    let _agent = serve_session(&address, move |frame, voice| {
        behave(&frame, voice);
        match frame {
            Frame::Operation(operation) => {
                event(voice, &operation.id, 1, accepted());
                let _ = tell.send("taken".to_owned());
            }
            Frame::Cancel(cancel) => drop(tell.send(cancel.reason)),
            _ => {}
        }
        Some(())
    });
    let pool = one(settings(), &address);
    let waiting = tokio::spawn({
        let pool = Arc::clone(&pool);
        async move { call(&pool, "a.x", "1", json!({})).await }
    });
    assert_eq!(told.recv().await.as_deref(), Some("taken"));
    waiting.abort();
    assert_eq!(told.recv().await.as_deref(), Some("nobody waits for it any more"));
    pool.shutdown().await;
}

#[tokio::test]
async fn a_call_that_takes_too_long_is_stopped_and_timed_out() {
    let home = directory();
    let address = at(home.path(), "a");
    let agent = serve(agent("a"), &address).await;
    let limit = Duration::from_millis(50);
    let pool = one(settings(), &address);
    let mut asked = request("a.wait", "1", json!({}));
    asked.timeout = Some(limit);
    let told = pool.perform(asked, Arc::new(Kept::default()), CancellationToken::new()).await;
    assert!(told.evidence().duration >= limit);
    let failure = failure(told);
    assert_eq!((failure.kind, failure.reason.as_str()), (FailureKind::TimedOut, "timed_out"));
    pool.shutdown().await;
    agent.stop().await;
}

#[tokio::test]
async fn of_ten_thousand_calls_as_many_wait_as_may_and_each_is_answered_once() {
    const CALLS: usize = 10_000;
    let home = directory();
    let address = at(home.path(), "a");
    let agent = serve(agent("a"), &address).await;
    let only = AgentSettings { max_concurrent: Some(1), ..AgentSettings::new("a", address.clone()) };
    let pool = pool(PoolSettings { queue: 1024, ..settings() }, vec![only]);
    let stop = CancellationToken::new();
    let first = begin(&pool, "first", &stop).await;
    let mut calls: FuturesUnordered<_> = (0..CALLS)
        .map(|key| {
            let pool = &pool;
            async move { (key, call(pool, "a.echo", &key.to_string(), json!({ "key": key })).await) }
        })
        .collect();
    let (mut full, mut done) = (0, 0);
    while let Some((key, told)) = calls.next().await {
        match told {
            Answer::Succeeded { value, .. } => {
                assert_eq!(value, json!({ "key": key }));
                done += 1;
            }
            Answer::Failed { failure, .. } => {
                assert_eq!((failure.kind, failure.reason.as_str()), (FailureKind::Unavailable, "queue_full"));
                full += 1;
            }
        }
        if full == CALLS - 1024 {
            assert_eq!((pool.list()[0].active, pool.list()[0].queued), (1, if done == 0 { 1024 } else { 0 }));
            stop.cancel();
            full += 1;
        }
    }
    assert_eq!((full - 1, done), (CALLS - 1024, 1024));
    assert_eq!(failure(answer(first).await).kind, FailureKind::Cancelled);
    let status = &pool.list()[0];
    assert_eq!((status.active, status.queued, status.calls), (0, 0, CALLS as u64 + 1));
    pool.shutdown().await;
    agent.stop().await;
}

#[tokio::test]
async fn ten_thousand_calls_at_once_each_get_their_own_answer() {
    const CALLS: u32 = 10_000;
    let home = directory();
    let address = at(home.path(), "a");
    let agent = serve(agent("a"), &address).await;
    let pool = one(PoolSettings { queue: CALLS, max_concurrent: 64, ..settings() }, &address);
    let calls: FuturesUnordered<_> = (0..CALLS)
        .map(|key| {
            let pool = &pool;
            async move { (key, call(pool, "a.echo", &key.to_string(), json!({ "key": key })).await) }
        })
        .collect();
    let answers: Vec<(u32, Answer)> = calls.collect().await;
    assert_eq!(answers.len(), CALLS as usize);
    for (key, told) in answers {
        assert_eq!(value(told), json!({ "key": key }));
    }
    pool.shutdown().await;
    agent.stop().await;
}

#[tokio::test]
async fn a_call_that_waits_for_a_place_can_be_stopped_and_times_out() {
    let home = directory();
    let address = at(home.path(), "a");
    let agent = serve(agent("a"), &address).await;
    let only = AgentSettings { max_concurrent: Some(1), ..AgentSettings::new("a", address.clone()) };
    let pool = pool(settings(), vec![only]);
    let hold = CancellationToken::new();
    let first = begin(&pool, "1", &hold).await;
    let stop = CancellationToken::new();
    stop.cancel();
    let told = pool.perform(request("a.echo", "2", json!({})), Arc::new(Kept::default()), stop).await;
    assert_eq!(failure(told).kind, FailureKind::Cancelled);
    let mut asked = request("a.echo", "3", json!({}));
    asked.timeout = Some(Duration::from_millis(20));
    let told = pool.perform(asked, Arc::new(Kept::default()), CancellationToken::new()).await;
    let told = failure(told);
    assert_eq!(told.kind, FailureKind::TimedOut);
    assert!(told.message.contains("before it was sent"), "{}", told.message);
    hold.cancel();
    answer(first).await;
    pool.shutdown().await;
    agent.stop().await;
}

#[tokio::test]
async fn faults_in_a_row_open_the_breaker_and_a_probe_after_the_reset_closes_it() {
    let home = directory();
    let address = at(home.path(), "a");
    let reset = Duration::from_millis(100);
    let breaker = BreakerSettings { threshold: 5, reset };
    let pool = one(PoolSettings { breaker, ..settings() }, &address);
    let reasons = [call(&pool, "a.echo", "1", json!({})).await, call(&pool, "a.echo", "2", json!({})).await];
    let reasons = reasons.map(|told| failure(told).reason);
    assert_eq!(reasons, ["not_connected", "breaker_open"], "four faults, and the fifth opens it");
    let open = failure(call(&pool, "a.echo", "3", json!({})).await);
    assert_eq!((open.kind, open.reason.as_str()), (FailureKind::Unavailable, "breaker_open"));
    assert!(open.message.contains("No such file"), "{}", open.message);
    let agent = serve(agent("a"), &address).await;
    until(&pool, "a", |status| status.breaker == Breaker::HalfOpen).await;
    assert_eq!(value(call(&pool, "a.echo", "4", json!({})).await), json!({}));
    assert_eq!(pool.list()[0].breaker, Breaker::Closed);
    pool.shutdown().await;
    agent.stop().await;
}

#[tokio::test]
async fn a_held_agent_that_comes_back_is_probed_without_waiting_for_the_reset() {
    let home = directory();
    let address = at(home.path(), "a");
    let breaker = BreakerSettings { threshold: 1, reset: Duration::from_hours(1) };
    let held = AgentSettings { run_on_connection: true, ..AgentSettings::new("a", address.clone()) };
    let pool = pool(PoolSettings { breaker, ..settings() }, vec![held]);
    until(&pool, "a", |status| status.breaker == Breaker::Open).await;
    let agent = serve(agent("a"), &address).await;
    until(&pool, "a", |status| status.state == AgentState::Ready).await;
    let calls = ["1", "2", "3"].map(|key| call(&pool, "a.echo", key, json!({})));
    for told in futures::future::join_all(calls).await {
        assert_eq!(value(told), json!({}));
    }
    assert_eq!(pool.list()[0].breaker, Breaker::Closed);
    pool.shutdown().await;
    agent.stop().await;
}

#[tokio::test]
async fn arguments_that_no_message_holds_are_refused_and_hurt_nobody() {
    let home = directory();
    let address = at(home.path(), "a");
    let agent = serve(agent("a"), &address).await;
    let pool = one(settings(), &address);
    let waiting = begin(&pool, "1", &CancellationToken::new()).await;
    let told = failure(call(&pool, "a.echo", "2", json!({ "text": "x".repeat(9 << 20) })).await);
    assert_eq!((told.kind, told.reason.as_str()), (FailureKind::Refused, "arguments_too_large"));
    assert!(!waiting.is_finished());
    assert_eq!(value(call(&pool, "a.echo", "3", json!({})).await), json!({}));
    pool.shutdown().await;
    agent.stop().await;
}

/// Counts bytes, and keeps none.
#[derive(Default)]
struct Scale(AtomicU64);

impl Sink for Scale {
    fn take(&self, progress: Progress) {
        if let Progress::Output(chunk) = progress {
            self.0.fetch_add(chunk.data.len() as u64, Ordering::Relaxed);
        }
    }
}

#[tokio::test]
async fn output_of_100_mb_flows_through_under_credit() {
    let home = directory();
    let address = at(home.path(), "a");
    let agent = serve(agent("a"), &address).await;
    let pool = one(settings(), &address);
    let scale = Arc::new(Scale::default());
    let asked = request("a.speak", "1", json!({ "bytes": 100 << 20 }));
    let told = pool.perform(asked, Arc::clone(&scale) as Arc<dyn Sink>, CancellationToken::new()).await;
    assert_eq!(told.evidence().bytes, 100 << 20);
    assert_eq!(value(told), json!(100 << 20));
    assert_eq!(scale.0.load(Ordering::Relaxed), 100 << 20);
    pool.shutdown().await;
    agent.stop().await;
}

/// A sink with a bug in it.
struct Broken;

impl Sink for Broken {
    fn take(&self, _: Progress) {
        panic!("a bug in the sink");
    }
}

#[tokio::test]
async fn a_task_that_panics_costs_the_link_and_no_answer() {
    let home = directory();
    let address = at(home.path(), "a");
    let agent = serve(agent("a"), &address).await;
    let pool = one(settings(), &address);
    let asked = request("a.speak", "1", json!({ "text": "boo" }));
    let told = pool.perform(asked, Arc::new(Broken), CancellationToken::new());
    let told = tokio::time::timeout(PATIENCE, told).await.expect("every call is answered");
    assert_eq!(failure(told).kind, FailureKind::Lost);
    assert_eq!(value(call(&pool, "a.echo", "2", json!({})).await), json!({}));
    pool.shutdown().await;
    agent.stop().await;
}

#[tokio::test]
async fn what_a_caller_says_reaches_the_agent() {
    let home = directory();
    let address = at(home.path(), "a");
    let (tell, mut told) = tokio::sync::mpsc::unbounded_channel();
    let _agent = serve_session(&address, move |frame, voice| {
        behave(&frame, voice);
        if let Frame::Operation(operation) = frame {
            event(voice, &operation.id, 1, completed("null"));
            let _ = tell.send(operation);
        }
        Some(())
    });
    let pool = one(settings(), &address);
    let mut asked = request("a.x", "r/s/1/2", json!({ "n": 1 }));
    (asked.repeat, asked.timeout) = (true, Some(Duration::from_mins(1)));
    pool.perform(asked, Arc::new(Kept::default()), CancellationToken::new()).await;
    let heard = told.recv().await.expect("an operation");
    assert_eq!((heard.id.as_str(), heard.operation.as_str(), heard.repeat), ("r/s/1/2", "x", true));
    assert_eq!(heard.arguments, r#"{"n":1}"#);
    let left = Duration::try_from(heard.timeout.expect("a limit")).expect("a duration");
    assert!(
        left <= Duration::from_mins(1) && left > Duration::from_secs(20),
        "what is left of its time: {left:?}"
    );
    call(&pool, "a.x", "r/s/1/3", json!({})).await;
    let heard = told.recv().await.expect("an operation");
    assert_eq!((heard.timeout, heard.repeat), (None, false), "no limit is no limit");
    pool.shutdown().await;
}

#[tokio::test]
async fn an_agent_that_says_how_much_it_takes_gets_no_more() {
    let home = directory();
    let address = at(home.path(), "a");
    let agent = serve(agent("a").max_concurrent(1), &address).await;
    let pool = one(settings(), &address);
    let stop = CancellationToken::new();
    let first = begin(&pool, "1", &stop).await;
    let second = tokio::spawn({
        let pool = Arc::clone(&pool);
        async move { call(&pool, "a.echo", "2", json!({})).await }
    });
    let status = until(&pool, "a", |status| status.queued == 1).await;
    assert_eq!(status.active, 1);
    stop.cancel();
    answer(first).await;
    assert_eq!(value(answer(second).await), json!({}));
    pool.shutdown().await;
    agent.stop().await;
}

#[tokio::test]
async fn what_cannot_be_taken_back_is_done_only_after_a_person_approved() {
    let home = directory();
    let address = at(home.path(), "a");
    let agent = serve(agent("a"), &address).await;
    let pool = one(settings(), &address);
    // Nobody knew of the risk before the agent was connected.
    let refused = failure(call(&pool, "a.shred", "r/s/1/1", json!({"n": 1})).await);
    assert_eq!((refused.kind, refused.reason.as_str()), (FailureKind::Refused, "approval_required"));
    let approved = Request { approved: true, ..request("a.shred", "r/s/1/2", json!({"n": 1})) };
    let performed = pool.perform(approved, Arc::new(Kept::default()), CancellationToken::new()).await;
    assert_eq!(value(performed), json!({"n": 1}));
    assert_eq!(pool.list()[0].operations["shred"].operation.risk, Risk::Critical);
    pool.shutdown().await;
    agent.stop().await;
}
