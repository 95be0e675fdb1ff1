//! The link to one agent: what happens next. Pure: time, chance and demand come in with the input, and the keeper does
//! what the commands say.
//!
//! | state | wanted | connected | failed | broken, exited | health | draining | dismissed | tick |
//! | --- | --- | --- | --- | --- | --- | --- | --- | --- |
//! | idle | connecting | - | - | - | - | - | - | - |
//! | connecting | - | ready | backing off | backing off | - | - | idle | - |
//! | ready | - | - | - | backing off | unhealthy | draining | draining | idle when quiet |
//! | unhealthy | - | - | - | backing off | ready | draining | draining | idle when quiet |
//! | backing off | sooner | - | - | - | - | - | idle | connecting, or idle when nobody wants it |
//! | draining | again | - | - | backing off or idle | - | - | idle after | idle when it takes too long |

use std::time::Duration;

use op_engine::ports::AgentState;
use op_run::Timestamp;

use crate::Backoff;
use crate::fault::{Fault, FaultKind};

#[cfg(test)]
mod tests;

/// While calls wait, attempts are at most this far apart: demand does not sit out a long backoff.
const HASTE: Duration = Duration::from_secs(1);

/// What a link goes by.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Policy {
    /// The hub starts the agent's process.
    pub(crate) launched: bool,
    /// Connected at all times, once wanted; [`Link::hold`] changes it.
    pub(crate) held: bool,
    pub(crate) backoff: Backoff,
    /// How long a link that is not held may be without a call.
    pub(crate) idle_release: Duration,
    /// How long calls may take to end when the hub lets go.
    pub(crate) drain: Duration,
}

/// The link to one agent.
#[derive(Debug)]
pub(crate) struct Link {
    policy: Policy,
    phase: Phase,
    /// Faults since the link last stood for long.
    faults: u32,
    /// The hub ends: nothing is wanted any more.
    closing: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Idle,
    Connecting {
        since: Timestamp,
    },
    Ready {
        since: Timestamp,
    },
    Unhealthy {
        since: Timestamp,
    },
    BackingOff {
        tried: Timestamp,
        until: Timestamp,
    },
    /// `again`: somebody wants it after all.
    Releasing {
        until: Timestamp,
        again: bool,
    },
    Leaving {
        again: bool,
    },
}

/// Something that happened, and how the world stood.
#[derive(Debug, Clone)]
pub(crate) struct Input {
    pub(crate) at: Timestamp,
    /// Between 0 and 1, drawn anew for each input.
    pub(crate) chance: f64,
    pub(crate) demand: Demand,
    pub(crate) happening: Happening,
}

/// Who wants the link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Demand {
    /// Calls wait for it.
    Waiting,
    /// Calls are in flight, and none waits.
    Busy,
    /// Nobody, since then.
    QuietSince(Timestamp),
}

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Happening {
    /// A call or a person wants the link.
    Wanted,
    /// A person lets go of the link.
    Dismissed,
    /// The hub ends, and the agent with it, or for good.
    Closing,
    /// The hub ends, and the agent goes on with its calls.
    Parting,
    /// An attempt to connect succeeded.
    Connected,
    /// An attempt to connect failed.
    Failed(Fault),
    /// The stream ended.
    Broken(Fault),
    /// The process ended by itself.
    Exited(Fault),
    /// The agent says whether it is serving.
    Health(bool),
    /// The agent says that it is going away.
    Draining,
    /// Somebody listens at the address again.
    Returned,
    /// No call is in flight any more.
    Emptied,
    /// Time passed.
    Tick,
}

/// What to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Command {
    /// Connect; before that, start the process if the hub starts it and it does not run.
    Connect,
    /// Give up the connection or the attempt; what is in flight is lost.
    Hangup,
    /// Ask all calls in flight to stop.
    CancelCalls,
    /// Look out for somebody who listens at the address.
    Lookout,
    /// Ask the process to end, and see to it.
    Stop,
    /// End the process at once: it does not listen.
    Kill,
    /// Tell the breaker.
    CountFault,
    /// Tick then; replaces any earlier wake.
    Wake(Timestamp),
}

