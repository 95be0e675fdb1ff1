//! `process`: what the kernel tells of a process.

mod proc;
mod view;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use op_agent::{Call, Failure};
use rustix::io::Errno;
use rustix::process::{Pid, test_kill_process};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use crate::tools::{Desk, blocking};
use view::View;

/// Where the kernel tells of processes.
const PROC: &str = "/proc";

/// Most processes of one answer.
const MOST: usize = 20;

/// Which process.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Process {
    /// Its number. Either this or `name`.
    pid: Option<u32>,
    /// Its name, or that of its program; all that have it are told. Either this or `pid`.
    name: Option<String>,
    /// How long its use of processors is watched, in milliseconds; at most 10000.
    #[serde(default = "moment")]
    window_ms: u64,
}

/// What there is to tell.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Processes {
    /// The processes, by their numbers; at most 20.
    processes: Vec<View>,
    /// How many there are that are asked for.
    matched: usize,
}

/// Looks at a process twice, and tells what it is and what it did meanwhile.
pub(super) async fn process(_desk: Arc<Desk>, call: Call, args: Process) -> Result<Processes, Failure> {
    let window = Duration::from_millis(args.window_ms.min(10_000));
    let pids = blocking(move || wanted(&args)).await?;
    let matched = pids.len();
    let pids: Vec<u32> = pids.into_iter().take(MOST).collect();
    let before: Vec<Option<u64>> = pids.iter().map(|pid| proc::ticks(Path::new(PROC), *pid)).collect();
    let begun = Instant::now();
    tokio::select! {
        () = tokio::time::sleep(window) => {}
        () = call.cancelled() => return Err(Failure::cancelled("nobody waits for the processes any more")),
    }
    let elapsed = begun.elapsed();
    let looks = pids.into_iter().zip(before);
    let processes: Vec<View> =
        looks.filter_map(|(pid, before)| View::of(Path::new(PROC), pid, before, elapsed)).collect();
    if processes.is_empty() {
        return Err(Failure::failed("not_found", "the process ended while it was looked at"));
    }
    Ok(Processes { processes, matched })
}

/// The numbers of the processes that are asked for, one at least.
fn wanted(args: &Process) -> Result<Vec<u32>, Failure> {
    let is_there = |pid: u32| proc::stat(Path::new(PROC), pid).is_some();
    match (args.pid, &args.name) {
        (Some(pid), None) if is_there(pid) => Ok(vec![pid]),
        (Some(pid), None) => Err(missing(&format!("process {pid}"), exists(pid))),
        (None, Some(name)) => {
            let pids = proc::named(Path::new(PROC), name);
            if pids.is_empty() {
                Err(missing(&format!("process that is called `{name}`"), false))
            } else {
                Ok(pids)
            }
        }
        _ => {
            Err(Failure::rejected("invalid_arguments", "a process is asked for by its number or by its name")
                .hint("give one of `pid` and `name`"))
        }
    }
}

/// Whether the kernel knows a process, even where /proc hides it.
fn exists(pid: u32) -> bool {
    let pid = i32::try_from(pid).ok().and_then(Pid::from_raw);
    pid.is_some_and(|pid| matches!(test_kill_process(pid), Ok(()) | Err(Errno::PERM)))
}

/// Tells a process that is not there from one that is hidden.
fn missing(what: &str, exists: bool) -> Failure {
    let hint = "show it with `ProtectProc=default` in a drop-in of the agent's unit, or remount /proc without `hidepid`";
    match (proc::hides(Path::new(PROC)), exists) {
        (_, true) => Failure::failed("process_hidden", format!("{what} is there, and hidden from the agent"))
            .hint(hint),
        (Some(how), false) => {
            let message =
                format!("there is no {what} that the agent can see; /proc hides others (hidepid={how})");
            Failure::failed("not_found", message).hint(hint)
        }
        (None, false) => Failure::failed("not_found", format!("there is no {what}")),
    }
}

fn moment() -> u64 {
    200
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_that_is_hidden_is_told_from_one_that_is_not_there() {
        assert_eq!(missing("process 7", true).reason(), "process_hidden");
        assert_eq!(missing("process 7", false).reason(), "not_found");
        assert!(exists(std::process::id()));
        assert!(!exists(0) && !exists(u32::MAX));
    }
}
