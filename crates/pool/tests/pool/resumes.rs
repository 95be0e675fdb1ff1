//! Sessions that break under calls, and go on.

use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use op_engine::ports::{AgentState, Agents, Clock, Perform, Progress, Sink, SystemClock};
use op_plan::plan::FailureKind;
use op_proto::Address;
use op_proto::agent::v1::agent_frame::Frame as Said;
use op_proto::agent::v1::event::Kind;
use op_proto::agent::v1::host_frame::Frame;
use op_proto::agent::v1::{Cancelled, Outcome, Rejected, Welcome, outcome};
use serde_json::json;
use tokio::io::copy_bidirectional;
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::scripted::{Voice, accepted, behave, completed, description, event, say, serve_session};
use crate::support::{
    Kept, PATIENCE, agent, answer, at, begin, call, directory, failure, one, request, serve, settings, value,
};

/// Passes bytes on between two sockets, until it is cut.
struct Wire {
    cuts: watch::Sender<u32>,
    _task: tokio::task::JoinHandle<()>,
}

impl Wire {
    fn lay(from: &Address, to: &Address) -> Self {
        let (Address::Unix(from), Address::Unix(to)) = (from.clone(), to.clone()) else { panic!("sockets") };
        let listener = UnixListener::bind(from).expect("a free path");
        let (cuts, _) = watch::channel(0);
        let cut = cuts.clone();
        let task = tokio::spawn(async move {
            while let Ok((mut near, _)) = listener.accept().await {
                let Ok(mut far) = UnixStream::connect(&to).await else { continue };
                let mut cut = cut.subscribe();
                tokio::spawn(async move {
                    tokio::select! {
                        _ = copy_bidirectional(&mut near, &mut far) => {}
                        _ = cut.changed() => {}
                    }
                });
            }
        });
        Self { cuts, _task: task }
    }

    fn cut(&self) {
        self.cuts.send_modify(|cuts| *cuts += 1);
    }
}

/// Counts bytes, and cuts the wire after each of so many.
struct Saboteur {
    wire: Wire,
    every: u64,
    bytes: AtomicU64,
}

impl Sink for Saboteur {
    fn take(&self, progress: Progress) {
        let Progress::Output(chunk) = progress else { return };
        let before = self.bytes.fetch_add(chunk.data.len() as u64, Ordering::SeqCst);
        if before / self.every != (before + chunk.data.len() as u64) / self.every {
            self.wire.cut();
        }
    }
}

#[tokio::test]
async fn a_call_goes_on_over_broken_connections_and_nothing_of_it_is_lost_or_doubled() {
    let home = directory();
    let (near, far) = (at(home.path(), "near"), at(home.path(), "far"));
    let agent = serve(agent("a"), &far).await;
    let saboteur =
        Arc::new(Saboteur { wire: Wire::lay(&near, &far), every: 2 << 20, bytes: AtomicU64::new(0) });
    let pool = one(settings(), &near);
    let asked = request("a.speak", "1", json!({ "bytes": 8 << 20 }));
    let told = pool.perform(asked, Arc::clone(&saboteur) as Arc<dyn Sink>, CancellationToken::new());
    let told = tokio::time::timeout(PATIENCE, told).await.expect("every call is answered");
    assert_eq!(value(told), json!(8 << 20));
    assert_eq!(saboteur.bytes.load(Ordering::SeqCst), 8 << 20);
    assert!(*saboteur.wire.cuts.borrow() >= 3, "the connection was broken");
    pool.shutdown().await;
    agent.stop().await;
}

#[tokio::test]
async fn a_call_that_is_stopped_while_its_session_is_broken_is_stopped_on_the_next() {
    let home = directory();
    let (near, far) = (at(home.path(), "near"), at(home.path(), "far"));
    let agent = serve(agent("a"), &far).await;
    let wire = Wire::lay(&near, &far);
    let pool = one(settings(), &near);
    let stop = CancellationToken::new();
    let told = begin(&pool, "1", &stop).await;
    wire.cut();
    stop.cancel();
    let failure = failure(answer(told).await);
    assert_eq!(failure.kind, FailureKind::Cancelled, "{failure:?}");
    pool.shutdown().await;
    agent.stop().await;
}

