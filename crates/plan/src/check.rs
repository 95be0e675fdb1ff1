//! What is checked of every plan, however it was written.

pub(crate) mod arguments;
pub(crate) mod cycles;
pub(crate) mod ports;
pub(crate) mod references;
mod schema;
