//! The engine over fakes: every law of the house that lives in this room, at every commit, every step and every undo.
//!
//! Time is paused: it moves on only when nothing else can happen, so no test waits and none depends on speed.

mod calls;
mod cancel;
mod commit;
mod crash;
mod guards;
mod large;
mod names;
mod shutdown;
mod starting;
mod support;
mod tail;
mod undo;
mod watching;
