//! A stage for one run: plans in a few words, a clock that is moved by hand, performers that answer when told.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use op_plan::input::Inputs;
use op_plan::plan::{Action, Call, FailureKind, Flow, Part, Target, Terminal, Transition, Undo};
use op_plan::{Draft, Expression, Mapping, Performer, Phase, Plan, Player, Retry, Shape, Step};
use op_run::event::{StopCause, Waiting};
use op_run::input::{Happening, Start, Verdict};
use op_run::{
    Answer, Command, Event, Evidence, Fact, Failure, Input, Outside, Refused, Run, RunId, Timestamp, evolve,
    next, outstanding,
};
use serde_json::{Value, json};

/// A step without any wishes.
pub(crate) fn step(id: &str) -> Step {
    Step::new(id, Action::Call(call(json!({}))))
}

/// A step with arguments.
pub(crate) fn step_with(id: &str, arguments: Value) -> Step {
    Step { action: Action::Call(call(arguments)), ..step(id) }
}

/// A phase that depends on phases by position.
pub(crate) fn phase(id: &str, depends_on: &[usize], steps: impl IntoIterator<Item = Step>) -> Phase {
    Phase {
        name: String::new(),
        depends_on: depends_on.to_vec(),
        ..Phase::new(id, steps.into_iter().collect())
    }
}

/// A plan that a step can run.
pub(crate) fn child() -> Arc<Plan> {
    Arc::new(Plan::seal(draft([phase("only", &[], [step("alone")])])).expect("the plan is valid"))
}

/// An entry of an undo list.
pub(crate) fn undo(arguments: Value) -> Undo {
    Undo { call: call(arguments), timeout: None, retry: Retry::default() }
}

/// A plan.
pub(crate) fn draft(phases: impl IntoIterator<Item = Phase>) -> Draft {
    Draft { max_parallel: 4, ..Draft::new("plan", Shape::Workstack, phases.into_iter().collect()) }
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
    journal: Vec<Event>,
}

impl Stage {
    pub(crate) fn start(draft: Draft) -> Self {
        Self::start_with(draft, Inputs::new(), None)
    }

    pub(crate) fn start_with(draft: Draft, inputs: Inputs, timeout: Option<Duration>) -> Self {
        let (mut stage, start) = Self::prepare(draft, inputs, timeout);
        stage.hear(Happening::Start(start)).expect("a new run can be started");
        stage
    }

    fn prepare(draft: Draft, inputs: Inputs, timeout: Option<Duration>) -> (Self, Start) {
        let plan = Arc::new(Plan::seal(draft).expect("the plan is valid"));
        let cast = vec![vec![Player::from(Performer::new("cast", "operation"))]; plan.step_count()];
        let run = Run::new(RunId::new("run"), plan);
        let now = Timestamp::from_millis(0);
        let stage = Self { run, now, last: Vec::new(), journal: Vec::new() };
        let labels = BTreeMap::new();
        let start = Start {
            cast: cast.into(),
            fallbacks: Vec::new(),
            inputs,
            user: "someone".to_owned(),
            labels,
            timeout,
            concurrency: None,
            queued: false,
        };
        (stage, start)
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
        self.fail_as(what, Failure::new(kind, kind.word(), format!("it was {kind}")))
    }

    pub(crate) fn fail_as(&mut self, what: &str, failure: Failure) -> &mut Self {
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
        let (after, events) = next(&self.run, &Input { at: self.now, happening })?;
        for event in &events {
            evolve(&mut self.run, event);
        }
        assert_eq!(after, self.run, "what was decided is what the events make of the run");
        self.last = events;
        self.journal.extend_from_slice(&self.last);
        Ok(())
    }

    /// The call with this step or undo in its key.
    pub(crate) fn call(&self, what: &str) -> op_run::command::Call {
        let call = outstanding(&self.run).into_iter().find_map(|command| match command {
            Command::Call(call) if call.key.step == what => Some(call),
            Command::Call(_) | Command::Stop { .. } | Command::Wake(_) | Command::Await(_) => None,
        });
        call.unwrap_or_else(|| panic!("`{what}` is not outstanding"))
    }

    /// Steps and undo that are with their performers.
    pub(crate) fn calls(&self) -> Vec<String> {
        let calls = outstanding(&self.run).into_iter().filter_map(|command| match command {
            Command::Call(call) => Some(call.key.step),
            Command::Stop { .. } | Command::Wake(_) | Command::Await(_) => None,
        });
        calls.collect()
    }

    /// Steps and undo that are asked to stop.
    pub(crate) fn stops(&self) -> Vec<(String, StopCause)> {
        let stops = outstanding(&self.run).into_iter().filter_map(|command| match command {
            Command::Stop { key, cause, .. } => Some((key.step, cause)),
            Command::Call(_) | Command::Wake(_) | Command::Await(_) => None,
        });
        stops.collect()
    }

