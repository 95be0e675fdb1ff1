//! The breaker of an agent: when calls to it are answered as unavailable without trying.
//!
//! Transport faults alone open it; an operation that fails is an answer, and an answer closes it.
//!
//! ```text
//!  closed ──threshold faults in a row──▶ open ──reset passed, or the link stands again──▶ half-open
//!    ▲                                    ▲                                                  │
//!    └──────────── any answer ────────────┼──────────────────────────────────────────────────┤
//!                                         └──────────────────── a fault ─────────────────────┘
//! ```

use op_engine::ports;
use op_run::Timestamp;

use crate::BreakerSettings;

/// The breaker of one agent.
#[derive(Debug)]
pub(crate) struct Breaker {
    settings: BreakerSettings,
    state: State,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Calls pass; so many faults came in a row.
    Closed { faults: u32 },
    /// No call passes before this.
    Open { until: Timestamp },
    /// One call passes; whether it is on its way.
    HalfOpen { probing: bool },
}

/// What a call may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pass {
    /// Go to the agent.
    Go,
    /// Go to the agent, and report what came of it.
    Probe,
    /// Wait for what comes of another call's probe.
    Wait,
    /// Not before this.
    Refused(Timestamp),
}

impl Breaker {
    pub(crate) fn new(settings: BreakerSettings) -> Self {
        Self { settings, state: State::Closed { faults: 0 } }
    }

    /// Says whether a call may go.
    pub(crate) fn admit(&mut self, now: Timestamp) -> Pass {
        match self.state {
            State::Closed { .. } => Pass::Go,
            State::Open { until } if now < until => Pass::Refused(until),
            State::Open { .. } | State::HalfOpen { probing: false } => {
                self.state = State::HalfOpen { probing: true };
                Pass::Probe
            }
            State::HalfOpen { probing: true } => Pass::Wait,
        }
    }

    /// The agent answered a call, whatever it answered.
    pub(crate) fn answered(&mut self) {
        self.state = State::Closed { faults: 0 };
    }

    /// Whether all went well of late, so that an answer is no news.
    pub(crate) fn is_clean(&self) -> bool {
        self.state == State::Closed { faults: 0 }
    }

    /// The link to the agent failed or broke.
    pub(crate) fn faulted(&mut self, now: Timestamp) {
        let open = State::Open { until: now.after(self.settings.reset) };
        self.state = match self.state {
            State::Closed { faults } if faults + 1 < self.settings.threshold => {
                State::Closed { faults: faults + 1 }
            }
            State::Closed { .. } | State::HalfOpen { .. } => open,
            // An open breaker is not held open by attempts that no call asked for.
            State::Open { until } => State::Open { until },
        };
    }

    /// The link stands again, so a probe need not wait.
    pub(crate) fn returned(&mut self) {
        if let State::Open { .. } = self.state {
            self.state = State::HalfOpen { probing: false };
        }
    }

    /// A probe ended without a verdict: the next call may probe.
    pub(crate) fn unproven(&mut self) {
        if let State::HalfOpen { .. } = self.state {
            self.state = State::HalfOpen { probing: false };
        }
    }

    /// The state, as people see it.
    pub(crate) fn state(&self, now: Timestamp) -> ports::Breaker {
        match self.state {
            State::Closed { .. } => ports::Breaker::Closed,
            State::Open { until } if now < until => ports::Breaker::Open,
            State::Open { .. } | State::HalfOpen { .. } => ports::Breaker::HalfOpen,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::time::Duration;

    const RESET: Duration = Duration::from_mins(1);

    fn at(seconds: u64) -> Timestamp {
        Timestamp::from_millis(seconds * 1000)
    }

    fn breaker(threshold: u32) -> Breaker {
        Breaker::new(BreakerSettings { threshold, reset: RESET })
    }

    fn opened() -> Breaker {
        let mut breaker = breaker(1);
        breaker.faulted(at(0));
        breaker
    }

    #[test]
    fn it_opens_at_the_threshold_and_says_until_when() {
        let mut breaker = breaker(3);
        for _ in 0..2 {
            breaker.faulted(at(1));
            assert_eq!(breaker.admit(at(1)), Pass::Go);
        }
        breaker.faulted(at(1));
        assert_eq!(breaker.admit(at(60)), Pass::Refused(at(61)));
        assert_eq!(breaker.state(at(60)), ports::Breaker::Open);
    }

    #[test]
    fn an_answer_between_faults_begins_the_count_anew() {
        let mut breaker = breaker(2);
        for _ in 0..9 {
            breaker.faulted(at(0));
            breaker.answered();
        }
        assert_eq!(breaker.admit(at(0)), Pass::Go);
    }

    #[test]
    fn half_open_lets_one_probe_through_and_the_others_wait() {
        let mut breaker = opened();
        assert_eq!(breaker.state(at(60)), ports::Breaker::HalfOpen);
        assert_eq!(breaker.admit(at(60)), Pass::Probe);
        assert_eq!(breaker.admit(at(60)), Pass::Wait);
        assert_eq!(breaker.admit(at(600)), Pass::Wait);
        breaker.answered();
        assert_eq!(breaker.admit(at(60)), Pass::Go);
    }

    #[test]
    fn a_probe_that_faults_opens_it_again_and_one_without_verdict_makes_room() {
        let mut breaker = opened();
        assert_eq!(breaker.admit(at(60)), Pass::Probe);
        breaker.unproven();
        assert_eq!(breaker.admit(at(60)), Pass::Probe);
        breaker.faulted(at(61));
        assert_eq!(breaker.admit(at(62)), Pass::Refused(at(121)));
    }

    #[test]
    fn an_agent_that_is_back_is_probed_at_once() {
        let mut breaker = opened();
        breaker.returned();
        assert_eq!(breaker.admit(at(1)), Pass::Probe);
    }

    #[test]
    fn faults_of_nobodys_calls_do_not_hold_it_open() {
        let mut breaker = opened();
        breaker.faulted(at(59));
        assert_eq!(breaker.admit(at(60)), Pass::Probe);
    }

    proptest! {
        #[test]
        fn it_is_open_only_after_as_many_faults_in_a_row_as_the_threshold_says(
            threshold in 1u32..6, steps in proptest::collection::vec(0u8..5, 0..60),
        ) {
            let mut breaker = breaker(threshold);
            let (mut row, mut probes) = (0, 0);
            for (second, step) in steps.into_iter().enumerate() {
                let now = at(second as u64 * 20);
                match step {
                    0 => { breaker.faulted(now); row += 1; probes = 0; }
                    1 => { breaker.answered(); row = 0; probes = 0; }
                    2 => { breaker.unproven(); probes = 0; }
                    3 => breaker.returned(),
                    _ => match breaker.admit(now) {
                        Pass::Go => prop_assert!(row < threshold),
                        Pass::Refused(until) => {
                            prop_assert!(row >= threshold && until > now && until <= now.after(RESET));
                        }
                        Pass::Probe => { prop_assert_eq!(probes, 0); probes = 1; }
                        Pass::Wait => prop_assert_eq!(probes, 1),
                    },
                }
            }
        }
    }
}
