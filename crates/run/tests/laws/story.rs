//! A story: one run in a random world, told turn by turn until it is over.

use std::sync::Arc;
use std::time::Duration;

use op_plan::plan::FailureKind;
use op_plan::{Performer, Plan};
use op_run::command::Call;
use op_run::input::{Happening, Start};
use op_run::run::{Halt, State};
use op_run::{Answer, Command, Event, Evidence, Failure, Input, Refused, Run, RunId, Timestamp, Work};
use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::decider::Decider;
use crate::plans::plans;

/// What the world does next. What cannot be done at that moment is done as a tick instead.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Move {
    /// Answers a call.
    Answer { pick: u8, outcome: Outcome, wait: u64 },
    /// Lets time pass, to the next instant that counts or beyond.
    Tick { late: u64 },
    /// Looks at the clock before anything is due.
    Early,
    /// Stops the run.
    Cancel { rollback: bool },
    /// Answers a call that nobody waits for.
    Stale { pick: u8, outcome: Outcome },
    /// Loses everything but the journal.
    Restart,
}

/// How a call ends.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Outcome {
    Success(u8),
    Failure(FailureKind),
}

/// A plan and a world.
#[derive(Debug, Clone)]
pub(crate) struct Case {
    pub(crate) plan: Arc<Plan>,
    flag: bool,
    limit: Option<u64>,
    moves: Vec<Move>,
}

/// Random plans in random worlds.
pub(crate) fn cases() -> impl Strategy<Value = Case> {
    let limit = proptest::option::weighted(0.1, 10_u64..200);
    (plans(), proptest::bool::weighted(0.85), limit, vec(moves(), 0..50))
        .prop_map(|(plan, flag, limit, moves)| Case { plan, flag, limit, moves })
}

fn moves() -> impl Strategy<Value = Move> {
    prop_oneof![
        60 => (any::<u8>(), outcome(), 0_u64..12).prop_map(|(pick, outcome, wait)| Move::Answer { pick, outcome, wait }),
        18 => (0_u64..8).prop_map(|late| Move::Tick { late }),
        4 => Just(Move::Early),
        2 => any::<bool>().prop_map(|rollback| Move::Cancel { rollback }),
        6 => (any::<u8>(), outcome()).prop_map(|(pick, outcome)| Move::Stale { pick, outcome }),
        3 => Just(Move::Restart),
    ]
}

fn outcome() -> impl Strategy<Value = Outcome> {
    prop_oneof![
        2 => any::<u8>().prop_map(Outcome::Success),
        1 => proptest::sample::select(FailureKind::ALL.as_slice()).prop_map(Outcome::Failure),
    ]
}

/// What must become of an input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// It makes sense.
    Taken,
    /// It makes no sense.
    Refused,
    /// It makes sense and changes nothing.
    Nothing,
}

/// What happened in a turn.
#[derive(Debug)]
pub(crate) enum Act {
    /// An input came in.
    Heard { input: Box<Input>, wanted: Wanted, decision: Result<Vec<Event>, Refused> },
    /// The run was read from its journal.
    Restarted,
}

/// One turn of a story.
#[derive(Debug)]
pub(crate) struct Turn {
    pub(crate) before: Run,
    pub(crate) act: Act,
    pub(crate) after: Run,
    /// What is outstanding after it.
    pub(crate) commands: Vec<Command>,
}

impl Turn {
    pub(crate) fn events(&self) -> &[Event] {
        match &self.act {
            Act::Heard { decision: Ok(events), .. } => events,
            Act::Heard { decision: Err(_), .. } | Act::Restarted => &[],
        }
    }

    pub(crate) fn input(&self) -> Option<&Input> {
        match &self.act {
            Act::Heard { input, .. } => Some(input),
            Act::Restarted => None,
        }
    }

    /// The answer that this turn took in.
    pub(crate) fn answer(&self) -> Option<(Work, u32, &Answer)> {
        match &self.act {
            Act::Heard { input, decision: Ok(_), .. } => match &input.happening {
                Happening::Answered { work, attempt, answer } => Some((*work, *attempt, answer)),
                Happening::Start(_) | Happening::Tick | Happening::Cancel { .. } => None,
            },
            Act::Heard { .. } | Act::Restarted => None,
        }
    }

