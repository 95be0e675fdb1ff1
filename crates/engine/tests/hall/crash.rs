//! Law 2: what is outstanding can be read off the run. The world ends after any commit, and another one goes on.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use futures::StreamExt as _;
use op_engine::Engine;
use op_engine::fakes::{MemoryJournal, ScriptedPerform};
use op_engine::ports::{
    AppendError, Audited, CallFilter, CallRecord, Entry, EventFilter, Journal, KeptOutput, ReadError,
    Recorded, RunFilter, RunRecord, ScheduleMark,
};
use op_engine::watch::Seen;
use op_plan::Plan;
use op_run::{Fact, Run, RunId};
use tokio::sync::Notify;

use crate::support::{engine, request, scripted, settle, text};

const DIAMOND: &str = "
[workstacks.p]
[[workstacks.p.phases]]
id = 'top'
agents = [{ agent = 'w', operation = 'step', store_as = 'top_out' }]
[[workstacks.p.phases]]
id = 'left'
depends_on = ['top']
parallel = true
agents = ['w.step', 'w.step', { agent = 'w', operation = 'step', args = { of = '${top_out.did}' } }]
[[workstacks.p.phases]]
id = 'right'
depends_on = ['top']
agents = ['w.step', 'w.step']
[[workstacks.p.phases]]
id = 'bottom'
depends_on = ['left', 'right']
agents = [{ agent = 'w', operation = 'step', args = { right = '${phases.right.success}' } }]
";

const RETRIES: &str = "
[workstacks.p]
[[workstacks.p.phases]]
id = 'a'
agents = ['w.flaky', 'w.flaky']
retry = { max = 3, delay = '5s' }
[[workstacks.p.phases]]
id = 'b'
agents = ['w.flaky']
max_retries = 1
continue_on_failure = true
[[workstacks.p.phases]]
id = 'c'
agents = ['w.step']
";

const UNDONE_PHASE: &str = "
[workstacks.p]
rollback = 'phase'
[[workstacks.p.phases]]
id = 'a'
agents = ['w.step']
rollback = [{ agent = 'w', operation = 'undo' }]
[[workstacks.p.phases]]
id = 'b'
agents = ['w.step', 'w.fail']
rollback = [{ agent = 'w', operation = 'undo' }, { agent = 'w', operation = 'undo_flaky', max_retries = 2 }]
";

const UNDONE_RUN: &str = "
[workstacks.p]
rollback = 'run'
[[workstacks.p.phases]]
id = 'a'
agents = [{ agent = 'w', operation = 'step', store_as = 'made' }]
rollback = [{ agent = 'w', operation = 'undo', args = { of = '${made.did}' } }]
[[workstacks.p.phases]]
id = 'b'
agents = ['w.step']
rollback = [{ agent = 'w', operation = 'undo_flaky', max_retries = 2 }]
[[workstacks.p.phases]]
id = 'c'
agents = ['w.fail']
rollback = [{ agent = 'w', operation = 'undo' }]
";

const CANCELLED: &str = "
[workstacks.p]
[[workstacks.p.phases]]
id = 'a'
agents = ['w.step']
rollback = [{ agent = 'w', operation = 'undo' }]
[[workstacks.p.phases]]
id = 'b'
agents = ['w.hang', 'w.step']
rollback = [{ agent = 'w', operation = 'undo_flaky', max_retries = 2 }]
";

/// When the world ends.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Cut {
    /// This many appends land, and nobody hears of the last one.
    Unheard(usize),
    /// This many appends land and are acted on; the next one does not land.
    Acted(usize),
}

/// A journal that outlives the world it is in, and that takes its time to answer an audit.
pub(crate) struct Mortal {
    inner: Arc<MemoryJournal>,
    cut: Option<Cut>,
    appends: AtomicUsize,
    over: Notify,
}

impl Mortal {
    pub(crate) fn new(inner: Arc<MemoryJournal>, cut: Option<Cut>) -> Self {
        Self { inner, cut, appends: AtomicUsize::new(0), over: Notify::new() }
    }

    /// Returns when the world ends.
    pub(crate) async fn over(&self) {
        self.over.notified().await;
    }

    async fn end(&self) -> Result<(), AppendError> {
        self.over.notify_one();
        std::future::pending().await
    }
}

#[async_trait]
impl Journal for Mortal {
    async fn append(&self, entry: Entry) -> Result<(), AppendError> {
        let count = self.appends.fetch_add(1, Ordering::Relaxed) + 1;
        match self.cut {
            Some(Cut::Unheard(last)) if count == last => {
                self.inner.append(entry).await?;
                self.end().await
            }
            Some(Cut::Unheard(last) | Cut::Acted(last)) if count > last => self.end().await,
            Some(Cut::Unheard(_) | Cut::Acted(_)) | None => self.inner.append(entry).await,
        }
    }

