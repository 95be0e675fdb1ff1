//! A hub's end of a session.

use std::future::Future;
use std::time::Duration;

use op_proto::agent::v1::agent_client::AgentClient;
use op_proto::agent::v1::agent_frame::Frame as Out;
use op_proto::agent::v1::host_frame::Frame as In;
use op_proto::agent::v1::{
    Ack, AgentFrame, Cancel, Credit, Event, Hello, HostFrame, Operation, Outcome, Ping, Resume, Welcome,
    event, outcome,
};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::transport::Channel;
use tonic::{Status, Streaming};

/// What a test waits for comes long before this, or never.
const LIMIT: Duration = Duration::from_secs(20);

pub(crate) async fn soon<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(LIMIT, future).await.expect("it comes in time")
}

/// One session of a hub.
pub(crate) struct Hub {
    pub(crate) welcome: Welcome,
    frames: mpsc::Sender<HostFrame>,
    inbox: Streaming<AgentFrame>,
}

/// A call as hubs send it.
pub(crate) fn operation(id: &str, operation: &str, arguments: &str) -> Operation {
    Operation {
        id: id.into(),
        operation: operation.into(),
        arguments: arguments.into(),
        ..Default::default()
    }
}

/// Opens the stream and says nothing.
pub(crate) async fn dial(channel: Channel) -> (mpsc::Sender<HostFrame>, Streaming<AgentFrame>) {
    let (frames, outbox) = mpsc::channel(1024);
    let mut client = AgentClient::new(channel).max_decoding_message_size(8 << 20);
    let answer = soon(client.session(ReceiverStream::new(outbox))).await;
    (frames, answer.expect("the agent speaks sessions").into_inner())
}

impl Hub {
    pub(crate) async fn open(channel: Channel) -> Self {
        let (frames, mut inbox) = dial(channel).await;
        let hello = In::Hello(Hello { version: 9, hub: "test".into() });
        frames.send(HostFrame { frame: Some(hello) }).await.expect("the session is open");
        let first = soon(inbox.message()).await.expect("no error").expect("a frame");
        let Some(Out::Welcome(welcome)) = first.frame else { panic!("{first:?} is no welcome") };
        Self { welcome, frames, inbox }
    }

    pub(crate) async fn send(&self, frame: In) {
        self.send_frame(HostFrame { frame: Some(frame) }).await;
    }

    pub(crate) async fn send_frame(&self, frame: HostFrame) {
        self.frames.send(frame).await.expect("the session is open");
    }

    pub(crate) async fn ask(&self, id: &str, name: &str, arguments: &str) {
        self.send(In::Operation(operation(id, name, arguments))).await;
    }

    /// Asks again for what was sent before.
    pub(crate) async fn repeat(&self, id: &str, name: &str, arguments: &str) {
        self.send(In::Operation(Operation { repeat: true, ..operation(id, name, arguments) })).await;
    }

    /// Goes on with what another session had in flight.
    pub(crate) async fn resume(&self, id: &str, seen: u64) {
        self.resume_granting(id, seen, 0).await;
    }

    /// Goes on with what another session had in flight, and tells what was granted there.
    pub(crate) async fn resume_granting(&self, id: &str, seen: u64, granted: usize) {
        self.send(In::Resume(Resume { id: id.into(), seen, granted: granted as u64 })).await;
    }

    pub(crate) async fn cancel(&self, id: &str, grace: Duration) {
        let grace = Some(grace.try_into().expect("a short time"));
        self.send(In::Cancel(Cancel { id: id.into(), reason: "enough".into(), grace })).await;
    }

    pub(crate) async fn credit(&self, id: &str, bytes: u64) {
        self.send(In::Credit(Credit { id: id.into(), bytes })).await;
    }

    pub(crate) async fn ack(&self, id: &str) {
        self.send(In::Ack(Ack { id: id.into() })).await;
    }

    /// The next frame, or how the stream ended.
    pub(crate) async fn next(&mut self) -> Result<Option<Out>, Status> {
        Ok(soon(self.inbox.message()).await?.map(|frame| frame.frame.expect("an agent sends known frames")))
    }

    pub(crate) async fn event(&mut self) -> Event {
        match self.next().await {
            Ok(Some(Out::Event(event))) => event,
            other => panic!("{other:?} is no event"),
        }
    }

    /// All events of the only operation in flight, up to its outcome.
    pub(crate) async fn events(&mut self) -> Vec<Event> {
        let mut events = Vec::new();
        loop {
            events.push(self.event().await);
            if is_outcome(events.last().expect("just pushed")) {
                return events;
            }
        }
    }

    /// The next outcome of any operation.
    pub(crate) async fn outcome(&mut self) -> (String, Outcome) {
        loop {
            let event = self.event().await;
            if let Some(event::Kind::Outcome(outcome)) = event.kind {
                return (event.id, outcome);
            }
        }
    }

    /// Waits until the handler of `id` says that it has begun.
    pub(crate) async fn begun(&mut self, id: &str) {
        loop {
            let event = self.event().await;
            if matches!(event.kind, Some(event::Kind::Output(_))) && event.id == id {
                return;
            }
        }
    }

    /// Pings, and returns what came before the pong.
    pub(crate) async fn settle(&mut self) -> Vec<Out> {
        self.send(In::Ping(Ping { token: 7 })).await;
        let mut before = Vec::new();
        loop {
            match self.next().await {
                Ok(Some(Out::Pong(pong))) if pong.token == 7 => return before,
                Ok(Some(frame)) => before.push(frame),
                other => panic!("{other:?} instead of a pong"),
            }
        }
    }
}

pub(crate) fn is_outcome(event: &Event) -> bool {
    matches!(event.kind, Some(event::Kind::Outcome(_)))
}

/// The kind of an outcome, with its reason or, where there is none, its value or message.
pub(crate) fn told(outcome: &Outcome) -> (&'static str, &str) {
    match outcome.kind.as_ref().expect("an outcome has a kind") {
        outcome::Kind::Completed(completed) => ("completed", &completed.value),
        outcome::Kind::Failed(failed) => ("failed", &failed.reason),
        outcome::Kind::Rejected(rejected) => ("rejected", &rejected.reason),
        outcome::Kind::Cancelled(cancelled) => ("cancelled", &cancelled.message),
    }
}
