//! Events per second of the decider, for plans of different sizes and shapes: the cost of an event should not grow with the
//! plan, with the visits of a machine, or with the length of a list.
//!
//! `cargo bench -p op-run --bench decide`

use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use op_plan::plan::{Action, Call, Fan, Flow, Part, Target, Transition};
use op_plan::{Draft, Mapping, Performer, Phase, Plan, Shape, Step};
use op_run::input::{Happening, Start};
use op_run::{Answer, Command, Evidence, Input, Run, RunId, Timestamp, next, outstanding};
use serde_json::{Value, json};

/// How long each size is measured at least. The best telling counts: what else the machine does meanwhile is not the decider's.
const SPAN: Duration = Duration::from_secs(1);

fn main() {
    println!("{:>20} {:>12} {:>10}", "plan", "events/s", "ns/event");
    for phases in [10, 1_000, 10_000] {
        measure(&format!("{phases} phases"), &graph(phases));
    }
    for steps in [10, 1_000] {
        measure(&format!("{steps} steps in one"), &wide(steps));
    }
    for visits in [10, 1_000, 10_000] {
        measure(&format!("{visits} visits"), &machine(visits));
    }
    for items in [10, 1_000, 10_000] {
        measure(&format!("{items} items"), &list(items));
    }
}

fn measure(name: &str, plan: &Arc<Plan>) {
    let (mut best, began) = (0.0_f64, Instant::now());
    while began.elapsed() < SPAN {
        let start = Instant::now();
        let events = tell(plan);
        #[expect(clippy::cast_precision_loss, reason = "a rate needs no more digits")]
        let rate = events as f64 / start.elapsed().as_secs_f64();
        best = best.max(rate);
    }
    println!("{name:>20} {best:>12.0} {:>10.0}", 1e9 / best);
}

fn seal(draft: Draft) -> Arc<Plan> {
    Arc::new(Plan::seal(Draft { max_parallel: 8, ..draft }).expect("the plan is valid"))
}

/// Phases in ten lines side by side.
fn graph(phases: usize) -> Arc<Plan> {
    let phases = (0..phases).map(|at| Phase {
        depends_on: at.checked_sub(10).into_iter().collect(),
        timeout: Some(Duration::from_mins(10)),
        ..Phase::new(format!("p{at}"), vec![step(at)])
    });
    seal(Draft::new("bench", Shape::Workstack, phases.collect()))
}

/// One phase of many steps, in ten lines side by side.
fn wide(steps: usize) -> Arc<Plan> {
    let steps = (0..steps).map(|at| Step { after: at.checked_sub(10).into_iter().collect(), ..step(at) });
    seal(Draft::new("bench", Shape::Workstack, vec![Phase::new("p", steps.collect())]))
}

/// Ten phases in a ring, until it went round as often as allowed.
fn machine(visits: u32) -> Arc<Plan> {
    let way = |to| Transition { on_success: true, when: None, to: Target::Phase(to) };
    let phases = (0..10).map(|at| Phase {
        next: vec![way((at + 1) % 10)],
        max_visits: Some(u32::MAX),
        ..Phase::new(format!("p{at}"), vec![step(at)])
    });
    let flow = Flow::Machine { initial: 0, max_visits: visits };
    seal(Draft { flow, ..Draft::new("bench", Shape::Machine, phases.collect()) })
}

/// A step over a list.
fn list(items: usize) -> Arc<Plan> {
    let over = Mapping::literal(Value::from((0..items).collect::<Vec<_>>()));
    let step = Step { for_each: Some(Fan { over, max_parallel: None }), ..step(0) };
    seal(Draft::new("bench", Shape::Workstack, vec![Phase::new("p", vec![step])]))
}

fn step(at: usize) -> Step {
    let part = Part::Performer(Performer::new("agent", "operation"));
    let call = Call { part, arguments: Mapping::literal(json!({ "path": "." })) };
    Step { timeout: Some(Duration::from_mins(1)), ..Step::new(format!("s{at}"), Action::Call(call)) }
}

/// Tells a run in which everything succeeds, as the conductor would, and counts its events.
fn tell(plan: &Arc<Plan>) -> u64 {
    let mut run = Run::new(RunId::new("bench"), Arc::clone(plan));
    let mut now = Timestamp::from_millis(0);
    let start = Start {
        cast: op_plan::cast::usual(plan),
        fallbacks: Vec::new(),
        inputs: indexmap::IndexMap::new(),
        user: String::new(),
        labels: std::collections::BTreeMap::new(),
        timeout: None,
        concurrency: None,
        queued: false,
    };
    hear(&mut run, now, Happening::Start(start));
    while !run.state().is_over() {
        now = now.after(Duration::from_millis(1));
        let commands = black_box(outstanding(&run));
        let call = commands.into_iter().find_map(|command| match command {
            Command::Call(call) => Some(call),
            Command::Stop { .. } | Command::Wake(_) | Command::Await(_) => None,
        });
        let call = call.expect("a run that is not over and in which nothing fails calls somebody");
        let answer = Answer::Succeeded { value: Value::Bool(true), evidence: Evidence::default() };
        hear(&mut run, now, Happening::Answered { work: call.work, attempt: call.attempt, answer });
    }
    run.sequence()
}

fn hear(run: &mut Run, at: Timestamp, happening: Happening) {
    let (after, events) = next(run, &Input { at, happening }).expect("the input makes sense");
    black_box(events);
    *run = after;
}