/// An input that makes no sense in a state; nothing changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a link that is {} does not expect {happening:?}", state.word())]
pub(crate) struct Unexpected {
    state: AgentState,
    happening: Happening,
}

impl Link {
    pub(crate) fn new(policy: Policy) -> Self {
        Self { policy, phase: Phase::Idle, faults: 0, closing: false }
    }

    /// Whether it is to be connected at all times from now on. Tells whether it need not any more, so that a tick is to look
    /// whether anybody uses it.
    pub(crate) fn hold(&mut self, held: bool) -> bool {
        std::mem::replace(&mut self.policy.held, held) && !held
    }

    /// The state, as people see it.
    pub(crate) fn state(&self) -> AgentState {
        match self.phase {
            Phase::Idle => AgentState::Idle,
            Phase::Connecting { .. } => AgentState::Connecting,
            Phase::Ready { .. } => AgentState::Ready,
            Phase::Unhealthy { .. } => AgentState::Unhealthy,
            Phase::BackingOff { .. } => AgentState::BackingOff,
            Phase::Releasing { .. } | Phase::Leaving { .. } => AgentState::Draining,
        }
    }

    /// Whether the hub ends and nothing is left to do.
    pub(crate) fn is_closed(&self) -> bool {
        self.closing && self.phase == Phase::Idle
    }

    /// Takes an input in, and says what to do.
    pub(crate) fn step(&mut self, input: &Input) -> Result<Vec<Command>, Unexpected> {
        match &input.happening {
            Happening::Wanted => Ok(self.wanted(input)),
            Happening::Dismissed => Ok(self.release(input)),
            Happening::Closing => {
                self.closing = true;
                Ok(self.release(input))
            }
            Happening::Parting => {
                self.closing = true;
                Ok(self.part(input))
            }
            Happening::Connected => self.connected(input),
            Happening::Failed(fault) => self.failed(input, fault),
            Happening::Broken(fault) => self.broken(input, fault),
            Happening::Exited(fault) => self.exited(input, fault),
            Happening::Health(serving) => self.health(input, *serving),
            Happening::Draining => self.draining(input),
            Happening::Returned => self.returned(input),
            Happening::Emptied => self.emptied(input),
            Happening::Tick => Ok(self.tick(input)),
        }
    }

    fn wanted(&mut self, input: &Input) -> Vec<Command> {
        match &mut self.phase {
            _ if self.closing => Vec::new(),
            Phase::Idle => self.connect(input.at),
            Phase::BackingOff { tried, until } => {
                *until = (*until).min(tried.after(HASTE));
                let until = *until;
                if until <= input.at { self.connect(input.at) } else { vec![Command::Wake(until)] }
            }
            Phase::Releasing { again, .. } | Phase::Leaving { again } => {
                *again = true;
                Vec::new()
            }
            Phase::Connecting { .. } | Phase::Ready { .. } | Phase::Unhealthy { .. } => Vec::new(),
        }
    }

    fn connect(&mut self, at: Timestamp) -> Vec<Command> {
        self.phase = Phase::Connecting { since: at };
        vec![Command::Connect]
    }

    fn connected(&mut self, input: &Input) -> Result<Vec<Command>, Unexpected> {
        let Phase::Connecting { .. } = self.phase else { return Err(self.unexpected(input)) };
        self.phase = Phase::Ready { since: input.at };
        Ok(self.watch_quiet(input.at))
    }

    /// When to look whether anybody still uses the link.
    fn watch_quiet(&self, since: Timestamp) -> Vec<Command> {
        if self.policy.held { Vec::new() } else { vec![Command::Wake(since.after(self.policy.idle_release))] }
    }

    fn failed(&mut self, input: &Input, fault: &Fault) -> Result<Vec<Command>, Unexpected> {
        let Phase::Connecting { since } = self.phase else { return Err(self.unexpected(input)) };
        let mut commands = vec![Command::CountFault];
        if self.policy.launched {
            commands.push(Command::Kill);
        }
        commands.extend(self.back_off(input, since, fault.kind));
        Ok(commands)
    }

