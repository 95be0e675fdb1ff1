//! Random valid plans. A plan is grown from seeds, so that a failing one shrinks to few phases and plain steps.

use std::cell::RefCell;
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use op_plan::plan::{Action, Call, FailureKind, Part, Undo};
use op_plan::{Draft, Expression, Mapping, Performer, Phase, Plan, Retry, Rollback, Shape, Step};
use proptest::collection::vec;
use proptest::option::weighted;
use proptest::prelude::*;
use serde_json::json;

#[derive(Debug, Clone)]
struct PhaseSeed {
    rank: u8,
    depends: u16,
    when: Option<(u8, u8)>,
    timeout: Option<u64>,
    continue_on_failure: bool,
    steps: Vec<StepSeed>,
    undo: Vec<UndoSeed>,
}

#[derive(Debug, Clone)]
struct StepSeed {
    after: u8,
    retry: Retry,
    timeout: Option<u64>,
    stored: bool,
    argument: (u8, u8),
}

#[derive(Debug, Clone)]
struct UndoSeed {
    retry: Retry,
    timeout: Option<u64>,
    argument: (u8, u8),
}

/// Plans of one to six phases of one to four steps.
pub(crate) fn plans() -> impl Strategy<Value = Arc<Plan>> {
    let rollback = prop_oneof![Just(Rollback::Phase), Just(Rollback::Run), Just(Rollback::None)];
    let seeds =
        (vec(phase(), 1..=6), 1_usize..=4, weighted(0.15, 20_u64..300), rollback, any::<(bool, u8)>());
    seeds.prop_map(|(phases, max_parallel, timeout, rollback, (answers, output))| {
        let output = (answers && output < 60).then(|| argument((output, output), step_count(&phases)));
        let draft = Draft {
            max_parallel,
            timeout: timeout.map(Duration::from_millis),
            rollback,
            output,
            ..Draft::new("random", Shape::Workstack, grow(&phases))
        };
        Arc::new(Plan::seal(draft).expect("seeds grow into valid plans"))
    })
}

fn phase() -> impl Strategy<Value = PhaseSeed> {
    let seed = (
        any::<u8>(),
        any::<(u16, u16)>(),
        weighted(0.3, any::<(u8, u8)>()),
        weighted(0.2, 5_u64..150),
        proptest::bool::weighted(0.25),
        vec(step(), 1..=4),
        vec(undo(), 0..=2),
    );
    seed.prop_map(|(rank, (one, other), when, timeout, continue_on_failure, steps, undo)| PhaseSeed {
        rank,
        depends: one & other,
        when,
        timeout,
        continue_on_failure,
        steps,
        undo,
    })
}

fn step() -> impl Strategy<Value = StepSeed> {
    let seed = (
        any::<(u8, u8)>(),
        retry(),
        weighted(0.3, 1_u64..60),
        proptest::bool::weighted(0.4),
        any::<(u8, u8)>(),
    );
    seed.prop_map(|((one, other), retry, timeout, stored, argument)| StepSeed {
        after: one & other,
        retry,
        timeout,
        stored,
        argument,
    })
}

fn undo() -> impl Strategy<Value = UndoSeed> {
    (retry(), weighted(0.3, 1_u64..60), any::<(u8, u8)>()).prop_map(|(retry, timeout, argument)| UndoSeed {
        retry,
        timeout,
        argument,
    })
}

fn retry() -> impl Strategy<Value = Retry> {
    let backoff = prop_oneof![Just(1.0), Just(2.0)];
    (prop_oneof![3 => Just(0), 2 => 1_u32..=3], 0_u64..40, backoff, 10_u64..60, weighted(0.6, any::<u8>()))
        .prop_map(|(max, delay, backoff, max_delay, on)| Retry {
            max,
            delay: Duration::from_millis(delay),
            backoff,
            max_delay: Duration::from_millis(max_delay),
            on: on.map_or_else(|| Retry::default().on, kinds),
        })
}

fn kinds(mask: u8) -> BTreeSet<FailureKind> {
    FailureKind::ALL
        .into_iter()
        .enumerate()
        .filter(|(at, _)| mask & 1 << at != 0)
        .map(|(_, kind)| kind)
        .collect()
}

