//! What a lying agent says, one fault each.

use std::collections::{HashMap, HashSet};

use op_proto::agent::v1::agent_frame::Frame as Said;
use op_proto::agent::v1::event::Kind;
use op_proto::agent::v1::host_frame::Frame;
use op_proto::agent::v1::{
    Ack, Channel, Completed, Credit, DescribeResponse, Draining, Event, Operation, Output, outcome,
};
use tonic::Status;

/// One way to fall short of the protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// None: whoever passes words on adds nothing.
    None,
    /// Describe lies: two operations of one name.
    NamesTwice,
    /// A schema that is none.
    Schema,
    /// An operation that does not say what it touches.
    Effects,
    /// Undone by what does not exist.
    Undo,
    /// The welcome describes another agent.
    Description,
    /// The welcome names a version that nobody asked for.
    Version,
    /// Something comes before the welcome.
    SpeaksFirst,
    /// No session, as minimal agents have none.
    SpeaksNoSession,
    /// Operations are not accepted.
    AcceptsNothing,
    /// A number is left out.
    SkipsNumber,
    /// A number comes twice.
    RepeatsNumber,
    /// The outcome comes twice.
    EndsTwice,
    /// A stream of one operation has no outcome.
    EndsWithout,
    /// A value that is no JSON.
    Garbles,
    /// A value that is not as its schema says.
    BreaksSchema,
    /// A rejection without a reason.
    GivesNoReason,
    /// Output from nowhere.
    Channel,
    /// What it cannot do is done.
    DoesAnything,
    /// Whoever asks for its health waits.
    HidesHealth,
    /// Pings are not answered.
    DeafToPings,
    /// A frame it does not know ends the session.
    FearsTheNew,
    /// Events of nobody's operation.
    MixesUp,
    /// What is cancelled goes on.
    IgnoresCancel,
    /// What has a time limit goes on beyond.
    IgnoresLimit,
    /// The session stays after bye.
    Stays,
    /// A repeat is done again.
    DoesTwice,
    /// Outcomes are forgotten at once.
    Forgets,
    /// More output than allowed.
    Floods,
    /// It does not come to an end.
    Drowns,
    /// An event stands for more than there can be.
    FoldsAll,
    /// No output after the first credit is used up.
    Stalls,
    /// Some output is lost.
    LosesOutput,
    /// It leaves without a word.
    LeavesSilently,
    /// Operations stop with their session.
    NoWindow,
    /// What a broken session had in flight is forgotten.
    ForgetsBroken,
    /// Some output is lost when a hub comes back.
    LosesOnResume,
    /// Everything is told again when a hub comes back.
    DoublesOnResume,
    /// What was granted is forgotten when a hub comes back.
    ForgetsGrant,
    /// Host calls are miscounted.
    Miscounts,
    /// Host calls have arguments that are no object.
    AsksOddly,
    /// A host call that was lost is not sent again.
    AsksOnce,
    /// Whoever joins an operation hears of its end and of nothing else.
    ForsakesJoined,
}

/// A fault at work.
pub(crate) struct Lie {
    fault: Fault,
    /// How often something was done.
    count: u64,
    /// Operations that a hub came back for.
    resumed: HashSet<String>,
    /// Operations that a hub sent again.
    repeated: HashSet<String>,
    /// Events left out so far, by operation.
    left_out: HashMap<String, u64>,
    /// What is said to the honest agent behind the hub's back.
    aside: Vec<Frame>,
}

/// What an id ends with that was made up.
const MADE_UP: &str = "#again";

impl Lie {
    pub(crate) fn new(fault: Fault) -> Self {
        Self {
            fault,
            count: 0,
            resumed: HashSet::new(),
            repeated: HashSet::new(),
            left_out: HashMap::new(),
            aside: Vec::new(),
        }
    }

