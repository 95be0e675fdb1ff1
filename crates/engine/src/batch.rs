//! Several calls as one: which of them begin now, when the others are to stop, and what comes of all together. Pure: it knows
//! calls by their places, and is told how each ended.
//!
//! | strategy | side by side | stops the others | succeeds | value |
//! | --- | --- | --- | --- | --- |
//! | parallel | yes | at the first that does not succeed, if it is to | when all do | none |
//! | sequential | no | the same, by beginning no other one | when all do | none |
//! | first success | yes | at the first that succeeds | when one does | of that one |
//! | pipeline | no | at the first that does not succeed | when all do | of the last one |
//! | voting | yes | once so many agree, or cannot any more | when so many agree | of the first of these |

use op_run::Answer;
use serde_json::Value;

/// Most calls in a batch.
pub const MOST: usize = 256;

/// The argument of a pipeline that takes the value of the call before, where none is named.
pub const INPUT: &str = "input";

/// In which order, and what counts as success.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Strategy {
    /// All side by side.
    Parallel {
        /// How many at once.
        limit: Option<usize>,
        /// Whether the others stop as soon as one does not succeed.
        stop_on_error: bool,
    },
    /// One after the other.
    Sequential {
        /// Whether no other one begins once one does not succeed.
        stop_on_error: bool,
    },
    /// All side by side until one succeeds.
    FirstSuccess,
    /// One after the other, each with the value of the one before.
    Pipeline {
        /// The argument that takes it.
        argument: String,
    },
    /// All side by side until so many agree.
    Voting {
        /// How many; more than half where it is not said.
        threshold: Option<usize>,
        /// The field that is compared, as a JSON pointer; the whole value when empty.
        pointer: String,
    },
}

/// Why calls are no batch. Nothing was called.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BatchError {
    /// Nothing is to be called.
    #[error("a batch of no calls does nothing")]
    Empty,
    /// Too many calls.
    #[error("a batch has at most {MOST} calls, and this one has {0}")]
    TooMany(usize),
    /// More votes are wanted than there are calls.
    #[error("{threshold} of {calls} calls can never agree")]
    Threshold {
        /// How many were to agree.
        threshold: usize,
        /// How many calls there are.
        calls: usize,
    },
    /// What is compared is no JSON pointer.
    #[error("`{0}` is no JSON pointer: it is empty or begins with `/`")]
    Pointer(String),
}

/// A call that is to begin.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Begin {
    pub(crate) place: usize,
    /// An argument that it is given beside its own.
    pub(crate) input: Option<(String, Value)>,
}

/// What came of a batch.
#[derive(Debug, Clone, PartialEq)]
pub struct Summary {
    /// Whether all together succeeded, by the strategy.
    pub succeeded: bool,
    /// How many succeeded.
    pub successes: usize,
    /// How many did not, those that were stopped included.
    pub failures: usize,
    /// How many were not begun.
    pub skipped: usize,
    /// The value of all together, where the strategy has one.
    pub value: Option<Value>,
    /// What the strategy has to say.
    pub remark: String,
}

/// A batch under way.
#[derive(Debug)]
pub(crate) struct Batch {
    strategy: Strategy,
    calls: usize,
    /// How many may be under way.
    at_once: usize,
    begun: usize,
    under_way: usize,
    successes: usize,
    failures: usize,
    /// Whether no other one begins, and those under way are to stop.
    decided: bool,
    value: Option<Value>,
    votes: Vec<Votes>,
}

/// Calls that gave the same value.
#[derive(Debug)]
struct Votes {
    /// What was compared.
    of: Value,
    /// The whole value of the first of them.
    value: Value,
    count: usize,
}