    fn broken(&mut self, input: &Input, fault: &Fault) -> Result<Vec<Command>, Unexpected> {
        match self.phase {
            Phase::Ready { since } | Phase::Unhealthy { since } => {
                self.settle(input.at, since);
                let mut commands = vec![Command::CountFault, Command::Hangup];
                if self.policy.launched && fault.kind == FaultKind::Hung {
                    commands.push(Command::Kill);
                }
                commands.extend(self.back_off(input, input.at, fault.kind));
                Ok(commands)
            }
            Phase::Releasing { .. } => Ok(self.released(input)),
            Phase::Leaving { again } => Ok(self.left(input, again)),
            Phase::Idle | Phase::Connecting { .. } | Phase::BackingOff { .. } => Err(self.unexpected(input)),
        }
    }

    fn exited(&mut self, input: &Input, fault: &Fault) -> Result<Vec<Command>, Unexpected> {
        match self.phase {
            Phase::Connecting { since } => {
                let mut commands = vec![Command::CountFault, Command::Hangup];
                commands.extend(self.back_off(input, since, fault.kind));
                Ok(commands)
            }
            // The next attempt starts it again.
            Phase::BackingOff { .. } => Ok(Vec::new()),
            Phase::Ready { .. }
            | Phase::Unhealthy { .. }
            | Phase::Releasing { .. }
            | Phase::Leaving { .. } => self.broken(input, fault),
            Phase::Idle => Err(self.unexpected(input)),
        }
    }

    fn health(&mut self, input: &Input, serving: bool) -> Result<Vec<Command>, Unexpected> {
        self.phase = match self.phase {
            Phase::Ready { since } | Phase::Unhealthy { since } if serving => Phase::Ready { since },
            Phase::Ready { since } | Phase::Unhealthy { since } => Phase::Unhealthy { since },
            // An agent that goes away is not serving, and says so.
            draining @ (Phase::Releasing { .. } | Phase::Leaving { .. }) => draining,
            Phase::Idle | Phase::Connecting { .. } | Phase::BackingOff { .. } => {
                return Err(self.unexpected(input));
            }
        };
        Ok(Vec::new())
    }

    fn draining(&mut self, input: &Input) -> Result<Vec<Command>, Unexpected> {
        match self.phase {
            Phase::Ready { .. } | Phase::Unhealthy { .. } => {
                self.phase = Phase::Leaving { again: input.demand == Demand::Waiting };
                Ok(Vec::new())
            }
            Phase::Releasing { .. } | Phase::Leaving { .. } => Ok(Vec::new()),
            Phase::Idle | Phase::Connecting { .. } | Phase::BackingOff { .. } => Err(self.unexpected(input)),
        }
    }

    fn returned(&mut self, input: &Input) -> Result<Vec<Command>, Unexpected> {
        match self.phase {
            Phase::BackingOff { .. } => Ok(self.again(input)),
            Phase::Idle
            | Phase::Connecting { .. }
            | Phase::Ready { .. }
            | Phase::Unhealthy { .. }
            | Phase::Releasing { .. }
            | Phase::Leaving { .. } => Err(self.unexpected(input)),
        }
    }

    fn emptied(&mut self, input: &Input) -> Result<Vec<Command>, Unexpected> {
        match self.phase {
            Phase::Releasing { .. } => Ok(self.released(input)),
            Phase::Leaving { again } => Ok(self.left(input, again)),
            Phase::Idle
            | Phase::Connecting { .. }
            | Phase::Ready { .. }
            | Phase::Unhealthy { .. }
            | Phase::BackingOff { .. } => Err(self.unexpected(input)),
        }
    }

