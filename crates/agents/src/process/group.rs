//! Process groups, and the table of those that live.
//!
//! **Invariant:** the leader of a group in the table has not been reaped, so that its number belongs to nobody else and a
//! signal cannot hit a stranger.

use std::collections::BTreeSet;
use std::io;
use std::sync::{Mutex, MutexGuard, PoisonError};

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::process::{Child, Command};

static TABLE: Mutex<Table> = Mutex::new(Table { closed: false, live: BTreeSet::new() });

struct Table {
    closed: bool,
    live: BTreeSet<i32>,
}

/// A process group with a leader that is not reaped yet. Dropping it kills whatever is left of it.
#[derive(Debug)]
pub(crate) struct Group(Pid);

/// Kills every program that runs for any call of this process, and lets none start any more.
pub fn kill_all() {
    let mut table = table();
    table.closed = true;
    for pid in table.live.iter().filter_map(|pid| Pid::from_raw(*pid)) {
        signal(pid, Signal::KILL);
    }
}

/// Starts a command as the leader of a group of its own.
///
/// The table stays locked meanwhile: a program either is in the table when [`kill_all`] reads it or does not start.
pub(crate) fn start(command: &mut Command) -> io::Result<(Child, Group)> {
    let mut table = table();
    if table.closed {
        return Err(io::Error::other("the agent is going away"));
    }
    let child = command.process_group(0).kill_on_drop(true).spawn()?;
    let pid = child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
    let pid = pid.expect("a child that nobody waited for has a process id");
    table.live.insert(pid.as_raw_pid());
    Ok((child, Group(pid)))
}

impl Group {
    /// The process id of the leader, which is the number of the group too.
    pub(crate) fn pid(&self) -> Pid {
        self.0
    }

    /// Asks every process of the group to end.
    pub(crate) fn ask(&self) {
        signal(self.0, Signal::TERM);
    }

    /// Ends every process of the group.
    pub(crate) fn kill(&self) {
        signal(self.0, Signal::KILL);
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.kill();
        table().live.remove(&self.0.as_raw_pid());
    }
}

fn table() -> MutexGuard<'static, Table> {
    TABLE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The only failure there can be is that the group is gone, which is what was wanted.
fn signal(group: Pid, signal: Signal) {
    let _ = kill_process_group(group, signal);
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::ExitStatusExt;

    use super::*;

    #[tokio::test]
    async fn dropping_a_group_kills_it_and_takes_it_off_the_table() {
        let (mut child, group) = start(Command::new("sleep").arg("1000")).unwrap();
        let pid = group.pid().as_raw_pid();
        assert!(table().live.contains(&pid));
        drop(group);
        assert_eq!(child.wait().await.unwrap().signal(), Some(Signal::KILL.as_raw()));
        assert!(!table().live.contains(&pid));
    }

    #[tokio::test]
    async fn a_program_that_cannot_start_leaves_nothing_on_the_table() {
        let error = start(&mut Command::new("/no/such/program")).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::NotFound);
    }
}