fn step_count(phases: &[PhaseSeed]) -> usize {
    phases.iter().map(|phase| phase.steps.len()).sum()
}

/// The order of the file and the order of dependencies are independent: a phase depends on phases of lower rank.
fn grow(seeds: &[PhaseSeed]) -> Vec<Phase> {
    let steps = step_count(seeds);
    let mut first = 0;
    let phases = seeds.iter().enumerate().map(|(at, seed)| {
        let lower = |other: &usize| (seeds[*other].rank, *other) < (seed.rank, at);
        let depends = (0..seeds.len()).filter(|other| seed.depends & 1 << other != 0).filter(lower);
        let own = seed.steps.iter().enumerate().map(|(place, step)| grow_step(step, first, place, steps));
        let phase = Phase {
            name: String::new(),
            depends_on: depends.collect(),
            when: seed.when.map(|(which, target)| condition(which, target, steps, seeds.len())),
            timeout: seed.timeout.map(Duration::from_millis),
            continue_on_failure: seed.continue_on_failure,
            undo: seed.undo.iter().map(|undo| grow_undo(undo, steps)).collect(),
            ..Phase::new(format!("p{at}"), own.collect())
        };
        first += seed.steps.len();
        phase
    });
    phases.collect()
}

fn grow_step(seed: &StepSeed, first: usize, place: usize, steps: usize) -> Step {
    let mut after: Vec<_> = (0..place).filter(|before| seed.after & 1 << before != 0).collect();
    // To name a step twice is allowed, and means the same.
    if seed.after & 0x80 != 0 {
        after.extend(after.first().copied());
    }
    Step {
        after,
        retry: seed.retry.clone(),
        timeout: seed.timeout.map(Duration::from_millis),
        store_as: seed.stored.then(|| format!("v{}", first + place)),
        ..Step::new(format!("s{}", first + place), Action::Call(call(seed.argument, steps)))
    }
}

fn grow_undo(seed: &UndoSeed, steps: usize) -> Undo {
    Undo {
        call: call(seed.argument, steps),
        timeout: seed.timeout.map(Duration::from_millis),
        retry: seed.retry.clone(),
    }
}

fn call(seed: (u8, u8), steps: usize) -> Call {
    Call { part: Part::Performer(Performer::new("worker", "work")), arguments: argument(seed, steps) }
}

/// Mostly plain; sometimes with a reference that may have a value or not.
fn argument((which, target): (u8, u8), steps: usize) -> Mapping {
    let target = usize::from(target) % steps;
    match which {
        0..=9 => mapping(format!("${{v{target}}}")),
        10..=29 => mapping(format!("${{steps.s{target}.output}}")),
        30..=34 => mapping(format!("a ${{steps.s{target}.output}} b")),
        35..=44 => mapping(format!("${{steps.s{target}.status}}")),
        45..=49 => mapping("${run.id}".to_owned()),
        50..=255 => Mapping::empty(),
    }
}

fn condition(which: u8, target: u8, steps: usize, phases: usize) -> Expression {
    let (step, phase) = (usize::from(target) % steps, usize::from(target) % phases);
    expression(&match which {
        0..=149 => "input.flag".to_owned(),
        150..=179 => format!("phases.p{phase}.success"),
        180..=199 => format!("steps.s{step}.output"),
        200..=214 => format!("v{step}"),
        215..=239 => format!("phases.p{phase}.status == 'succeeded'"),
        240..=255 => "!input.flag".to_owned(),
    })
}

thread_local! {
    /// Reading an expression costs more than the rest of a plan, and there are few different ones.
    static EXPRESSIONS: RefCell<HashMap<String, Expression>> = RefCell::default();
    static MAPPINGS: RefCell<HashMap<String, Mapping>> = RefCell::default();
}

fn expression(source: &str) -> Expression {
    EXPRESSIONS.with_borrow_mut(|known| {
        let parse = || Expression::parse(source).expect("the condition is an expression");
        known.entry(source.to_owned()).or_insert_with(parse).clone()
    })
}

fn mapping(source: String) -> Mapping {
    MAPPINGS.with_borrow_mut(|known| {
        let value = json!({ "value": source });
        known
            .entry(source)
            .or_insert_with(|| Mapping::parse(value).expect("the argument is a mapping"))
            .clone()
    })
}
