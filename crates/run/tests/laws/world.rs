//! Random worlds: what happens to a run, move by move.

use std::sync::Arc;

use op_plan::Plan;
use op_plan::plan::FailureKind;
use proptest::collection::vec;
use proptest::prelude::*;

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
    pub(crate) flag: bool,
    pub(crate) limit: Option<u64>,
    pub(crate) moves: Vec<Move>,
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

pub(crate) fn outcome() -> impl Strategy<Value = Outcome> {
    prop_oneof![
        2 => any::<u8>().prop_map(Outcome::Success),
        1 => proptest::sample::select(FailureKind::ALL.as_slice()).prop_map(Outcome::Failure),
    ]
}
