//! The protocol as a hub sees it: real sockets, a hub of the test's own, one agent with an operation for each rule.

mod ask;
mod bench;
mod conversation;
mod drain;
mod execute;
mod hub;
mod memory;
mod output;
mod queue;
mod resume;
mod stop;