    async fn events(&self, run: &RunId, from: u64, limit: usize) -> Result<Vec<Recorded>, ReadError> {
        self.inner.events(run, from, limit).await
    }

    async fn plan(&self, digest: &str) -> Result<Option<Arc<Plan>>, ReadError> {
        self.inner.plan(digest).await
    }

    async fn unfinished(&self) -> Result<Vec<RunRecord>, ReadError> {
        self.inner.unfinished().await
    }

    async fn find(&self, prefix: &str, limit: usize) -> Result<Vec<RunRecord>, ReadError> {
        self.inner.find(prefix, limit).await
    }

    async fn list(&self, filter: &RunFilter) -> Result<Vec<RunRecord>, ReadError> {
        self.inner.list(filter).await
    }

    async fn started_by(&self, key: &str) -> Result<Option<(RunRecord, String)>, ReadError> {
        self.inner.started_by(key).await
    }

    async fn output(
        &self,
        run: &RunId,
        step: &str,
        visit: Option<u32>,
        attempt: Option<u32>,
    ) -> Result<Option<KeptOutput>, ReadError> {
        self.inner.output(run, step, visit, attempt).await
    }

    async fn marks(&self) -> Result<Vec<ScheduleMark>, ReadError> {
        self.inner.marks().await
    }

    async fn mark(&self, mark: ScheduleMark) -> Result<(), AppendError> {
        self.inner.mark(mark).await
    }

    async fn audit(&self, filter: &EventFilter) -> Result<Vec<Audited>, ReadError> {
        settle().await;
        self.inner.audit(filter).await
    }

    fn note(&self, call: CallRecord) {
        self.inner.note(call);
    }

    async fn calls(&self, filter: &CallFilter) -> Result<Vec<CallRecord>, ReadError> {
        self.inner.calls(filter).await
    }

    async fn close(&self) {
        self.inner.close().await;
    }
}

/// What stays when a world ends: the disk, and what performers were asked.
struct Story {
    plan: &'static str,
    /// Cancels, with rollback, once the step `b.hang` began.
    cancels: bool,
    journal: Arc<MemoryJournal>,
    perform: Arc<ScriptedPerform>,
}

impl Story {
    fn new(plan: &'static str) -> Self {
        let cancels = plan == CANCELLED;
        Self { plan, cancels, journal: Arc::default(), perform: Arc::new(scripted()) }
    }

    /// One world, to the end of the run or to its own; tells whether the run ended.
    fn live(&self, cut: Option<Cut>) -> bool {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .expect("a runtime without IO");
        let (started, answered) = runtime.block_on(self.keys());
        let asked = self.perform.asked().len();
        let ended = runtime.block_on(async {
            let mortal = Arc::new(Mortal::new(Arc::clone(&self.journal), cut));
            let engine = engine(self.plan, mortal.clone(), self.perform.clone());
            tokio::select! {
                biased;
                () = mortal.over() => false,
                () = self.drive(&engine) => true,
            }
        });
        drop(runtime);
        self.check_calls(asked, &started, &answered);
        ended
    }

    async fn drive(&self, engine: &Engine) {
        let runs = self.runs().await;
        let run = match runs.first() {
            None => engine.start(request("p")).await.expect("started").run,
            Some(record) => {
                engine.recover().await.expect("the journal can be read");
                record.id.clone()
            }
        };
        let (_, mut watch) = engine.watch(run.as_str(), 1, false).await.expect("known");
        while let Some(seen) = watch.next().await {
            let Seen::Event(recorded) = seen.expect("the journal can be read") else { continue };
            if self.cancels
                && recorded.event.fact.kind() == "step_started"
                && recorded.event.fact.step() == Some("b.w")
            {
                // A world before this one may have cancelled it already.
                drop(engine.cancel(run.as_str(), true, "enough", "tester").await);
            }
        }
    }

    async fn runs(&self) -> Vec<RunRecord> {
        self.journal.list(&RunFilter { limit: 10, ..RunFilter::default() }).await.expect("memory")
    }

    async fn facts(&self) -> Vec<Fact> {
        let Some(record) = self.runs().await.first().cloned() else { return Vec::new() };
        let events = self.journal.events(&record.id, 1, usize::MAX).await.expect("memory");
        events.into_iter().map(|recorded| recorded.event.fact).collect()
    }

