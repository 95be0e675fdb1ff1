//! Agents that do not do what an agent must.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use op_engine::ports::{AgentState, Agents, Perform};
use op_plan::plan::FailureKind;
use op_pool::PoolSettings;
use op_proto::agent::v1::agent_frame::Frame as Said;
use op_proto::agent::v1::host_frame::Frame;
use op_proto::agent::v1::{AgentFrame, Event, outcome};
use serde_json::json;
use tokio_util::sync::CancellationToken;

use crate::scripted::{Voice, accepted, behave, completed, event, listen, say, serve_execute, serve_session};
use crate::support::{
    Kept, answer, at, begin, call, directory, failure, one, pool, request, settings, until, value,
};

/// An agent that answers each operation like this, and does right otherwise.
fn answering(
    answer: impl Fn(&str, &Voice) -> Option<()> + Send + Sync + 'static,
) -> impl Fn(Frame, &Voice) -> Option<()> + Send + Sync + 'static {
    move |frame, voice| {
        behave(&frame, voice);
        match frame {
            Frame::Operation(operation) => answer(&operation.id, voice),
            _ => Some(()),
        }
    }
}

#[tokio::test]
async fn an_agent_that_dies_in_the_middle_of_a_call_loses_it() {
    let home = directory();
    let address = at(home.path(), "a");
    let calls = Arc::new(AtomicU32::new(0));
    let seen = Arc::clone(&calls);
    let _agent = serve_session(
        &address,
        answering(move |id, voice| {
            seen.fetch_add(1, Ordering::Relaxed);
            event(voice, id, 1, accepted());
            None
        }),
    );
    let pool = one(settings(), &address);
    let failure = failure(call(&pool, "a.x", "1", json!({})).await);
    assert_eq!((failure.kind, failure.reason.as_str()), (FailureKind::Lost, "link_broken"));
    assert_eq!(calls.load(Ordering::Relaxed), 1, "what was accepted is never repeated");
    pool.shutdown().await;
}

#[tokio::test]
async fn garbage_is_never_a_success() {
    let home = directory();
    let address = at(home.path(), "a");
    let _agent = serve_session(
        &address,
        answering(|id, voice| {
            event(voice, id, 1, accepted());
            event(voice, id, 2, completed("\u{1}{not json"));
            Some(())
        }),
    );
    let pool = one(settings(), &address);
    let failure = failure(call(&pool, "a.x", "1", json!({})).await);
    assert_eq!((failure.kind, failure.reason.as_str()), (FailureKind::Failed, "protocol"));
    pool.shutdown().await;
}

#[tokio::test]
async fn a_gap_in_the_events_cancels_the_call_and_its_outcome_does_not_count() {
    let home = directory();
    let address = at(home.path(), "a");
    let cancelled = Arc::new(AtomicBool::new(false));
    let seen = Arc::clone(&cancelled);
    let _agent = serve_session(&address, move |frame, voice| {
        behave(&frame, voice);
        match frame {
            Frame::Operation(operation) => {
                event(voice, &operation.id, 1, accepted());
                event(voice, &operation.id, 3, None);
            }
            Frame::Cancel(cancel) => {
                seen.store(true, Ordering::Relaxed);
                event(voice, &cancel.id, 4, completed("1"));
            }
            _ => {}
        }
        Some(())
    });
    let pool = one(settings(), &address);
    let failure = failure(call(&pool, "a.x", "1", json!({})).await);
    assert_eq!((failure.kind, failure.reason.as_str()), (FailureKind::Lost, "protocol"));
    assert!(failure.message.contains("event 3 came where event 2 was due"), "{}", failure.message);
    assert!(cancelled.load(Ordering::Relaxed));
    pool.shutdown().await;
}