    /// When the clock must be looked at next.
    pub(crate) fn wake(&self) -> Option<u64> {
        outstanding(&self.run).into_iter().find_map(|command| match command {
            Command::Wake(at) => Some(at.as_millis()),
            Command::Call(_) | Command::Stop { .. } | Command::Await(_) => None,
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

/// Steering.
impl Stage {
    /// A run that waits for its place.
    pub(crate) fn queue(draft: Draft, timeout: Option<Duration>) -> Self {
        let (mut stage, mut start) = Self::prepare(draft, Inputs::new(), timeout);
        (start.queued, start.concurrency) = (true, Some("key".to_owned()));
        stage.hear(Happening::Start(start)).expect("a new run can be started");
        stage
    }

    /// A run whose steps are played by these many: none, one, or some that take over.
    pub(crate) fn start_cast(draft: Draft, players: &[usize]) -> Self {
        let (mut stage, mut start) = Self::prepare(draft, Inputs::new(), None);
        start.cast = players.iter().map(|many| players_of(*many)).collect();
        stage.hear(Happening::Start(start)).expect("a new run can be started");
        stage
    }

    /// A run whose steps are played by these.
    pub(crate) fn start_players(draft: Draft, players: Vec<Vec<Player>>) -> Self {
        let (mut stage, mut start) = Self::prepare(draft, Inputs::new(), None);
        start.cast = players.into();
        stage.hear(Happening::Start(start)).expect("a new run can be started");
        stage
    }

    /// Hears of something that makes sense.
    pub(crate) fn on(&mut self, happening: Happening) -> &mut Self {
        self.hear(happening).expect("it makes sense");
        self
    }

    /// Why something makes no sense.
    pub(crate) fn refusal(&mut self, happening: Happening) -> Refused {
        self.hear(happening).expect_err("it makes no sense")
    }

    /// The steps whose gates are listened at.
    pub(crate) fn gates(&self) -> Vec<String> {
        let gates = outstanding(&self.run).into_iter().filter_map(|command| match command {
            Command::Await(Outside::Gate(step)) => Some(self.run.plan().step(step).id.clone()),
            _ => None,
        });
        gates.collect()
    }

    /// The call that a step asks a person about.
    pub(crate) fn question(&self, step: &str) -> Value {
        let step = self.run.plan().find_step(step).expect("the step exists");
        match self.run.step(step).gate.as_ref().map(|gate| &gate.waits_for) {
            Some(Waiting::Approval { call, .. }) => call.clone(),
            other => panic!("nobody is asked: {other:?}"),
        }
    }

    /// What became true last, by kind.
    pub(crate) fn kinds(&self) -> Vec<&'static str> {
        self.last().map(Fact::kind).collect()
    }

    pub(crate) fn output(&self, step: &str) -> Option<Value> {
        self.run.step(self.run.plan().find_step(step).expect("the step exists")).output.clone()
    }

    /// Everything that became true.
    pub(crate) fn journal(&self) -> &[Event] {
        &self.journal
    }

    /// Reads the run from its journal, as after a crash.
    pub(crate) fn restart(&mut self) -> &mut Self {
        let plan = Arc::clone(self.run.plan());
        let replayed = op_run::replay(RunId::new("run"), plan, &self.journal).expect("the journal is whole");
        assert_eq!(replayed, self.run);
        self.run = replayed;
        self
    }
}

pub(crate) fn players_of(many: usize) -> Vec<Player> {
    (0..many).map(|at| Player::from(Performer::new(format!("player{at}"), "play"))).collect()
}

/// A plan that goes along targets from its first phase.
pub(crate) fn machine(max_visits: u32, phases: impl IntoIterator<Item = Phase>) -> Draft {
    let flow = Flow::Machine { initial: 0, max_visits };
    Draft { flow, ..draft(phases) }
}

/// A way to a phase by position.
pub(crate) fn way(on_success: bool, to: usize) -> Transition {
    Transition { on_success, when: None, to: Target::Phase(to) }
}

/// A way to an end.
pub(crate) fn end(on_success: bool, is_success: bool, message: &str) -> Transition {
    let name = if is_success { "completed" } else { "failed" }.to_owned();
    let terminal = Terminal { name, is_success, message: message.to_owned() };
    Transition { on_success, when: None, to: Target::End(terminal) }
}

pub(crate) fn user() -> String {
    "someone".to_owned()
}

pub(crate) fn pause() -> Happening {
    Happening::Pause { reason: "lunch".to_owned(), user: user() }
}

pub(crate) fn resume() -> Happening {
    Happening::Resume { user: user() }
}

pub(crate) fn signal(signal: &str, data: Value) -> Happening {
    Happening::Signal { signal: signal.to_owned(), data, user: user() }
}

pub(crate) fn verdict(step: &str, approved: bool, digest: &str) -> Happening {
    let (step, digest, comment) = (step.to_owned(), digest.to_owned(), String::new());
    Happening::Approve(Verdict { step, digest, approved, comment, user: user() })
}

pub(crate) fn recast(step: &str, many: usize) -> Happening {
    Happening::Recast { cast: [(step.to_owned(), players_of(many))].into_iter().collect(), user: user() }
}

pub(crate) fn rollback(to: Option<&str>) -> Happening {
    Happening::Rollback { to: to.map(str::to_owned), user: user() }
}

pub(crate) fn retry(from: Option<&str>) -> Happening {
    Happening::Retry { from: from.map(str::to_owned), user: user() }
}

pub(crate) fn resolve(accept: bool) -> Happening {
    Happening::Resolve { accept, user: user() }
}
