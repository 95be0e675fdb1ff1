//! What is told of a run, in which order, by events as they come.

use op_plan::plan::{Action, Call, Part, Phase, Shape};
use op_plan::{Draft, Mapping, Performer, Plan, Player, Step};
use op_run::input::{Happening, Start};
use op_run::{Answer, Event, Evidence, Input, RunId, Timestamp, Work, decide};
use serde_json::Value;

use super::*;

fn plan(phases: usize) -> Arc<Plan> {
    let phase = |at: usize| Phase::new(format!("p{at}"), vec![Step::new(format!("s{at}"), Action::Pass)]);
    sealed((0..phases).map(phase).collect())
}

/// One phase of steps that each wait for an answer.
fn waiting_plan(steps: usize) -> Arc<Plan> {
    let step = |at: usize| {
        let part = Part::Performer(Performer::new("w", "step"));
        let arguments = Mapping::parse(serde_json::json!({})).expect("a mapping");
        Step::new(format!("s{at}"), Action::Call(Call { part, arguments }))
    };
    sealed(vec![Phase::new("p", (0..steps).map(step).collect())])
}

fn sealed(phases: Vec<Phase>) -> Arc<Plan> {
    let draft = Draft { max_parallel: 100, ..Draft::new("x", Shape::Workstack, phases) };
    Arc::new(Plan::seal(draft).expect("valid"))
}

fn started(plan: &Arc<Plan>) -> (Run, Vec<Event>) {
    let mut run = Run::new(RunId::new("r"), Arc::clone(plan));
    let player = Player::from(Performer::new("w", "step"));
    let start = Start {
        cast: vec![vec![player]; plan.step_count()].into(),
        fallbacks: Vec::new(),
        concurrency: None,
        inputs: op_plan::input::Inputs::default(),
        user: "uid:7".to_owned(),
        labels: std::collections::BTreeMap::new(),
        timeout: None,
        queued: false,
    };
    let events = happened(&mut run, Happening::Start(start));
    (run, events)
}

fn happened(run: &mut Run, happening: Happening) -> Vec<Event> {
    let input = Input { at: Timestamp::from_millis(1000), happening };
    let events = decide(run, &input).expect("it makes sense");
    events.iter().for_each(|event| evolve(run, event));
    events
}

fn succeed(run: &mut Run, step: usize) {
    let answer = Answer::Succeeded { value: Value::Null, evidence: Evidence::default() };
    happened(run, Happening::Answered { work: Work::Step(step), attempt: 1, answer });
}

fn moment(now: Instant) -> Moment {
    Moment { now, is_held: false, is_parked: false, is_urgent: false }
}

/// A run of its first event, and the events after it.
fn card(plan: &Arc<Plan>) -> (RunCard, Vec<Recorded>) {
    let (_, events) = started(plan);
    let mut first = Run::new(RunId::new("r"), Arc::clone(plan));
    evolve(&mut first, &events[0]);
    let rest = events.into_iter().zip(1..).skip(1);
    let rest = rest.map(|(event, sequence)| Recorded { sequence, event });
    (RunCard::new(&first), rest.collect())
}

/// Everything that is told until there is nothing more.
fn all(card: &mut RunCard, now: Instant) -> Vec<Next> {
    let mut bucket = Bucket::new(20, now);
    let told = std::iter::from_fn(|| match card.next(moment(now), &mut bucket) {
        Next::Nothing | Next::At(_) | Next::Park | Next::Forget => None,
        next => Some(next),
    });
    told.collect()
}

