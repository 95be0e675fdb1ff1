//! Processes that lost their parent: programs of an agent that was killed, and what programs left behind.
//!
//! Once [`adopt`] was called, the kernel hands them to this process. They are ended with the next agent that ends, and reaped once
//! they have ended. One whose group is led by a child of an agent belongs to a call under way, and is spared.
//!
//! **Invariant:** an orphan is signalled and reaped under the lock of the family only, so that its number belongs to nobody else.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::os::fd::OwnedFd;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rustix::process::{Pid, Signal, WaitOptions, getpid, kill_process, set_child_subreaper, waitpid};
use tokio::io::unix::AsyncFd;
use tokio::process::{Child, Command};

/// How long a killed process may take to end. Only one that waits for a broken device takes any time at all.
const PATIENCE: Duration = Duration::from_secs(2);

static FAMILY: Mutex<Family> = Mutex::new(Family { adopts: false, own: BTreeSet::new() });

/// The children of this process.
struct Family {
    adopts: bool,
    /// Those that the pool started. Any other is an orphan.
    own: BTreeSet<i32>,
}

/// A process as `/proc` tells of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stat {
    parent: i32,
    group: i32,
    has_ended: bool,
}

/// Makes this process the parent of every process below it that loses its own, so that the programs of an agent that is killed
/// do not survive. Only for a process that starts no children but agents of a pool: all others are taken for orphans.
///
/// # Errors
/// When the kernel does not know this.
pub fn adopt() -> io::Result<()> {
    let mut family = family();
    set_child_subreaper(Some(getpid()))?;
    family.adopts = true;
    Ok(())
}

/// Reaps orphans that have ended by themselves. To be called when a child has ended (SIGCHLD).
pub fn reap() {
    let family = family();
    let stats = family.look();
    stats
        .iter()
        .filter(|(pid, stat)| family.is_orphan(**pid, stat) && stat.has_ended)
        .for_each(|(pid, _)| bury(*pid));
}

/// Starts a process that is no orphan.
pub(super) fn start(command: &mut Command) -> io::Result<(Child, Pid)> {
    // Locked from before it is there until it is known, so that nobody takes it for an orphan.
    let mut family = family();
    let child = command.spawn()?;
    let pid = child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
    let pid = pid.expect("a child that nobody waited for has a process id");
    family.own.insert(pid.as_raw_pid());
    Ok((child, pid))
}

/// A process of the pool was reaped.
pub(super) fn forget(pid: Pid) {
    family().own.remove(&pid.as_raw_pid());
}

/// Ends the orphans that belong to no call under way, and those that come to light by that.
pub(super) async fn end() {
    let ending = async {
        loop {
            let killed = family().kill();
            if killed.is_empty() {
                return;
            }
            for end in killed {
                // An end that cannot be awaited is looked for in the next round.
                drop(end.readable().await);
            }
        }
    };
    if tokio::time::timeout(PATIENCE, ending).await.is_err() {
        tracing::warn!(patience = ?PATIENCE, "a program of an agent that is gone cannot be killed");
    }
}

impl Family {
    /// Reaps what has ended of the orphans, kills the rest, and returns what tells their end.
    fn kill(&self) -> Vec<AsyncFd<OwnedFd>> {
        let stats = self.look();
        let orphans =
            stats.iter().filter(|(pid, stat)| self.is_orphan(**pid, stat) && !self.is_spared(stat, &stats));
        let mut ends = Vec::new();
        for (pid, stat) in orphans {
            if stat.has_ended {
                bury(*pid);
            } else if let Some(pid) = Pid::from_raw(*pid) {
                let _ = kill_process(pid, Signal::KILL);
                ends.extend(super::child::watch(pid));
            }
        }
        ends
    }

    /// What runs; nothing unless orphans are adopted.
    fn look(&self) -> BTreeMap<i32, Stat> {
        if self.adopts { stats() } else { BTreeMap::new() }
    }

    fn is_orphan(&self, pid: i32, stat: &Stat) -> bool {
        stat.parent == getpid().as_raw_pid() && !self.own.contains(&pid)
    }

    /// Whether the leader of its group is a child of an agent.
    fn is_spared(&self, stat: &Stat, stats: &BTreeMap<i32, Stat>) -> bool {
        stats.get(&stat.group).is_some_and(|leader| self.own.contains(&leader.parent))
    }
}

fn family() -> MutexGuard<'static, Family> {
    FAMILY.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Takes a process that has ended off the table of the kernel. The only failure there can be is that it is off already.
fn bury(pid: i32) {
    let _ = waitpid(Pid::from_raw(pid), WaitOptions::NOHANG);
}

/// Every process there is.
fn stats() -> BTreeMap<i32, Stat> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let stats = entries.filter_map(|entry| {
        let pid = entry.file_name().to_str()?.parse().ok()?;
        Some((pid, parse(&fs::read_to_string(entry.path().join("stat")).ok()?)?))
    });
    stats.collect()
}

/// `pid (name) state parent group ...`, where the name may hold anything.
fn parse(stat: &str) -> Option<Stat> {
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace();
    let state = fields.next()?;
    let (parent, group) = (fields.next()?.parse().ok()?, fields.next()?.parse().ok()?);
    Some(Stat { parent, group, has_ended: state == "Z" })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stat(parent: i32, group: i32) -> Stat {
        Stat { parent, group, has_ended: false }
    }

    #[test]
    fn a_line_of_proc_is_read_whatever_the_name_of_the_program() {
        let read = parse("77 (a) R (b)) Z 5 70 70 0 -1 4194560");
        assert_eq!(read, Some(Stat { parent: 5, group: 70, has_ended: true }));
        assert_eq!(parse("77 (sh) S 5 77 70"), Some(stat(5, 77)));
        assert_eq!(parse("77 (sh"), None);
    }

    #[test]
    fn a_child_that_the_pool_did_not_start_is_an_orphan() {
        let (me, family) = (getpid().as_raw_pid(), Family { adopts: true, own: BTreeSet::from([10]) });
        assert!(!family.is_orphan(10, &stat(me, 10)));
        assert!(family.is_orphan(11, &stat(me, 11)));
        assert!(!family.is_orphan(12, &stat(10, 12)), "it has a parent");
    }

    #[test]
    fn an_orphan_is_spared_while_a_child_of_an_agent_leads_its_group() {
        let (me, family) = (getpid().as_raw_pid(), Family { adopts: true, own: BTreeSet::from([10]) });
        let stats = BTreeMap::from([
            (10, stat(me, 10)),
            (20, stat(10, 20)),
            (21, stat(me, 20)),
            (30, stat(me, 30)),
            (31, stat(me, 40)),
        ]);
        assert!(family.is_spared(&stats[&21], &stats), "its call is under way");
        assert!(!family.is_spared(&stats[&30], &stats), "the agent that started it is gone");
        assert!(!family.is_spared(&stats[&31], &stats), "its group is gone");
    }

    #[test]
    fn a_process_that_adopts_nobody_looks_at_nobody() {
        assert!(Family { adopts: false, own: BTreeSet::new() }.look().is_empty());
        assert!(Family { adopts: true, own: BTreeSet::new() }.look().contains_key(&getpid().as_raw_pid()));
    }
}
