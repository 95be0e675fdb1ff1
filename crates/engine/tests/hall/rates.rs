//! How often clients may call, and what is noted of each call.

use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt as _;
use op_engine::fakes::MemoryJournal;
use op_engine::guard::rate::RateLimits;
use op_engine::handle::call::{CallError, Calling};
use op_engine::ports::{CallFilter, CallRecord};
use op_engine::{Engine, Limits};
use op_plan::Risk;
use op_run::Answer;
use tokio_util::sync::CancellationToken;

use crate::support::{Deaf, ONE, calling, end, limited, request, scripted, settle};

fn engine(rate: RateLimits) -> Engine {
    let limits = Limits { rate, ..Limits::default() };
    limited(ONE, Arc::new(MemoryJournal::new()), Arc::new(scripted()), limits)
}

async fn call(engine: &Engine, of: Calling) -> Result<Answer, CallError> {
    engine.call(of, Arc::new(Deaf), CancellationToken::new()).await
}

async fn noted(engine: &Engine) -> Vec<CallRecord> {
    engine.calls(&CallFilter { limit: 100, ..CallFilter::default() }).await.expect("read")
}

#[tokio::test(start_paused = true)]
async fn who_calls_too_often_learns_when_to_come_back_and_sessions_count_by_themselves() {
    let engine = engine(RateLimits { minute: 2, hour: 0, at_once: 0 });
    for _ in 0..2 {
        call(&engine, calling("w.step")).await.expect("passes");
    }
    let Err(CallError::Rate(error)) = call(&engine, calling("w.step")).await else { panic!("too many") };
    assert_eq!(error.whose, "uid:1000");
    let other = Calling { user: "uid:1001".to_owned(), ..calling("w.step") };
    call(&engine, other).await.expect("another user is counted by itself");
    let session = engine.open_session("uid:1000", "").expect("room");
    let within = || Calling { session: session.id().to_owned(), ..calling("w.step") };
    for _ in 0..2 {
        call(&engine, within()).await.expect("a session is counted by itself");
    }
    assert!(call(&engine, within()).await.is_err());
    assert_eq!(engine.sessions()[0].record.calls, 2, "what is refused is not counted");
    tokio::time::sleep(error.again).await;
    call(&engine, calling("w.step")).await.expect("it came back when it was told to");
}

#[tokio::test(start_paused = true)]
async fn so_many_calls_of_one_are_under_way_and_steps_of_runs_count_for_nothing() {
    let engine = engine(RateLimits { minute: 1, hour: 1, at_once: 1 });
    for _ in 0..3 {
        let run = engine.start(request("p")).await.expect("started").run;
        end(&engine, &run).await;
    }
    let hanging = Calling { timeout: Some(Duration::from_secs(9)), ..calling("w.hang") };
    let (held, refused) = tokio::join!(call(&engine, hanging), async {
        settle().await;
        call(&engine, calling("w.step")).await
    });
    assert!(held.is_ok() && matches!(refused, Err(CallError::Rate(_))));
}

#[tokio::test(start_paused = true)]
async fn every_call_of_a_client_is_noted_with_how_it_ended() {
    let engine = engine(RateLimits { minute: 3, hour: 0, at_once: 0 });
    call(&engine, calling("w.step")).await.expect("passes");
    let limited = Calling { timeout: Some(Duration::from_secs(1)), ..calling("w.hang") };
    call(&engine, limited).await.expect("is stopped");
    let mut left = Box::pin(call(&engine, calling("w.hang")));
    assert!(futures::poll!(&mut left).is_pending());
    drop(left);
    call(&engine, calling("rust_pro.test")).await.expect_err("too many");
    let noted = noted(&engine).await;
    let told: Vec<_> = noted
        .iter()
        .map(|call| (call.operation.as_str(), call.outcome.as_str(), call.reason.as_str(), call.risk))
        .collect();
    assert_eq!(
        told,
        [
            ("w.step", "succeeded", "", None),
            ("w.hang", "timed_out", "timed_out", None),
            ("w.hang", "cancelled", "client_left", None),
            ("rust_pro.test", "refused", "rate_limited", Some(Risk::Low)),
        ]
    );
    assert!(noted.iter().all(|call| call.user == "uid:1000" && !call.id.is_empty()));
}

#[tokio::test(start_paused = true)]
async fn calls_are_followed_each_once() {
    let engine = engine(RateLimits::OFF);
    call(&engine, calling("w.step")).await.expect("passes");
    let filter = CallFilter { limit: 10, ..CallFilter::default() };
    let mut tail = engine.tail_calls(filter).await.expect("read");
    call(&engine, calling("file_read")).await.expect("passes");
    let mut seen = Vec::new();
    for _ in 0..2 {
        seen.push(tail.next().await.expect("one more").expect("in time").operation);
    }
    assert_eq!(seen, ["w.step", "file_read"]);
    assert!(futures::poll!(tail.next()).is_pending());
}

#[tokio::test(start_paused = true)]
async fn who_asks_on_and_on_drives_no_call_out_of_what_is_noted() {
    let engine = engine(RateLimits { minute: 1, hour: 0, at_once: 0 });
    call(&engine, calling("w.step")).await.expect("passes");
    for _ in 0..50 {
        call(&engine, calling("w.step")).await.expect_err("too many");
        let bogus = Calling { session: "nobody's".repeat(1000), ..calling("w.step") };
        call(&engine, bogus).await.expect_err("there is no such session");
    }
    let outcomes = |noted: &[CallRecord]| noted.iter().map(|call| call.outcome.clone()).collect::<Vec<_>>();
    assert_eq!(outcomes(&noted(&engine).await), ["succeeded", "refused"]);
    tokio::time::sleep(Duration::from_secs(70)).await;
    call(&engine, calling("w.step")).await.expect("passes again");
    call(&engine, calling("w.step")).await.expect_err("too many again");
    assert_eq!(outcomes(&noted(&engine).await), ["succeeded", "refused", "succeeded", "refused"]);
}
