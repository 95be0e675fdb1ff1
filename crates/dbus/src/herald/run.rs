//! What was told of a run, and what comes next. No clock and no bus here.
//!
//! ```text
//! unseen ─ exported ─▶ shown: properties ▸ RunNew ▸ PhaseChanged ▸ Finished ▸ progress
//!                        │ kept long enough
//!                        ▼
//!                     leaving ─ InterfacesRemoved ─▶ left ─ RunRemoved ─▶ gone
//! ```

use std::sync::Arc;
use std::time::Duration;

use op_engine::ports::Recorded;
use op_run::run::{PhaseState, State};
use op_run::{Run, evolve};
use tokio::time::Instant;

use super::bucket::Bucket;
use super::next::{Moment, Next, Signal};
use crate::view::run::Facts;
use crate::view::{RunView, Told};

/// Time between two tellings of the progress of one run.
const PROGRESS: Duration = Duration::from_millis(500);

/// Where a run stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Unseen,
    Shown,
    Leaving,
    Left,
    Gone,
}

#[derive(Debug)]
pub(crate) struct RunCard {
    /// What it shows.
    pub(crate) view: Arc<RunView>,
    /// The run as of its last event; none while it waits or is over, when nothing of it is worth memory.
    shadow: Option<Run>,
    stage: Stage,
    is_announced: bool,
    told: Told,
    /// Phases as `PropertiesChanged` told of them, and as `PhaseChanged` did.
    invalidated: Vec<(PhaseState, u32)>,
    phases: Vec<(PhaseState, u32)>,
    is_finished: bool,
    progress_at: Option<Instant>,
}

/// What became of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Followed {
    /// It was taken, and overtook so many signals that were not sent yet.
    Taken(u64),
    /// It was known.
    Old,
    /// Something is missing before it.
    Gap,
}

impl RunCard {
    /// A run of which nothing was told.
    pub(crate) fn new(run: &Run) -> Self {
        let view = Arc::new(RunView::new(run));
        let facts = view.facts();
        let phases = phases(&facts);
        Self {
            view,
            shadow: keep(run),
            stage: Stage::Unseen,
            is_announced: false,
            told: Told::default(),
            invalidated: phases.clone(),
            phases,
            is_finished: facts.state.is_over(),
            progress_at: None,
        }
    }

    /// Takes an event in.
    pub(crate) fn follow(&mut self, recorded: &Recorded) -> Followed {
        if recorded.sequence <= self.view.facts().sequence {
            return Followed::Old;
        }
        let Some(mut run) = self.shadow.take().filter(|run| run.sequence() + 1 == recorded.sequence) else {
            return Followed::Gap;
        };
        evolve(&mut run, &recorded.event);
        Followed::Taken(self.take(&run))
    }

    /// Takes the run in as it is now; tells how many signals were overtaken that were not sent yet.
    pub(crate) fn take(&mut self, run: &Run) -> u64 {
        let before = self.view.facts();
        if run.sequence() < before.sequence {
            return 0;
        }
        self.view.take(run);
        self.shadow = keep(run);
        let after = self.view.facts();
        if !after.state.is_over() {
            self.is_finished = false;
        }
        self.overtaken(&before, &after)
    }

    fn overtaken(&self, before: &Facts, after: &Facts) -> u64 {
        let phases = self.phases.iter().zip(&before.phases).zip(&after.phases);
        let overtaken = phases.filter(|((told, before), after)| {
            **told != (before.state, before.visit)
                && (before.state, before.visit) != (after.state, after.visit)
        });
        let untold = !self.told.changes(self.view.properties(before)).is_empty();
        let state = self.stage == Stage::Shown && untold && before.state != after.state;
        overtaken.count() as u64 + u64::from(state)
    }

    /// It has been on the bus long enough.
    pub(crate) fn leave(&mut self) {
        self.stage = match self.stage {
            Stage::Unseen => Stage::Gone,
            Stage::Shown => Stage::Leaving,
            stage @ (Stage::Leaving | Stage::Left | Stage::Gone) => stage,
        };
    }

    /// Somebody wants it on the bus.
    pub(crate) fn stay(&mut self) {
        self.stage = match self.stage {
            Stage::Leaving => Stage::Shown,
            Stage::Left | Stage::Gone => Stage::Unseen,
            stage @ (Stage::Unseen | Stage::Shown) => stage,
        };
    }

    /// It was put on a new connection as it is now, and nothing that happened before is told there.
    pub(crate) fn renew(&mut self) {
        let facts = self.view.facts();
        self.stage = Stage::Shown;
        self.tell_all(&facts);
        self.phases.clone_from(&self.invalidated);
        (self.is_announced, self.is_finished) = (true, facts.state.is_over());
    }

    /// Whether it is, or was meant to be, on the bus from now on.
    pub(crate) fn is_staying(&self) -> bool {
        matches!(self.stage, Stage::Unseen | Stage::Shown)
    }