impl Batch {
    pub(crate) fn new(strategy: Strategy, calls: usize, at_once: usize) -> Result<Self, BatchError> {
        match calls {
            0 => return Err(BatchError::Empty),
            many if many > MOST => return Err(BatchError::TooMany(many)),
            _ => {}
        }
        let at_once = match &strategy {
            Strategy::Parallel { limit, .. } => limit.unwrap_or(at_once).min(at_once),
            Strategy::Sequential { .. } | Strategy::Pipeline { .. } => 1,
            Strategy::FirstSuccess => at_once,
            Strategy::Voting { threshold, pointer } => {
                if let Some(threshold) = threshold.filter(|threshold| *threshold > calls) {
                    return Err(BatchError::Threshold { threshold, calls });
                }
                if !pointer.is_empty() && !pointer.starts_with('/') {
                    return Err(BatchError::Pointer(pointer.clone()));
                }
                at_once
            }
        };
        Ok(Self {
            strategy,
            calls,
            at_once: at_once.max(1),
            begun: 0,
            under_way: 0,
            successes: 0,
            failures: 0,
            decided: false,
            value: None,
            votes: Vec::new(),
        })
    }

    /// The next call that is to begin now.
    pub(crate) fn begin(&mut self) -> Option<Begin> {
        if self.decided || self.begun == self.calls || self.under_way >= self.at_once {
            return None;
        }
        let place = self.begun;
        self.begun += 1;
        self.under_way += 1;
        let input = match &self.strategy {
            Strategy::Pipeline { argument } => self.value.take().map(|value| (argument.clone(), value)),
            Strategy::Parallel { .. }
            | Strategy::Sequential { .. }
            | Strategy::FirstSuccess
            | Strategy::Voting { .. } => None,
        };
        Some(Begin { place, input })
    }

    /// Takes in how a call ended.
    pub(crate) fn end(&mut self, answer: &Answer) {
        self.under_way -= 1;
        match answer {
            Answer::Succeeded { value, .. } => {
                self.successes += 1;
                // What ends well although it was to stop changes nothing any more.
                if !self.decided {
                    self.succeed(value);
                }
            }
            Answer::Failed { .. } => {
                self.failures += 1;
                self.decided |= self.stops_on_error();
            }
        }
        self.decided |= self.is_hopeless();
    }

    fn succeed(&mut self, value: &Value) {
        match &self.strategy {
            Strategy::Parallel { .. } | Strategy::Sequential { .. } => {}
            Strategy::Pipeline { .. } => self.value = Some(value.clone()),
            Strategy::FirstSuccess => {
                self.value = Some(value.clone());
                self.decided = true;
            }
            Strategy::Voting { pointer, .. } => {
                // Who does not have what is compared votes for nothing.
                let Some(of) = value.pointer(pointer).cloned() else { return };
                self.vote(of, value);
            }
        }
    }

    fn vote(&mut self, of: Value, value: &Value) {
        let found = self.votes.iter().position(|votes| votes.of == of).unwrap_or_else(|| {
            self.votes.push(Votes { of, value: value.clone(), count: 0 });
            self.votes.len() - 1
        });
        self.votes[found].count += 1;
        if self.votes[found].count >= self.threshold() {
            self.value = Some(self.votes[found].value.clone());
            self.decided = true;
        }
    }

    fn stops_on_error(&self) -> bool {
        match self.strategy {
            Strategy::Parallel { stop_on_error, .. } | Strategy::Sequential { stop_on_error } => {
                stop_on_error
            }
            Strategy::Pipeline { .. } => true,
            Strategy::FirstSuccess | Strategy::Voting { .. } => false,
        }
    }

    /// Whether so many cannot agree any more.
    fn is_hopeless(&self) -> bool {
        let Strategy::Voting { .. } = self.strategy else { return false };
        let left = self.calls - self.successes - self.failures;
        self.most_votes() + left < self.threshold()
    }

    fn most_votes(&self) -> usize {
        self.votes.iter().map(|votes| votes.count).max().unwrap_or(0)
    }

    fn threshold(&self) -> usize {
        match self.strategy {
            Strategy::Voting { threshold, .. } => threshold.unwrap_or(self.calls / 2 + 1).max(1),
            Strategy::Parallel { .. }
            | Strategy::Sequential { .. }
            | Strategy::FirstSuccess
            | Strategy::Pipeline { .. } => 0,
        }
    }

    /// Whether what is under way is to stop.
    pub(crate) fn is_decided(&self) -> bool {
        self.decided
    }