    /// Falsifies the description, the same in Describe and welcome.
    pub(crate) fn describe(&self, agent: &mut DescribeResponse) {
        match self.fault {
            Fault::NamesTwice => agent.operations.push(agent.operations[0].clone()),
            Fault::Schema => agent.operations[0].input_schema = r#"{"type": "strong"}"#.into(),
            Fault::Effects => agent.operations[0].effects = 0,
            Fault::Undo => agent.operations[0].undo = "nothing_of_the_kind".into(),
            _ => {}
        }
    }

    /// What reaches the honest agent of a frame of the hub; an error ends the session.
    pub(crate) fn down(&mut self, frame: Option<Frame>) -> Result<Vec<Frame>, Status> {
        let Some(frame) = frame else {
            return match self.fault {
                Fault::FearsTheNew => Err(Status::invalid_argument("what is that?")),
                _ => Ok(Vec::new()),
            };
        };
        Ok(match (self.fault, frame) {
            (Fault::IgnoresCancel, Frame::Cancel(_)) | (Fault::Stalls, Frame::Credit(_)) => Vec::new(),
            (Fault::Floods, Frame::Operation(asked)) => {
                let credit = Credit { id: asked.id.clone(), bytes: 1 << 40 };
                vec![Frame::Operation(asked), Frame::Credit(credit)]
            }
            (fault, Frame::Resume(mut resume)) => {
                self.resumed.insert(resume.id.clone());
                resume.seen += self.left_out.get(&resume.id).copied().unwrap_or_default();
                match fault {
                    Fault::ForgetsBroken => resume.id += MADE_UP,
                    Fault::DoublesOnResume => resume.seen = 0,
                    Fault::ForgetsGrant => resume.granted = 0,
                    _ => {}
                }
                vec![Frame::Resume(resume)]
            }
            (Fault::Miscounts, Frame::Reply(mut reply)) => {
                reply.number -= 1;
                vec![Frame::Reply(reply)]
            }
            (_, Frame::Operation(mut asked)) => {
                self.operation(&mut asked);
                vec![Frame::Operation(asked)]
            }
            (_, frame) => vec![frame],
        })
    }

    /// Falsifies what is asked for.
    pub(crate) fn operation(&mut self, asked: &mut Operation) {
        self.left_out.remove(&asked.id);
        match self.fault {
            Fault::IgnoresLimit => asked.timeout = None,
            Fault::ForsakesJoined if asked.repeat => {
                self.repeated.insert(asked.id.clone());
            }
            Fault::DoesTwice if asked.repeat => {
                asked.id += MADE_UP;
                asked.repeat = false;
            }
            _ => {}
        }
    }

    /// What reaches the hub of a frame of the honest agent.
    pub(crate) fn up(&mut self, frame: Option<Said>) -> Vec<Said> {
        match (self.fault, frame) {
            (_, None) => Vec::new(),
            (fault, Some(Said::Welcome(mut welcome))) => {
                let agent = welcome.agent.get_or_insert_default();
                self.describe(agent);
                match fault {
                    Fault::Description => agent.operations.truncate(1),
                    Fault::Version => welcome.version = 7,
                    Fault::NoWindow => welcome.window = None,
                    Fault::SpeaksFirst => {
                        return vec![Said::Draining(Draining::default()), Said::Welcome(welcome)];
                    }
                    _ => {}
                }
                vec![Said::Welcome(welcome)]
            }
            (Fault::DeafToPings, Some(Said::Pong(_))) | (Fault::LeavesSilently, Some(Said::Draining(_))) => {
                Vec::new()
            }
            (fault, Some(Said::HostCall(mut call))) => {
                match fault {
                    Fault::Miscounts => call.number += 1,
                    Fault::AsksOddly => call.arguments = "[1]".into(),
                    Fault::AsksOnce if self.resumed.contains(&call.id) => return Vec::new(),
                    Fault::ForsakesJoined if self.repeated.contains(&call.id) => return Vec::new(),
                    _ => {}
                }
                vec![Said::HostCall(call)]
            }
            (_, Some(Said::Event(event))) => self.event(event).into_iter().map(Said::Event).collect(),
            (_, Some(frame)) => vec![frame],
        }
    }

