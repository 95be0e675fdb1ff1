//! The pool against real agents, against servers that misbehave, and against processes that die.

mod calls;
mod connects;
mod greedy;
mod handover;
mod misbehaves;
mod processes;
mod renews;
mod resumes;
mod scripted;
mod sessions;
mod support;
mod units;
