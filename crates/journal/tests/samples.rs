//! Runs to be kept: plans, events and entries as an engine makes them.
#![allow(dead_code, reason = "each test and bench takes what it needs")]

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use bytes::Bytes;
use indexmap::IndexMap;
use op_engine::ports::journal::{Entry, Idempotency, KeptOutput, RunRecord, ScheduleMark};
use op_engine::ports::perform::{Channel, Chunk};
use op_plan::cast::Player;
use op_plan::plan::{Accept, Action, Gate, Missed, Part, Schedule};
use op_plan::{Performer, Plan};
use op_run::run::State;
use op_run::{Event, Fact, RunId, Timestamp};
use serde_json::{Map, Value, json};

/// A plan with a name.
pub(crate) fn plan(id: &str) -> Arc<Plan> {
    let draft = json!({
        "id": id, "shape": "workstack", "inputs": {}, "max_parallel": 1, "timeout": null, "rollback": "none",
        "output": null, "about": {"description": "", "version": "", "category": "", "tags": []},
        "phases": [{
            "id": "build", "name": "", "description": "", "depends_on": [], "when": null, "timeout": null,
            "continue_on_failure": false, "undo": [],
            "steps": [{
                "id": "compile", "after": [], "timeout": null, "store_as": null,
                "action": {"call": {
                    "part": {"performer": {"agent": "rust_pro", "operation": "build"}}, "arguments": {"path": "."},
                }},
                "retry": {"max": 0, "delay": {"secs": 1, "nanos": 0}, "backoff": 2.0,
                          "max_delay": {"secs": 30, "nanos": 0}, "on": []},
            }],
        }],
    });
    Arc::new(serde_json::from_value(draft).expect("a draft that seals"))
}

/// A plan that runs another one, waits, falls back and starts by itself.
pub(crate) fn wide(id: &str) -> Arc<Plan> {
    let mut draft = plan(id).draft().clone();
    let step = &mut draft.phases[0].steps[0];
    let inputs = serde_json::from_value(json!({"path": "."})).expect("a mapping");
    step.action = Action::Plan { plan: plan("child"), inputs };
    step.gate = Some(Gate::Signal("go".to_owned()));
    step.fallback = vec![Part::Open, Part::Performer(Performer::new("rust_pro", "test"))];
    step.accept = Accept::Approved;
    step.optional = true;
    draft.default_role = Some("coder".to_owned());
    let inputs = Map::from_iter([("night".to_owned(), json!(true))]);
    draft.schedule = Some(Schedule { cron: "0 3 * * *".to_owned(), inputs, missed: Missed::Once });
    Arc::new(Plan::seal(draft).expect("a draft that seals"))
}

/// The plan that runs follow unless they say otherwise.
pub(crate) static PLAN: LazyLock<Arc<Plan>> = LazyLock::new(|| plan("release"));

/// A run as it grows; makes entries that follow one another.
#[derive(Debug, Clone)]
pub(crate) struct Story {
    pub(crate) record: RunRecord,
    pub(crate) plan: Arc<Plan>,
}

impl Story {
    /// A run of the usual plan.
    pub(crate) fn new(id: &str) -> Self {
        Self::of(id, &PLAN, 1_000)
    }

    /// A run of a plan, started at an instant.
    pub(crate) fn of(id: &str, plan: &Arc<Plan>, at: u64) -> Self {
        let record = RunRecord {
            id: RunId::new(id),
            plan: plan.id().to_owned(),
            digest: plan.digest().to_owned(),
            state: State::Running,
            user: "ada".to_owned(),
            labels: BTreeMap::from([("team".to_owned(), "a \"quoted\" one".to_owned())]),
            started_at: Timestamp::from_millis(at),
            ended_at: None,
            settled_phases: 0,
            total_phases: 1,
            reason: String::new(),
            sequence: 0,
        };
        Self { record, plan: Arc::clone(plan) }
    }

    pub(crate) fn user(mut self, user: &str) -> Self {
        user.clone_into(&mut self.record.user);
        self
    }

    pub(crate) fn labels(mut self, labels: &[(&str, &str)]) -> Self {
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        self.record.labels = labels.iter().map(owned).collect();
        self
    }

