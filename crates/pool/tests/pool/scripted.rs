//! An agent made by hand: it answers each frame as its script says, right or wrong.

use std::pin::Pin;
use std::sync::Arc;

use futures::{Stream, StreamExt};
use op_proto::Address;
use op_proto::agent::v1::agent_frame::Frame as Said;
use op_proto::agent::v1::agent_server::{Agent, AgentServer};
use op_proto::agent::v1::event::Kind;
use op_proto::agent::v1::host_frame::Frame;
use op_proto::agent::v1::{
    Accepted, AgentFrame, Completed, DescribeRequest, DescribeResponse, Event, ExecuteRequest,
    ExecuteResponse, HostFrame, Outcome, Pong, Welcome, outcome,
};
use tokio::net::UnixListener;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_stream::wrappers::{UnboundedReceiverStream, UnixListenerStream};
use tonic::transport::Server;
use tonic::{Request, Response, Status, Streaming};

/// Says frames; dropping it ends the stream.
pub(crate) type Voice = mpsc::UnboundedSender<Result<AgentFrame, Status>>;

/// What to do with a frame; `None` hangs up.
pub(crate) type Script = Arc<dyn Fn(Frame, &Voice) -> Option<()> + Send + Sync>;

/// An agent made by hand.
pub(crate) struct Scripted {
    /// Where the script hangs up, it stops reading instead.
    is_deaf: bool,
    session: Option<Script>,
    execute: Option<Arc<dyn Fn(String) -> Vec<Event> + Send + Sync>>,
}

/// Serves an agent whose sessions follow a script. The tasks end with the handle's abort, as a process would.
pub(crate) fn serve_session(
    address: &Address,
    script: impl Fn(Frame, &Voice) -> Option<()> + Send + Sync + 'static,
) -> JoinHandle<()> {
    serve(address, Scripted { session: Some(Arc::new(script)), execute: None, is_deaf: false })
}

/// Serves an agent that stops reading where its script hangs up, and keeps the connection.
pub(crate) fn serve_deaf(
    address: &Address,
    script: impl Fn(Frame, &Voice) -> Option<()> + Send + Sync + 'static,
) -> JoinHandle<()> {
    serve(address, Scripted { session: Some(Arc::new(script)), execute: None, is_deaf: true })
}

/// Serves an agent that speaks no sessions.
pub(crate) fn serve_execute(
    address: &Address,
    script: impl Fn(String) -> Vec<Event> + Send + Sync + 'static,
) -> JoinHandle<()> {
    serve(address, Scripted { session: None, execute: Some(Arc::new(script)), is_deaf: false })
}

/// The service alone, to be served beside others.
pub(crate) fn service(
    script: impl Fn(Frame, &Voice) -> Option<()> + Send + Sync + 'static,
) -> AgentServer<Scripted> {
    AgentServer::new(Scripted { session: Some(Arc::new(script)), execute: None, is_deaf: false })
}

fn serve(address: &Address, scripted: Scripted) -> JoinHandle<()> {
    let incoming = UnixListenerStream::new(listen(address));
    let service = AgentServer::new(scripted).max_encoding_message_size(usize::MAX);
    tokio::spawn(async move {
        Server::builder().add_service(service).serve_with_incoming(incoming).await.expect("it serves");
    })
}

pub(crate) fn listen(address: &Address) -> UnixListener {
    let Address::Unix(path) = address else { panic!("a Unix socket") };
    let _ = std::fs::remove_file(path);
    UnixListener::bind(path).expect("a free path")
}

pub(crate) fn description() -> DescribeResponse {
    DescribeResponse { name: "a".into(), version: "by hand".into(), ..DescribeResponse::default() }
}

pub(crate) fn say(voice: &Voice, frame: Said) {
    let _ = voice.send(Ok(AgentFrame { frame: Some(frame) }));
}

pub(crate) fn event(voice: &Voice, id: &str, sequence: u64, kind: impl Into<Option<Kind>>) {
    say(voice, Said::Event(Event { id: id.into(), sequence, folded: 0, kind: kind.into() }));
}

pub(crate) fn accepted() -> Kind {
    Kind::Accepted(Accepted {})
}

pub(crate) fn completed(value: &str) -> Kind {
    let kind = outcome::Kind::Completed(Completed { value: value.into() });
    Kind::Outcome(Outcome { kind: Some(kind), evidence: None })
}

/// What every agent does with frames that a script does not care for.
pub(crate) fn behave(frame: &Frame, voice: &Voice) {
    match frame {
        Frame::Hello(hello) => {
            let agent = Some(description());
            say(voice, Said::Welcome(Welcome { version: hello.version, agent, window: None }));
        }
        Frame::Ping(ping) => say(voice, Said::Pong(Pong { token: ping.token })),
        Frame::Operation(_)
        | Frame::Cancel(_)
        | Frame::Credit(_)
        | Frame::Ack(_)
        | Frame::Bye(_)
        | Frame::Resume(_)
        | Frame::Reply(_)
        | Frame::SessionOver(_) => {}
    }
}

type Answers<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

#[tonic::async_trait]
impl Agent for Scripted {
    async fn describe(&self, _: Request<DescribeRequest>) -> Result<Response<DescribeResponse>, Status> {
        Ok(Response::new(description()))
    }

    type ExecuteStream = Answers<ExecuteResponse>;

    async fn execute(
        &self,
        request: Request<ExecuteRequest>,
    ) -> Result<Response<Self::ExecuteStream>, Status> {
        let script = self.execute.as_ref().ok_or_else(|| Status::unimplemented("sessions only"))?;
        let id = request.into_inner().operation.expect("an operation").id;
        let events = script(id).into_iter().map(|event| Ok(ExecuteResponse { event: Some(event) }));
        Ok(Response::new(futures::stream::iter(events.collect::<Vec<_>>()).boxed()))
    }

    type SessionStream = Answers<AgentFrame>;

    async fn session(
        &self,
        request: Request<Streaming<HostFrame>>,
    ) -> Result<Response<Self::SessionStream>, Status> {
        let script = self.session.clone().ok_or_else(|| Status::unimplemented("no sessions"))?;
        let (voice, said) = mpsc::unbounded_channel();
        let (mut frames, is_deaf) = (request.into_inner(), self.is_deaf);
        tokio::spawn(async move {
            while let Ok(Some(frame)) = frames.message().await {
                let Some(frame) = frame.frame else { continue };
                if script(frame, &voice).is_none() {
                    if is_deaf {
                        voice.closed().await;
                    }
                    return;
                }
            }
        });
        Ok(Response::new(UnboundedReceiverStream::new(said).boxed()))
    }
}
