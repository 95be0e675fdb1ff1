//! `op-dbus`, the one binary: the daemon (`serve`), one agent process (`agent NAME`), and a client for everything else.
//!
//! As a client it knows the daemon by its protos only. When no daemon answers it hosts one in its own process, on a private
//! socket, and talks to that one in the same way. It never reads the journal behind the daemon's back.
//!
//! - [`args`], [`options`], [`command`]: the words people type, and one module for each of them
//! - [`seat`], [`client`]: the daemon that answers, or the one that is hosted here
//! - [`inputs`], [`words`]: `key=value` to what a plan or an operation takes
//! - [`live`]: a run as it goes on: bars on a terminal, lines elsewhere
//! - [`render`], [`json`]: what people read, what machines read
//! - [`failure`]: errors at the edge and the exit codes
//! - [`terminal`], [`mod@print`], [`interrupt`]: width and colour, pipes that close, Ctrl-C

mod args;
mod client;
mod command;
mod failure;
mod inputs;
mod interrupt;
mod json;
mod live;
mod options;
mod print;
mod render;
mod seat;
mod terminal;
mod words;

use std::process::ExitCode;

use args::Cli;

fn main() -> ExitCode {
    match args::parse() {
        Ok(Cli { globals, command }) => command::start(globals, command, args::grammar).into(),
        Err(code) => code,
    }
}