    pub(crate) fn id(&self) -> RunId {
        self.record.id.clone()
    }

    /// The entry with the next events; the first one brings the plan.
    pub(crate) fn next(&mut self, events: Vec<Event>) -> Entry {
        let first = self.record.sequence + 1;
        self.record.sequence += events.len() as u64;
        let plan = (first == 1).then(|| Arc::clone(&self.plan));
        Entry { first, events, record: self.record.clone(), plan, idempotency: None, outputs: Vec::new() }
    }

    /// The entry that ends the run.
    pub(crate) fn end(&mut self, state: State, at: u64) -> Entry {
        self.record.state = state;
        self.record.ended_at = Some(Timestamp::from_millis(at));
        self.record.settled_phases = 1;
        state.word().clone_into(&mut self.record.reason);
        self.next(vec![Event {
            at: Timestamp::from_millis(at),
            fact: Fact::RunCompleted { output: Value::Null },
        }])
    }
}

/// Who plays a step: one with a role and what it is told, one that takes over from it.
pub(crate) fn players() -> Vec<Player> {
    let told = Map::from_iter([("role".to_owned(), json!({"prompt": "You code."}))]);
    let first = Player { role: Some("coder".to_owned()), told, ..Performer::new("rust_pro", "build").into() };
    vec![first, Performer::new("tools", "sh").into()]
}

/// The first event of a run.
pub(crate) fn started() -> Event {
    at(
        1_000,
        Fact::RunStarted {
            plan: PLAN.id().to_owned(),
            digest: PLAN.digest().to_owned(),
            cast: vec![players(), Vec::new()].into(),
            inputs: IndexMap::from([
                ("z".to_owned(), json!(0.1)),
                ("a".to_owned(), json!([null, "ü\u{0}\u{1f980}"])),
            ]),
            user: "ada".to_owned(),
            labels: BTreeMap::new(),
            deadline: Some(Timestamp::from_millis(u64::MAX)),
            concurrency: Some("release/main".to_owned()),
            queued: true,
        },
    )
}

/// A step's success with an output of so many bytes.
pub(crate) fn text(size: usize) -> Event {
    output(1_000, json!("x".repeat(size)))
}

/// A step's success with a value.
pub(crate) fn output(millis: u64, output: Value) -> Event {
    let stored = Map::from_iter([("binary".to_owned(), json!("target/debug"))]);
    let evidence = op_run::Evidence::default();
    at(millis, Fact::StepSucceeded { step: "compile".to_owned(), output, stored, evidence })
}

/// The start of a phase.
pub(crate) fn phase(millis: u64) -> Event {
    at(millis, Fact::PhaseStarted { phase: "build".to_owned(), deadline: None })
}

/// A fact at an instant.
pub(crate) fn at(millis: u64, fact: Fact) -> Event {
    Event { at: Timestamp::from_millis(millis), fact }
}

/// A key and a request.
pub(crate) fn key(key: &str) -> Idempotency {
    Idempotency { key: key.to_owned(), request: format!("digest of {key}") }
}

/// Output of an attempt of the first visit, with bytes that are no text.
pub(crate) fn kept(step: &str, attempt: u32) -> KeptOutput {
    let chunk = |channel, data: &'static [u8]| Chunk { channel, data: Bytes::from_static(data) };
    KeptOutput {
        step: step.to_owned(),
        visit: 1,
        attempt,
        chunks: vec![
            chunk(Channel::Stdout, b"compiling\n"),
            chunk(Channel::Stderr, b"\xff\x00warning"),
            chunk(Channel::Stdout, b""),
        ],
        dropped: u64::from(attempt) * 10,
    }
}

/// Output of an attempt of a later visit.
pub(crate) fn again(step: &str, visit: u32, attempt: u32) -> KeptOutput {
    let dropped = u64::from(visit) * 1000 + u64::from(attempt);
    KeptOutput { visit, dropped, ..kept(step, attempt) }
}

/// How far the schedule of a plan is.
pub(crate) fn mark(plan: &str, last: Option<u64>, paused: bool) -> ScheduleMark {
    ScheduleMark { plan: plan.to_owned(), last: last.map(Timestamp::from_millis), paused }
}