#[tokio::test]
async fn a_second_outcome_and_one_for_nobody_change_no_answer() {
    let home = directory();
    let address = at(home.path(), "a");
    let _agent = serve_session(
        &address,
        answering(|id, voice| {
            event(voice, "nobody", 1, completed(r#""stray""#));
            event(voice, id, 1, accepted());
            event(voice, id, 2, completed(&format!("{id:?}")));
            event(voice, id, 3, completed(r#""second""#));
            Some(())
        }),
    );
    let pool = one(settings(), &address);
    for key in ["1", "2", "3"] {
        assert_eq!(value(call(&pool, "a.x", key, json!({})).await), json!(key));
    }
    pool.shutdown().await;
}

#[tokio::test]
async fn frames_and_events_of_a_later_version_are_ignored() {
    let home = directory();
    let address = at(home.path(), "a");
    let _agent = serve_session(
        &address,
        answering(|id, voice| {
            let _ = voice.send(Ok(AgentFrame { frame: None }));
            event(voice, id, 1, accepted());
            event(voice, id, 2, None);
            event(voice, id, 3, completed("1"));
            Some(())
        }),
    );
    let pool = one(settings(), &address);
    assert_eq!(value(call(&pool, "a.x", "1", json!({})).await), json!(1));
    pool.shutdown().await;
}

#[tokio::test]
async fn a_message_of_100_mb_fails_its_call_and_the_agent_is_used_again() {
    let home = directory();
    let address = at(home.path(), "a");
    let _agent = serve_session(
        &address,
        answering(|id, voice| {
            event(voice, id, 1, accepted());
            let size = if id == "huge" { 100 << 20 } else { 1 };
            event(voice, id, 2, completed(&format!("\"{}\"", "x".repeat(size))));
            Some(())
        }),
    );
    let pool = one(settings(), &address);
    let failure = failure(call(&pool, "a.x", "huge", json!({})).await);
    assert_eq!((failure.kind, failure.reason.as_str()), (FailureKind::Failed, "message_too_large"));
    assert_eq!(value(call(&pool, "a.x", "small", json!({})).await), json!("x"));
    pool.shutdown().await;
}

#[tokio::test]
async fn an_agent_that_answers_no_ping_loses_its_link() {
    let home = directory();
    let address = at(home.path(), "a");
    let _agent = serve_session(&address, |frame, voice| {
        if !matches!(frame, Frame::Ping(_)) {
            behave(&frame, voice);
        }
        Some(())
    });
    let pool = one(settings(), &address);
    pool.connect("a").await.expect("it welcomes");
    let failure = failure(call(&pool, "a.x", "1", json!({})).await);
    assert_eq!(failure.kind, FailureKind::Lost);
    assert!(failure.message.contains("pings"), "{}", failure.message);
    pool.shutdown().await;
}

#[tokio::test]
async fn a_call_that_does_not_end_when_it_is_cancelled_is_lost_and_its_session_cut() {
    let home = directory();
    let address = at(home.path(), "a");
    let sessions = Arc::new(AtomicU32::new(0));
    let seen = Arc::clone(&sessions);
    let _agent = serve_session(&address, move |frame, voice| {
        behave(&frame, voice);
        match frame {
            Frame::Hello(_) => drop(seen.fetch_add(1, Ordering::Relaxed)),
            Frame::Operation(operation) if operation.id == "deaf" => {
                event(voice, &operation.id, 1, accepted());
            }
            Frame::Operation(operation) => event(voice, &operation.id, 1, completed("1")),
            _ => {}
        }
        Some(())
    });
    let pool = one(settings(), &address);
    let stop = CancellationToken::new();
    stop.cancel();
    pool.connect("a").await.expect("it welcomes");
    let (kept, asked) = (Arc::new(Kept::default()), request("a.x", "deaf", json!({})));
    let stopped = stop.clone();
    let before = tokio::spawn({
        let pool = Arc::clone(&pool);
        async move { pool.perform(asked, kept, stopped).await }
    });
    // Stopped before it was sent: nothing reached the agent.
    assert_eq!(failure(answer(before).await).kind, FailureKind::Cancelled);
    assert_eq!(sessions.load(Ordering::Relaxed), 1);

    let mut asked = request("a.x", "deaf", json!({}));
    asked.timeout = Some(std::time::Duration::from_millis(50));
    let failure = failure(pool.perform(asked, Arc::new(Kept::default()), CancellationToken::new()).await);
    assert_eq!((failure.kind, failure.reason.as_str()), (FailureKind::Lost, "unresponsive"));
    assert_eq!(value(call(&pool, "a.x", "next", json!({})).await), json!(1));
    assert_eq!(sessions.load(Ordering::Relaxed), 2, "the first session was cut");
    pool.shutdown().await;
}

#[tokio::test]
async fn an_agent_that_accepts_connections_and_says_nothing_is_unavailable() {
    let home = directory();
    let address = at(home.path(), "a");
    let _listener = listen(&address);
    let short = std::time::Duration::from_millis(200);
    let pool = one(PoolSettings { connect_timeout: short, ..settings() }, &address);
    let failure = failure(call(&pool, "a.x", "1", json!({})).await);
    assert_eq!((failure.kind, failure.reason.as_str()), (FailureKind::Unavailable, "not_connected"));
    pool.shutdown().await;
}

#[tokio::test]
async fn a_peer_that_is_no_agent_is_unavailable() {
    let home = directory();
    let address = at(home.path(), "a");
    let listener = listen(&address);
    let stranger = tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.expect("a connection");
            let _ = tokio::io::AsyncWriteExt::write_all(&mut stream, b"SSH-2.0-stranger\r\n").await;
        }
    });
    let pool = one(settings(), &address);
    let failure = failure(call(&pool, "a.x", "1", json!({})).await);
    assert_eq!((failure.kind, failure.reason.as_str()), (FailureKind::Unavailable, "not_connected"));
    stranger.abort();
    pool.shutdown().await;
}

#[tokio::test]
async fn an_agent_of_another_name_gets_no_calls() {
    let home = directory();
    let address = at(home.path(), "a");
    let got = Arc::new(AtomicU32::new(0));
    let seen = Arc::clone(&got);
    let _agent = serve_session(
        &address,
        answering(move |_, _| {
            seen.fetch_add(1, Ordering::Relaxed);
            Some(())
        }),
    );
    let agents = vec![op_pool::AgentSettings::new("b", address.clone())];
    let pool = pool(settings(), agents);
    let failure = failure(call(&pool, "b.x", "1", json!({})).await);
    assert!(failure.message.contains("is called `a`, not `b`"), "{}", failure.message);
    assert_eq!(got.load(Ordering::Relaxed), 0);
    pool.shutdown().await;
}

#[tokio::test]
async fn an_agent_without_sessions_is_called_plainly() {
    let home = directory();
    let address = at(home.path(), "a");
    let _agent = serve_execute(&address, |id| {
        let event = |sequence, kind| Event { id: id.clone(), sequence, folded: 0, kind };
        let last = match id.as_str() {
            "gap" => event(7, Some(completed("1"))),
            "mute" => event(2, None),
            _ => event(2, Some(completed("1"))),
        };
        vec![event(1, Some(accepted())), last]
    });
    let pool = one(settings(), &address);
    assert_eq!(value(call(&pool, "a.x", "right", json!({})).await), json!(1));
    for key in ["gap", "mute"] {
        let failure = failure(call(&pool, "a.x", key, json!({})).await);
        assert_eq!((failure.kind, failure.reason.as_str()), (FailureKind::Lost, "protocol"), "{key}");
    }
    let status = until(&pool, "a", |status| status.latency.is_some()).await;
    assert_eq!((status.state, status.version.as_str()), (AgentState::Ready, "by hand"));
    pool.shutdown().await;
}

#[tokio::test]
async fn an_acknowledgement_reaches_the_agent_and_output_is_credited() {
    let home = directory();
    let address = at(home.path(), "a");
    let heard = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&heard);
    let (tell, mut told) = tokio::sync::mpsc::unbounded_channel();
    let _agent = serve_session(&address, move |frame, voice| {
        behave(&frame, voice);
        match frame {
            Frame::Operation(operation) => {
                event(voice, &operation.id, 1, accepted());
                for sequence in 2..6 {
                    let data = vec![b'x'; 32 << 10].into();
                    let output = op_proto::agent::v1::Output { channel: 1, data };
                    event(
                        voice,
                        &operation.id,
                        sequence,
                        Some(op_proto::agent::v1::event::Kind::Output(output)),
                    );
                }
                event(voice, &operation.id, 6, completed("1"));
            }
            Frame::Credit(credit) => seen.lock().expect("no panic").push(credit.bytes),
            Frame::Ack(ack) => drop(tell.send(ack.id)),
            _ => {}
        }
        Some(())
    });
    let pool = one(settings(), &address);
    assert_eq!(value(call(&pool, "a.x", "key", json!({})).await), json!(1));
    pool.acknowledge(&op_plan::Performer::new("a", "x"), "key");
    assert_eq!(told.recv().await.as_deref(), Some("key"));
    assert_eq!(heard.lock().expect("no panic").iter().sum::<u64>(), 128 << 10);
    pool.shutdown().await;
}

