//! A chain of thoughts: what may be added to it, what still stands of it, and how far it is.
//!
//! ```text
//!              add_thought                         conclude
//!   thinking ◀────────────▶ analyzing ◀────────▶ concluding ───────▶ complete
//!       │        by the kind of the last thought      (a supported conclusion)
//!       └── `max_steps` thoughts and no conclusion ──▶ stuck ── conclude ─▶ complete
//!                                                        └───── fork_chain ─▶ a new chain
//!   error: a reading that was stopped before its end; the chain takes no more
//! ```
//!
//! Nothing is ever taken out of a chain. A thought that is revised or refuted stays, and does not stand any more, as long as the
//! thought that did it stands itself.

use op_agent::Failure;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::style::Style;
use super::thought::{Draft, Kind, Thought, invalid};

/// Thoughts of a chain, if not said otherwise.
pub(super) const STEPS: u32 = 10;

/// Thoughts that a chain may be allowed.
pub(super) const MOST_STEPS: u32 = 500;

/// How far a chain is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum State {
    /// It gathers observations, hypotheses and questions.
    #[default]
    Thinking,
    /// Its last thought is an analysis.
    Analyzing,
    /// Its last thought is a conclusion that is not closed yet.
    Concluding,
    /// It is closed by a supported conclusion.
    Complete,
    /// It has all the thoughts it may have and no conclusion.
    Stuck,
    /// It was stopped while it was being read.
    Error,
}

impl State {
    /// The name as it is written in JSON.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Thinking => "thinking",
            Self::Analyzing => "analyzing",
            Self::Concluding => "concluding",
            Self::Complete => "complete",
            Self::Stuck => "stuck",
            Self::Error => "error",
        }
    }
}

/// Whether a thought still counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum Standing {
    /// It counts.
    Stands,
    /// This later step took its place.
    Revised(u32),
    /// This later step shows it to be wrong.
    Refuted(u32),
}

/// Where a chain was forked from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub(super) struct Fork {
    /// The chain.
    pub(super) chain: String,
    /// The last step of it that was taken over.
    pub(super) step: u32,
}

/// What closed a chain.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub(super) struct Closing {
    /// The step that concludes.
    pub(super) step: u32,
    /// How far it is supported, from 0 to 1.
    pub(super) confidence: f64,
}

/// A chain of thoughts.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub(super) struct Chain {
    /// What it is about.
    pub(super) question: String,
    /// How it is thought.
    pub(super) style: Style,
    /// How far it is.
    pub(super) state: State,
    /// How many thoughts it may have.
    pub(super) max_steps: u32,
    /// Where it was forked from.
    pub(super) forked_from: Option<Fork>,
    /// What closed it.
    pub(super) closing: Option<Closing>,
    /// Its thoughts, by step.
    pub(super) thoughts: Vec<Thought>,
}

impl Chain {
    /// A chain without thoughts. `max_steps` is from 1 to 500.
    pub(super) fn new(question: &str, style: Style, max_steps: u32) -> Result<Self, Failure> {
        if !(1..=MOST_STEPS).contains(&max_steps) {
            let message = format!("`max_steps` is from 1 to {MOST_STEPS}, and {max_steps} is not");
            return Err(Failure::rejected("invalid_steps", message));
        }
        Ok(Self { question: question.trim().to_owned(), style, max_steps, ..Self::default() })
    }

    /// The thought at a step.
    pub(super) fn at(&self, step: u32) -> Option<&Thought> {
        let index = usize::try_from(step).ok()?.checked_sub(1)?;
        self.thoughts.get(index)
    }

    /// How many thoughts may be added.
    pub(super) fn left(&self) -> u32 {
        self.max_steps.saturating_sub(self.last())
    }

    /// The last step; 0 when there is none.
    pub(super) fn last(&self) -> u32 {
        u32::try_from(self.thoughts.len()).unwrap_or(u32::MAX)
    }

    /// Adds a thought and answers its step.
    pub(super) fn add(&mut self, draft: Draft) -> Result<u32, Failure> {
        self.open()?;
        if self.left() == 0 {
            let message = format!("the chain has all of its {} thoughts", self.max_steps);
            return Err(Failure::rejected("max_steps", message)
                .hint("conclude it, or go on in a fork with a larger `max_steps`"));
        }
        self.put(draft)
    }

    /// Adds the conclusion that closes a chain: the one thought that may be one more than `max_steps`.
    pub(super) fn add_last(&mut self, draft: Draft) -> Result<u32, Failure> {
        self.open()?;
        self.put(draft)
    }

