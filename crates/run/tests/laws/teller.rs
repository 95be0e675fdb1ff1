//! Tells a story turn by turn until its run is over.

use std::sync::Arc;
use std::time::Duration;

use op_plan::{Performer, Player};
use op_run::command::Call;
use op_run::input::{Happening, Start};
use op_run::run::{Halt, State};
use op_run::{Answer, Command, Event, Evidence, Failure, Input, Run, RunId, Timestamp, Work};
use serde_json::{Value, json};

use crate::decider::Decider;
use crate::story::{Act, Story, Turn, Wanted, calls, wake};
use crate::world::{Case, Move, Outcome};

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
        let cast = (0..case.plan.step_count())
            .map(|step| vec![Player::from(Performer::new("cast", format!("o{step}")))]);
        let start = Start {
            cast: cast.collect(),
            inputs: [("flag".to_owned(), Value::Bool(case.flag))].into_iter().collect(),
            user: "someone".to_owned(),
            labels: [("label".to_owned(), "value".to_owned())].into_iter().collect(),
            timeout: case.limit.map(Duration::from_millis),
            fallbacks: Vec::new(),
            concurrency: None,
            queued: false,
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
        let can = matches!(self.run.state(), State::Running | State::Waiting) && !is_cancelled;
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
            kept: None,
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
