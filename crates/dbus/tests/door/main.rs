//! The D-Bus door on a private bus, over an engine with fakes.

mod agents;
mod bus;
mod calls;
mod contract;
mod daemon;
mod foreign;
mod load;
mod order;
mod polkit;
mod reload;
mod rights;
mod runs;
mod support;
