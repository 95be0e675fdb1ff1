//! One call on the wire: its events in order, and how it ended.

use std::time::Duration;

use op_engine::ports::{Channel, Chunk, Progress};
use op_proto::agent::v1::{self as wire, Event, Outcome, event::Kind};

use crate::fault::Fault;

/// What an operation may send before it is granted more.
pub(crate) const WINDOW: u64 = 256 << 10;

/// How much is consumed before it is granted anew: often enough that the agent never waits, seldom enough to cost nothing.
pub(crate) const GRANT: u64 = WINDOW / 4;

/// What an agent gets on top of the grace to report the end of a call that was asked to stop.
pub(crate) const MARGIN: Duration = Duration::from_secs(2);

/// How a call on the wire ended.
#[derive(Debug)]
pub(crate) enum End {
    /// The agent reported it, after so many bytes of output.
    Outcome(Outcome, u64),
    /// What the agent sent makes no sense.
    Garbled(String),
    /// The agent answered with a status instead of events.
    Refused(tonic::Status),
    /// The link broke. `alone`: no other call was in flight on it.
    Broken { fault: Fault, alone: bool },
    /// It was asked to stop, and nobody heard of it again.
    Silent,
    /// It was stopped before it left.
    Unsent,
    /// Its stream was closed, which asks the agent to stop.
    Closed,
}

/// Why a call was asked to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stopped {
    /// Whoever called wished it.
    Asked,
    /// Its time was over.
    Deadline,
}

/// The end of a call, and whether it was asked to.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) end: End,
    pub(crate) stopped: Option<Stopped>,
}

impl From<End> for Ended {
    fn from(end: End) -> Self {
        Self { end, stopped: None }
    }
}

/// The call did not leave the hub, so it may be tried again.
#[derive(Debug)]
pub(crate) struct NotSent {
    pub(crate) fault: Fault,
    pub(crate) operation: Box<wire::Operation>,
}

/// The events of one call so far.
#[derive(Debug, Default)]
pub(crate) struct Trail {
    sequence: u64,
    /// Bytes of output.
    pub(crate) bytes: u64,
    /// Bytes of output for which no credit was granted yet.
    owed: u64,
    /// Bytes of output for which credit was granted.
    granted: u64,
    /// Whether an agent tells of it that may have told of it before, and so may leave events out.
    may_fold: bool,
}

/// What an event says.
#[derive(Debug, PartialEq)]
pub(crate) enum Heard {
    /// Nothing that anybody waits for.
    Nothing,
    /// Output, or how far the call is.
    Progress(Progress),
    /// How the call ended.
    Outcome(Outcome),
}

impl Trail {
    /// The events of a call; of a `repeat`, some may be gone.
    pub(crate) fn new(repeat: bool) -> Self {
        Self { may_fold: repeat, ..Self::default() }
    }

    /// Its agent is to go on after the last event that was heard: which one that is, and how much output was granted.
    pub(crate) fn resumed(&mut self) -> (u64, u64) {
        self.may_fold = true;
        (self.sequence, self.granted)
    }

    /// Takes an event in. The error says what is wrong with it.
    pub(crate) fn hear(&mut self, event: Event) -> Result<Heard, String> {
        let folded = if self.may_fold { event.folded } else { 0 };
        self.sequence = self.sequence.saturating_add(1).saturating_add(folded);
        if event.sequence != self.sequence {
            return Err(format!("event {} came where event {} was due", event.sequence, self.sequence));
        }
        match event.kind {
            // The acceptance itself, or news of a later version of the protocol.
            Some(Kind::Accepted(_)) | None => Ok(Heard::Nothing),
            Some(Kind::Output(output)) => self.output(output).map(Heard::Progress),
            Some(Kind::Progress(wire::Progress { fraction, note })) => {
                let fraction = (0.0..=1.0).contains(&fraction).then_some(fraction);
                Ok(Heard::Progress(Progress::Fraction { fraction, note }))
            }
            Some(Kind::Outcome(outcome)) if outcome.kind.is_none() => {
                Err("the outcome is of no known kind".to_owned())
            }
            Some(Kind::Outcome(outcome)) => Ok(Heard::Outcome(outcome)),
        }
    }

