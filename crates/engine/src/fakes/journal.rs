//! The journal in memory: what the port promises, as long as the process lives.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use op_plan::Plan;
use op_run::{Event, RunId, Timestamp};
use serde::Deserialize;
use tokio::sync::watch;

use crate::ports::journal::{
    AppendError, Audited, CallFilter, CallRecord, Entry, EventFilter, Idempotency, Journal, KeptOutput,
    ReadError, Recorded, RunFilter, RunRecord, ScheduleMark,
};
use crate::ports::results::{KeptResult, Results};

/// A journal in memory. It holds to the contract that the suite of `op-journal` holds every journal to.
#[derive(Debug)]
pub struct MemoryJournal {
    store: Mutex<Store>,
    paused: watch::Sender<bool>,
}

impl MemoryJournal {
    /// An empty journal.
    pub fn new() -> Self {
        Self { store: Mutex::default(), paused: watch::Sender::new(false) }
    }

    /// Lets the next append fail, once. Called again, the one after it fails too.
    pub fn fail_next(&self, error: AppendError) {
        self.store().failures.push_back(error);
    }

    /// Holds appends back, as a disk that does not answer: nothing of them is in until [`resume`](Self::resume). One whose caller
    /// goes away meanwhile never is.
    pub fn pause(&self) {
        self.paused.send_replace(true);
    }

    /// Lets appends through again.
    pub fn resume(&self) {
        self.paused.send_replace(false);
    }

    /// How many appends returned `Ok`.
    pub fn appends(&self) -> usize {
        self.store().appends
    }

    fn store(&self) -> MutexGuard<'_, Store> {
        self.store.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for MemoryJournal {
    fn default() -> Self {
        Self::new()
    }
}

#[derive(Debug, Default)]
struct Store {
    runs: BTreeMap<RunId, Kept>,
    plans: HashMap<String, Arc<Plan>>,
    /// Every event in the order of commit: its run, and its place there.
    log: Vec<(RunId, usize)>,
    marks: BTreeMap<String, ScheduleMark>,
    calls: Vec<CallRecord>,
    results: HashMap<String, KeptResult>,
    failures: VecDeque<AppendError>,
    appends: usize,
    closed: bool,
}

#[derive(Debug)]
struct Kept {
    record: RunRecord,
    /// Counts runs in the order they began.
    number: usize,
    events: Vec<Event>,
    idempotency: Option<Idempotency>,
    outputs: BTreeMap<(String, u32, u32), KeptOutput>,
}

impl Store {
    fn append(&mut self, entry: Entry) -> Result<(), AppendError> {
        if self.closed {
            return Err(AppendError::Closed);
        }
        if let Some(error) = self.failures.pop_front() {
            return Err(error);
        }
        check(&entry)?;
        self.admit(&entry)?;
        self.put(entry);
        self.appends += 1;
        Ok(())
    }

    /// Whether an entry follows what is here.
    fn admit(&self, entry: &Entry) -> Result<(), AppendError> {
        let (run, first) = (entry.record.id.clone(), entry.first);
        let kept = self.runs.get(&run);
        let has = kept.map_or(0, |kept| kept.events.len() as u64);
        if first != has + 1 {
            return Err(AppendError::Conflict { run, has, first });
        }
        if kept.is_some() {
            return Ok(());
        }
        if let Some(idempotency) = &entry.idempotency
            && self.keyed(&idempotency.key).is_some()
        {
            return Err(AppendError::KeyTaken(idempotency.key.clone()));
        }
        let digest = &entry.record.digest;
        let given = entry.plan.as_ref().is_some_and(|plan| plan.digest() == digest);
        if given || self.plans.contains_key(digest) {
            Ok(())
        } else {
            Err(AppendError::Broken(format!(
                "plan {digest} of run {run} was not given and is not in the journal"
            )))
        }
    }

    fn put(&mut self, entry: Entry) {
        let Entry { events, record, plan, idempotency, outputs, .. } = entry;
        if let Some(plan) = plan {
            self.plans.entry(plan.digest().to_owned()).or_insert(plan);
        }
        let number = self.runs.len();
        let kept = self.runs.entry(record.id.clone()).or_insert_with(|| Kept {
            record: record.clone(),
            number,
            events: Vec::new(),
            idempotency,
            outputs: BTreeMap::new(),
        });
        self.log.extend((kept.events.len()..).take(events.len()).map(|place| (record.id.clone(), place)));
        kept.record = record;
        kept.events.extend(events);
        kept.outputs.extend(
            outputs.into_iter().map(|output| ((output.step.clone(), output.visit, output.attempt), output)),
        );
    }