fn welcome(voice: &Voice, window: Duration) {
    let window = prost_types::Duration::try_from(window).ok();
    say(voice, Said::Welcome(Welcome { version: 1, agent: Some(description()), window }));
}

/// An agent whose every first session breaks at its first operation.
fn breaking(
    window: Duration,
    resumed: impl Fn(&str, u64, &Voice) + Send + Sync + 'static,
) -> impl Fn(Frame, &Voice) -> Option<()> + Send + Sync + 'static {
    move |frame, voice| {
        match frame {
            Frame::Hello(_) => welcome(voice, window),
            Frame::Operation(operation) => {
                event(voice, &operation.id, 1, accepted());
                return None;
            }
            Frame::Resume(resume) => resumed(&resume.id, resume.seen, voice),
            other => behave(&other, voice),
        }
        Some(())
    }
}

#[tokio::test]
async fn what_the_agent_forgot_meanwhile_has_an_unknown_outcome() {
    let home = directory();
    let address = at(home.path(), "a");
    let _agent = serve_session(
        &address,
        breaking(PATIENCE, |id, seen, voice| {
            let rejected = Rejected { reason: "outcome_unknown".into(), ..Rejected::default() };
            let kind = Some(outcome::Kind::Rejected(rejected));
            event(voice, id, seen + 1, Kind::Outcome(Outcome { kind, evidence: None }));
        }),
    );
    let pool = one(settings(), &address);
    let failure = failure(call(&pool, "a.x", "1", json!({})).await);
    assert_eq!((failure.kind, failure.reason.as_str()), (FailureKind::Lost, "outcome_unknown"));
    pool.shutdown().await;
}

#[tokio::test]
async fn a_call_whose_agent_does_not_come_back_in_time_is_lost() {
    let home = directory();
    let address = at(home.path(), "a");
    let _agent = serve_session(&address, breaking(Duration::from_millis(20), |_, _, _| {}));
    let pool = one(settings(), &address);
    // It comes back, and goes on telling nothing: what was taken up is with the agent again. So it must not come back.
    let told = tokio::spawn({
        let pool = Arc::clone(&pool);
        async move { call(&pool, "a.x", "1", json!({})).await }
    });
    let Address::Unix(path) = &address else { panic!("a socket") };
    std::fs::remove_file(path).expect("it listens");
    let failure = failure(answer(told).await);
    assert!([FailureKind::Lost, FailureKind::Unavailable].contains(&failure.kind), "{failure:?}");
    pool.shutdown().await;
}

/// A clock with a bug in it, once that is wished for.
struct Cracked {
    clock: SystemClock,
    breaks: Arc<AtomicBool>,
}

#[async_trait::async_trait]
impl Clock for Cracked {
    fn now(&self) -> op_run::Timestamp {
        self.clock.now()
    }

    async fn sleep_until(&self, at: op_run::Timestamp) {
        assert!(!self.breaks.swap(false, Ordering::SeqCst), "a bug in the clock");
        self.clock.sleep_until(at).await;
    }
}

