//! Hubs that go down while agents work for them, and the hubs that come after them.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use op_agent::{Agent, Call, Failure, Operation};
use op_engine::ports::Perform;
use op_plan::plan::FailureKind;
use op_pool::Pool;
use op_run::Answer;
use serde_json::{Value, json};
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::support::{
    Kept, PATIENCE, agent, answer, at, begin, directory, failure, one, request, serve, settings, value,
};

/// What an agent works on until the test lets it end.
#[derive(Clone)]
struct Work {
    performed: Arc<AtomicU32>,
    gate: Arc<Semaphore>,
}

impl Work {
    fn new() -> Self {
        Self { performed: Arc::default(), gate: Arc::new(Semaphore::new(0)) }
    }

    /// An agent that must not do it twice, and ends at once when it is told to.
    fn agent(&self) -> Agent {
        let work = self.clone();
        Agent::new("a", "1").operation(
            Operation::write("wait", "Waits for the test."),
            move |call: Call, _: Value| {
                let work = work.clone();
                async move {
                    let number = work.performed.fetch_add(1, Ordering::SeqCst) + 1;
                    call.progress(0.5, "at work");
                    tokio::select! {
                        _ = work.gate.acquire() => Ok::<_, Failure>(number),
                        () = call.cancelled() => Err(Failure::cancelled("it was told to")),
                    }
                }
            },
        )
    }
}

/// Makes the call again that another hub made before.
fn repeat(pool: &Arc<Pool>, key: &str) -> JoinHandle<Answer> {
    let mut again = request("a.wait", key, json!({}));
    again.repeat = true;
    let pool = Arc::clone(pool);
    tokio::spawn(
        async move { pool.perform(again, Arc::new(Kept::default()), CancellationToken::new()).await },
    )
}

#[tokio::test]
async fn a_call_that_is_under_way_when_its_hub_goes_down_is_gone_on_with_by_the_next() {
    let home = directory();
    let address = at(home.path(), "a");
    let work = Work::new();
    let agent = serve(work.agent(), &address).await;
    let first = one(settings(), &address);
    let told = begin(&first, "1", &CancellationToken::new()).await;
    first.go_down();
    told.abort();
    drop(told.await);
    first.shutdown().await;

    let second = one(settings(), &address);
    let told = repeat(&second, "1");
    work.gate.add_permits(1);
    assert_eq!(value(answer(told).await), json!(1));
    assert_eq!(work.performed.load(Ordering::SeqCst), 1);
    second.shutdown().await;
    agent.stop().await;
}

#[tokio::test]
async fn a_call_that_ends_while_there_is_no_hub_is_answered_to_the_next() {
    let home = directory();
    let address = at(home.path(), "a");
    let work = Work::new();
    let agent = serve(work.agent(), &address).await;
    let first = one(settings(), &address);
    let told = begin(&first, "1", &CancellationToken::new()).await;
    // Also a hub that nobody told before.
    first.shutdown().await;
    assert_eq!(failure(answer(told).await).kind, FailureKind::Lost);
    work.gate.add_permits(1);

    let second = one(settings(), &address);
    assert_eq!(value(answer(repeat(&second, "1")).await), json!(1));
    assert_eq!(work.performed.load(Ordering::SeqCst), 1);
    second.shutdown().await;
    agent.stop().await;
}

#[tokio::test]
async fn a_call_that_a_person_stops_while_the_hub_goes_down_is_stopped() {
    let home = directory();
    let address = at(home.path(), "a");
    let agent = serve(agent("a"), &address).await;
    let pool = one(settings(), &address);
    let stop = CancellationToken::new();
    let told = begin(&pool, "1", &stop).await;
    pool.go_down();
    stop.cancel();
    assert_eq!(failure(answer(told).await).kind, FailureKind::Cancelled);
    tokio::time::timeout(PATIENCE, pool.shutdown()).await.expect("it goes down");
    agent.stop().await;
}
