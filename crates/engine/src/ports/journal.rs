//! The port to the journal: the durable, ordered log of events.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use op_plan::{Plan, Risk};
use op_run::run::State;
use op_run::{Event, Run, RunId, Timestamp};
use serde::{Deserialize, Serialize};

use super::perform::Chunk;

/// Events of one run that become true together, and what is read off the run after them.
#[derive(Debug, Clone)]
pub struct Entry {
    /// Sequence of the first event; one more than the last one in the journal, 1 for a new run.
    pub first: u64,
    /// The events; never empty.
    pub events: Vec<Event>,
    /// The run after these events, for lists and searches.
    pub record: RunRecord,
    /// The plan; given with the first events of a run and kept by its digest.
    pub plan: Option<Arc<Plan>>,
    /// The request that the run answers; given with the first events of a run that has one.
    pub idempotency: Option<Idempotency>,
    /// Output of attempts that ended with these events.
    pub outputs: Vec<KeptOutput>,
}

/// A request that starts a run at most once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Idempotency {
    /// The key that the client chose.
    pub key: String,
    /// Digest of what it asked for.
    pub request: String,
}

/// A run in one line.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunRecord {
    /// Its name.
    pub id: RunId,
    /// Plan by id.
    pub plan: String,
    /// Digest of the plan.
    pub digest: String,
    /// Its state.
    pub state: State,
    /// Who started it.
    pub user: String,
    /// Free labels.
    pub labels: BTreeMap<String, String>,
    /// When it began.
    pub started_at: Timestamp,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    /// Phases that ended or were skipped.
    pub settled_phases: u32,
    /// Phases in all.
    pub total_phases: u32,
    /// Why it is in its state; empty when there is nothing to say.
    pub reason: String,
    /// Sequence of its last event.
    pub sequence: u64,
}

impl RunRecord {
    /// The line of a run that was started.
    ///
    /// # Panics
    /// For a run that was never started.
    pub fn of(run: &Run) -> Self {
        let origin = run.origin().expect("a run with events was started");
        Self {
            id: run.id().clone(),
            plan: run.plan().id().to_owned(),
            digest: run.plan().digest().to_owned(),
            state: run.state(),
            user: origin.user.clone(),
            labels: origin.labels.clone(),
            started_at: origin.at,
            ended_at: run.ended_at(),
            settled_phases: u32::try_from(run.settled_phases()).unwrap_or(u32::MAX),
            total_phases: u32::try_from(run.plan().phases().len()).unwrap_or(u32::MAX),
            reason: run.reason().to_owned(),
            sequence: run.sequence(),
        }
    }

    /// Whether a text stands in it, in any case.
    fn mentions(&self, text: &str) -> bool {
        let text = text.to_lowercase();
        let labels = self.labels.iter().flat_map(|(name, value)| [name.as_str(), value.as_str()]);
        let mut texts = [self.id.as_str(), &self.plan, &self.reason].into_iter().chain(labels);
        texts.any(|known| known.to_lowercase().contains(&text))
    }
}

/// Output of one attempt of a step, kept up to a limit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptOutput {
    /// The step; `STEP[ITEM]` for an item of its list.
    pub step: String,
    /// Which visit of the step, counted from 1.
    pub visit: u32,
    /// The attempt of that visit, counted from 1.
    pub attempt: u32,
    /// What it wrote, in order.
    pub chunks: Vec<Chunk>,
    /// Bytes left out because of the limit.
    pub dropped: u64,
}

/// An event with its place in the run.
#[derive(Debug, Clone, PartialEq)]
pub struct Recorded {
    /// Counted from 1, without gap.
    pub sequence: u64,
    /// The event.
    pub event: Event,
}

/// An event with the run it belongs to.
#[derive(Debug, Clone, PartialEq)]
pub struct Audited {
    /// The run.
    pub run: RunId,
    /// Plan of the run.
    pub plan: String,
    /// Who started the run.
    pub user: String,
    /// The event.
    pub recorded: Recorded,
}

/// Which runs are wanted; empty fields want all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RunFilter {
    /// In one of these states.
    pub states: Vec<State>,
    /// Of this plan.
    pub plan: Option<String>,
    /// Started by this user.
    pub user: Option<String>,
    /// With all of these labels.
    pub labels: BTreeMap<String, String>,
    /// Started at or after.
    pub since: Option<Timestamp>,
    /// Started before.
    pub until: Option<Timestamp>,
    /// With this text, in any case, in id, plan, labels or reason.
    pub text: Option<String>,
    /// Only those that come after this run in the list.
    pub after: Option<RunId>,
    /// At most so many.
    pub limit: usize,
}

impl RunFilter {
    /// Whether a run is wanted, whatever its place in the list.
    pub fn wants(&self, record: &RunRecord) -> bool {
        let Self { states, plan, user, labels, since, until, text, after: _, limit: _ } = self;
        (states.is_empty() || states.contains(&record.state))
            && plan.as_ref().is_none_or(|plan| *plan == record.plan)
            && user.as_ref().is_none_or(|user| *user == record.user)
            && labels.iter().all(|(name, value)| record.labels.get(name) == Some(value))
            && since.is_none_or(|since| record.started_at >= since)
            && until.is_none_or(|until| record.started_at < until)
            && text.as_ref().is_none_or(|text| record.mentions(text))
    }
}

/// How far the schedule of a plan is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScheduleMark {
    /// Plan by id.
    pub plan: String,
    /// The last of its times that was dealt with.
    pub last: Option<Timestamp>,
    /// Whether a person holds it.
    pub paused: bool,
}

