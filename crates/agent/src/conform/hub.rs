//! A hub's end of a session, with a connection of its own. What it hears is kept by operation.

use std::collections::HashMap;
use std::fmt;
use std::time::Duration;

use op_proto::agent::v1::agent_frame::Frame as Said;
use op_proto::agent::v1::host_frame::Frame;
use op_proto::agent::v1::{
    AgentFrame, Bye, Cancel, Completed, Credit, Event, Hello, HostCall, HostFrame, Operation, Outcome, Ping,
    Rejected, Reply, Resume, Welcome, outcome,
};
use prost::Message as _;
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout_at};
use tokio_stream::wrappers::UnboundedReceiverStream;
use tonic::codegen::http::uri::PathAndQuery;
use tonic::{Request, Status, Streaming};

use super::frames::Frames;
use super::record::{MOST, Record, output};
use super::report::{Gap, short};
use super::subject::{MAX_MESSAGE, Subject};
use crate::credit::INITIAL;

/// Newest version of the protocol that is asked for.
pub(super) const VERSION: u32 = 1;

/// Most that is heard on one session, in bytes: a few operations that say all they may.
const SESSION: usize = 4 * MOST;

/// What a hub answers to host calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Manner {
    /// It refuses them.
    Refuse,
    /// It performs them, and the value is `null`.
    Perform,
    /// It never answers.
    Ignore,
}

/// One session.
pub(super) struct Hub<'a> {
    pub(super) welcome: Welcome,
    pub(super) manner: Manner,
    /// The records of operations by id; those that were asked again are in the log already.
    records: HashMap<String, Record>,
    /// Tokens of pongs.
    pongs: Vec<u64>,
    /// Whether the agent said that it is going away.
    pub(super) draining: bool,
    /// Bytes of what was heard.
    heard: usize,
    /// Events of operations that nobody asked for.
    pub(super) strays: Vec<Event>,
    subject: &'a Subject<'a>,
    frames: mpsc::UnboundedSender<Vec<u8>>,
    inbox: Streaming<AgentFrame>,
}

/// Why something that was waited for did not come.
#[derive(Debug)]
pub(super) enum Missed {
    /// The time was over.
    Silence(Duration),
    /// The session ended.
    Ended(Option<Status>),
    /// So much came that the rest was not listened to.
    Flood,
}

impl fmt::Display for Missed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Silence(time) => write!(f, "nothing of the kind within {time:?}"),
            Self::Flood => f.write_str("so much that the rest was not listened to"),
            Self::Ended(None) => f.write_str("the end of the session"),
            Self::Ended(Some(status)) => {
                write!(f, "the end of the session: {}: {}", status.code(), status.message())
            }
        }
    }
}

/// Opens a stream on a connection of its own, with this hello already sent: an agent may wait for it before it answers.
pub(super) async fn dial(
    subject: &Subject<'_>,
    version: u32,
) -> Result<(mpsc::UnboundedSender<Vec<u8>>, Result<Streaming<AgentFrame>, Status>), Gap> {
    let (frames, outbox) = mpsc::unbounded_channel();
    let hello = Frame::Hello(Hello { version, hub: "conform".to_owned() });
    // The other end is held right here.
    let _ = frames.send(HostFrame { frame: Some(hello) }.encode_to_vec());
    let mut grpc = tonic::client::Grpc::new(subject.connect().await?).max_decoding_message_size(MAX_MESSAGE);
    if let Err(error) = grpc.ready().await {
        return Err(short("that the agent takes another session", error.to_string()));
    }
    let path = PathAndQuery::from_static("/opdbus.agent.v1.Agent/Session");
    let request = Request::new(UnboundedReceiverStream::new(outbox));
    let answer = tokio::time::timeout(subject.trial.patience, grpc.streaming(request, path, Frames)).await;
    let Ok(answer) = answer else {
        let wanted = format!("an answer to hello within {:?}", subject.trial.patience);
        return Err(short(wanted, "nothing"));
    };
    Ok((frames, answer.map(tonic::Response::into_inner)))
}

impl<'a> Hub<'a> {
    /// Opens a session.
    pub(super) async fn open(subject: &'a Subject<'a>) -> Result<Self, Gap> {
        Self::open_as(subject, VERSION).await
    }

    /// Opens a session as a hub that speaks this version at most.
    pub(super) async fn open_as(subject: &'a Subject<'a>, version: u32) -> Result<Self, Gap> {
        let (frames, answer) = dial(subject, version).await?;
        let expected = "welcome as the first frame of a session";
        let mut inbox = answer.map_err(|status| short(expected, Missed::Ended(Some(status)).to_string()))?;
        let first = tokio::time::timeout(subject.trial.patience, inbox.message()).await;
        let first = match first {
            Ok(Ok(Some(frame))) => frame,
            Ok(Ok(None)) => return Err(short(expected, Missed::Ended(None).to_string())),
            Ok(Err(status)) => return Err(short(expected, Missed::Ended(Some(status)).to_string())),
            Err(_) => return Err(short(expected, Missed::Silence(subject.trial.patience).to_string())),
        };
        let Some(Said::Welcome(welcome)) = first.frame else {
            return Err(short(expected, format!("{first:?}")));
        };
        Ok(Self {
            welcome,
            manner: Manner::Refuse,
            records: HashMap::new(),
            pongs: Vec::new(),
            draining: false,
            heard: 0,
            strays: Vec::new(),
            subject,
            frames,
            inbox,
        })
    }

    /// Sends a frame. To a session that has ended it goes nowhere, and what is waited for then says so.
    pub(super) fn send(&self, frame: Frame) {
        self.send_bytes(HostFrame { frame: Some(frame) }.encode_to_vec());
    }