    /// Lets go: at once where no call can be in flight, after they ended where some can.
    fn release(&mut self, input: &Input) -> Vec<Command> {
        match self.phase {
            Phase::Idle => Vec::new(),
            Phase::Connecting { .. } | Phase::BackingOff { .. } => self.end(),
            Phase::Ready { .. } | Phase::Unhealthy { .. } | Phase::Leaving { .. } => {
                let until = input.at.after(self.policy.drain);
                self.phase = Phase::Releasing { until, again: false };
                vec![Command::CancelCalls, Command::Wake(until)]
            }
            Phase::Releasing { until, .. } => {
                self.phase = Phase::Releasing { until, again: false };
                Vec::new()
            }
        }
    }

    /// Lets go at once of an agent that goes on; where its calls are being stopped, after they ended.
    fn part(&mut self, input: &Input) -> Vec<Command> {
        match self.phase {
            Phase::Idle | Phase::Releasing { .. } => self.release(input),
            Phase::Connecting { .. }
            | Phase::Ready { .. }
            | Phase::Unhealthy { .. }
            | Phase::BackingOff { .. }
            | Phase::Leaving { .. } => self.end(),
        }
    }

    fn tick(&mut self, input: &Input) -> Vec<Command> {
        match self.phase {
            Phase::BackingOff { until, .. } | Phase::Releasing { until, .. } if input.at < until => {
                vec![Command::Wake(until)]
            }
            Phase::BackingOff { .. } => self.again(input),
            Phase::Releasing { .. } => self.released(input),
            Phase::Ready { .. } | Phase::Unhealthy { .. } if !self.policy.held => match input.demand {
                Demand::QuietSince(since) if since.after(self.policy.idle_release) <= input.at => self.end(),
                Demand::QuietSince(since) => self.watch_quiet(since),
                Demand::Busy | Demand::Waiting => self.watch_quiet(input.at),
            },
            Phase::Idle
            | Phase::Connecting { .. }
            | Phase::Ready { .. }
            | Phase::Unhealthy { .. }
            | Phase::Leaving { .. } => Vec::new(),
        }
    }

    /// The backoff is over: tries again if anybody wants it.
    fn again(&mut self, input: &Input) -> Vec<Command> {
        if self.is_wanted(input) { self.connect(input.at) } else { self.end() }
    }

    fn is_wanted(&self, input: &Input) -> bool {
        !self.closing && (self.policy.held || input.demand == Demand::Waiting)
    }

    /// The calls ended, or their time is over: lets go for good, or until somebody wants it.
    fn released(&mut self, input: &Input) -> Vec<Command> {
        let again = matches!(self.phase, Phase::Releasing { again: true, .. }) && !self.closing;
        let mut commands = self.end();
        if again {
            commands.extend(self.connect(input.at));
        }
        commands
    }

    fn end(&mut self) -> Vec<Command> {
        self.phase = Phase::Idle;
        vec![Command::Hangup, Command::Stop]
    }

    /// The agent went away as it said it would: no fault, and it may be back soon.
    fn left(&mut self, input: &Input, again: bool) -> Vec<Command> {
        let mut commands = self.end();
        if again || self.is_wanted(input) {
            commands.extend(self.back_off(input, input.at, FaultKind::Broken));
        }
        commands
    }

    /// Waits before the next attempt; `tried` is when the last one began.
    fn back_off(&mut self, input: &Input, tried: Timestamp, kind: FaultKind) -> Vec<Command> {
        self.faults = self.faults.saturating_add(1);
        let wait = self.policy.backoff.wait(self.faults, input.chance);
        let hastened = if input.demand == Demand::Waiting { wait.min(HASTE) } else { wait };
        let until = input.at.after(hastened);
        self.phase = Phase::BackingOff { tried, until };
        let mut commands = Vec::new();
        // A process that the hub starts does not return by itself.
        if kind == FaultKind::Absent && !self.policy.launched {
            commands.push(Command::Lookout);
        }
        commands.push(Command::Wake(until));
        commands
    }

    /// A link that stood for longer than the longest wait starts counting its faults anew.
    fn settle(&mut self, at: Timestamp, since: Timestamp) {
        if at.since(since) >= self.policy.backoff.max {
            self.faults = 0;
        }
    }

    fn unexpected(&self, input: &Input) -> Unexpected {
        Unexpected { state: self.state(), happening: input.happening.clone() }
    }
}
