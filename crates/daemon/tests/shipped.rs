//! Every shipped plan, told step by step by the decider alone: each step fails in turn, and after each turn everything is asked
//! for again, as after a crash.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use op_daemon::Configuration;
use op_plan::plan::{FailureKind, Gate, Rollback};
use op_plan::{Performer, Plan, Player, cast};
use op_run::input::{Happening, Start, Verdict};
use op_run::run::State;
use op_run::{
    Answer, Command, Event, Evidence, Fact, Failure, Input, Outside, Run, RunId, Timestamp, decide, evolve,
    outstanding, replay,
};
use serde_json::{Map, Value, json};

/// More turns than any shipped plan takes.
const TURNS: usize = 2_000;

/// A run that is told to its end.
struct Story {
    run: Run,
    journal: Vec<Event>,
    now: Timestamp,
}

impl Story {
    /// Tells a run of the plan in which every call of one step fails.
    fn tell(plan: &Arc<Plan>, failing: Option<usize>) -> Self {
        let run = Run::new(RunId::new("shipped"), Arc::clone(plan));
        let mut story = Self { run, journal: Vec::new(), now: Timestamp::from_millis(1) };
        story.hear(Happening::Start(start(plan)));
        for _ in 0..TURNS {
            if story.run.state().is_over() {
                return story;
            }
            story.crash();
            story.turn(failing);
        }
        panic!("`{}` does not end: {}", plan.id(), story.run.state());
    }

    fn hear(&mut self, happening: Happening) {
        let input = Input { at: self.now, happening };
        let events = decide(&self.run, &input).expect("it fits the state of the run");
        events.iter().for_each(|event| evolve(&mut self.run, event));
        self.journal.extend(events);
    }

    /// Whoever comes back reads the same run off the journal, and asks for the same.
    fn crash(&mut self) {
        let again = replay(self.run.id().clone(), Arc::clone(self.run.plan()), &self.journal);
        let again = again.expect("the journal is that of the run");
        assert_eq!(outstanding(&again), outstanding(&self.run));
        self.run = again;
    }

    /// The first thing that is outstanding happens.
    fn turn(&mut self, failing: Option<usize>) {
        let mut wake = None;
        for command in outstanding(&self.run) {
            match command {
                Command::Call(call) => {
                    let fails = call.work.step().is_some() && call.work.step() == failing;
                    let answer = if fails { failure() } else { success() };
                    return self.hear(Happening::Answered { work: call.work, attempt: call.attempt, answer });
                }
                Command::Await(Outside::Gate(step)) => return self.open(step),
                Command::Wake(at) => wake = Some(at),
                Command::Stop { .. } | Command::Await(_) => {}
            }
        }
        self.now = wake.expect("something is outstanding");
        self.hear(Happening::Tick);
    }

    /// Somebody lets a step through its gate.
    fn open(&mut self, step: usize) {
        let (user, plan) = ("somebody".to_owned(), Arc::clone(self.run.plan()));
        let (step, digest, comment) = (plan.step(step), String::new(), String::new());
        self.hear(match &step.gate {
            Some(Gate::Signal(signal)) => {
                Happening::Signal { signal: signal.clone(), data: json!({ "position": "x" }), user }
            }
            _ => Happening::Approve(Verdict { step: step.id.clone(), digest, approved: true, comment, user }),
        });
    }

    /// Phases that were undone, in that order.
    fn undone(&self) -> Vec<&str> {
        let undone = self.journal.iter().filter_map(|event| match &event.fact {
            Fact::PhaseUndone { phase } => Some(phase.as_str()),
            _ => None,
        });
        undone.collect()
    }

    /// Phases that did something that can be undone, the last one first.
    fn to_undo(&self) -> Vec<&str> {
        let plan = self.run.plan();
        let ended = self.journal.iter().rev().filter_map(|event| match &event.fact {
            Fact::PhaseSucceeded { phase }
            | Fact::PhaseFailed { phase, .. }
            | Fact::PhaseTolerated { phase, .. } => Some(phase.as_str()),
            _ => None,
        });
        let has_undo = |phase: &&str| {
            let at = plan.find_phase(phase);
            at.is_some_and(|at| !plan.phases()[at].undo.is_empty())
        };
        ended.filter(has_undo).collect()
    }
}

fn start(plan: &Plan) -> Start {
    let required = plan.draft().inputs.iter().filter(|(_, input)| input.required);
    let given: Map<String, Value> = required.map(|(name, _)| (name.clone(), json!("given"))).collect();
    let somebody = || vec![Player::from(Performer::new("offline", "report"))];
    let cast = cast::usual(plan);
    Start {
        cast: cast
            .iter()
            .map(|players| if players.is_empty() { somebody() } else { players.to_vec() })
            .collect(),
        fallbacks: Vec::new(),
        inputs: plan.take(given).expect("every required input is given"),
        user: "somebody".to_owned(),
        labels: BTreeMap::new(),
        timeout: None,
        concurrency: None,
        queued: false,
    }
}

/// What performers answer: all that the shipped plans look at.
fn success() -> Answer {
    let value = json!({
        "approved": true, "issues": [], "specification": {}, "path": ".", "artifact": "a", "image": "i", "data": "d",
        "position": "x", "confidence": 0.9, "agrees_with": [], "argument": "because", "participants": ["a"],
        "reached": true, "score": 1.0, "text": "t", "matches": [], "content": "c",
    });
    Answer::Succeeded { value, evidence: Evidence::default() }
}

fn failure() -> Answer {
    let failure = Failure::new(FailureKind::Failed, "broken", "it is broken");
    Answer::Failed { failure, evidence: Evidence::default() }
}

fn shipped() -> Vec<Arc<Plan>> {
    let directory = tempfile::tempdir().expect("a folder");
    let configuration = Configuration::load(Some(directory.path())).expect("what ships can be taken");
    let loaded = configuration.plans();
    assert!(!loaded.has_errors(), "{:?}", loaded.diagnostics);
    loaded.plans.into_values().collect()
}

#[test]
fn every_shape_ships() {
    let shapes: BTreeSet<_> = shipped().iter().map(|plan| plan.draft().shape.word()).collect();
    assert_eq!(shapes, BTreeSet::from(["debate", "machine", "template", "workflow", "workstack"]));
}

#[test]
fn every_shipped_plan_completes_when_everybody_does_what_is_asked() {
    for plan in shipped() {
        let story = Story::tell(&plan, None);
        assert_eq!(story.run.state(), State::Completed, "{}: {}", plan.id(), story.run.reason());
    }
}

#[test]
fn every_shipped_plan_ends_whichever_step_fails_and_undoes_what_it_did_in_reverse() {
    for plan in shipped() {
        for step in (0..plan.step_count()).filter(|step| plan.step(*step).action.call().is_some()) {
            let story = Story::tell(&plan, Some(step));
            let (state, id) = (story.run.state(), &plan.step(step).id);
            assert_ne!(state, State::Stuck, "{} with {id}: {}", plan.id(), story.run.reason());
            if state != State::Completed && plan.draft().rollback == Rollback::Run {
                assert_eq!(story.undone(), story.to_undo(), "{} with {id}", plan.id());
            }
        }
    }
}