    fn put(&mut self, draft: Draft) -> Result<u32, Failure> {
        draft.check()?;
        let draft = self.resolved(draft)?;
        let step = self.last() + 1;
        let Draft { kind, text, confidence, builds_on, revises, refutes, source } = draft;
        let text = text.trim().to_owned();
        self.thoughts.push(Thought { step, kind, text, confidence, builds_on, revises, refutes, source });
        self.state = self.after(kind);
        Ok(step)
    }

    fn after(&self, kind: Kind) -> State {
        let concludes = kind == Kind::Conclusion || self.conclusion().is_some();
        match kind {
            _ if self.left() == 0 && !concludes => State::Stuck,
            Kind::Analysis => State::Analyzing,
            Kind::Conclusion => State::Concluding,
            Kind::Observation | Kind::Hypothesis | Kind::Question | Kind::Reflection => State::Thinking,
        }
    }

    /// The same draft with each reference once, and all of them to steps that are there.
    fn resolved(&self, mut draft: Draft) -> Result<Draft, Failure> {
        for steps in [&mut draft.builds_on, &mut draft.refutes] {
            steps.sort_unstable();
            steps.dedup();
        }
        let referred = draft.builds_on.iter().chain(&draft.refutes).chain(&draft.revises);
        if let Some(missing) = referred.copied().find(|step| self.at(*step).is_none()) {
            let message = format!("step {missing} is not there: the chain has {} thoughts", self.last());
            return Err(invalid(&message));
        }
        if let Some((old, Standing::Revised(by))) = draft.revises.map(|old| (old, self.standing(old))) {
            return Err(invalid(&format!("step {old} was revised by step {by} already"))
                .hint(format!("revise step {by}")));
        }
        Ok(draft)
    }

    /// Refuses what would change a chain that is closed.
    pub(super) fn open(&self) -> Result<(), Failure> {
        match self.state {
            State::Thinking | State::Analyzing | State::Concluding | State::Stuck => Ok(()),
            State::Complete | State::Error => {
                let message = format!("the chain is closed: its state is `{}`", self.state.name());
                Err(Failure::rejected("closed", message).hint("go on in a fork of it"))
            }
        }
    }

    /// Whether the thought at a step still counts.
    pub(super) fn standing(&self, step: u32) -> Standing {
        let index = usize::try_from(step).ok().and_then(|step| step.checked_sub(1));
        index.and_then(|index| self.standings().get(index).copied()).unwrap_or(Standing::Stands)
    }

    /// Which thoughts still count, by step. Later steps are judged first, since only what stands itself can take another out.
    pub(super) fn standings(&self) -> Vec<Standing> {
        let mut standings = vec![Standing::Stands; self.thoughts.len()];
        let set = |standings: &mut Vec<Standing>, step: u32, standing| {
            if let Some(slot) = standings.get_mut(step as usize - 1) {
                *slot = standing;
            }
        };
        for (index, thought) in self.thoughts.iter().enumerate().rev() {
            if standings[index] != Standing::Stands {
                continue;
            }
            thought
                .refutes
                .iter()
                .for_each(|step| set(&mut standings, *step, Standing::Refuted(thought.step)));
            thought
                .revises
                .iter()
                .for_each(|step| set(&mut standings, *step, Standing::Revised(thought.step)));
        }
        standings
    }

    /// The thoughts that still count.
    pub(super) fn standing_thoughts(&self) -> Vec<&Thought> {
        let standings = self.standings();
        let stands =
            self.thoughts.iter().zip(standings).filter(|(_, standing)| *standing == Standing::Stands);
        stands.map(|(thought, _)| thought).collect()
    }

    /// The last conclusion that stands.
    pub(super) fn conclusion(&self) -> Option<&Thought> {
        self.standing_thoughts().into_iter().rfind(|thought| thought.kind == Kind::Conclusion)
    }

    /// A chain that begins with the first thoughts of this one, open again.
    pub(super) fn fork(&self, id: &str, step: u32, max_steps: u32) -> Result<Self, Failure> {
        if step > self.last() {
            let message = format!("step {step} is not there: the chain has {} thoughts", self.last());
            return Err(Failure::rejected("invalid_step", message));
        }
        if max_steps < step {
            let message = format!("{step} thoughts are more than `max_steps` = {max_steps}");
            return Err(Failure::rejected("invalid_steps", message));
        }
        let mut fork = Self::new(&self.question, self.style, max_steps)?;
        fork.forked_from = Some(Fork { chain: id.to_owned(), step });
        fork.thoughts = self.thoughts.iter().take(step as usize).cloned().collect();
        if let Some(last) = fork.thoughts.last().map(|thought| thought.kind) {
            fork.state = fork.after(last);
        }
        Ok(fork)
    }
}

#[cfg(test)]
pub(super) mod fixture {
    use super::*;

    /// Judges to the end.
    pub(in crate::sequential_thinking) const WHOLE: &dyn Fn() -> bool = &|| true;

