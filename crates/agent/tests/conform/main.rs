//! The suite against agents that keep to the protocol, and against agents that lie, one fault each.

mod fault;
mod honest;
mod liar;
mod mute;
mod verdicts;
