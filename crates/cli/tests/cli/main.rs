//! The real binary against a daemon that plays a script: what people read, what machines read, and the exit codes.

mod call;
mod doctor;
mod fake;
mod hosted;
mod look;
mod pipe;
mod program;
mod read;
mod refusal;
mod run;
mod scene;
mod skills;
mod steer;
mod suggest;
mod terminal;
mod wake;