    /// Whether it stands on the bus and everything that it shows was told.
    pub(crate) fn is_told(&self) -> bool {
        let facts = self.view.facts();
        matches!(self.stage, Stage::Shown | Stage::Leaving)
            && self.told.changes(self.view.properties(&facts)).is_empty()
            && self.invalidated == phases(&facts)
    }

    /// What is to be told next.
    pub(crate) fn next(&mut self, moment: Moment, progress: &mut Bucket) -> Next {
        match self.stage {
            Stage::Unseen if moment.is_parked => Next::Park,
            Stage::Unseen => {
                self.stage = Stage::Shown;
                self.tell_all(&self.view.facts());
                Next::Export
            }
            Stage::Shown => self.news(moment, progress),
            // How it ended is told before it goes, however many others ended since.
            Stage::Leaving => match self.news(moment, progress) {
                Next::Nothing | Next::At(_) if !moment.is_held => {
                    self.stage = Stage::Left;
                    Next::Unexport
                }
                next => next,
            },
            Stage::Left => {
                self.stage = Stage::Gone;
                Next::Signal(Signal::RunRemoved(self.view.facts().result()))
            }
            Stage::Gone => Next::Forget,
        }
    }

    fn news(&mut self, moment: Moment, progress: &mut Bucket) -> Next {
        let facts = self.view.facts();
        if let Some(next) = self.properties(&facts, moment.now, progress) {
            return next;
        }
        if moment.is_held {
            return Next::Nothing;
        }
        if !self.is_announced {
            self.is_announced = true;
            return Next::Signal(Signal::RunNew);
        }
        if let Some(signal) = self.phase(&facts) {
            return Next::Signal(signal);
        }
        if facts.state.is_over() && !self.is_finished {
            self.is_finished = true;
            let (name, message) = facts.error();
            return Next::Signal(Signal::Finished(facts.result(), name, message));
        }
        self.progress(&facts, moment.now, progress)
    }

    fn properties(&mut self, facts: &Facts, now: Instant, bucket: &mut Bucket) -> Option<Next> {
        let mut changed = self.told.changes(self.view.properties(facts));
        let phases = phases(facts);
        let invalidated = if self.invalidated == phases { vec![] } else { vec!["Phases"] };
        if changed.is_empty() && invalidated.is_empty() {
            return None;
        }
        // What is told at the end is the end: nothing of it comes later.
        if facts.state.is_over() || self.progress_due(now, bucket) <= now {
            let progress = self.told.changes(self.view.progress(facts));
            if !progress.is_empty() {
                self.progress_told(now, bucket);
            }
            changed.extend(progress);
        }
        self.told.tell(&changed);
        self.invalidated = phases;
        Some(Next::Properties(changed, invalidated))
    }

    /// The first phase that changed since it was told.
    fn phase(&mut self, facts: &Facts) -> Option<Signal> {
        let now = phases(facts);
        let at = self.phases.iter().zip(&now).position(|(told, now)| told != now)?;
        let (old, _) = std::mem::replace(&mut self.phases[at], now[at]);
        let (new, visit) = now[at];
        let phase = self.view.plan.phases()[at].id.clone();
        Some(Signal::Phase { sequence: facts.sequence, phase, old: old.word(), new: new.word(), visit })
    }

    fn progress(&mut self, facts: &Facts, now: Instant, bucket: &mut Bucket) -> Next {
        let changed = self.told.changes(self.view.progress(facts));
        if changed.is_empty() {
            return Next::Nothing;
        }
        let due = self.progress_due(now, bucket);
        if due > now {
            return Next::At(due);
        }
        self.progress_told(now, bucket);
        self.told.tell(&changed);
        Next::Properties(changed, vec![])
    }

    fn progress_due(&self, now: Instant, bucket: &mut Bucket) -> Instant {
        let own = self.progress_at.map_or(now, |at| at + PROGRESS);
        if bucket.has(now) { own } else { own.max(bucket.next()) }
    }

    fn progress_told(&mut self, now: Instant, bucket: &mut Bucket) {
        bucket.take();
        self.progress_at = Some(now);
    }

    fn tell_all(&mut self, facts: &Facts) {
        self.told.tell(&self.view.properties(facts));
        self.told.tell(&self.view.progress(facts));
        self.invalidated = phases(facts);
    }
}

fn phases(facts: &Facts) -> Vec<(PhaseState, u32)> {
    facts.phases.iter().map(|phase| (phase.state, phase.visit)).collect()
}

/// A run that only waits, or is over, is read again when something happens to it.
fn keep(run: &Run) -> Option<Run> {
    let is_quiet = matches!(run.state(), State::Waiting | State::Paused) || run.state().is_over();
    (!is_quiet).then(|| run.clone())
}

#[cfg(test)]
mod tests;