#[test]
fn a_run_is_exported_announced_and_ended_in_this_order_and_each_once() {
    let (mut card, rest) = card(&plan(2));
    let now = Instant::now();
    assert_eq!(all(&mut card, now), [Next::Export, Next::Signal(Signal::RunNew)]);
    for recorded in &rest {
        assert!(matches!(card.follow(recorded), Followed::Taken(_)));
        assert_eq!(card.follow(recorded), Followed::Old);
    }
    let told = all(&mut card, now);
    let at = |is_it: fn(&Next) -> bool| told.iter().position(is_it).expect("told");
    let finished = at(|next| matches!(next, Next::Signal(Signal::Finished(..))));
    assert_eq!(finished, told.len() - 1);
    assert!(
        at(|next| matches!(next, Next::Properties(..)))
            < at(|next| matches!(next, Next::Signal(Signal::Phase { .. })))
    );
    assert!(
        matches!(&told[0], Next::Properties(changed, invalidated) if changed.contains_key("Progress") && invalidated == &["Phases"])
    );
    assert_eq!(all(&mut card, now), []);
    card.leave();
    assert_eq!(all(&mut card, now), [Next::Unexport, Next::Signal(Signal::RunRemoved("completed"))]);
}

#[test]
fn a_run_that_has_to_go_before_its_end_was_told_tells_it_first() {
    let (mut card, rest) = card(&plan(2));
    let now = Instant::now();
    all(&mut card, now);
    rest.iter().for_each(|recorded| assert_ne!(card.follow(recorded), Followed::Gap));
    card.leave();
    let told = all(&mut card, now);
    let finished = told.iter().filter(|next| matches!(next, Next::Signal(Signal::Finished(..)))).count();
    assert_eq!(finished, 1);
    let end = [Next::Unexport, Next::Signal(Signal::RunRemoved("completed"))];
    assert_eq!(told[told.len() - 2..], end);
}

#[test]
fn what_is_held_tells_its_properties_and_no_signal() {
    let (mut card, rest) = card(&plan(1));
    let (now, mut bucket) = (Instant::now(), Bucket::new(20, Instant::now()));
    let held = Moment { is_held: true, ..moment(now) };
    assert_eq!(card.next(Moment { is_parked: true, ..held }, &mut bucket), Next::Park);
    assert_eq!(card.next(held, &mut bucket), Next::Export);
    assert_eq!(card.next(held, &mut bucket), Next::Nothing);
    rest.iter().for_each(|recorded| assert_ne!(card.follow(recorded), Followed::Gap));
    assert!(!card.is_told());
    assert!(matches!(card.next(held, &mut bucket), Next::Properties(..)));
    assert!(card.is_told());
    assert_eq!(card.next(held, &mut bucket), Next::Nothing);
    assert_eq!(card.next(moment(now), &mut bucket), Next::Signal(Signal::RunNew));
}

#[test]
fn an_event_after_a_gap_is_not_taken_and_states_that_are_overtaken_are_counted() {
    let (mut card, rest) = card(&plan(3));
    let last = rest.last().expect("events").clone();
    assert_eq!(card.follow(&last), Followed::Gap);
    let (run, _) = started(&plan(3));
    let (mut card, rest) = self::card(&plan(3));
    all(&mut card, Instant::now());
    let overtaken: u64 = rest
        .iter()
        .map(|recorded| match card.follow(recorded) {
            Followed::Taken(overtaken) => overtaken,
            Followed::Old | Followed::Gap => 0,
        })
        .sum();
    assert!(overtaken >= 3, "{overtaken}");
    assert_eq!(card.view.facts().sequence, run.sequence());
}

#[test]
fn progress_is_told_twice_a_second_and_the_rest_when_it_is_time() {
    let plan = waiting_plan(10);
    let (mut run, _) = started(&plan);
    let mut card = RunCard::new(&run);
    card.renew();
    let (start, mut bucket) = (Instant::now(), Bucket::new(20, Instant::now()));
    let mut told = 0;
    for (step, tenth) in (0..9).zip(1..) {
        succeed(&mut run, step);
        card.take(&run);
        let now = start + Duration::from_millis(100 * tenth);
        loop {
            match card.next(moment(now), &mut bucket) {
                Next::Properties(changed, _) => told += u32::from(changed.contains_key("Progress")),
                Next::At(at) => {
                    assert!(at > now);
                    break;
                }
                Next::Nothing => break,
                _ => {}
            }
        }
    }
    assert_eq!(told, 2);
}