    /// Keys of the calls that the journal knows as begun and not answered, and of those it knows as answered.
    async fn keys(&self) -> (HashSet<String>, HashSet<String>) {
        let (mut open, mut answered) = (HashSet::new(), HashSet::new());
        for fact in self.facts().await {
            match &fact {
                Fact::StepStarted { step, attempt, .. } => _ = open.insert(format!("{step}/1/{attempt}")),
                Fact::UndoStarted { phase, place, attempt, .. } => {
                    open.insert(format!("undo:{phase}:{}/1/{attempt}", place + 1));
                }
                Fact::StepSucceeded { step, .. }
                | Fact::RetryScheduled { step, .. }
                | Fact::StepFailed { step, .. } => answer(&mut open, &mut answered, &format!("{step}/")),
                Fact::UndoSucceeded { phase, place, .. }
                | Fact::UndoRetryScheduled { phase, place, .. }
                | Fact::UndoFailed { phase, place, .. } => {
                    answer(&mut open, &mut answered, &format!("undo:{phase}:{}/", place + 1));
                }
                _ => {}
            }
        }
        (open, answered)
    }

    /// The calls of one world: none that was answered, none twice, and `repeat` on exactly those that may have been sent before.
    fn check_calls(&self, from: usize, started: &HashSet<String>, answered: &HashSet<String>) {
        let mut seen = HashSet::new();
        for request in self.perform.asked().drain(from..) {
            let key = request.key.split_once('/').expect("a key begins with its run").1.to_owned();
            assert!(!answered.contains(&key), "{key} was answered before");
            assert_eq!(request.repeat, started.contains(&key), "{key}: {started:?}");
            assert!(seen.insert(key.clone()), "{key} was sent twice");
        }
    }

    /// The run as it ended, without what differs from world to world: its id, its times.
    fn end(&self) -> Vec<String> {
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        runtime.block_on(async {
            let record = self.runs().await.remove(0);
            let plan = self.journal.plan(&record.digest).await.expect("memory").expect("kept");
            let events = self.journal.events(&record.id, 1, usize::MAX).await.expect("memory");
            let events: Vec<_> = events.into_iter().map(|recorded| recorded.event).collect();
            told(&op_run::replay(record.id, plan, &events).expect("a run"))
        })
    }
}

fn answer(open: &mut HashSet<String>, answered: &mut HashSet<String>, step: &str) {
    let keys: Vec<_> = open.iter().filter(|key| key.starts_with(step)).cloned().collect();
    assert_eq!(keys.len(), 1, "one attempt of {step} is answered once");
    for key in keys {
        open.remove(&key);
        answered.insert(key);
    }
}

fn told(run: &Run) -> Vec<String> {
    let phases = (0..run.plan().phases().len()).map(|at| {
        let phase = run.phase(at);
        format!("{}: {} {}", run.plan().phases()[at].id, phase.state.word(), phase.reason)
    });
    let steps = (0..run.plan().step_count()).map(|at| {
        let step = run.step(at);
        let output = step.output.as_ref().map(text).unwrap_or_default();
        let failure = step.trial.failure.as_ref().map(|failure| failure.kind);
        format!("{}: {} {output} {failure:?}", run.plan().step(at).id, step.state.word())
    });
    let attempts = (0..run.plan().step_count()).map(|at| format!("{} attempts", run.step(at).trial.attempts));
    let whole = format!("{} {} {:?}", run.state(), run.reason(), run.output().map(text));
    std::iter::once(whole).chain(phases).chain(steps).chain(attempts).collect()
}

const PLANS: [&str; 6] = [crate::support::LINE, DIAMOND, RETRIES, UNDONE_PHASE, UNDONE_RUN, CANCELLED];

#[test]
fn a_world_that_ends_after_any_commit_changes_nothing_of_how_the_run_ends() {
    for plan in PLANS {
        let whole = Story::new(plan);
        assert!(whole.live(None));
        let commits = whole.journal.appends();
        assert!(commits >= 4, "{commits}");
        for cut in (1..=commits).flat_map(|commit| [Cut::Unheard(commit), Cut::Acted(commit)]) {
            let story = Story::new(plan);
            if !story.live(Some(cut)) {
                assert!(story.live(None), "{cut:?}");
            }
            assert_eq!(story.end(), whole.end(), "{cut:?} in {plan}");
        }
    }
}

#[test]
fn a_run_ends_in_worlds_that_each_live_for_one_commit() {
    for plan in PLANS {
        let whole = Story::new(plan);
        assert!(whole.live(None));
        for cut in [Cut::Unheard(1), Cut::Acted(1)] {
            let story = Story::new(plan);
            let worlds = (0..500).take_while(|_| !story.live(Some(cut))).count();
            assert!((3..500).contains(&worlds), "{worlds} worlds of {cut:?} in {plan}");
            assert_eq!(story.end(), whole.end(), "{cut:?} in {plan}");
        }
    }
}

#[test]
fn the_stories_end_in_every_way_a_run_can_end_well_or_badly() {
    let ends = PLANS.map(|plan| {
        let story = Story::new(plan);
        assert!(story.live(None));
        story.end()[0].split(' ').next().expect("a word").to_owned()
    });
    assert_eq!(ends, ["completed", "completed", "completed", "failed", "rolled_back", "rolled_back"]);
}
