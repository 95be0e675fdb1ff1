//! Agents that behave as a test says, right or wrong.

use std::fs;
use std::path::Path;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use futures::stream::{self, BoxStream};
use futures::{Stream, StreamExt as _};
use op_proto::agent::v1::agent_frame::Frame as Said;
use op_proto::agent::v1::agent_server::{Agent, AgentServer};
use op_proto::agent::v1::event::Kind;
use op_proto::agent::v1::host_frame::Frame;
use op_proto::agent::v1::{
    Accepted, AgentFrame, Channel, Completed, DescribeRequest, DescribeResponse, Effects, Event,
    ExecuteRequest, ExecuteResponse, HostFrame, Operation, OperationDescription, Outcome, Output, Pong,
    Rejected, Welcome, outcome,
};
use tokio::net::UnixListener;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_stream::wrappers::{UnboundedReceiverStream, UnixListenerStream};
use tonic::codegen::Bytes;
use tonic::transport::Server;
use tonic::{Request, Response, Status, Streaming};

/// Bytes in one piece of a flood.
const PIECE: usize = 64 << 10;

/// What an agent does with an operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Behaviour {
    /// Answers with the arguments.
    Echo,
    /// Takes the operation and never says anything again.
    Hang,
    /// Takes the operation, says something, and breaks the stream.
    Die,
    /// Takes the operation and ends the stream without an outcome.
    Leave,
    /// Answers with what is no JSON.
    Garble,
    /// Writes so many bytes of output, whatever the hub allows, and then succeeds.
    Flood(usize),
    /// Answers with a value of so many bytes.
    Swell(usize),
    /// Says no.
    Reject,
    /// Hangs at the first operation, and answers those that come again.
    HangOnce,
    /// Answers with the arguments, but hangs at the operation of this number, counted from 1, unless it comes again.
    HangAt(usize),
}

/// How the agent speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wire {
    /// With sessions.
    Session,
    /// Without: a minimal agent.
    Execute,
}

/// An operation that an agent was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// Its key.
    pub id: String,
    /// Its name.
    pub operation: String,
    /// Its arguments.
    pub arguments: String,
    /// Whether the hub asked before.
    pub repeat: bool,
}

/// An agent that is served in this process, until it is dropped.
#[derive(Debug)]
pub struct Scripted {
    asked: Arc<Mutex<Vec<Asked>>>,
    pings: Arc<AtomicUsize>,
    server: JoinHandle<()>,
}

impl Scripted {
    /// Serves an agent with the operation `do` on a socket.
    ///
    /// # Panics
    /// When the socket cannot be had.
    pub fn serve(socket: &Path, wire: Wire, behaviour: Behaviour) -> Self {
        drop(fs::remove_file(socket));
        let incoming = UnixListenerStream::new(UnixListener::bind(socket).expect("a free socket"));
        let asked = Arc::new(Mutex::new(Vec::new()));
        let pings = Arc::new(AtomicUsize::new(0));
        let script = Script { wire, behaviour, asked: Arc::clone(&asked), pings: Arc::clone(&pings) };
        let service = AgentServer::new(script).max_encoding_message_size(usize::MAX);
        let served = Server::builder().add_service(service).serve_with_incoming(incoming);
        let server = tokio::spawn(async { served.await.expect("it serves") });
        Self { asked, pings, server }
    }

    /// What it was asked for, in order.
    ///
    /// # Panics
    /// When the agent has.
    pub fn asked(&self) -> Vec<Asked> {
        self.asked.lock().expect("no panic").clone()
    }

    /// How often it was pinged.
    pub fn pings(&self) -> usize {
        self.pings.load(Ordering::Relaxed)
    }
}

impl Drop for Scripted {
    fn drop(&mut self) {
        self.server.abort();
    }
}

#[derive(Clone)]
struct Script {
    wire: Wire,
    behaviour: Behaviour,
    asked: Arc<Mutex<Vec<Asked>>>,
    pings: Arc<AtomicUsize>,
}

type Events = BoxStream<'static, Result<Kind, Status>>;

impl Script {
    fn perform(&self, operation: Operation) -> Events {
        let Operation { id, operation, arguments, repeat, .. } = operation;
        let asked = Asked { id, operation, arguments: arguments.clone(), repeat };
        let number = {
            let mut all = self.asked.lock().expect("no panic");
            all.push(asked);
            all.len()
        };
        let said = match self.behaviour {
            Behaviour::Echo => once(completed(arguments)),
            Behaviour::Hang => stream::pending().boxed(),
            Behaviour::HangOnce if !repeat => stream::pending().boxed(),
            Behaviour::HangAt(at) if !repeat && number == at => stream::pending().boxed(),
            Behaviour::HangOnce | Behaviour::HangAt(_) => once(completed(arguments)),
            Behaviour::Die => {
                stream::iter([Ok(output(Bytes::from_static(b"about to"))), Err(Status::aborted("gone"))])
                    .boxed()
            }
            Behaviour::Leave => stream::empty().boxed(),
            Behaviour::Garble => once(completed("{\"half\": ".to_owned())),
            Behaviour::Flood(bytes) => {
                let piece = Bytes::from(vec![b'x'; PIECE]);
                let pieces = (0..bytes.div_ceil(PIECE)).map(move |_| Ok(output(piece.clone())));
                stream::iter(pieces).chain(once(completed("null".to_owned()))).boxed()
            }
            Behaviour::Swell(bytes) => once(completed(format!("\"{}\"", "x".repeat(bytes)))),
            Behaviour::Reject => once(rejected()),
        };
        stream::iter([Ok(Kind::Accepted(Accepted {}))]).chain(said).boxed()
    }
}

