//! What a call was answered, for an agent that missed it.

use std::collections::VecDeque;

use op_proto::agent::v1::Outcome;
use prost::Message;

use super::host::{MAX_OPEN, MAX_VALUE};

/// Bytes of answers that are kept of one call; the newest is kept whatever its size.
const MAX_KEPT: usize = 2 * MAX_VALUE;

/// Answers to the host calls of one call, the newest last: at most as many as may be open at once. One that is not kept any more is
/// asked for again under the same key, by which its performer knows it.
#[derive(Debug, Default)]
pub(super) struct Replies {
    kept: VecDeque<(u32, Outcome, usize)>,
    bytes: usize,
}

impl Replies {
    pub(super) fn keep(&mut self, number: u32, outcome: Outcome) {
        let size = outcome.encoded_len();
        self.bytes += size;
        self.kept.push_back((number, outcome, size));
        while self.kept.len() > MAX_OPEN || (self.bytes > MAX_KEPT && self.kept.len() > 1) {
            let oldest = self.kept.pop_front();
            self.bytes -= oldest.map_or(0, |(_, _, size)| size);
        }
    }

    pub(super) fn find(&self, number: u32) -> Option<&Outcome> {
        self.kept.iter().find(|(of, _, _)| *of == number).map(|(_, outcome, _)| outcome)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use op_proto::agent::v1::{Completed, outcome::Kind};

    fn outcome(bytes: usize) -> Outcome {
        Outcome { kind: Some(Kind::Completed(Completed { value: "x".repeat(bytes) })), evidence: None }
    }

    fn kept(replies: &Replies, numbers: u32) -> Vec<u32> {
        (1..=numbers).filter(|number| replies.find(*number).is_some()).collect()
    }

    #[test]
    fn as_many_small_answers_are_kept_as_may_be_open() {
        let (mut replies, numbers) = (Replies::default(), 3 + u32::try_from(MAX_OPEN).expect("few"));
        (1..=numbers).for_each(|number| replies.keep(number, outcome(1)));
        assert_eq!(kept(&replies, numbers), (4..=numbers).collect::<Vec<_>>());
    }

    #[test]
    fn large_answers_are_kept_up_to_a_size_and_the_newest_whatever_its_own() {
        let mut replies = Replies::default();
        (1..=5).for_each(|number| replies.keep(number, outcome(MAX_VALUE - 100)));
        assert_eq!(kept(&replies, 5), [4, 5]);
        replies.keep(6, outcome(2 * MAX_KEPT));
        assert_eq!(kept(&replies, 6), [6]);
        assert!(replies.bytes >= 2 * MAX_KEPT);
        replies.keep(7, outcome(1));
        assert_eq!((kept(&replies, 7), replies.bytes), (vec![7], outcome(1).encoded_len()));
    }
}
