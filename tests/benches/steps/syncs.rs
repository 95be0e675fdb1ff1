//! Syncs as the kernel is asked for them, counted by `strace` in a run of this program of its own.

use std::io::ErrorKind;
use std::path::Path;
use std::process::{Command, Stdio};

use futures::future::try_join_all;

use super::Failed;
use super::agent::Agent;
use super::plans;
use super::world::World;

/// Says to this program that its syncs are counted, and how many runs go side by side.
const CALLERS: &str = "STEPS_BENCH_SYNCS";

/// Runs that are counted, side by side or one after the other.
const RUNS: usize = 192;

/// How many runs go side by side, when this process is being counted.
pub(crate) fn told() -> Option<usize> {
    std::env::var(CALLERS).ok()?.parse().ok()
}

/// Runs what is counted.
pub(crate) async fn count(disk: &Path, callers: usize) -> Result<(), Failed> {
    let agent = Agent::start()?;
    let world = World::open(disk, &agent).await?;
    let caller = || async {
        for _ in 0..RUNS / callers {
            world.run(plans::CHAIN).await?;
        }
        Ok::<_, Failed>(())
    };
    try_join_all((0..callers).map(|_| caller())).await?;
    world.close().await;
    Ok(())
}

/// Syncs of a step; `None` where they cannot be counted.
pub(crate) fn strace(callers: usize) -> Result<Option<f64>, Failed> {
    let told = tempfile::NamedTempFile::new()?;
    let mut command = Command::new("strace");
    command
        .args(["-f", "-c", "-e", "trace=fdatasync,fsync", "-o"])
        .arg(told.path())
        .arg(std::env::current_exe()?);
    let counted =
        command.env(CALLERS, callers.to_string()).stdout(Stdio::null()).stderr(Stdio::null()).status();
    match counted {
        Ok(status) if status.success() => {}
        // A container may forbid it.
        Ok(_) => return Ok(None),
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error.into()),
    }
    let calls = std::fs::read_to_string(told.path())?.lines().filter_map(calls).sum::<u32>();
    let steps = u32::try_from(RUNS / callers * callers * plans::STEPS)?;
    Ok(Some(f64::from(calls) / f64::from(steps)))
}

/// Calls in a line of the summary: `% time, seconds, usecs/call, calls, [errors,] syscall`.
fn calls(line: &str) -> Option<u32> {
    let words: Vec<_> = line.split_whitespace().collect();
    let is_sync = words.last().is_some_and(|name| ["fdatasync", "fsync"].contains(name));
    words.get(3).filter(|_| is_sync)?.parse().ok()
}
