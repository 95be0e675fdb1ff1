//! The conductor of every run, and the ports it needs.

pub mod ports;
