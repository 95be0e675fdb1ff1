//! What each field of a plan does, one example at a time.

mod cast;
mod cause;
mod cost;
mod explain;
mod fallback;
mod flow;
mod gates;
mod limits;
mod lists;
mod machine;
mod pause;
mod queue;
mod repeat;
mod retry;
mod retry_after_the_end;
mod retry_of_lists;
mod rollback;
mod skills;
mod stage;
mod undo;
