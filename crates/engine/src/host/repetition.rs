//! The same call again and again, with the same answer.

use std::hash::{DefaultHasher, Hash, Hasher};

use op_run::Answer;

/// How often in a row a call may bring the same answer.
const PATIENCE: u32 = 3;

/// The last call and what it brought, by their hashes.
#[derive(Debug, Default)]
pub(super) struct Repetition {
    call: u64,
    answer: u64,
    times: u32,
}

impl Repetition {
    /// Whether a call was made so often in a row, with the same answer, that once more will not help.
    pub(super) fn is_stuck(&self, call: u64) -> bool {
        self.times >= PATIENCE && self.call == call
    }

    /// A call ended.
    pub(super) fn ended(&mut self, call: u64, answer: &Answer) {
        // What was observed, such as how long it took, differs each time.
        let answer = match answer {
            Answer::Succeeded { value, .. } => hash(value),
            Answer::Failed { failure, .. } => hash(&(&failure.reason, &failure.message)),
        };
        let is_same = self.call == call && self.answer == answer;
        self.times = if is_same { self.times + 1 } else { 1 };
        (self.call, self.answer) = (call, answer);
    }
}

/// Tells values apart within one call; kept nowhere.
pub(super) fn hash(value: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use op_run::Evidence;
    use serde_json::json;

    use super::*;

    fn answer(value: u32) -> Answer {
        Answer::Succeeded { value: json!(value), evidence: Evidence::default() }
    }

    #[test]
    fn the_same_call_with_the_same_answer_is_stuck_after_three_and_any_change_is_progress() {
        let mut repetition = Repetition::default();
        (0..3).for_each(|_| repetition.ended(1, &answer(1)));
        assert!(repetition.is_stuck(1) && !repetition.is_stuck(2));
        repetition.ended(2, &answer(1));
        assert!(!repetition.is_stuck(1));
        (0..9).for_each(|value| repetition.ended(1, &answer(value)));
        assert!(!repetition.is_stuck(1));
    }
}