    pub(crate) fn calls(&self) -> impl Iterator<Item = &Call> {
        calls(&self.commands)
    }
}

/// A run from its start to its end.
pub(crate) struct Story {
    pub(crate) decider: Decider,
    pub(crate) plan: Arc<Plan>,
    pub(crate) turns: Vec<Turn>,
}

impl Story {
    pub(crate) fn events(&self) -> impl Iterator<Item = &Event> {
        self.turns.iter().flat_map(Turn::events)
    }

    pub(crate) fn end(&self) -> &Run {
        &self.turns.last().expect("a story begins").after
    }
}

/// The run of every story.
pub(crate) fn run_id() -> RunId {
    RunId::new("r")
}

/// Turns after which a story that its script did not end must be over: far more than its calls need when all succeed.
const PATIENCE: usize = 250;

/// Tells a story.
pub(crate) fn tell(decider: Decider, case: &Case) -> Story {
    let mut teller = Teller::new(decider, case);
    teller.start(case);
    for next in &case.moves {
        if !teller.run.state().is_over() {
            teller.play(*next);
        }
    }
    for _ in 0..PATIENCE {
        if teller.run.state().is_over() {
            break;
        }
        teller.play(Move::Answer { pick: 0, outcome: Outcome::Success(0), wait: 1 });
    }
    teller.afterwards();
    Story { decider, plan: Arc::clone(&case.plan), turns: teller.turns }
}

struct Teller {
    decider: Decider,
    run: Run,
    now: Timestamp,
    journal: Vec<Event>,
    commands: Vec<Command>,
    answered: Vec<(Work, u32)>,
    turns: Vec<Turn>,
}

impl Teller {
    fn new(decider: Decider, case: &Case) -> Self {
        Self {
            decider,
            run: Run::new(run_id(), Arc::clone(&case.plan)),
            now: Timestamp::from_millis(1_000_000),
            journal: Vec::new(),
            commands: Vec::new(),
            answered: Vec::new(),
            turns: Vec::new(),
        }
    }

    fn start(&mut self, case: &Case) {
        let cast = (0..case.plan.step_count()).map(|step| Performer::new("cast", format!("o{step}")));
        let start = Start {
            cast: cast.collect(),
            inputs: [("flag".to_owned(), Value::Bool(case.flag))].into_iter().collect(),
            user: "someone".to_owned(),
            labels: [("label".to_owned(), "value".to_owned())].into_iter().collect(),
            timeout: case.limit.map(Duration::from_millis),
        };
        self.hear(Happening::Start(start.clone()), Wanted::Taken);
        self.hear(Happening::Start(start), Wanted::Refused);
    }

    fn play(&mut self, next: Move) {
        match next {
            Move::Answer { pick, outcome, wait } => match self.pick(pick) {
                Some(call) => self.answer(&call, outcome, wait),
                None => self.tick(0),
            },
            Move::Tick { late } => self.tick(late),
            Move::Early => self.early(),
            Move::Cancel { rollback } => self.cancel(rollback),
            Move::Stale { pick, outcome } => self.stale(pick, outcome),
            Move::Restart => self.restart(),
        }
    }

    /// Whatever still comes in after the end changes nothing.
    fn afterwards(&mut self) {
        if self.run.state().is_over() {
            self.hear(Happening::Tick, Wanted::Nothing);
            self.stale(0, Outcome::Success(0));
            self.cancel(true);
            self.restart();
        }
    }

    fn pick(&self, pick: u8) -> Option<Call> {
        let calls: Vec<_> = calls(&self.commands).collect();
        let at = usize::from(pick).checked_rem(calls.len())?;
        Some(calls[at].clone())
    }

    fn answer(&mut self, call: &Call, outcome: Outcome, wait: u64) {
        self.now = self.now.after(Duration::from_millis(wait));
        self.answered.push((call.work, call.attempt));
        let answer = self.say(outcome);
        self.hear(Happening::Answered { work: call.work, attempt: call.attempt, answer }, Wanted::Taken);
    }

    fn tick(&mut self, late: u64) {
        let wake = self.wake().unwrap_or(self.now).max(self.now);
        self.now = wake.after(Duration::from_millis(late));
        self.hear(Happening::Tick, Wanted::Taken);
    }