#[tokio::test]
async fn a_keeper_that_panics_while_its_agent_is_away_strands_no_call() {
    let home = directory();
    let address = at(home.path(), "a");
    let _agent = serve_session(&address, breaking(2 * PATIENCE, |_, _, _| {}));
    let breaks = Arc::<AtomicBool>::default();
    let clock = Cracked { clock: SystemClock::new(), breaks: Arc::clone(&breaks) };
    let agents = vec![op_pool::AgentSettings::new("a", address.clone())];
    let pool = op_pool::Pool::new(settings(), agents, Arc::new(clock)).expect("a right pool");
    pool.start();
    pool.connect("a").await.expect("it listens");
    let Address::Unix(path) = &address else { panic!("a socket") };
    std::fs::remove_file(path).expect("it listens");
    let told = tokio::spawn({
        let pool = Arc::clone(&pool);
        async move {
            pool.perform(request("a.x", "1", json!({})), Arc::new(Kept::default()), CancellationToken::new())
                .await
        }
    });
    crate::support::until(&pool, "a", |status| status.state == AgentState::BackingOff).await;
    breaks.store(true, Ordering::SeqCst);
    let failure = failure(answer(told).await);
    assert_eq!((failure.kind, failure.reason.as_str()), (FailureKind::Lost, "link_broken"));
    assert!(!breaks.load(Ordering::SeqCst));
    pool.shutdown().await;
}

#[tokio::test]
async fn an_agent_that_repeats_or_skips_events_after_a_break_is_caught() {
    for wrong in [0, 2] {
        let home = directory();
        let address = at(home.path(), "a");
        let _agent = serve_session(
            &address,
            breaking(PATIENCE, move |id, seen, voice| {
                event(voice, id, seen + wrong, completed("1"));
            }),
        );
        let pool = one(settings(), &address);
        let failure = failure(call(&pool, "a.x", "1", json!({})).await);
        assert_eq!((failure.kind, failure.reason.as_str()), (FailureKind::Lost, "protocol"), "{wrong}");
        pool.shutdown().await;
    }
}

#[tokio::test]
async fn an_agent_may_tell_that_it_performs_other_operations_and_keeps_its_name() {
    use op_proto::agent::v1::{CatalogueChanged, DescribeResponse, OperationDescription};
    let home = directory();
    let address = at(home.path(), "a");
    let changed = |name: &str, operation: &str| {
        let operations = vec![OperationDescription {
            name: operation.into(),
            input_schema: "{}".into(),
            output_schema: "{}".into(),
            effects: 1,
            ..OperationDescription::default()
        }];
        let agent = DescribeResponse { name: name.into(), operations, ..DescribeResponse::default() };
        Said::CatalogueChanged(CatalogueChanged { agent: Some(agent) })
    };
    let _agent = serve_session(&address, move |frame, voice| {
        behave(&frame, voice);
        if let Frame::Operation(operation) = frame {
            say(voice, changed("other", "stolen"));
            say(voice, changed("a", "grown"));
            event(voice, &operation.id, 1, accepted());
            event(voice, &operation.id, 2, completed("1"));
        }
        Some(())
    });
    let pool = one(settings(), &address);
    value(call(&pool, "a.x", "1", json!({})).await);
    let status = crate::support::until(&pool, "a", |status| !status.operations.is_empty()).await;
    assert_eq!(status.operations.keys().collect::<Vec<_>>(), ["grown"]);
    assert!(pool.has(&op_plan::Performer::parse("a.grown")));
    pool.shutdown().await;
}

#[tokio::test]
async fn a_call_that_nobody_waits_for_any_more_is_stopped_on_the_next_session() {
    let home = directory();
    let address = at(home.path(), "a");
    let stopped = Arc::new(AtomicU32::new(0));
    let (seen, begun) = (Arc::clone(&stopped), Arc::new(tokio::sync::Notify::new()));
    let tell = Arc::clone(&begun);
    let _agent = serve_session(&address, move |frame, voice| {
        match frame {
            Frame::Hello(_) => welcome(voice, PATIENCE),
            Frame::Operation(_) => {
                tell.notify_one();
                return None;
            }
            Frame::Cancel(cancel) => {
                seen.fetch_add(1, Ordering::SeqCst);
                let kind = Some(outcome::Kind::Cancelled(Cancelled::default()));
                event(voice, &cancel.id, 1, Kind::Outcome(Outcome { kind, evidence: None }));
            }
            other => behave(&other, voice),
        }
        Some(())
    });
    let pool = one(settings(), &address);
    let sink = Arc::new(Kept::default());
    let told = pool.perform(request("a.x", "1", json!({})), sink, CancellationToken::new());
    tokio::select! {
        _ = told => panic!("nobody answered"),
        () = begun.notified() => {}
    }
    let over = async {
        while stopped.load(Ordering::SeqCst) == 0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, over).await.expect("it is stopped");
    pool.shutdown().await;
}