#[tokio::test]
async fn an_agent_that_is_going_away_gets_no_new_calls_and_finishes_the_old() {
    let home = directory();
    let address = at(home.path(), "a");
    let _agent = serve_session(&address, |frame, voice| {
        behave(&frame, voice);
        if let Frame::Operation(operation) = frame {
            event(voice, &operation.id, 1, accepted());
            if operation.id == "last" {
                say(voice, Said::Draining(op_proto::agent::v1::Draining { reason: "an update".into() }));
                let (voice, id) = (voice.clone(), operation.id);
                tokio::spawn(async move {
                    tokio::task::yield_now().await;
                    event(&voice, &id, 2, completed(r#""finished""#));
                });
            } else {
                event(voice, &operation.id, 2, completed(r#""new session""#));
            }
        }
        Some(())
    });
    let pool = one(settings(), &address);
    assert_eq!(value(call(&pool, "a.x", "last", json!({})).await), json!("finished"));
    assert_eq!(value(call(&pool, "a.x", "next", json!({})).await), json!("new session"));
    let status = &pool.list()[0];
    assert_eq!(status.faults, 0, "to go away as announced is no fault");
    pool.shutdown().await;
}

#[tokio::test]
async fn an_outcome_without_kind_is_a_protocol_fault() {
    let home = directory();
    let address = at(home.path(), "a");
    let _agent = serve_session(&address, move |frame, voice| {
        behave(&frame, voice);
        match frame {
            Frame::Operation(operation) => {
                let kind = op_proto::agent::v1::event::Kind::Outcome(op_proto::agent::v1::Outcome::default());
                event(voice, &operation.id, 1, Some(kind));
            }
            Frame::Cancel(cancel) => {
                let told = outcome::Kind::Cancelled(op_proto::agent::v1::Cancelled::default());
                let told = op_proto::agent::v1::Outcome { kind: Some(told), evidence: None };
                event(voice, &cancel.id, 2, Some(op_proto::agent::v1::event::Kind::Outcome(told)));
            }
            _ => {}
        }
        Some(())
    });
    let pool = one(settings(), &address);
    let failure = failure(call(&pool, "a.x", "1", json!({})).await);
    assert_eq!((failure.kind, failure.reason.as_str()), (FailureKind::Lost, "protocol"));
    pool.shutdown().await;
}

#[tokio::test]
async fn a_call_that_ignores_its_cancellation_is_lost() {
    let home = directory();
    let address = at(home.path(), "a");
    let _agent = serve_session(
        &address,
        answering(|id, voice| {
            event(voice, id, 1, accepted());
            let working = op_proto::agent::v1::Progress { fraction: 0.5, note: "working".into() };
            event(voice, id, 2, op_proto::agent::v1::event::Kind::Progress(working));
            Some(())
        }),
    );
    let pool = one(settings(), &address);
    let stop = CancellationToken::new();
    let deaf = begin(&pool, "1", &stop).await;
    stop.cancel();
    let failure = failure(answer(deaf).await);
    assert_eq!((failure.kind, failure.reason.as_str()), (FailureKind::Lost, "unresponsive"));
    pool.shutdown().await;
}