    pub(super) fn send_bytes(&self, frame: Vec<u8>) {
        let _ = self.frames.send(frame);
    }

    /// Asks for an operation, or asks again.
    pub(super) fn ask(&mut self, operation: Operation) {
        self.begin(Record::new(&operation.id, Some(INITIAL)));
        self.send(Frame::Operation(operation));
    }

    /// Goes on with an operation of a session that broke, of which these events were seen and so many bytes granted.
    pub(super) fn resume(&mut self, id: &str, before: &[Event], granted: u64) {
        let seen = before.last().map_or(0, |event| event.sequence);
        let left = (INITIAL + granted).saturating_sub(output(before).len() as u64);
        self.begin(Record { resumed: Some(seen), ..Record::new(id, Some(left)) });
        self.send(Frame::Resume(Resume { id: id.to_owned(), seen, granted }));
    }

    fn begin(&mut self, record: Record) {
        if let Some(before) = self.records.insert(record.id.clone(), record) {
            self.subject.note(before);
        }
    }

    pub(super) fn cancel(&self, id: &str, grace: Duration) {
        let grace = prost_types::Duration::try_from(grace).ok();
        self.send(Frame::Cancel(Cancel { id: id.to_owned(), reason: "it was tried".to_owned(), grace }));
    }

    /// Allows more output.
    pub(super) fn credit(&mut self, id: &str, bytes: u64) {
        if let Some(credit) = self.records.get_mut(id).and_then(|record| record.credit.as_mut()) {
            *credit += bytes;
        }
        self.send(Frame::Credit(Credit { id: id.to_owned(), bytes }));
    }

    /// What was heard of an operation.
    pub(super) fn record(&self, id: &str) -> &Record {
        &self.records[id]
    }

    /// Listens until this is so.
    pub(super) async fn until(
        &mut self,
        within: Duration,
        is_so: impl Fn(&Self) -> bool,
    ) -> Result<(), Missed> {
        let end = Instant::now() + within;
        while !is_so(self) {
            match timeout_at(end, self.inbox.message()).await {
                Err(_) => return Err(Missed::Silence(within)),
                Ok(Ok(None)) => return Err(Missed::Ended(None)),
                Ok(Err(status)) => return Err(Missed::Ended(Some(status))),
                Ok(Ok(Some(frame))) => self.hear(frame)?,
            }
        }
        Ok(())
    }

    /// Listens until the operation has ended.
    pub(super) async fn outcome(&mut self, id: &str, within: Duration) -> Result<Outcome, Missed> {
        self.until(within, |hub| hub.record(id).outcome().is_some()).await?;
        Ok(self.record(id).outcome().cloned().unwrap_or_default())
    }

    /// Asks for an operation and listens until it has ended.
    pub(super) async fn perform(&mut self, operation: Operation) -> Result<Outcome, Gap> {
        let (id, name) = (operation.id.clone(), operation.operation.clone());
        self.ask(operation);
        let patience = self.subject.trial.patience;
        let missed = |missed: Missed| short(format!("an outcome of `{name}`"), missed.to_string());
        self.outcome(&id, patience).await.map_err(missed)
    }

    /// Asks for a pong, so that what was said before it is heard.
    pub(super) async fn settle(&mut self) -> Result<(), Gap> {
        let token = self.pongs.len() as u64 + 71;
        self.send(Frame::Ping(Ping { token }));
        let heard = self.until(self.subject.trial.patience, |hub| hub.pongs.contains(&token)).await;
        heard.map_err(|missed| short(format!("pong with the token {token}"), missed.to_string()))
    }

    /// Says bye; what comes until the session ends is heard.
    pub(super) async fn leave(mut self, within: Duration) -> Result<(), Missed> {
        self.send(Frame::Bye(Bye { reason: "that is all".to_owned() }));
        match self.until(within, |_| false).await {
            Err(Missed::Ended(_)) | Ok(()) => Ok(()),
            Err(silence) => Err(silence),
        }
    }

    fn hear(&mut self, frame: AgentFrame) -> Result<(), Missed> {
        self.heard = self.heard.saturating_add(frame.encoded_len() + size_of::<AgentFrame>());
        let mut is_flooded = self.heard > SESSION;
        match frame.frame {
            Some(Said::Event(event)) => match self.records.get_mut(&event.id) {
                Some(record) => {
                    record.hear(event);
                    is_flooded |= record.is_flooded();
                }
                None => self.strays.push(event),
            },
            Some(Said::Pong(pong)) => self.pongs.push(pong.token),
            Some(Said::Draining(_)) => self.draining = true,
            Some(Said::HostCall(call)) => self.answer(call),
            Some(Said::Welcome(_) | Said::CatalogueChanged(_)) | None => {}
        }
        if is_flooded { Err(Missed::Flood) } else { Ok(()) }
    }

    fn answer(&mut self, call: HostCall) {
        let (id, number) = (call.id.clone(), call.number);
        if let Some(record) = self.records.get_mut(&id) {
            record.hear_call(call);
        }
        let kind = match self.manner {
            Manner::Ignore => return,
            Manner::Perform => outcome::Kind::Completed(Completed { value: "null".to_owned() }),
            Manner::Refuse => outcome::Kind::Rejected(Rejected {
                reason: "not_allowed".to_owned(),
                message: "whoever tries an agent performs nothing for it".to_owned(),
                ..Rejected::default()
            }),
        };
        let outcome = Some(Outcome { kind: Some(kind), evidence: None });
        self.send(Frame::Reply(Reply { id, number, outcome }));
    }
}

impl Drop for Hub<'_> {
    /// Without a bye the session breaks: the connection goes with it.
    fn drop(&mut self) {
        for (_, record) in self.records.drain() {
            self.subject.note(record);
        }
    }
}
