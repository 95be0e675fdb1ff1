//! What each field of a plan does, one example at a time.

mod cost;
mod flow;
mod limits;
mod retry;
mod stage;
mod undo;
