//! Events per second of the decider, for plans of different sizes: the cost of an event should not grow with the plan.
//!
//! `cargo bench -p op-run --bench decide`

use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use op_plan::plan::{About, Action, Call, Part};
use op_plan::{Draft, Mapping, Performer, Phase, Plan, Retry, Rollback, Shape, Step};
use op_run::input::{Happening, Start};
use op_run::{Answer, Command, Evidence, Input, Run, RunId, Timestamp, decide, evolve, outstanding};
use serde_json::{Value, json};

/// How long each size is measured at least.
const SPAN: Duration = Duration::from_secs(1);

fn main() {
    println!("{:>8} {:>12} {:>10}", "phases", "events/s", "ns/event");
    for phases in [10, 1_000, 10_000] {
        let plan = plan(phases);
        let (mut events, began) = (0_u64, Instant::now());
        while began.elapsed() < SPAN {
            events += tell(&plan);
        }
        let seconds = began.elapsed().as_secs_f64();
        #[expect(clippy::cast_precision_loss, reason = "a rate needs no more digits")]
        let rate = events as f64 / seconds;
        println!("{phases:>8} {rate:>12.0} {:>10.0}", 1e9 / rate);
    }
}

/// Phases in ten lines side by side, eight steps at a time.
fn plan(phases: usize) -> Arc<Plan> {
    let phases = (0..phases).map(|at| Phase {
        id: format!("p{at}"),
        name: String::new(),
        description: String::new(),
        depends_on: at.checked_sub(10).into_iter().collect(),
        when: None,
        timeout: Some(Duration::from_mins(10)),
        continue_on_failure: false,
        steps: vec![step(at)],
        undo: Vec::new(),
    });
    let draft = Draft {
        id: "bench".to_owned(),
        shape: Shape::Workstack,
        about: About::default(),
        inputs: indexmap::IndexMap::new(),
        phases: phases.collect(),
        max_parallel: 8,
        timeout: None,
        rollback: Rollback::Phase,
        output: None,
    };
    Arc::new(Plan::seal(draft).expect("the plan is valid"))
}

fn step(at: usize) -> Step {
    let part = Part::Performer(Performer::new("agent", "operation"));
    Step {
        id: format!("s{at}"),
        after: Vec::new(),
        action: Action::Call(Call { part, arguments: Mapping::literal(json!({ "path": "." })) }),
        retry: Retry::default(),
        timeout: Some(Duration::from_mins(1)),
        store_as: None,
    }
}

/// Tells a run in which everything succeeds, as the conductor would, and counts its events.
fn tell(plan: &Arc<Plan>) -> u64 {
    let mut run = Run::new(RunId::new("bench"), Arc::clone(plan));
    let mut now = Timestamp::from_millis(0);
    let cast = vec![Performer::new("agent", "operation"); plan.step_count()];
    let start = Start {
        cast,
        inputs: indexmap::IndexMap::new(),
        user: String::new(),
        labels: std::collections::BTreeMap::new(),
        timeout: None,
    };
    hear(&mut run, now, Happening::Start(start));
    while !run.state().is_over() {
        now = now.after(Duration::from_millis(1));
        let commands = black_box(outstanding(&run));
        let call = commands.into_iter().find_map(|command| match command {
            Command::Call(call) => Some(call),
            Command::Stop { .. } | Command::Wake(_) => None,
        });
        let call = call.expect("a run that is not over and in which nothing fails calls somebody");
        let answer = Answer::Succeeded { value: Value::Bool(true), evidence: Evidence::default() };
        hear(&mut run, now, Happening::Answered { work: call.work, attempt: call.attempt, answer });
    }
    run.sequence()
}

fn hear(run: &mut Run, at: Timestamp, happening: Happening) {
    let events = decide(run, &Input { at, happening }).expect("the input makes sense");
    for event in &events {
        evolve(run, event);
    }
}
