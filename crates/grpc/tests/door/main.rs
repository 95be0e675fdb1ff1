//! The door over real sockets: conversions, codes, streams, and what clients do to the runs behind it.

mod agents;
mod batches;
mod journal;
mod plans;
mod runs;
mod serving;
mod sessions;
mod skills;
mod steer;
mod suggest;
mod support;