/// Which events are wanted; empty fields want all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EventFilter {
    /// Of this run.
    pub run: Option<RunId>,
    /// Of these kinds, as `Fact` writes them.
    pub kinds: Vec<String>,
    /// Of runs that this user started.
    pub user: Option<String>,
    /// At or after.
    pub since: Option<Timestamp>,
    /// Before.
    pub until: Option<Timestamp>,
    /// The newest so many.
    pub limit: usize,
}

/// A call that a client made outside of any run. Its arguments and its value are kept nowhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallRecord {
    /// Its id.
    pub id: String,
    /// When it was asked for.
    pub at: Timestamp,
    /// Who asked, in words.
    pub user: String,
    /// The session that it was for; empty for none.
    pub session: String,
    /// What was called.
    pub operation: String,
    /// `succeeded`, or the kind of its failure.
    pub outcome: String,
    /// The reason of its failure; empty when it succeeded.
    pub reason: String,
    /// How long it took, to the microsecond.
    pub duration: Duration,
    /// What could have gone wrong; `None` when nobody knew the operation.
    pub risk: Option<Risk>,
}

/// What stands before the name of an agent that asked.
const AGENT: &str = "agent ";

impl CallRecord {
    /// The outcome of a call that succeeded.
    pub const SUCCEEDED: &str = "succeeded";

    /// An agent that asked, in words.
    pub fn agent(name: &str) -> String {
        format!("{AGENT}{name}")
    }

    /// Whether an agent asked for it.
    pub fn is_of_agent(&self) -> bool {
        self.user.starts_with(AGENT)
    }
}

/// Which calls are wanted; empty fields want all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CallFilter {
    /// By this user.
    pub user: Option<String>,
    /// At or after.
    pub since: Option<Timestamp>,
    /// Before.
    pub until: Option<Timestamp>,
    /// The newest so many.
    pub limit: usize,
}

impl CallFilter {
    /// Whether a call is wanted, however many there are.
    pub fn wants(&self, call: &CallRecord) -> bool {
        let Self { user, since, until, limit: _ } = self;
        user.as_ref().is_none_or(|user| *user == call.user)
            && since.is_none_or(|since| call.at >= since)
            && until.is_none_or(|until| call.at < until)
    }
}

/// Why events are not in the journal. Nothing of the entry is.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AppendError {
    /// Another writer, or a mistake: the first sequence does not follow the last one in the journal.
    #[error("run {run} has {has} events in the journal, and the entry begins with event {first}")]
    Conflict {
        /// The run.
        run: RunId,
        /// Events in the journal.
        has: u64,
        /// First sequence of the entry.
        first: u64,
    },
    /// The idempotency key belongs to another run.
    #[error("the idempotency key `{0}` is taken")]
    KeyTaken(String),
    /// The disk is full.
    #[error("the disk that holds the journal is full: {0}")]
    Full(String),
    /// The journal cannot be written.
    #[error("the journal cannot be written: {0}")]
    Broken(String),
    /// The journal is closed.
    #[error("the journal is closed")]
    Closed,
}

/// Why the journal cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// What is there is not what was written.
    #[error("the journal is corrupt: {0}")]
    Corrupt(String),
    /// The journal cannot be read.
    #[error("the journal cannot be read: {0}")]
    Broken(String),
}

/// Keeps events.
#[async_trait]
pub trait Journal: Send + Sync + 'static {
    /// Appends the events of one run. When it returns `Ok`, they are on disk, all of them, and every read sees them. When it
    /// returns an error, none is. Entries of many runs are committed together; entries of one run come one after the other.
    async fn append(&self, entry: Entry) -> Result<(), AppendError>;

    /// At most `limit` events of a run from a sequence on, in order, without gap. Empty when there are none.
    async fn events(&self, run: &RunId, from: u64, limit: usize) -> Result<Vec<Recorded>, ReadError>;

    /// The plan with this digest.
    async fn plan(&self, digest: &str) -> Result<Option<Arc<Plan>>, ReadError>;

    /// Runs that have not ended, oldest first.
    async fn unfinished(&self) -> Result<Vec<RunRecord>, ReadError>;

    /// Runs whose name begins with this, at most `limit`.
    async fn find(&self, prefix: &str, limit: usize) -> Result<Vec<RunRecord>, ReadError>;

    /// Runs that match, newest first.
    async fn list(&self, filter: &RunFilter) -> Result<Vec<RunRecord>, ReadError>;

    /// The run that was started with this idempotency key, and the digest of the request.
    async fn started_by(&self, key: &str) -> Result<Option<(RunRecord, String)>, ReadError>;

    /// The kept output of an attempt of a step; of the last visit and of the last attempt where nothing is said.
    async fn output(
        &self,
        run: &RunId,
        step: &str,
        visit: Option<u32>,
        attempt: Option<u32>,
    ) -> Result<Option<KeptOutput>, ReadError>;

    /// How far every schedule is that was dealt with before, in the order of the plans.
    async fn marks(&self) -> Result<Vec<ScheduleMark>, ReadError>;

    /// Keeps how far a schedule is. When it returns `Ok`, it is on disk.
    async fn mark(&self, mark: ScheduleMark) -> Result<(), AppendError>;

    /// Events of all runs that match: the newest `limit` ones, oldest first, in commit order.
    async fn audit(&self, filter: &EventFilter) -> Result<Vec<Audited>, ReadError>;

    /// Takes note of a call that a client made, and never waits for the disk: a note is there within a second, and lost when the
    /// host goes down before. One that comes while the disk is far behind is dropped, which is logged.
    fn note(&self, call: CallRecord);

    /// Calls of clients that match, those noted last included: the newest `limit` ones, oldest first.
    async fn calls(&self, filter: &CallFilter) -> Result<Vec<CallRecord>, ReadError>;

    /// Returns once everything appended is on disk and no more is taken.
    async fn close(&self);
}
