//! The floor: the same frames on bare streams of tonic, straight to an echo, and to it over a relay.

use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::time::Instant;

use futures::{Stream, StreamExt as _};
use hyper_util::rt::TokioIo;
use op_proto::agent::v1::agent_client::AgentClient;
use op_proto::agent::v1::agent_frame::Frame as Said;
use op_proto::agent::v1::event::Kind;
use op_proto::agent::v1::host_frame::Frame;
use op_proto::agent::v1::{
    AgentFrame, Completed, DescribeRequest, DescribeResponse, Event, ExecuteRequest, ExecuteResponse,
    HostFrame, Operation, Outcome, agent_server, outcome,
};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::mpsc;
use tokio_stream::wrappers::{ReceiverStream, UnixListenerStream};
use tonic::transport::{Channel, Endpoint, Server};
use tonic::{Request, Response, Status, Streaming};

use super::Failed;
use super::table::Row;

/// Serves until the process is killed; hands everything on where somebody listens behind it.
pub(crate) async fn serve(path: &Path, behind: Option<PathBuf>) -> Result<(), Failed> {
    let incoming = UnixListenerStream::new(UnixListener::bind(path)?);
    let behind = match behind {
        Some(behind) => Some(client(&behind).await?),
        None => None,
    };
    let service = agent_server::AgentServer::new(Bare { behind });
    Ok(Server::builder().add_service(service).serve_with_incoming(incoming).await?)
}

/// One call after the other on one stream.
pub(crate) async fn calls(path: &Path, value: &str, calls: usize) -> Result<Row, Failed> {
    let (frames, waiting) = mpsc::channel(1);
    let mut answers = client(path).await?.session(ReceiverStream::new(waiting)).await?.into_inner();
    let arguments = serde_json::json!({ "value": value }).to_string();
    let (mut took, began) = (Vec::new(), Instant::now());
    for number in 0..calls {
        let operation = Operation {
            id: format!("bare/{number}"),
            operation: "echo".to_owned(),
            arguments: arguments.clone(),
            ..Operation::default()
        };
        let began = Instant::now();
        frames.send(HostFrame { frame: Some(Frame::Operation(operation)) }).await?;
        answers.message().await?.ok_or("every operation is answered")?;
        took.push(began.elapsed());
    }
    Ok(Row::new(took, began.elapsed()))
}

async fn client(path: &Path) -> Result<AgentClient<Channel>, Failed> {
    while UnixStream::connect(path).await.is_err() {
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    let path = path.to_owned();
    let connector = tower::service_fn(move |_| {
        let path = path.clone();
        async move { UnixStream::connect(path).await.map(TokioIo::new) }
    });
    let endpoint = Endpoint::from_static("http://agent.invalid");
    Ok(AgentClient::new(endpoint.connect_with_connector(connector).await?))
}

struct Bare {
    behind: Option<AgentClient<Channel>>,
}

fn answer(frame: HostFrame) -> Option<AgentFrame> {
    let Some(Frame::Operation(operation)) = frame.frame else { return None };
    let kind = outcome::Kind::Completed(Completed { value: operation.arguments });
    let outcome = Kind::Outcome(Outcome { kind: Some(kind), evidence: None });
    let event = Event { id: operation.id, sequence: 1, folded: 0, kind: Some(outcome) };
    Some(AgentFrame { frame: Some(Said::Event(event)) })
}

type Answers<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

#[tonic::async_trait]
impl agent_server::Agent for Bare {
    type ExecuteStream = Answers<ExecuteResponse>;
    type SessionStream = Answers<AgentFrame>;

    async fn describe(&self, _: Request<DescribeRequest>) -> Result<Response<DescribeResponse>, Status> {
        Err(Status::unimplemented("sessions only"))
    }

    async fn execute(&self, _: Request<ExecuteRequest>) -> Result<Response<Self::ExecuteStream>, Status> {
        Err(Status::unimplemented("sessions only"))
    }

    async fn session(
        &self,
        request: Request<Streaming<HostFrame>>,
    ) -> Result<Response<Self::SessionStream>, Status> {
        let frames = request.into_inner().filter_map(|frame| std::future::ready(frame.ok()));
        let Some(mut behind) = self.behind.clone() else {
            let answers = frames.filter_map(|frame| std::future::ready(answer(frame).map(Ok)));
            return Ok(Response::new(answers.boxed()));
        };
        let answers = behind.session(frames).await?.into_inner();
        Ok(Response::new(answers.boxed()))
    }
}