/// Answers questions, and remembers them.
struct Hub {
    asked: Mutex<Vec<op_engine::ports::Question>>,
    /// Each permit lets one answer go.
    gate: Arc<tokio::sync::Semaphore>,
}

impl Sink for Hub {
    fn take(&self, _: Progress) {}

    fn ask(
        &self,
        question: op_engine::ports::Question,
    ) -> futures::future::BoxFuture<'static, op_run::Answer> {
        self.asked.lock().expect("no panic").push(question);
        let gate = Arc::clone(&self.gate);
        Box::pin(async move {
            gate.acquire().await.expect("never closed").forget();
            op_run::Answer::Succeeded { value: json!(7), evidence: op_run::Evidence::default() }
        })
    }
}

#[tokio::test]
async fn a_host_call_is_answered_once_however_often_it_is_sent() {
    use op_proto::agent::v1::{HostCall, Reply};
    let home = directory();
    let address = at(home.path(), "a");
    let (heard, mut replies) = tokio::sync::mpsc::unbounded_channel::<Reply>();
    let host_call = |id: &str, number| {
        Said::HostCall(HostCall {
            id: id.into(),
            number,
            performer: "file_read".into(),
            arguments: "{}".into(),
            timeout: None,
        })
    };
    let _agent = serve_session(&address, move |frame, voice| {
        behave(&frame, voice);
        match frame {
            Frame::Operation(operation) => {
                event(voice, &operation.id, 1, accepted());
                say(voice, host_call(&operation.id, 1));
                say(voice, host_call(&operation.id, 1));
                say(voice, host_call("of nobody", 1));
                (2..=66).for_each(|number| say(voice, host_call(&operation.id, number)));
            }
            Frame::Reply(reply) => {
                if reply.number == 1 && reply.id == "1" {
                    // It did not hear: the same answer comes again, and then it ends.
                    say(voice, host_call(&reply.id, 1));
                }
                heard.send(reply).ok();
            }
            _ => {}
        }
        Some(())
    });
    let pool = one(settings(), &address);
    let hub = Arc::new(Hub { asked: Mutex::default(), gate: Arc::new(tokio::sync::Semaphore::new(0)) });
    let stop = CancellationToken::new();
    let told = tokio::spawn({
        let (pool, hub, stop) = (Arc::clone(&pool), Arc::clone(&hub), stop.clone());
        async move { pool.perform(request("a.x", "1", json!({})), hub, stop).await }
    });
    let mut next =
        async || tokio::time::timeout(PATIENCE, replies.recv()).await.expect("in time").expect("a reply");
    let reason = |reply: &Reply| match reply.outcome.clone().and_then(|outcome| outcome.kind) {
        Some(outcome::Kind::Rejected(rejected)) => rejected.reason,
        other => format!("{other:?}"),
    };
    let nobody = next().await;
    assert_eq!((nobody.id.as_str(), reason(&nobody).as_str()), ("of nobody", "no_such_operation"));
    for number in [65, 66] {
        let refused = next().await;
        assert_eq!((refused.number, reason(&refused).as_str()), (number, "too_many_host_calls"));
    }
    hub.gate.add_permits(1);
    let (first, again) = (next().await, next().await);
    assert_eq!((first.number, &first.outcome), (1, &again.outcome));
    assert_eq!(hub.asked.lock().expect("no panic").len(), 64);
    // What it asked for ends with it.
    told.abort();
    drop(told.await);
    pool.shutdown().await;
    assert_eq!(Arc::strong_count(&hub.gate), 1);
}
