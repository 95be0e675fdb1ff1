//! A stage for one run: plans in a few words, a clock that is moved by hand, performers that answer when told.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use indexmap::IndexMap;
use op_plan::input::Inputs;
use op_plan::plan::{About, Action, Call, FailureKind, Part, Undo};
use op_plan::{Draft, Expression, Mapping, Performer, Phase, Plan, Retry, Rollback, Shape, Step};
use op_run::event::StopCause;
use op_run::input::{Happening, Start};
use op_run::{
    Answer, Command, Event, Evidence, Fact, Failure, Input, Refused, Run, RunId, Timestamp, decide, evolve,
    outstanding,
};
use serde_json::{Value, json};

/// A step without any wishes.
pub(crate) fn step(id: &str) -> Step {
    Step {
        id: id.to_owned(),
        after: Vec::new(),
        action: Action::Call(call(json!({}))),
        retry: Retry::default(),
        timeout: None,
        store_as: None,
    }
}

/// A step with arguments.
pub(crate) fn step_with(id: &str, arguments: Value) -> Step {
    Step { action: Action::Call(call(arguments)), ..step(id) }
}

/// A phase that depends on phases by position.
pub(crate) fn phase(id: &str, depends_on: &[usize], steps: impl IntoIterator<Item = Step>) -> Phase {
    Phase {
        id: id.to_owned(),
        name: String::new(),
        description: String::new(),
        depends_on: depends_on.to_vec(),
        when: None,
        timeout: None,
        continue_on_failure: false,
        steps: steps.into_iter().collect(),
        undo: Vec::new(),
    }
}

/// An entry of an undo list.
pub(crate) fn undo(arguments: Value) -> Undo {
    Undo { call: call(arguments), timeout: None, retry: Retry::default() }
}

/// A plan.
pub(crate) fn draft(phases: impl IntoIterator<Item = Phase>) -> Draft {
    Draft {
        id: "plan".to_owned(),
        shape: Shape::Workstack,
        about: About::default(),
        inputs: IndexMap::new(),
        phases: phases.into_iter().collect(),
        max_parallel: 4,
        timeout: None,
        rollback: Rollback::Phase,
        output: None,
    }
}

/// A retry of the default kinds of failure: waits of 100 ms, doubling up to 300 ms.
pub(crate) fn retries(max: u32) -> Retry {
    Retry { max, delay: millis(100), max_delay: millis(300), ..Retry::default() }
}

pub(crate) fn expression(source: &str) -> Expression {
    Expression::parse(source).expect("the condition is an expression")
}

pub(crate) fn mapping(value: Value) -> Mapping {
    Mapping::parse(value).expect("the value is a mapping")
}

pub(crate) fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

fn call(arguments: Value) -> Call {
    Call { part: Part::Performer(Performer::new("agent", "operation")), arguments: mapping(arguments) }
}

/// A run on stage. It starts at instant 0; instants are in milliseconds.
pub(crate) struct Stage {
    pub(crate) run: Run,
    now: Timestamp,
    last: Vec<Event>,
}

impl Stage {
    pub(crate) fn start(draft: Draft) -> Self {
        Self::start_with(draft, Inputs::new(), None)
    }

    pub(crate) fn start_with(draft: Draft, inputs: Inputs, timeout: Option<Duration>) -> Self {
        let plan = Arc::new(Plan::seal(draft).expect("the plan is valid"));
        let cast = vec![Performer::new("cast", "operation"); plan.step_count()];
        let run = Run::new(RunId::new("run"), plan);
        let mut stage = Self { run, now: Timestamp::from_millis(0), last: Vec::new() };
        let labels = BTreeMap::new();
        let start = Start { cast, inputs, user: "someone".to_owned(), labels, timeout };
        stage.hear(Happening::Start(start)).expect("a new run can be started");
        stage
    }

    /// Moves the clock without looking at it.
    pub(crate) fn pass(&mut self, at: u64) -> &mut Self {
        self.now = Timestamp::from_millis(at);
        self
    }

    /// Moves the clock and looks at it.
    pub(crate) fn tick(&mut self, at: u64) -> &mut Self {
        self.now = Timestamp::from_millis(at);
        self.hear(Happening::Tick).expect("a tick is always taken");
        self
    }

    pub(crate) fn succeed(&mut self, what: &str, value: Value) -> &mut Self {
        self.answer(what, Answer::Succeeded { value, evidence: Evidence::default() });
        self
    }

    pub(crate) fn fail(&mut self, what: &str, kind: FailureKind) -> &mut Self {
        let failure = Failure::new(kind, kind.word(), format!("it was {kind}"));
        self.answer(what, Answer::Failed { failure, evidence: Evidence::default() });
        self
    }

    pub(crate) fn cancel(&mut self, rollback: bool) -> Result<(), Refused> {
        let (reason, user) = ("enough".to_owned(), "someone".to_owned());
        self.hear(Happening::Cancel { rollback, reason, user })
    }

    fn answer(&mut self, what: &str, answer: Answer) {
        let call = self.call(what);
        self.hear(Happening::Answered { work: call.work, attempt: call.attempt, answer })
            .expect("the answer is waited for");
    }

    fn hear(&mut self, happening: Happening) -> Result<(), Refused> {
        self.last = decide(&self.run, &Input { at: self.now, happening })?;
        for event in &self.last {
            evolve(&mut self.run, event);
        }
        Ok(())
    }

    /// The call with this step or undo in its key.
    pub(crate) fn call(&self, what: &str) -> op_run::command::Call {
        let call = outstanding(&self.run).into_iter().find_map(|command| match command {
            Command::Call(call) if call.key.step == what => Some(call),
            Command::Call(_) | Command::Stop { .. } | Command::Wake(_) => None,
        });
        call.unwrap_or_else(|| panic!("`{what}` is not outstanding"))
    }

    /// Steps and undo that are with their performers.
    pub(crate) fn calls(&self) -> Vec<String> {
        let calls = outstanding(&self.run).into_iter().filter_map(|command| match command {
            Command::Call(call) => Some(call.key.step),
            Command::Stop { .. } | Command::Wake(_) => None,
        });
        calls.collect()
    }

    /// Steps and undo that are asked to stop.
    pub(crate) fn stops(&self) -> Vec<(String, StopCause)> {
        let stops = outstanding(&self.run).into_iter().filter_map(|command| match command {
            Command::Stop { key, cause, .. } => Some((key.step, cause)),
            Command::Call(_) | Command::Wake(_) => None,
        });
        stops.collect()
    }

    /// When the clock must be looked at next.
    pub(crate) fn wake(&self) -> Option<u64> {
        outstanding(&self.run).into_iter().find_map(|command| match command {
            Command::Wake(at) => Some(at.as_millis()),
            Command::Call(_) | Command::Stop { .. } => None,
        })
    }

    /// What became true last.
    pub(crate) fn last(&self) -> impl Iterator<Item = &Fact> {
        self.last.iter().map(|event| &event.fact)
    }

    /// The state of a phase, as a word.
    pub(crate) fn phase(&self, id: &str) -> &'static str {
        self.run.phase(self.run.plan().find_phase(id).expect("the phase exists")).state.word()
    }

    /// The state of a step, as a word.
    pub(crate) fn step(&self, id: &str) -> &'static str {
        self.run.step(self.run.plan().find_step(id).expect("the step exists")).state.word()
    }

    /// The state of the run, as a word.
    pub(crate) fn state(&self) -> &'static str {
        self.run.state().word()
    }
}
