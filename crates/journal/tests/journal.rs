//! The journal as the engine uses it, and as the world treats it.

mod contract;
mod corrupt;
mod crash;
mod facts;
mod full;
mod group;
mod migrate;
mod model;
mod samples;
