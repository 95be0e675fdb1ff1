//! Events that a hub may not have seen yet, kept for one that comes back.

use std::collections::VecDeque;

use op_proto::agent::v1::event::Kind;

/// Bytes of events kept of one operation, `OVERHEAD` for each beside its output; beyond, the oldest go. Four times what a hub that
/// grants credit for what it has seen can have missed; what another one misses is counted as folded.
const MAX_WEIGHT: usize = 1 << 20;

/// What an event weighs beside its output.
const OVERHEAD: usize = 64;

/// The newest events of an operation: output, and progress that nothing overtook.
#[derive(Debug, Default)]
pub(super) struct Retained {
    events: VecDeque<(u64, Kind)>,
    weight: usize,
}

impl Retained {
    /// Keeps an event. Progress right behind progress takes its place.
    pub(super) fn keep(&mut self, sequence: u64, kind: Kind) {
        let is_progress = |kind: &Kind| matches!(kind, Kind::Progress(_));
        if is_progress(&kind) && self.events.back().is_some_and(|(_, last)| is_progress(last)) {
            self.events.pop_back();
            self.weight -= OVERHEAD;
        }
        self.weight += weight(&kind);
        self.events.push_back((sequence, kind));
        while self.weight > MAX_WEIGHT {
            self.pop();
        }
    }

    /// The first event after `seen`.
    pub(super) fn after(&self, seen: u64) -> Option<&(u64, Kind)> {
        let place = self.events.partition_point(|(sequence, _)| *sequence <= seen);
        self.events.get(place)
    }

    /// Bytes that it takes.
    pub(super) fn weight(&self) -> usize {
        self.weight
    }

    fn pop(&mut self) {
        if let Some((_, kind)) = self.events.pop_front() {
            self.weight -= weight(&kind);
        }
    }
}

fn weight(kind: &Kind) -> usize {
    match kind {
        Kind::Output(output) => OVERHEAD + output.data.len(),
        Kind::Accepted(_) | Kind::Progress(_) | Kind::Outcome(_) => OVERHEAD,
    }
}

#[cfg(test)]
mod tests {
    use op_proto::agent::v1::{Channel, Output, Progress};

    use super::*;

    fn output(size: usize) -> Kind {
        Kind::Output(Output { channel: Channel::Stdout.into(), data: vec![7; size].into() })
    }

    fn progress() -> Kind {
        Kind::Progress(Progress::default())
    }

    fn sequences(retained: &Retained) -> Vec<u64> {
        retained.events.iter().map(|(sequence, _)| *sequence).collect()
    }

    #[test]
    fn of_progress_in_a_row_the_newest_is_kept() {
        let mut retained = Retained::default();
        for (sequence, kind) in
            [progress(), progress(), output(1), progress(), progress()].into_iter().enumerate()
        {
            retained.keep(sequence as u64, kind);
        }
        assert_eq!(sequences(&retained), [1, 2, 4]);
        assert_eq!(retained.after(2).map(|(sequence, _)| *sequence), Some(4));
        assert_eq!(retained.after(4), None);
    }

    #[test]
    fn what_is_kept_is_bounded_and_the_newest_stays() {
        let mut retained = Retained::default();
        (0..100_000).for_each(|sequence| retained.keep(sequence, output(1)));
        assert!(retained.weight() <= MAX_WEIGHT, "{}", retained.weight());
        assert_eq!(sequences(&retained).last(), Some(&99_999));
    }
}
