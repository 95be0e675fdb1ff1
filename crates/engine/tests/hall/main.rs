//! The engine over fakes: every law of the house that lives in this room, at every commit, every step and every undo.
//!
//! Time is paused: it moves on only when nothing else can happen, so no test waits and none depends on speed.

mod apply;
mod batches;
mod calls;
mod cancel;
mod casts;
mod child;
mod commit;
mod controls;
mod crash;
mod guards;
mod host;
mod idle;
mod kept;
mod large;
mod lists;
mod names;
mod places;
mod preview;
mod rates;
mod schedule;
mod sessions;
mod shutdown;
mod skills;
mod starting;
mod suggest;
mod support;
mod tail;
mod undo;
mod watching;
