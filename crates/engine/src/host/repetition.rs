//! The same call again and again, with the same answer.

use op_plan::plan::digest;
use op_run::Answer;

/// How often in a row a call may bring the same answer.
const PATIENCE: u32 = 3;

/// The last call and what it brought.
#[derive(Debug, Default)]
pub(super) struct Repetition {
    call: String,
    answer: String,
    times: u32,
}

impl Repetition {
    /// Whether a call was made so often in a row, with the same answer, that once more will not help.
    pub(super) fn is_stuck(&self, call: &str) -> bool {
        self.times >= PATIENCE && self.call == call
    }

    /// A call ended.
    pub(super) fn ended(&mut self, call: &str, answer: &Answer) {
        // What was observed, such as how long it took, differs each time.
        let answer = match answer {
            Answer::Succeeded { value, .. } => digest(value),
            Answer::Failed { failure, .. } => digest(&(&failure.reason, &failure.message)),
        };
        let is_same = self.call == call && self.answer == answer;
        self.times = if is_same { self.times + 1 } else { 1 };
        (self.call, self.answer) = (call.to_owned(), answer);
    }
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
        (0..3).for_each(|_| repetition.ended("a", &answer(1)));
        assert!(repetition.is_stuck("a") && !repetition.is_stuck("b"));
        repetition.ended("b", &answer(1));
        assert!(!repetition.is_stuck("a"));
        (0..9).for_each(|value| repetition.ended("a", &answer(value)));
        assert!(!repetition.is_stuck("a"));
    }
}