    fn keyed(&self, key: &str) -> Option<(&Kept, &Idempotency)> {
        let mut keyed = self.runs.values().filter_map(|kept| Some((kept, kept.idempotency.as_ref()?)));
        keyed.find(|(_, idempotency)| idempotency.key == key)
    }

    /// Records that match, oldest first.
    fn records(&self, wanted: impl Fn(&RunRecord) -> bool) -> Vec<RunRecord> {
        let mut found: Vec<_> = self.runs.values().filter(|kept| wanted(&kept.record)).collect();
        found.sort_by_key(|kept| (kept.record.started_at, kept.number));
        found.into_iter().map(|kept| kept.record.clone()).collect()
    }

    fn audited(&self, run: &RunId, place: usize) -> Audited {
        let kept = &self.runs[run];
        Audited {
            run: run.clone(),
            plan: kept.record.plan.clone(),
            user: kept.record.user.clone(),
            recorded: recorded(place, &kept.events[place]),
        }
    }
}

/// What the port promises of an entry.
fn check(entry: &Entry) -> Result<(), AppendError> {
    let run = &entry.record.id;
    let broken = |reason| Err(AppendError::Broken(reason));
    if entry.events.is_empty() {
        return broken(format!("an entry of run {run} has no events"));
    }
    if entry.idempotency.is_some() && entry.first != 1 {
        return broken(format!("an idempotency key is given with the first events, and run {run} has begun"));
    }
    let last = entry.first.saturating_add(entry.events.len() as u64 - 1);
    if entry.record.sequence == last {
        Ok(())
    } else {
        broken(format!(
            "the record of run {run} says {} events, and the entry ends with {last}",
            entry.record.sequence
        ))
    }
}

fn recorded(place: usize, event: &Event) -> Recorded {
    Recorded { sequence: place as u64 + 1, event: event.clone() }
}

fn matches(filter: &EventFilter, audited: &Audited) -> bool {
    let Audited { run, user, recorded: Recorded { event, .. }, .. } = audited;
    filter.run.as_ref().is_none_or(|wanted| wanted == run)
        && filter.user.as_ref().is_none_or(|wanted| wanted == user)
        && filter.since.is_none_or(|since| event.at >= since)
        && filter.until.is_none_or(|until| event.at < until)
        && (filter.kinds.is_empty() || filter.kinds.contains(&kind(event)))
}

/// The kind of an event, as `Fact` writes it.
fn kind(event: &Event) -> String {
    #[derive(Deserialize)]
    struct Heading {
        kind: String,
    }
    let written = serde_json::to_value(event).and_then(serde_json::from_value);
    written.map(|heading: Heading| heading.kind).expect("a fact is written with its kind")
}

#[async_trait]
impl Journal for MemoryJournal {
    async fn append(&self, entry: Entry) -> Result<(), AppendError> {
        let mut paused = self.paused.subscribe();
        // The sender lives in `self`, so this ends only by going on.
        let _ = paused.wait_for(|paused| !paused).await;
        self.store().append(entry)
    }

    async fn events(&self, run: &RunId, from: u64, limit: usize) -> Result<Vec<Recorded>, ReadError> {
        let store = self.store();
        let events = store.runs.get(run).map_or(&[][..], |kept| &kept.events);
        let skipped = usize::try_from(from.saturating_sub(1)).unwrap_or(usize::MAX);
        let wanted = events.iter().enumerate().skip(skipped).take(limit);
        Ok(wanted.map(|(place, event)| recorded(place, event)).collect())
    }

    async fn plan(&self, digest: &str) -> Result<Option<Arc<Plan>>, ReadError> {
        Ok(self.store().plans.get(digest).cloned())
    }

    async fn unfinished(&self) -> Result<Vec<RunRecord>, ReadError> {
        Ok(self.store().records(|record| !record.state.is_over()))
    }

    async fn find(&self, prefix: &str, limit: usize) -> Result<Vec<RunRecord>, ReadError> {
        let store = self.store();
        let found = store.runs.iter().filter(|(run, _)| run.as_str().starts_with(prefix));
        Ok(found.take(limit).map(|(_, kept)| kept.record.clone()).collect())
    }