    fn early(&mut self) {
        match self.wake() {
            Some(wake) if wake <= self.now => self.tick(0),
            Some(wake) => {
                self.now = Timestamp::from_millis(self.now.as_millis().midpoint(wake.as_millis() - 1));
                self.hear(Happening::Tick, Wanted::Nothing);
            }
            None => self.hear(Happening::Tick, Wanted::Nothing),
        }
    }

    fn cancel(&mut self, rollback: bool) {
        let is_cancelled = matches!(self.run.halt(), Some(Halt::Cancelled { .. }));
        let can = self.run.state() == State::Running && !is_cancelled;
        let happening =
            Happening::Cancel { rollback, reason: "enough".to_owned(), user: "someone".to_owned() };
        self.hear(happening, if can { Wanted::Taken } else { Wanted::Refused });
    }

    /// An answer that came before, or one for an attempt that is not in flight.
    fn stale(&mut self, pick: u8, outcome: Outcome) {
        let at = usize::from(pick).checked_rem(self.answered.len());
        let (work, attempt) = match (at, self.pick(pick)) {
            (Some(at), _) if pick.is_multiple_of(3) => self.answered[at],
            (_, Some(call)) => (call.work, call.attempt + 1),
            (Some(at), None) => self.answered[at],
            (None, None) => (Work::Undo { phase: 0, place: 0 }, 1),
        };
        let answer = self.say(outcome);
        self.hear(Happening::Answered { work, attempt, answer }, Wanted::Refused);
    }

    fn restart(&mut self) {
        let before = self.run.clone();
        let mut run = Run::new(before.id().clone(), Arc::clone(before.plan()));
        for event in &self.journal {
            let line = serde_json::to_string(event).expect("events are plain data");
            let event: Event = serde_json::from_str(&line).expect("what was written can be read");
            (self.decider.evolve)(&mut run, &event);
        }
        self.run = run;
        self.close(before, Act::Restarted);
    }

    fn hear(&mut self, happening: Happening, wanted: Wanted) {
        let input = Box::new(Input { at: self.now, happening });
        let before = self.run.clone();
        let decision = (self.decider.decide)(&self.run, &input);
        for event in decision.iter().flatten() {
            (self.decider.evolve)(&mut self.run, event);
            self.journal.push(event.clone());
        }
        self.close(before, Act::Heard { input, wanted, decision });
    }

    fn close(&mut self, before: Run, act: Act) {
        self.commands = (self.decider.outstanding)(&self.run);
        let (after, commands) = (self.run.clone(), self.commands.clone());
        self.turns.push(Turn { before, act, after, commands });
    }

    fn wake(&self) -> Option<Timestamp> {
        wake(&self.commands)
    }

    /// Every answer bears evidence of its own, so that one cannot be mistaken for another.
    fn say(&self, outcome: Outcome) -> Answer {
        let evidence = Evidence {
            peer: "worker".to_owned(),
            duration: Duration::from_millis(3),
            exit_code: Some(0),
            bytes: self.turns.len() as u64,
        };
        match outcome {
            Outcome::Success(value) => Answer::Succeeded { value: output(value), evidence },
            Outcome::Failure(kind) => {
                let failure =
                    Failure::new(kind, kind.word(), format!("it is {kind}")).detail(json!({"kind": 1}));
                Answer::Failed { failure, evidence }
            }
        }
    }
}

fn output(value: u8) -> Value {
    match value {
        0..=159 => Value::Bool(true),
        160..=184 => Value::Bool(false),
        185..=209 => Value::Null,
        210..=255 => json!({"answer": value}),
    }
}

/// The calls among commands.
pub(crate) fn calls(commands: &[Command]) -> impl Iterator<Item = &Call> {
    commands.iter().filter_map(|command| match command {
        Command::Call(call) => Some(call),
        Command::Stop { .. } | Command::Wake(_) => None,
    })
}

/// The wake among commands.
pub(crate) fn wake(commands: &[Command]) -> Option<Timestamp> {
    commands.iter().find_map(|command| match command {
        Command::Wake(at) => Some(*at),
        Command::Call(_) | Command::Stop { .. } => None,
    })
}
