//! Random plans with all that a plan can say: graphs and machines, gates, lists, loops, takeovers, acceptance, parts nobody plays.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use op_plan::plan::{
    Accept, Action, Approval, Call, Fan, Flow, Gate, Loop, OnTimeout, Part, Target, Terminal, Transition,
    Undo,
};
use op_plan::{Draft, Expression, Mapping, Performer, Phase, Plan, Retry, Rollback, Shape, Step};
use proptest::collection::vec;
use proptest::option::weighted;
use proptest::prelude::*;
use serde_json::{Value, json};

/// A plan and who plays it.
#[derive(Debug, Clone)]
pub(crate) struct Cast {
    pub(crate) plan: Arc<Plan>,
    /// How many play each step.
    pub(crate) players: Vec<usize>,
}

#[derive(Debug, Clone)]
struct PhaseSeed {
    depends: u8,
    when: Option<u8>,
    timeout: Option<u64>,
    continue_on_failure: bool,
    repeat: Option<(u8, u32)>,
    next: Vec<(bool, Option<u8>, u8)>,
    max_visits: Option<u32>,
    steps: Vec<StepSeed>,
    undo: Vec<(u8, u32)>,
}

#[derive(Debug, Clone)]
struct StepSeed {
    after: u8,
    gate: Option<(u8, Option<u64>)>,
    list: Option<(u8, Option<usize>)>,
    action: u8,
    accept: u8,
    optional: bool,
    stores: bool,
    retries: u32,
    timeout: Option<u64>,
    argument: u8,
    players: usize,
}

/// Plans of one to five phases of one to three steps.
pub(crate) fn casts() -> impl Strategy<Value = Cast> {
    let rollback = prop_oneof![Just(Rollback::Phase), Just(Rollback::Run), Just(Rollback::None)];
    let machine = weighted(0.45, (any::<u8>(), 1_u32..=8));
    (vec(phase(), 1..=5), 1_usize..=4, weighted(0.15, 20_u64..300), rollback, machine).prop_map(
        |(seeds, max_parallel, timeout, rollback, machine)| {
            let flow = machine.map_or(Flow::Graph, |(initial, max_visits)| Flow::Machine {
                initial: usize::from(initial) % seeds.len(),
                max_visits,
            });
            let players = seeds.iter().flat_map(|seed| seed.steps.iter().map(|step| step.players)).collect();
            let phases = grow(&seeds, flow.is_graph());
            let draft = Draft {
                flow,
                max_parallel,
                timeout: timeout.map(Duration::from_millis),
                rollback,
                ..Draft::new("wide", Shape::Machine, phases)
            };
            Cast { plan: Arc::new(Plan::seal(draft).expect("seeds grow into valid plans")), players }
        },
    )
}

fn phase() -> impl Strategy<Value = PhaseSeed> {
    let seed = (
        any::<u8>(),
        weighted(0.25, any::<u8>()),
        weighted(0.15, 5_u64..150),
        proptest::bool::weighted(0.25),
        weighted(0.25, (any::<u8>(), 1_u32..=3)),
        vec((any::<bool>(), weighted(0.3, any::<u8>()), any::<u8>()), 0..=3),
        weighted(0.3, 1_u32..=3),
        vec(step(), 1..=3),
        vec((any::<u8>(), 0_u32..=1), 0..=2),
    );
    seed.prop_map(|(depends, when, timeout, continue_on_failure, repeat, next, max_visits, steps, undo)| {
        PhaseSeed { depends, when, timeout, continue_on_failure, repeat, next, max_visits, steps, undo }
    })
}

fn step() -> impl Strategy<Value = StepSeed> {
    let what = (
        any::<u8>(),
        weighted(0.3, (any::<u8>(), weighted(0.5, 1_u64..60))),
        weighted(0.25, (any::<u8>(), weighted(0.4, 1_usize..=2))),
        any::<u8>(),
        any::<u8>(),
    );
    let how = (
        proptest::bool::weighted(0.2),
        any::<bool>(),
        prop_oneof![3 => Just(0), 1 => 1_u32..=2],
        weighted(0.2, 1_u64..60),
        any::<u8>(),
        prop_oneof![1 => Just(0_usize), 8 => Just(1), 3 => Just(2)],
    );
    (what, how).prop_map(
        |((after, gate, list, action, accept), (optional, stores, retries, timeout, argument, players))| {
            StepSeed {
                after,
                gate,
                list,
                action,
                accept,
                optional,
                stores,
                retries,
                timeout,
                argument,
                players,
            }
        },
    )
}

fn grow(seeds: &[PhaseSeed], is_graph: bool) -> Vec<Phase> {
    let steps: usize = seeds.iter().map(|seed| seed.steps.len()).sum();
    let mut first = 0;
    let phases = seeds.iter().enumerate().map(|(at, seed)| {
        let own = seed.steps.iter().enumerate();
        let own = own.map(|(place, step)| grow_step(step, first + place, place, steps));
        let phase = Phase {
            depends_on: (0..at).filter(|on| is_graph && seed.depends & 1 << on != 0).collect(),
            when: seed.when.map(|which| condition(which, steps)),
            timeout: seed.timeout.map(Duration::from_millis),
            continue_on_failure: seed.continue_on_failure,
            repeat: seed.repeat.map(|(which, max)| Loop { condition: condition(which, steps), max }),
            next: seed
                .next
                .iter()
                .filter(|_| !is_graph)
                .map(|way| transition(*way, seeds.len(), steps))
                .collect(),
            max_visits: seed.max_visits,
            undo: seed.undo.iter().map(|(which, retries)| undo(*which, *retries, steps)).collect(),
            ..Phase::new(format!("p{at}"), own.collect())
        };
        first += seed.steps.len();
        phase
    });
    phases.collect()
}