    /// Places of the calls that never began.
    pub(crate) fn skipped(&self) -> std::ops::Range<usize> {
        self.begun..self.calls
    }

    /// What came of it, once nothing is under way.
    pub(crate) fn summary(self) -> Summary {
        let all = self.successes == self.calls;
        let (succeeded, remark) = match &self.strategy {
            Strategy::Parallel { .. } | Strategy::Sequential { .. } | Strategy::Pipeline { .. } => {
                (all, String::new())
            }
            Strategy::FirstSuccess => (self.value.is_some(), String::new()),
            Strategy::Voting { .. } => (self.value.is_some(), self.told()),
        };
        Summary {
            succeeded,
            successes: self.successes,
            failures: self.failures,
            skipped: self.calls - self.begun,
            value: self.value.filter(|_| succeeded),
            remark,
        }
    }

    /// How the votes fell.
    fn told(&self) -> String {
        let mut counts: Vec<_> = self.votes.iter().map(|votes| votes.count).collect();
        counts.sort_unstable_by(|one, other| other.cmp(one));
        let counts: Vec<_> = counts.iter().map(ToString::to_string).collect();
        let fell = if counts.is_empty() { "nobody voted".to_owned() } else { counts.join(" to ") };
        format!("{fell}; {} of {} had to agree", self.threshold(), self.calls)
    }
}

#[cfg(test)]
mod tests {
    use op_plan::plan::FailureKind;
    use op_run::{Evidence, Failure};
    use serde_json::json;

    use super::*;

    fn well(value: Value) -> Answer {
        Answer::Succeeded { value, evidence: Evidence::default() }
    }

    fn badly() -> Answer {
        let failure = Failure::new(FailureKind::Failed, "x", "x");
        Answer::Failed { failure, evidence: Evidence::default() }
    }

    fn batch(strategy: Strategy, calls: usize) -> Batch {
        Batch::new(strategy, calls, 10).expect("a batch")
    }

    fn begin_all(batch: &mut Batch) -> usize {
        std::iter::from_fn(|| batch.begin()).count()
    }

    const PARALLEL: Strategy = Strategy::Parallel { limit: None, stop_on_error: false };

    #[test]
    fn what_is_no_batch_is_refused() {
        let refused = |strategy, calls| Batch::new(strategy, calls, 10).map(drop).expect_err("refused");
        assert_eq!(refused(PARALLEL, 0), BatchError::Empty);
        assert_eq!(refused(PARALLEL, 257), BatchError::TooMany(257));
        let votes = |threshold, pointer: &str| Strategy::Voting { threshold, pointer: pointer.to_owned() };
        assert_eq!(refused(votes(Some(4), ""), 3), BatchError::Threshold { threshold: 4, calls: 3 });
        assert_eq!(refused(votes(None, "a"), 3), BatchError::Pointer("a".to_owned()));
    }

    #[test]
    fn parallel_calls_begin_side_by_side_up_to_the_limit() {
        let mut all = batch(PARALLEL, 25);
        assert_eq!(begin_all(&mut all), 10, "as many as one may have at once");
        let mut few = batch(Strategy::Parallel { limit: Some(2), stop_on_error: false }, 3);
        assert_eq!(begin_all(&mut few), 2);
        few.end(&badly());
        assert_eq!((begin_all(&mut few), few.is_decided()), (1, false));
        few.end(&well(json!(1)));
        few.end(&well(json!(2)));
        let summary = few.summary();
        assert_eq!((summary.succeeded, summary.successes, summary.failures), (false, 2, 1));
        assert_eq!(summary.value, None);
    }

    #[test]
    fn an_error_stops_the_others_where_it_is_to() {
        let mut parallel = batch(Strategy::Parallel { limit: Some(2), stop_on_error: true }, 4);
        begin_all(&mut parallel);
        parallel.end(&badly());
        assert_eq!((parallel.is_decided(), parallel.begin(), parallel.skipped()), (true, None, 2..4));
        let mut line = batch(Strategy::Sequential { stop_on_error: true }, 3);
        assert_eq!(begin_all(&mut line), 1);
        line.end(&badly());
        let summary = {
            assert_eq!(line.begin(), None);
            line.summary()
        };
        assert_eq!((summary.succeeded, summary.failures, summary.skipped), (false, 1, 2));
    }

