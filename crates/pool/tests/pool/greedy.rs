//! Agents that ask for more than they take, and that are asked for much.

use std::sync::Arc;

use futures::future::BoxFuture;
use op_engine::ports::{Perform, Progress, Question, Sink};
use op_plan::plan::FailureKind;
use op_pool::PoolSettings;
use op_proto::agent::v1::agent_frame::Frame as Said;
use op_proto::agent::v1::host_frame::Frame;
use op_proto::agent::v1::{Event, HostCall};
use op_run::{Answer, Evidence};
use serde_json::json;
use tokio_util::sync::CancellationToken;

use crate::scripted::{accepted, behave, completed, event, say, serve_deaf, serve_execute};
use crate::support::{PATIENCE, at, call, directory, failure, one, request, settings, value};

/// A sink that answers whatever is asked for with a large text.
struct Generous;

impl Sink for Generous {
    fn take(&self, _: Progress) {}

    fn ask(&self, _: Question) -> BoxFuture<'static, Answer> {
        let value = json!("x".repeat(3 << 20));
        Box::pin(async { Answer::Succeeded { value, evidence: Evidence::default() } })
    }
}

#[tokio::test]
async fn an_agent_that_asks_and_never_reads_loses_its_session() {
    let home = directory();
    let address = at(home.path(), "a");
    let ask = |id: &str| {
        let (performer, arguments) = ("file_read".to_owned(), "{}".to_owned());
        Said::HostCall(HostCall { id: id.to_owned(), number: 1, performer, arguments, timeout: None })
    };
    let _agent = serve_deaf(&address, move |frame, voice| {
        behave(&frame, voice);
        match frame {
            Frame::Operation(operation) if operation.id == "greedy" => {
                event(voice, &operation.id, 1, accepted());
                say(voice, ask(&operation.id));
                Some(())
            }
            Frame::Operation(operation) => {
                event(voice, &operation.id, 1, completed("1"));
                Some(())
            }
            Frame::Reply(reply) => {
                (0..100).for_each(|_| say(voice, ask(&reply.id)));
                None
            }
            _ => Some(()),
        }
    });
    let pool = one(PoolSettings { health_interval: PATIENCE, ..settings() }, &address);
    let told =
        pool.perform(request("a.x", "greedy", json!({})), Arc::new(Generous), CancellationToken::new());
    let told = tokio::time::timeout(PATIENCE, told).await.expect("every call is answered");
    let failure = failure(told);
    assert_eq!((failure.kind, failure.reason.as_str()), (FailureKind::Lost, "unresponsive"));
    assert!(failure.message.contains("does not read"), "{}", failure.message);
    assert_eq!(value(call(&pool, "a.x", "next", json!({})).await), json!(1));
    pool.shutdown().await;
}

#[tokio::test]
async fn an_agent_without_sessions_is_called_thousands_of_times_over_one_connection() {
    let home = directory();
    let address = at(home.path(), "a");
    let _agent = serve_execute(&address, |id| {
        let event = |sequence, kind| Event { id: id.clone(), sequence, folded: 0, kind };
        vec![event(1, Some(accepted())), event(2, Some(completed("1")))]
    });
    let pool = one(settings(), &address);
    for round in 0..100 {
        let calls = (0..50).map(|at| {
            let key = format!("{round}/{at}");
            let pool = &pool;
            async move { call(pool, "a.x", &key, json!({})).await }
        });
        for answer in futures::future::join_all(calls).await {
            assert_eq!(value(answer), json!(1), "in round {round}");
        }
    }
    pool.shutdown().await;
}