fn transition((on_success, when, to): (bool, Option<u8>, u8), phases: usize, steps: usize) -> Transition {
    let end = |name: &str, is_success, message: &str| {
        Target::End(Terminal { name: name.to_owned(), is_success, message: message.to_owned() })
    };
    let to = match to {
        0..=29 => end("completed", true, ""),
        30..=49 => end("failed", false, "it went wrong"),
        50.. => Target::Phase(usize::from(to) % phases),
    };
    Transition { on_success, when: when.map(|which| condition(which, steps)), to }
}

fn grow_step(seed: &StepSeed, at: usize, place: usize, steps: usize) -> Step {
    let gate = seed.gate.map(|(which, limit)| gate(which, limit));
    let list = seed.list.map(|(which, max_parallel)| Fan { over: list(which, steps), max_parallel });
    let call = Call { part: Part::Open, arguments: argument(seed.argument, steps, list.is_some()) };
    let action = match seed.action {
        0..=79 if gate.is_some() && list.is_none() => Action::Pass,
        80..=99 => Action::Plan { plan: child(), inputs: call.arguments },
        _ => Action::Call(call),
    };
    Step {
        after: (0..place).filter(|before| seed.after & 1 << before != 0).collect(),
        gate,
        for_each: list,
        accept: match seed.accept {
            0..=159 => Accept::Any,
            160..=219 => Accept::Approved,
            220.. => Accept::When(expression("output == true")),
        },
        optional: seed.optional,
        retry: retry(seed.retries),
        timeout: seed.timeout.map(Duration::from_millis),
        store_as: seed.stores.then(|| format!("v{at}")),
        outputs: (seed.stores && seed.argument > 200)
            .then(|| (format!("w{at}"), mapping(json!("${output}"))))
            .into_iter()
            .collect(),
        ..Step::new(format!("s{at}"), action)
    }
}

fn gate(which: u8, limit: Option<u64>) -> Gate {
    let timeout = limit.map(Duration::from_millis);
    let on_timeout = match which % 3 {
        0 => OnTimeout::Reject,
        1 => OnTimeout::Approve,
        _ => OnTimeout::Park,
    };
    match which {
        0..=79 => Gate::Delay(timeout.unwrap_or(Duration::from_millis(7))),
        80..=159 => Gate::Signal(if which.is_multiple_of(2) { "go" } else { "stop" }.to_owned()),
        160.. => Gate::Approval(Approval { message: mapping(json!("go on?")), timeout, on_timeout }),
    }
}

fn list(which: u8, steps: usize) -> Mapping {
    match which {
        0..=19 => mapping(json!([])),
        20..=39 => mapping(json!(format!("${{steps.s{}.output}}", usize::from(which) % steps))),
        40.. => mapping(Value::from((0..which % 5).collect::<Vec<_>>())),
    }
}

fn argument(which: u8, steps: usize, has_items: bool) -> Mapping {
    let target = usize::from(which) % steps;
    mapping(match which {
        0..=119 if has_items => json!({ "item": "${item}", "at": "${index}" }),
        120..=134 => json!({ "value": format!("${{v{target}}}") }),
        135..=164 => json!({ "value": format!("${{steps.s{target}.output}}") }),
        165..=174 => json!({ "value": "${last_output()}" }),
        _ => json!({}),
    })
}

fn condition(which: u8, steps: usize) -> Expression {
    let step = usize::from(which) % steps;
    match which {
        0..=109 => expression("input.flag"),
        110..=149 => expression("!input.flag"),
        150..=189 => expression(&format!("steps.s{step}.output == true")),
        190..=229 => expression(&format!("steps.s{step}.status == 'succeeded'")),
        230..=244 => expression(&format!("steps.s{step}.output")),
        245.. => expression("phases.p0.success"),
    }
}

fn undo(which: u8, retries: u32, steps: usize) -> Undo {
    let part = Part::Performer(Performer::new("worker", "work"));
    Undo {
        call: Call { part, arguments: argument(which, steps, false) },
        timeout: None,
        retry: retry(retries),
    }
}

fn retry(max: u32) -> Retry {
    Retry { max, delay: Duration::from_millis(5), max_delay: Duration::from_millis(20), ..Retry::default() }
}

thread_local! {
    static CHILD: Arc<Plan> = {
        let call = Call { part: Part::Open, arguments: Mapping::empty() };
        let phase = Phase::new("only", vec![Step::new("alone", Action::Call(call))]);
        Arc::new(Plan::seal(Draft::new("child", Shape::Workstack, vec![phase])).expect("the plan is valid"))
    };
    /// Reading expressions costs more than the rest, and there are few different ones.
    static EXPRESSIONS: std::cell::RefCell<BTreeMap<String, Expression>> = std::cell::RefCell::default();
    static MAPPINGS: std::cell::RefCell<BTreeMap<String, Mapping>> = std::cell::RefCell::default();
}

fn child() -> Arc<Plan> {
    CHILD.with(Arc::clone)
}

fn expression(source: &str) -> Expression {
    EXPRESSIONS.with_borrow_mut(|known| {
        let parse = || Expression::parse(source).expect("the condition is an expression");
        known.entry(source.to_owned()).or_insert_with(parse).clone()
    })
}

fn mapping(value: Value) -> Mapping {
    MAPPINGS.with_borrow_mut(|known| {
        let key = value.to_string();
        known.entry(key).or_insert_with(|| Mapping::parse(value).expect("the value is a mapping")).clone()
    })
}
