//! Questions that nobody has answered.

use super::chain::Chain;
use super::thought::{Kind, Thought};

/// The questions that stand and that no later observation, hypothesis or analysis which stands builds on. A conclusion answers none: it
/// comes to something, and what it comes to must be known without it.
pub(super) fn open_questions(chain: &Chain) -> Vec<&Thought> {
    let standing = chain.standing_thoughts();
    let is_answered = |question: &Thought| {
        standing.iter().any(|thought| answers(thought.kind) && thought.builds_on.contains(&question.step))
    };
    let questions = standing.iter().filter(|thought| thought.kind == Kind::Question);
    questions.filter(|question| !is_answered(question)).copied().collect()
}

fn answers(kind: Kind) -> bool {
    kind.claims() && kind != Kind::Conclusion
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::chain::fixture::chain;
    use super::*;

    #[test]
    fn a_question_is_open_until_something_that_stands_builds_on_it() {
        let mut chain = chain(json!([
            { "text": "Who?", "type": "question" },
            { "text": "When?", "type": "question", "builds_on": [1] },
            { "text": "At noon.", "builds_on": [2] },
        ]));
        let open = |chain: &Chain| open_questions(chain).iter().map(|open| open.step).collect::<Vec<_>>();
        assert_eq!(open(&chain), [1]);
        chain
            .add(super::super::thought::Draft {
                refutes: vec![3],
                ..super::super::thought::Draft::plain("No.")
            })
            .unwrap();
        assert_eq!(open(&chain), [1, 2]);
    }
}