    async fn list(&self, filter: &RunFilter) -> Result<Vec<RunRecord>, ReadError> {
        let mut found = self.store().records(|_| true);
        found.reverse();
        if let Some(after) = &filter.after {
            let place = found.iter().position(|record| record.id == *after);
            found.drain(..place.map_or(0, |place| place + 1));
        }
        found.retain(|record| filter.wants(record));
        found.truncate(filter.limit);
        Ok(found)
    }

    async fn started_by(&self, key: &str) -> Result<Option<(RunRecord, String)>, ReadError> {
        let store = self.store();
        Ok(store.keyed(key).map(|(kept, idempotency)| (kept.record.clone(), idempotency.request.clone())))
    }

    async fn output(
        &self,
        run: &RunId,
        step: &str,
        visit: Option<u32>,
        attempt: Option<u32>,
    ) -> Result<Option<KeptOutput>, ReadError> {
        let store = self.store();
        let outputs = store.runs.get(run).map(|kept| &kept.outputs);
        let mut wanted = outputs.into_iter().flatten().filter(|((of, in_visit, number), _)| {
            of == step
                && visit.is_none_or(|visit| visit == *in_visit)
                && attempt.is_none_or(|attempt| attempt == *number)
        });
        Ok(wanted.next_back().map(|(_, output)| output.clone()))
    }

    async fn marks(&self) -> Result<Vec<ScheduleMark>, ReadError> {
        Ok(self.store().marks.values().cloned().collect())
    }

    async fn mark(&self, mark: ScheduleMark) -> Result<(), AppendError> {
        let mut store = self.store();
        if store.closed {
            return Err(AppendError::Closed);
        }
        store.marks.insert(mark.plan.clone(), mark);
        Ok(())
    }

    async fn audit(&self, filter: &EventFilter) -> Result<Vec<Audited>, ReadError> {
        let store = self.store();
        let newest = store.log.iter().rev().map(|(run, place)| store.audited(run, *place));
        let mut found: Vec<_> =
            newest.filter(|audited| matches(filter, audited)).take(filter.limit).collect();
        found.reverse();
        Ok(found)
    }

    fn note(&self, call: CallRecord) {
        let mut store = self.store();
        if !store.closed {
            store.calls.push(call);
        }
    }

    async fn calls(&self, filter: &CallFilter) -> Result<Vec<CallRecord>, ReadError> {
        let store = self.store();
        let newest = store.calls.iter().rev().filter(|call| filter.wants(call));
        let mut found: Vec<_> = newest.take(filter.limit).cloned().collect();
        found.reverse();
        Ok(found)
    }

    async fn close(&self) {
        self.store().closed = true;
    }
}

#[async_trait]
impl Results for MemoryJournal {
    async fn get(&self, key: &str, now: Timestamp) -> Result<Option<KeptResult>, ReadError> {
        Ok(self.store().results.get(key).filter(|result| result.until > now).cloned())
    }

    fn put(&self, result: KeptResult) {
        self.store().results.insert(result.key.clone(), result);
    }
}

#[cfg(test)]
mod tests {
    use op_run::run::State;
    use op_run::{Fact, Timestamp};

    use super::*;

    /// A second entry of a run that was never begun: refused by any journal, and enough to see whether it was looked at.
    fn entry() -> Entry {
        let at = Timestamp::default();
        let record = RunRecord {
            id: RunId::new("r"),
            plan: String::new(),
            digest: String::new(),
            state: State::Running,
            user: String::new(),
            labels: BTreeMap::new(),
            started_at: at,
            ended_at: None,
            settled_phases: 0,
            total_phases: 0,
            reason: String::new(),
            sequence: 2,
        };
        let events = vec![Event { at, fact: Fact::RunTimedOut }];
        Entry { first: 2, events, record, plan: None, idempotency: None, outputs: Vec::new() }
    }

    #[tokio::test]
    async fn a_failure_is_told_once() {
        let journal = MemoryJournal::new();
        journal.fail_next(AppendError::Full("no space".to_owned()));
        assert_eq!(journal.append(entry()).await, Err(AppendError::Full("no space".to_owned())));
        assert!(matches!(journal.append(entry()).await, Err(AppendError::Conflict { has: 0, first: 2, .. })));
        assert_eq!(journal.appends(), 0);
    }

    #[tokio::test]
    async fn a_paused_journal_answers_when_it_is_resumed() {
        let journal = MemoryJournal::new();
        journal.pause();
        let mut append = journal.append(entry());
        assert!(futures::poll!(&mut append).is_pending());
        journal.resume();
        assert!(matches!(append.await, Err(AppendError::Conflict { .. })));
    }
}
