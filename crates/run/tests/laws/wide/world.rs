//! Random worlds in which people steer: they hold, admit, signal, approve, cast anew, undo, retry, resolve.

use std::fmt;

use proptest::collection::vec;
use proptest::prelude::*;

use super::plans::{Cast, casts};
use crate::world::Outcome;

/// What the world does next. What cannot be done then is tried all the same, and refused.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Move {
    Answer {
        pick: u8,
        outcome: Outcome,
        wait: u64,
    },
    /// Answers a call again that was answered.
    Again {
        pick: u8,
    },
    Tick {
        late: u64,
    },
    Restart,
    Cancel {
        rollback: bool,
    },
    Admit,
    Pause,
    Resume,
    Signal {
        which: u8,
    },
    Approve {
        pick: u8,
        approved: bool,
        right: bool,
    },
    Recast {
        step: u8,
        players: usize,
    },
    Rollback {
        to: Option<u8>,
    },
    Retry {
        from: Option<u8>,
    },
    Resolve {
        accept: bool,
    },
}

/// A plan and a world.
#[derive(Clone)]
pub(crate) struct Case {
    pub(crate) cast: Cast,
    pub(crate) flag: bool,
    pub(crate) queued: bool,
    pub(crate) moves: Vec<Move>,
}

impl fmt::Debug for Case {
    /// A plan in one line, as it would be written.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plan = serde_json::to_string(self.cast.plan.draft()).map_err(|_| fmt::Error)?;
        let Self { cast, flag, queued, moves } = self;
        write!(f, "{plan}\nplayers {:?}, flag {flag}, queued {queued}, {moves:?}", cast.players)
    }
}

/// Random plans in random worlds.
pub(crate) fn cases() -> impl Strategy<Value = Case> {
    (casts(), any::<bool>(), proptest::bool::weighted(0.15), vec(moves(), 0..70))
        .prop_map(|(cast, flag, queued, moves)| Case { cast, flag, queued, moves })
}

fn moves() -> impl Strategy<Value = Move> {
    let steering = prop_oneof![
        2 => any::<bool>().prop_map(|rollback| Move::Cancel { rollback }),
        3 => Just(Move::Admit),
        4 => Just(Move::Pause),
        6 => Just(Move::Resume),
        8 => any::<u8>().prop_map(|which| Move::Signal { which }),
        10 => (any::<u8>(), any::<bool>(), proptest::bool::weighted(0.8))
            .prop_map(|(pick, approved, right)| Move::Approve { pick, approved, right }),
        4 => (any::<u8>(), 0_usize..=2).prop_map(|(step, players)| Move::Recast { step, players }),
        4 => proptest::option::weighted(0.5, any::<u8>()).prop_map(|to| Move::Rollback { to }),
        6 => proptest::option::weighted(0.4, any::<u8>()).prop_map(|from| Move::Retry { from }),
        5 => any::<bool>().prop_map(|accept| Move::Resolve { accept }),
    ];
    prop_oneof![
        60 => (any::<u8>(), crate::world::outcome(), 0_u64..12)
            .prop_map(|(pick, outcome, wait)| Move::Answer { pick, outcome, wait }),
        4 => any::<u8>().prop_map(|pick| Move::Again { pick }),
        14 => (0_u64..8).prop_map(|late| Move::Tick { late }),
        3 => Just(Move::Restart),
        45 => steering,
    ]
}
