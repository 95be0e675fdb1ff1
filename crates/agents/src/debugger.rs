//! The agent `debugger`: looks at what runs and what was written about it, and changes nothing.
//!
//! - `logs`: a log file below the roots, or what a unit wrote into the journal, filtered and grouped by shape
//! - `journal`: entries of the journal as they are, by `journalctl`
//! - `process`: what `/proc` says of a process
//! - `backtrace`: where the threads of a process or of a crash stand, by `gdb`
//!
//! # What it does not see
//!
//! Its answers say what was hidden from it. Landlock lets nobody in a sandbox trace a process outside of it, nor see its
//! program; so a live process is traced only where `sandbox = "off"` in op-dbusd.toml, and a core file always. The journal is
//! read by members of `systemd-journal` or `adm`; everybody else sees only what is their own.

mod backtrace;
mod journal;
mod journalctl;
mod level;
mod logs;
mod moment;
mod process;

use op_agent::{Agent, Operation};

use crate::settings::Settings;
use crate::tools::{Desk, at};

/// Builds the agent.
pub(crate) fn agent(settings: &Settings) -> Agent {
    let desk = &Desk::new(settings);
    let read = |name, about| Operation::read(name, about).idempotent();
    Agent::new("debugger", env!("CARGO_PKG_VERSION"))
        .describe_as("Looks at logs, the journal, processes and crashes, and changes nothing.")
        .max_concurrent(8)
        .operation(
            read("logs", "Filters a log file or the journal of a unit, and counts lines of the same shape.")
                .streaming(),
            at(desk, logs::logs),
        )
        .operation(read("journal", "Reads entries of the system's journal."), at(desk, journal::journal))
        .operation(
            read("process", "Tells the state, threads, memory, limits, unit and parents of a process."),
            at(desk, process::process),
        )
        .operation(
            read(
                "backtrace",
                "Tells where each thread of a process or a core file stands; a process is stopped for that moment.",
            ),
            at(desk, backtrace::backtrace),
        )
}
