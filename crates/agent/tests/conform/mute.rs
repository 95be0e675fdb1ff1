//! Agents that take a connection and say nothing.

use std::future::pending;
use std::pin::Pin;
use std::time::Duration;

use op_agent::conform::{ReachError, Trial, conform};
use op_proto::Address;
use tokio::net::UnixListener;
use tokio_stream::Stream;
use tonic::{Code, Request, Response, Status};
use tonic_health::pb::health_server::Health;
use tonic_health::pb::{HealthCheckRequest, HealthCheckResponse};

/// For what never comes.
const HURRY: Duration = Duration::from_secs(1);

/// Longest that a trial of an agent that says nothing may take, on a machine that is busy.
const END: Duration = Duration::from_mins(1);

#[tokio::test]
async fn an_agent_that_does_not_say_what_it_is_is_given_up() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let socket = folder.path().join("mute.sock");
    let _silent = UnixListener::bind(&socket).expect("a free socket");
    let (address, trial) = (Address::Unix(socket), Trial { patience: HURRY, ..Trial::default() });
    let tried = tokio::time::timeout(END, conform(&address, &trial, |_| {})).await.expect("an end");
    match tried.expect_err("it says nothing") {
        ReachError::Describe { source, .. } => assert_eq!(source.code(), Code::DeadlineExceeded),
        other => panic!("{other}"),
    }
}

/// Whoever asks for its health waits.
pub(crate) struct Silent;

#[tonic::async_trait]
impl Health for Silent {
    async fn check(&self, _: Request<HealthCheckRequest>) -> Result<Response<HealthCheckResponse>, Status> {
        pending().await
    }

    type WatchStream = Pin<Box<dyn Stream<Item = Result<HealthCheckResponse, Status>> + Send>>;

    async fn watch(&self, _: Request<HealthCheckRequest>) -> Result<Response<Self::WatchStream>, Status> {
        pending().await
    }
}
