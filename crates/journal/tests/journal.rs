//! The journal as the engine uses it, and as the world treats it.

mod contract;
mod corrupt;
mod crash;
mod full;
mod group;
mod model;
mod samples;
