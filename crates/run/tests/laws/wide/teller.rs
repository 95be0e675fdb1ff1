//! Tells a story in which people steer, through its ends and back, until the world has answered everything.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use op_plan::{Performer, Player};
use op_run::event::Waiting;
use op_run::input::{Happening, Start, Verdict};
use op_run::run::State;
use op_run::{Answer, Command, Event, Evidence, Failure, Input, Outside, Run, Timestamp, Work};
use serde_json::{Value, json};

use super::world::{Case, Move};
use crate::decider::Decider;
use crate::story::{Act, Story, Turn, Wanted, calls, wake};
use crate::teller::run_id;
use crate::world::Outcome;

/// Turns after which a story must be over in which the world answers everything: far more than its calls need.
const PATIENCE: usize = 1_500;

/// Tells a story.
pub(crate) fn tell(decider: Decider, case: &Case) -> Story {
    let mut teller = Teller::new(decider, case);
    teller.start(case);
    case.moves.iter().for_each(|next| teller.play(*next));
    for _ in 0..PATIENCE {
        if teller.run.state().is_over() {
            break;
        }
        teller.go_on();
    }
    Story { decider, plan: Arc::clone(&case.cast.plan), turns: teller.turns }
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
            run: Run::new(run_id(), Arc::clone(&case.cast.plan)),
            now: Timestamp::from_millis(1_000_000),
            journal: Vec::new(),
            commands: Vec::new(),
            answered: Vec::new(),
            turns: Vec::new(),
        }
    }

    fn start(&mut self, case: &Case) {
        let start = Start {
            cast: case.cast.players.iter().map(|many| players(*many)).collect(),
            inputs: [("flag".to_owned(), Value::Bool(case.flag))].into_iter().collect(),
            user: "someone".to_owned(),
            labels: BTreeMap::new(),
            timeout: None,
            fallbacks: Vec::new(),
            concurrency: case.flag.then(|| "key".to_owned()),
            queued: case.queued,
        };
        self.hear(Happening::Start(start), Wanted::Taken);
    }

    fn play(&mut self, next: Move) {
        match next {
            Move::Answer { pick, outcome, wait } => self.answer(pick, outcome, wait),
            Move::Again { pick } => self.again(pick),
            Move::Tick { late } => self.tick(late),
            Move::Restart => self.restart(),
            Move::Cancel { rollback } => {
                self.steer(Happening::Cancel { rollback, reason: "enough".to_owned(), user: user() });
            }
            Move::Admit => self.steer(Happening::Admit),
            Move::Pause => self.steer(Happening::Pause { reason: String::new(), user: user() }),
            Move::Resume => self.steer(Happening::Resume { user: user() }),
            Move::Signal { which } => self.signal(["go", "stop", "other"][usize::from(which) % 3], which),
            Move::Approve { pick, approved, right } => self.approve(pick, approved, right),
            Move::Recast { step, players: many } => {
                let step = format!("s{}", usize::from(step) % (self.run.plan().step_count() + 1));
                let cast = [(step, players(many))].into_iter().collect();
                self.steer(Happening::Recast { cast, user: user() });
            }
            Move::Rollback { to } => {
                self.steer(Happening::Rollback { to: to.map(|to| self.phase(to)), user: user() });
            }
            Move::Retry { from } => {
                let from = from.map(|from| match from % 2 {
                    0 => self.phase(from),
                    _ => format!("s{}", usize::from(from) % self.run.plan().step_count()),
                });
                self.steer(Happening::Retry { from, user: user() });
            }
            Move::Resolve { accept } => self.steer(Happening::Resolve { accept, user: user() }),
        }
    }

    fn phase(&self, pick: u8) -> String {
        format!("p{}", usize::from(pick) % (self.run.plan().phases().len() + 1))
    }

    /// The world does what is waited for.
    fn go_on(&mut self) {
        match self.run.state() {
            State::Pending => return self.steer(Happening::Admit),
            State::Paused => return self.steer(Happening::Resume { user: user() }),
            _ => {}
        }
        if calls(&self.commands).next().is_some() {
            return self.answer(0, Outcome::Success(0), 1);
        }
        match self.gates().first() {
            Some((_, Waiting::Signal(signal))) => self.signal(&signal.clone(), 0),
            Some((_, Waiting::Approval { .. })) => self.approve(0, true, true),
            Some((_, Waiting::Delay)) | None => self.tick(0),
        }
    }

    fn gates(&self) -> Vec<(usize, Waiting)> {
        let gates = self.commands.iter().filter_map(|command| match command {
            Command::Await(Outside::Gate(step)) => Some(*step),
            _ => None,
        });
        gates.filter_map(|step| Some((step, self.run.step(step).gate.as_ref()?.waits_for.clone()))).collect()
    }

    fn answer(&mut self, pick: u8, outcome: Outcome, wait: u64) {
        let calls: Vec<_> = calls(&self.commands).cloned().collect();
        let Some(at) = usize::from(pick).checked_rem(calls.len()) else { return self.tick(0) };
        let (work, attempt) = (calls[at].work, calls[at].attempt);
        self.now = self.now.after(Duration::from_millis(wait));
        self.answered.push((work, attempt));
        let answer = self.say(outcome);
        self.hear(Happening::Answered { work, attempt, answer }, Wanted::Taken);
    }

    fn again(&mut self, pick: u8) {
        let Some(at) = usize::from(pick).checked_rem(self.answered.len()) else { return };
        let (work, attempt) = self.answered[at];
        let is_back = calls(&self.commands).any(|call| (call.work, call.attempt) == (work, attempt));
        let answer = self.say(Outcome::Success(pick));
        // In a later visit, the same numbers name another call.
        self.hear(
            Happening::Answered { work, attempt, answer },
            if is_back { Wanted::Taken } else { Wanted::Refused },
        );
    }

    fn tick(&mut self, late: u64) {
        let wake = wake(&self.commands).unwrap_or(self.now).max(self.now);
        self.now = wake.after(Duration::from_millis(late));
        self.hear(Happening::Tick, Wanted::Taken);
    }

    fn signal(&mut self, signal: &str, data: u8) {
        self.steer(Happening::Signal { signal: signal.to_owned(), data: data.into(), user: user() });
    }

    fn approve(&mut self, pick: u8, approved: bool, right: bool) {
        let asked = self.gates().into_iter().filter_map(|(step, waits_for)| match waits_for {
            Waiting::Approval { digest, .. } => Some((step, digest)),
            Waiting::Delay | Waiting::Signal(_) => None,
        });
        let asked: Vec<_> = asked.collect();
        let (step, digest) = match usize::from(pick).checked_rem(asked.len()) {
            Some(at) => (format!("s{}", asked[at].0), asked[at].1.clone()),
            None => ("s0".to_owned(), String::new()),
        };
        let digest = if right { digest } else { "0000000000".to_owned() };
        let comment = "a word".to_owned();
        self.steer(Happening::Approve(Verdict { step, digest, approved, comment, user: user() }));
    }

    fn restart(&mut self) {
        let before = self.run.clone();
        let mut run = Run::new(run_id(), Arc::clone(before.plan()));
        for event in &self.journal {
            let line = serde_json::to_string(event).expect("events are plain data");
            let event: Event = serde_json::from_str(&line).expect("what was written can be read");
            (self.decider.evolve)(&mut run, &event);
        }
        self.run = run;
        self.close(before, Act::Restarted);
    }

    fn steer(&mut self, happening: Happening) {
        self.hear(happening, Wanted::Either);
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

    /// Every answer bears evidence of its own, so that one cannot be mistaken for another.
    fn say(&self, outcome: Outcome) -> Answer {
        let bytes = self.turns.len() as u64;
        let evidence = Evidence { peer: "worker".to_owned(), bytes, ..Evidence::default() };
        match outcome {
            Outcome::Success(value) => Answer::Succeeded { value: output(value), evidence },
            Outcome::Failure(kind) => {
                let failure = Failure::new(kind, kind.word(), format!("it is {kind}"));
                Answer::Failed { failure, evidence }
            }
        }
    }
}

fn user() -> String {
    "someone".to_owned()
}

fn players(many: usize) -> Vec<Player> {
    (0..many).map(|at| Player::from(Performer::new(format!("player{at}"), "play"))).collect()
}

fn output(value: u8) -> Value {
    match value {
        0..=139 => Value::Bool(true),
        140..=169 => Value::Bool(false),
        170..=199 => json!([1, 2]),
        200..=229 => json!({ "approved": false }),
        230.. => Value::Null,
    }
}
