//! What was told of agents, plans, calls and the daemon itself, and what comes next.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use op_engine::ports::AgentStatus;
use op_plan::Plan;
use tokio::time::Instant;

use super::next::{Moment, Next, Signal};
use crate::calls::CallView;
use crate::view::{Daemon, Told, agent, lock};

/// Time between two tellings of the daemon's own counts.
const COUNTS: Duration = Duration::from_millis(100);

/// Where something stands that comes and goes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Stage {
    /// Not on the bus yet.
    #[default]
    Unseen,
    /// On the bus.
    Shown,
    /// To be taken off the bus.
    Leaving,
    /// Off the bus.
    Gone,
}

impl Stage {
    /// The way onto the bus and off it; `None` while it stands there.
    fn next(&mut self) -> Option<Next> {
        let (stage, next) = match self {
            Self::Unseen => (Self::Shown, Next::Export),
            Self::Shown => return None,
            Self::Leaving => (Self::Gone, Next::Unexport),
            Self::Gone => (Self::Gone, Next::Forget),
        };
        *self = stage;
        Some(next)
    }

    fn leave(&mut self) {
        *self = match self {
            Self::Unseen | Self::Gone => Self::Gone,
            Self::Shown | Self::Leaving => Self::Leaving,
        };
    }

    fn stay(&mut self) {
        *self = match self {
            Self::Unseen | Self::Gone => Self::Unseen,
            Self::Shown | Self::Leaving => Self::Shown,
        };
    }
}

/// An agent.
#[derive(Debug)]
pub(crate) struct AgentCard {
    pub(crate) view: Arc<Mutex<AgentStatus>>,
    stage: Stage,
    told: Told,
}

impl AgentCard {
    pub(crate) fn new(status: AgentStatus) -> Self {
        Self { view: Arc::new(Mutex::new(status)), stage: Stage::Unseen, told: Told::default() }
    }

    /// Takes it in as it is now.
    pub(crate) fn take(&mut self, status: AgentStatus) {
        *lock(&self.view) = status;
    }

    pub(crate) fn leave(&mut self) {
        self.stage.leave();
    }

    /// It does not leave after all.
    pub(crate) fn stay(&mut self) {
        self.stage.stay();
    }

    /// It was put on a new connection as it is now.
    pub(crate) fn renew(&mut self) {
        self.stage = Stage::Shown;
        self.told.tell(&agent::properties(&lock(&self.view)));
    }

    pub(crate) fn is_told(&self) -> bool {
        self.stage == Stage::Shown && self.told.changes(agent::properties(&lock(&self.view))).is_empty()
    }

    pub(crate) fn next(&mut self) -> Next {
        let properties = agent::properties(&lock(&self.view));
        if let Some(next) = self.stage.next() {
            self.told.tell(&properties);
            return next;
        }
        let changed = self.told.changes(properties);
        if changed.is_empty() {
            return Next::Nothing;
        }
        self.told.tell(&changed);
        Next::Properties(changed, vec![])
    }
}

/// A plan. Its properties never change: another version of it is another object at the same path.
#[derive(Debug)]
pub(crate) struct PlanCard {
    pub(crate) plan: Arc<Plan>,
    stage: Stage,
    newer: Option<Arc<Plan>>,
}

impl PlanCard {
    pub(crate) fn new(plan: Arc<Plan>) -> Self {
        Self { plan, stage: Stage::Unseen, newer: None }
    }

    /// The plan is this now; none any more when there is none.
    pub(crate) fn take(&mut self, plan: Option<Arc<Plan>>) {
        match plan {
            Some(plan) if self.stage == Stage::Shown && plan.digest() == self.plan.digest() => {}
            Some(plan) if self.stage == Stage::Unseen => self.plan = plan,
            newer => {
                self.newer = newer;
                self.stage.leave();
            }
        }
    }

    /// It was put on a new connection.
    pub(crate) fn renew(&mut self) {
        self.stage = Stage::Shown;
    }

    pub(crate) fn is_told(&self) -> bool {
        self.stage == Stage::Shown
    }

    pub(crate) fn next(&mut self) -> Next {
        if self.stage == Stage::Gone
            && let Some(newer) = self.newer.take()
        {
            (self.plan, self.stage) = (newer, Stage::Unseen);
        }
        self.stage.next().unwrap_or(Next::Nothing)
    }
}

/// A call.
#[derive(Debug)]
pub(crate) struct CallCard {
    pub(crate) view: Arc<CallView>,
    stage: Stage,
    told: &'static str,
    is_finished: bool,
}

impl CallCard {
    pub(crate) fn new(view: Arc<CallView>) -> Self {
        Self { told: view.state(), view, stage: Stage::Unseen, is_finished: false }
    }

    pub(crate) fn leave(&mut self) {
        self.stage.leave();
    }

    pub(crate) fn is_told(&self) -> bool {
        self.stage == Stage::Shown && self.told == self.view.state()
    }

    pub(crate) fn next(&mut self, moment: Moment) -> Next {
        let state = self.view.state();
        if let Some(next) = self.stage.next() {
            self.told = state;
            return next;
        }
        if self.told != state {
            self.told = state;
            return Next::Properties([("State", state.into())].into(), vec![]);
        }
        if moment.is_held || self.is_finished || self.view.answer().is_none() {
            return Next::Nothing;
        }
        self.is_finished = true;
        Next::Signal(Signal::CallFinished(state))
    }
}

/// The daemon itself.
#[derive(Debug)]
pub(crate) struct DaemonCard {
    told: Told,
    not_before: Instant,
    reloads: VecDeque<(u64, bool, String)>,
}

impl DaemonCard {
    pub(crate) fn new(now: Instant) -> Self {
        Self { told: Told::default(), not_before: now, reloads: VecDeque::new() }
    }

    /// The configuration was read again.
    pub(crate) fn reloaded(&mut self, generation: u64, errors: &[String]) {
        self.reloads.push_back((generation, errors.is_empty(), errors.join(" ")));
    }

    /// It was put on a new connection as it is now.
    pub(crate) fn renew(&mut self, daemon: &Daemon) {
        self.told.tell(&daemon.properties());
        self.reloads.clear();
    }

    pub(crate) fn is_told(&self, daemon: &Daemon) -> bool {
        self.told.changes(daemon.properties()).is_empty()
    }

    /// When its counts may be told.
    pub(crate) fn due(&self, moment: Moment) -> Option<Instant> {
        (!moment.is_urgent && self.not_before > moment.now).then_some(self.not_before)
    }

    pub(crate) fn next(&mut self, daemon: &Daemon, moment: Moment) -> Next {
        let changed = self.told.changes(daemon.properties());
        if !changed.is_empty() {
            self.told.tell(&changed);
            self.not_before = moment.now + COUNTS;
            return Next::Properties(changed, vec![]);
        }
        if moment.is_held {
            return Next::Nothing;
        }
        self.reloads.pop_front().map_or(Next::Nothing, |(generation, ok, message)| {
            Next::Signal(Signal::Reloaded(generation, ok, message))
        })
    }
}