    /// A chain of thoughts given as JSON.
    pub(in crate::sequential_thinking) fn chain(thoughts: serde_json::Value) -> Chain {
        let drafts: Vec<Draft> = serde_json::from_value(thoughts).unwrap();
        let mut chain = Chain::new("why", Style::Default, 50).unwrap();
        drafts.into_iter().for_each(|draft| assert!(chain.add(draft).is_ok()));
        chain
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::fixture::chain;
    use super::*;

    fn draft(kind: Kind) -> Draft {
        Draft::new(kind, "x", 0.5)
    }

    #[test]
    fn the_state_follows_the_last_thought() {
        let mut chain = Chain::new("why", Style::Default, 3).unwrap();
        for (kind, state) in [
            (Kind::Question, State::Thinking),
            (Kind::Analysis, State::Analyzing),
            (Kind::Conclusion, State::Concluding),
        ] {
            chain.add(draft(kind)).unwrap();
            assert_eq!(chain.state, state);
        }
        assert_eq!(chain.add(draft(Kind::Question)).unwrap_err().reason(), "max_steps");
    }

    #[test]
    fn a_full_chain_without_a_conclusion_is_stuck_and_takes_only_the_closing_one() {
        let mut chain = Chain::new("why", Style::Default, 1).unwrap();
        chain.add(draft(Kind::Analysis)).unwrap();
        assert_eq!((chain.state, chain.left()), (State::Stuck, 0));
        assert_eq!(chain.add(draft(Kind::Conclusion)).unwrap_err().reason(), "max_steps");
        assert_eq!(chain.add_last(draft(Kind::Conclusion)).unwrap(), 2);
        assert_eq!(chain.state, State::Concluding);
    }

    #[test]
    fn a_closed_chain_takes_nothing() {
        for state in [State::Complete, State::Error] {
            let mut chain = Chain { state, ..Chain::new("why", Style::Default, 9).unwrap() };
            assert_eq!(chain.add(draft(Kind::Question)).unwrap_err().reason(), "closed");
            assert_eq!(chain.add_last(draft(Kind::Conclusion)).unwrap_err().reason(), "closed");
        }
    }

    #[test]
    fn a_revised_thought_is_kept_and_stands_again_when_its_revision_is_refuted() {
        let mut chain = chain(json!([{ "text": "old" }, { "text": "new", "revises": 1 }]));
        assert_eq!(chain.standings(), [Standing::Revised(2), Standing::Stands]);
        assert_eq!(chain.at(1).unwrap().text, "old");
        let again = Draft { revises: Some(1), ..draft(Kind::Observation) };
        assert!(chain.add(again).unwrap_err().message().contains("step 2"));
        chain.add(Draft { refutes: vec![2, 2], ..draft(Kind::Observation) }).unwrap();
        assert_eq!(chain.standings(), [Standing::Stands, Standing::Refuted(3), Standing::Stands]);
        assert_eq!(chain.at(3).unwrap().refutes, [2]);
    }

    #[test]
    fn a_thought_refers_only_to_steps_before_it() {
        let mut chain = chain(json!([{ "text": "one" }]));
        for bad in [
            Draft { builds_on: vec![2], ..draft(Kind::Analysis) },
            Draft { refutes: vec![0], ..draft(Kind::Analysis) },
            Draft { revises: Some(7), ..draft(Kind::Analysis) },
        ] {
            assert_eq!(chain.add(bad).unwrap_err().reason(), "invalid_thought");
        }
        assert_eq!(chain.last(), 1);
    }

    #[test]
    fn a_fork_begins_with_the_first_thoughts_and_leaves_the_chain_as_it_is() {
        let mut whole = chain(json!([{ "text": "a" }, { "text": "b", "type": "analysis" }, { "text": "c" }]));
        whole.state = State::Complete;
        let fork = whole.fork("id", 2, 20).unwrap();
        assert_eq!((fork.last(), fork.state, fork.max_steps), (2, State::Analyzing, 20));
        assert_eq!(fork.forked_from, Some(Fork { chain: "id".into(), step: 2 }));
        assert_eq!((whole.last(), whole.state), (3, State::Complete));
        assert_eq!(whole.fork("id", 2, 2).unwrap().state, State::Stuck);
        assert_eq!(whole.fork("id", 4, 20).unwrap_err().reason(), "invalid_step");
        assert_eq!(whole.fork("id", 3, 2).unwrap_err().reason(), "invalid_steps");
    }

    #[test]
    fn a_chain_may_have_as_many_thoughts_as_a_person_can_follow() {
        for steps in [0, MOST_STEPS + 1] {
            assert_eq!(Chain::new("x", Style::Default, steps).unwrap_err().reason(), "invalid_steps");
        }
    }
}