    #[test]
    fn the_first_success_decides_and_a_later_one_changes_nothing() {
        let mut race = batch(Strategy::FirstSuccess, 3);
        assert_eq!(begin_all(&mut race), 3);
        race.end(&badly());
        assert!(!race.is_decided());
        race.end(&well(json!("first")));
        assert!(race.is_decided());
        race.end(&well(json!("late")));
        let summary = race.summary();
        assert_eq!((summary.succeeded, summary.successes, summary.failures), (true, 2, 1));
        assert_eq!(summary.value, Some(json!("first")));
    }

    #[test]
    fn a_race_that_nobody_wins_fails() {
        let mut race = batch(Strategy::FirstSuccess, 2);
        begin_all(&mut race);
        race.end(&badly());
        race.end(&badly());
        let summary = race.summary();
        assert_eq!((summary.succeeded, summary.value), (false, None));
    }

    #[test]
    fn a_pipeline_hands_each_value_to_the_next_call_and_ends_with_the_last() {
        let mut line = batch(Strategy::Pipeline { argument: INPUT.to_owned() }, 2);
        assert_eq!(line.begin(), Some(Begin { place: 0, input: None }));
        assert_eq!(line.begin(), None);
        line.end(&well(json!(1)));
        assert_eq!(line.begin(), Some(Begin { place: 1, input: Some(("input".to_owned(), json!(1))) }));
        line.end(&well(json!(2)));
        let summary = line.summary();
        assert_eq!((summary.succeeded, summary.value), (true, Some(json!(2))));
    }

    #[test]
    fn a_pipeline_stops_at_the_first_failure_and_has_no_value() {
        let mut line = batch(Strategy::Pipeline { argument: INPUT.to_owned() }, 3);
        line.begin();
        line.end(&well(json!(1)));
        line.begin();
        line.end(&badly());
        assert_eq!((line.begin(), line.skipped()), (None, 2..3));
        let summary = line.summary();
        assert_eq!((summary.succeeded, summary.value, summary.skipped), (false, None, 1));
    }

    #[test]
    fn votes_decide_as_soon_as_so_many_agree() {
        let mut votes = batch(Strategy::Voting { threshold: None, pointer: "/verdict".to_owned() }, 5);
        begin_all(&mut votes);
        for (verdict, why) in [("yes", "a"), ("no", "b"), ("yes", "c")] {
            votes.end(&well(json!({ "verdict": verdict, "why": why })));
            assert!(!votes.is_decided());
        }
        votes.end(&well(json!({ "verdict": "yes", "why": "d" })));
        assert!(votes.is_decided());
        votes.end(&badly());
        let summary = votes.summary();
        assert_eq!(summary.value, Some(json!({ "verdict": "yes", "why": "a" })));
        assert_eq!(summary.remark, "3 to 1; 3 of 5 had to agree");
        assert!(summary.succeeded);
    }

    #[test]
    fn votes_stop_once_so_many_cannot_agree_any_more() {
        let mut votes = batch(Strategy::Voting { threshold: Some(3), pointer: String::new() }, 4);
        begin_all(&mut votes);
        votes.end(&well(json!(1)));
        votes.end(&well(json!(2)));
        assert!(!votes.is_decided());
        votes.end(&badly());
        assert!(votes.is_decided(), "two are left at most for each");
        votes.end(&well(json!(1)));
        let summary = votes.summary();
        assert_eq!((summary.succeeded, summary.value), (false, None));
    }

    #[test]
    fn who_lacks_what_is_compared_votes_for_nothing() {
        let mut votes = batch(Strategy::Voting { threshold: Some(1), pointer: "/x".to_owned() }, 2);
        begin_all(&mut votes);
        votes.end(&well(json!({ "y": 1 })));
        assert!(!votes.is_decided());
        votes.end(&well(json!({ "x": 1 })));
        assert_eq!(votes.summary().remark, "1; 1 of 2 had to agree");
    }
}