    fn event(&mut self, mut event: Event) -> Vec<Event> {
        event.id.truncate(event.id.trim_end_matches(MADE_UP).len());
        event.sequence -= self.left_out.get(&event.id).copied().unwrap_or_default();
        let is_outcome = matches!(event.kind, Some(Kind::Outcome(_)));
        match self.fault {
            Fault::AcceptsNothing if matches!(event.kind, Some(Kind::Accepted(_))) => {
                return self.leave_out(&event);
            }
            Fault::LosesOutput
                if event.id.contains("/large/") && matches!(event.kind, Some(Kind::Output(_))) =>
            {
                self.count += 1;
                if self.count.is_multiple_of(3) {
                    return self.leave_out(&event);
                }
            }
            Fault::LosesOnResume
                if matches!(event.kind, Some(Kind::Output(_))) && self.resumed.remove(&event.id) =>
            {
                return Vec::new();
            }
            Fault::EndsWithout if is_outcome && event.id.contains("/value/") => return Vec::new(),
            Fault::Drowns if event.id.contains("/value/") || event.id.contains("/cancel/") => {
                return drowned(event);
            }
            Fault::FoldsAll if event.id.contains("/crowd/") => event.folded = u64::MAX,
            Fault::SkipsNumber if event.sequence > 1 => event.sequence += 1,
            Fault::RepeatsNumber if event.sequence > 1 => event.sequence -= 1,
            Fault::MixesUp if is_outcome && event.id.contains("/crowd/") => {
                let stranger = Event { id: "somebody/else".into(), ..event.clone() };
                return vec![stranger, event];
            }
            Fault::EndsTwice if is_outcome => {
                let again = Event { sequence: event.sequence + 1, ..event.clone() };
                return vec![event, again];
            }
            Fault::Forgets if is_outcome => self.aside.push(Frame::Ack(Ack { id: event.id.clone() })),
            _ => {}
        }
        if let Some(kind) = &mut event.kind {
            self.kind(kind);
        }
        vec![event]
    }

    fn leave_out(&mut self, event: &Event) -> Vec<Event> {
        *self.left_out.entry(event.id.clone()).or_default() += 1;
        Vec::new()
    }

    fn kind(&self, kind: &mut Kind) {
        match (self.fault, kind) {
            (Fault::Channel, Kind::Output(output)) => output.channel = 0,
            (_, Kind::Outcome(outcome)) => {
                if let Some(kind) = &mut outcome.kind {
                    self.ending(kind);
                }
            }
            (_, Kind::Accepted(_) | Kind::Output(_) | Kind::Progress(_)) => {}
        }
    }

    fn ending(&self, kind: &mut outcome::Kind) {
        match (self.fault, kind) {
            (Fault::Garbles, outcome::Kind::Completed(done)) => done.value = "{\"half\": ".into(),
            (Fault::BreaksSchema, outcome::Kind::Completed(done)) => done.value = "[17]".into(),
            (Fault::GivesNoReason, outcome::Kind::Rejected(rejected)) => rejected.reason.clear(),
            (Fault::DoesAnything, kind @ outcome::Kind::Rejected(_)) => {
                *kind = outcome::Kind::Completed(Completed { value: "null".into() });
            }
            _ => {}
        }
    }

    /// What is to be said to the honest agent behind the hub's back.
    pub(crate) fn aside(&mut self) -> Vec<Frame> {
        std::mem::take(&mut self.aside)
    }

    /// Whether the session stays open when the honest agent ends it.
    pub(crate) fn stays(&self) -> bool {
        self.fault == Fault::Stays
    }
}

/// An event, and more output than anybody wants.
fn drowned(event: Event) -> Vec<Event> {
    let output = Output { channel: Channel::Stdout.into(), data: vec![b'a'; 1 << 20].into() };
    let first = event.sequence;
    let more = (1..=20).map(|number| Event {
        id: event.id.clone(),
        sequence: first + number,
        kind: Some(Kind::Output(output.clone())),
        ..Event::default()
    });
    let more: Vec<_> = more.collect();
    [vec![event], more].concat()
}
