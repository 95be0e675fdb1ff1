//! The agents of the benchmark: one on bare tonic, and one made with the kit.

use std::path::Path;
use std::pin::Pin;

use futures::{Stream, StreamExt};
use op_agent::{Agent, Call, Failure, Listener, Operation};
use op_proto::Address;
use op_proto::agent::v1::agent_frame::Frame as Said;
use op_proto::agent::v1::event::Kind;
use op_proto::agent::v1::host_frame::Frame;
use op_proto::agent::v1::{
    Accepted, AgentFrame, Completed, DescribeRequest, DescribeResponse, Event, Evidence, ExecuteRequest,
    ExecuteResponse, HostFrame, Outcome, Pong, Welcome, agent_server, outcome,
};
use serde_json::Value;
use tokio::net::UnixListener;
use tokio_stream::wrappers::UnixListenerStream;
use tonic::transport::Server;
use tonic::{Request, Response, Status, Streaming};

use super::Failed;

/// Serves until the process is killed.
pub(super) async fn serve(path: &Path, with_kit: bool) -> Result<(), Failed> {
    if with_kit {
        let listener = Listener::bind(&Address::Unix(path.to_owned())).await?;
        let echo = Operation::read("echo", "Says it back.");
        let agent =
            Agent::new("echo", "1").operation(echo, |_: Call, args: Value| async { Ok::<_, Failure>(args) });
        agent.serve(listener, std::future::pending()).await?;
        return Ok(());
    }
    let incoming = UnixListenerStream::new(UnixListener::bind(path)?);
    let service = agent_server::AgentServer::new(Plain);
    Server::builder()
        .initial_stream_window_size(2 << 20)
        .initial_connection_window_size(4 << 20)
        .add_service(service)
        .serve_with_incoming(incoming)
        .await?;
    Ok(())
}

/// Answers each operation with the frames that any agent answers with, and does nothing else.
struct Plain;

fn described() -> DescribeResponse {
    DescribeResponse { name: "echo".into(), ..DescribeResponse::default() }
}

fn event(id: String, sequence: u64, kind: Kind) -> AgentFrame {
    AgentFrame { frame: Some(Said::Event(Event { id, sequence, folded: 0, kind: Some(kind) })) }
}

fn answers(frame: HostFrame) -> Vec<AgentFrame> {
    match frame.frame {
        Some(Frame::Hello(hello)) => {
            let welcome = Welcome { version: hello.version, agent: Some(described()), window: None };
            vec![AgentFrame { frame: Some(Said::Welcome(welcome)) }]
        }
        Some(Frame::Operation(operation)) => {
            let value = Completed { value: operation.arguments };
            let evidence = Some(Evidence { bytes: 1, ..Evidence::default() });
            let outcome = Outcome { kind: Some(outcome::Kind::Completed(value)), evidence };
            let accepted = event(operation.id.clone(), 1, Kind::Accepted(Accepted {}));
            vec![accepted, event(operation.id, 2, Kind::Outcome(outcome))]
        }
        Some(Frame::Ping(ping)) => {
            vec![AgentFrame { frame: Some(Said::Pong(Pong { token: ping.token })) }]
        }
        Some(
            Frame::Cancel(_)
            | Frame::Credit(_)
            | Frame::Ack(_)
            | Frame::Bye(_)
            | Frame::Resume(_)
            | Frame::Reply(_)
            | Frame::SessionOver(_),
        )
        | None => Vec::new(),
    }
}

type Answers<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

#[tonic::async_trait]
impl agent_server::Agent for Plain {
    async fn describe(&self, _: Request<DescribeRequest>) -> Result<Response<DescribeResponse>, Status> {
        Ok(Response::new(described()))
    }

    type ExecuteStream = Answers<ExecuteResponse>;

    async fn execute(&self, _: Request<ExecuteRequest>) -> Result<Response<Self::ExecuteStream>, Status> {
        Err(Status::unimplemented("sessions only"))
    }

    type SessionStream = Answers<AgentFrame>;

    async fn session(
        &self,
        request: Request<Streaming<HostFrame>>,
    ) -> Result<Response<Self::SessionStream>, Status> {
        let frames = request.into_inner().take_while(|frame| std::future::ready(frame.is_ok()));
        let said =
            frames.flat_map(|frame| futures::stream::iter(frame.map(answers).unwrap_or_default()).map(Ok));
        Ok(Response::new(said.boxed()))
    }
}