fn once(kind: Kind) -> Events {
    stream::iter([Ok(kind)]).boxed()
}

fn completed(value: String) -> Kind {
    ended(outcome::Kind::Completed(Completed { value }))
}

fn rejected() -> Kind {
    let (reason, message) = ("not_approved".to_owned(), "the reviewer says no".to_owned());
    ended(outcome::Kind::Rejected(Rejected { reason, message, ..Rejected::default() }))
}

fn ended(kind: outcome::Kind) -> Kind {
    Kind::Outcome(Outcome { kind: Some(kind), evidence: None })
}

fn output(data: Bytes) -> Kind {
    Kind::Output(Output { channel: Channel::Stdout.into(), data })
}

/// Numbers the events of an operation.
fn numbered(id: &str, events: Events) -> impl Stream<Item = Result<Event, Status>> + use<> {
    let id = id.to_owned();

    events.zip(stream::iter(1..)).map(move |(kind, sequence)| {
        let id = id.clone();
        kind.map(|kind| Event { id, sequence, folded: 0, kind: Some(kind) })
    })
}

fn description() -> DescribeResponse {
    let operation = OperationDescription {
        name: "do".into(),
        description: "Does what the test says.".into(),
        input_schema: "{}".into(),
        output_schema: "{}".into(),
        effects: Effects::Read.into(),
        ..OperationDescription::default()
    };
    DescribeResponse {
        name: "puppet".into(),
        version: "by hand".into(),
        operations: vec![operation],
        ..DescribeResponse::default()
    }
}

type Answers<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

#[tonic::async_trait]
impl Agent for Script {
    async fn describe(&self, _: Request<DescribeRequest>) -> Result<Response<DescribeResponse>, Status> {
        Ok(Response::new(description()))
    }

    type ExecuteStream = Answers<ExecuteResponse>;

    async fn execute(
        &self,
        request: Request<ExecuteRequest>,
    ) -> Result<Response<Self::ExecuteStream>, Status> {
        let operation =
            request.into_inner().operation.ok_or_else(|| Status::invalid_argument("no operation"))?;
        let id = operation.id.clone();
        let events = numbered(&id, self.perform(operation));
        let answers = events.map(|event| event.map(|event| ExecuteResponse { event: Some(event) }));
        Ok(Response::new(answers.boxed()))
    }

    type SessionStream = Answers<AgentFrame>;

    async fn session(
        &self,
        request: Request<Streaming<HostFrame>>,
    ) -> Result<Response<Self::SessionStream>, Status> {
        if self.wire == Wire::Execute {
            return Err(Status::unimplemented("this agent speaks no sessions"));
        }
        let (voice, said) = mpsc::unbounded_channel();
        let script = self.clone();
        tokio::spawn(async move { script.converse(request.into_inner(), voice).await });
        Ok(Response::new(UnboundedReceiverStream::new(said).boxed()))
    }
}

/// Says frames; a status ends the session.
type Voice = mpsc::UnboundedSender<Result<AgentFrame, Status>>;

impl Script {
    async fn converse(self, mut frames: Streaming<HostFrame>, voice: Voice) {
        while let Ok(Some(frame)) = frames.message().await {
            match frame.frame {
                Some(Frame::Hello(hello)) => {
                    say(
                        &voice,
                        Said::Welcome(Welcome {
                            version: hello.version,
                            agent: Some(description()),
                            window: None,
                        }),
                    );
                }
                Some(Frame::Ping(ping)) => {
                    self.pings.fetch_add(1, Ordering::Relaxed);
                    say(&voice, Said::Pong(Pong { token: ping.token }));
                }
                Some(Frame::Operation(operation)) => {
                    let id = operation.id.clone();
                    tokio::spawn(tell(numbered(&id, self.perform(operation)), voice.clone()));
                }
                Some(Frame::Bye(_)) => return,
                Some(
                    Frame::Cancel(_)
                    | Frame::Credit(_)
                    | Frame::Ack(_)
                    | Frame::Resume(_)
                    | Frame::Reply(_)
                    | Frame::SessionOver(_),
                )
                | None => {}
            }
        }
    }
}

async fn tell(events: impl Stream<Item = Result<Event, Status>>, voice: Voice) {
    let mut events = std::pin::pin!(events);
    while let Some(event) = events.next().await {
        // Whoever hung up needs no more.
        if voice.send(event.map(|event| AgentFrame { frame: Some(Said::Event(event)) })).is_err() {
            return;
        }
    }
}

fn say(voice: &Voice, frame: Said) {
    let _ = voice.send(Ok(AgentFrame { frame: Some(frame) }));
}