    fn output(&mut self, output: wire::Output) -> Result<Progress, String> {
        let channel = match output.channel() {
            wire::Channel::Stdout => Channel::Stdout,
            wire::Channel::Stderr => Channel::Stderr,
            wire::Channel::Unspecified => return Err("a piece of output names no channel".to_owned()),
        };
        self.bytes += output.data.len() as u64;
        self.owed += output.data.len() as u64;
        Ok(Progress::Output(Chunk { channel, data: output.data }))
    }

    /// The credit to grant now, if enough was consumed.
    pub(crate) fn grant(&mut self) -> Option<u64> {
        let grant = (self.owed >= GRANT).then(|| std::mem::take(&mut self.owed))?;
        self.granted += grant;
        Some(grant)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use op_proto::agent::v1::{Accepted, Output};

    fn event(sequence: u64, kind: Option<Kind>) -> Event {
        Event { id: "r/s/1/1".into(), sequence, folded: 0, kind }
    }

    fn output(sequence: u64, channel: wire::Channel, size: usize) -> Event {
        event(sequence, Some(Kind::Output(Output { channel: channel.into(), data: vec![7; size].into() })))
    }

    #[test]
    fn events_in_order_are_heard_and_unknown_ones_count_but_say_nothing() {
        let mut trail = Trail::default();
        assert_eq!(trail.hear(event(1, Some(Kind::Accepted(Accepted {})))), Ok(Heard::Nothing));
        assert_eq!(trail.hear(event(2, None)), Ok(Heard::Nothing));
        assert!(matches!(trail.hear(output(3, wire::Channel::Stderr, 2)), Ok(Heard::Progress(_))));
        assert_eq!(trail.bytes, 2);
    }

    #[test]
    fn a_gap_or_a_repeat_is_an_error_that_names_both_numbers() {
        for wrong in [0, 1, 3] {
            let mut trail = Trail::default();
            trail.hear(event(1, None)).expect("the first event");
            let said = trail.hear(event(wrong, None)).expect_err("not the second event");
            assert!(said.contains(&wrong.to_string()) && said.contains("event 2 was due"), "{said}");
        }
    }

    #[test]
    fn only_an_agent_that_may_have_told_before_leaves_events_out() {
        let folded = |sequence, folded| Event { folded, ..event(sequence, None) };
        assert!(Trail::default().hear(folded(3, 2)).is_err());
        assert_eq!(Trail::new(true).hear(folded(3, 2)), Ok(Heard::Nothing));
        let mut trail = Trail::default();
        trail.hear(event(1, None)).expect("the first event");
        assert_eq!(trail.resumed(), (1, 0));
        assert!(trail.hear(folded(5, 2)).is_err());
    }

    #[test]
    fn an_outcome_of_no_kind_and_output_without_channel_are_errors() {
        assert!(Trail::default().hear(event(1, Some(Kind::Outcome(Outcome::default())))).is_err());
        assert!(Trail::default().hear(output(1, wire::Channel::Unspecified, 1)).is_err());
    }

    #[test]
    fn a_fraction_outside_of_its_range_is_unknown() {
        for (fraction, known) in [(-1.0, None), (0.25, Some(0.25)), (f64::NAN, None), (1.5, None)] {
            let progress = wire::Progress { fraction, note: String::new() };
            let heard = Trail::default().hear(event(1, Some(Kind::Progress(progress))));
            let want = Progress::Fraction { fraction: known, note: String::new() };
            assert_eq!(heard, Ok(Heard::Progress(want)));
        }
    }

    #[test]
    fn credit_is_granted_for_all_that_was_consumed_and_in_large_pieces() {
        let mut trail = Trail::default();
        let mut granted = 0;
        for sequence in 1..=100 {
            trail.hear(output(sequence, wire::Channel::Stdout, 10_000)).expect("output");
            let grant = trail.grant().unwrap_or_default();
            assert!(grant == 0 || grant >= GRANT);
            granted += grant;
        }
        assert!(granted + GRANT > 1_000_000, "{granted}");
    }
}
