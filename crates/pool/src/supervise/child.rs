//! Agents as child processes.
//!
//! A child's standard input is its lifeline: a pipe that the hub holds open and never writes to. However the hub dies, the
//! kernel closes it, and the agent ends. While the hub lives, it ends the child and every process of its group itself; a hub that
//! adopts [`orphans`](super::orphans) ends what an agent that was killed had started, too.
//!
//! **Invariant:** a group is signalled only while its leader is not reaped, so that its number belongs to nobody else.

use std::io;
use std::os::fd::OwnedFd;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use rustix::process::{Pid, PidfdFlags, Signal, kill_process, kill_process_group, pidfd_open};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::process::{self, Command};
use tokio::task::JoinSet;

use super::{lines, orphans};
use crate::settings::ChildLaunch;

/// How long the last lines of a process that ended may take to be read.
const LAST_LINES: Duration = Duration::from_millis(100);

/// A running child. Dropping it kills its whole group.
#[derive(Debug)]
pub(crate) struct Child {
    process: process::Child,
    pid: Pid,
    /// Readable once the leader has ended, which leaves it unreaped.
    end: AsyncFd<OwnedFd>,
    lines: JoinSet<()>,
    reaped: bool,
}

impl Child {
    /// Starts an agent's process as the leader of a group of its own.
    pub(crate) fn start(agent: &str, launch: &ChildLaunch) -> io::Result<Self> {
        let mut command = Command::new(&launch.program);
        command
            .args(&launch.arguments)
            .env_clear()
            .envs(launch.environment.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .kill_on_drop(true);
        let (mut child, pid) = orphans::start(&mut command)?;
        let end = watch(pid)?;
        let name: Arc<str> = agent.into();
        let mut lines = JoinSet::new();
        if let Some(stdout) = child.stdout.take() {
            lines.spawn(lines::log(Arc::clone(&name), "stdout", stdout));
        }
        if let Some(stderr) = child.stderr.take() {
            lines.spawn(lines::log(name, "stderr", stderr));
        }
        Ok(Self { process: child, pid, end, lines, reaped: false })
    }

    pub(crate) fn id(&self) -> u32 {
        self.pid.as_raw_pid().unsigned_abs()
    }

    /// Returns once the process has ended by itself.
    pub(crate) async fn ended(&self) {
        // A descriptor that cannot be polled would be a process that never ends; then waiting for it is all there is.
        if self.end.readable().await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    /// Asks the process to end, kills its group when it has not within the grace, and reaps it.
    pub(crate) async fn stop(mut self, grace: Duration) {
        drop(self.process.stdin.take());
        let _ = kill_process(self.pid, Signal::TERM);
        if tokio::time::timeout(grace, self.ended()).await.is_err() {
            tracing::warn!(pid = self.id(), ?grace, "an agent did not end in time and is killed");
        }
        self.reap().await;
    }

    /// Kills whatever is left of the group, reaps the process, ends the orphans it left, and says how it ended.
    pub(crate) async fn reap(mut self) -> String {
        self.kill_group();
        let status = self.process.wait().await;
        self.reaped = true;
        orphans::forget(self.pid);
        orphans::end().await;
        let last = async { while self.lines.join_next().await.is_some() {} };
        let _ = tokio::time::timeout(LAST_LINES, last).await;
        match status {
            Ok(status) => format!("its process ended with {status}"),
            Err(error) => format!("its process ended, and how is not known: {error}"),
        }
    }

    fn kill_group(&self) {
        // The only failure there can be is that the group is gone, which is what was wanted.
        let _ = kill_process_group(self.pid, Signal::KILL);
    }
}

/// A descriptor of the process that can be awaited.
#[expect(
    deprecated,
    reason = "its successor is unsafe; what it warns of cannot happen to a descriptor that is owned"
)]
pub(super) fn watch(pid: Pid) -> io::Result<AsyncFd<OwnedFd>> {
    AsyncFd::with_interest(pidfd_open(pid, PidfdFlags::empty())?, Interest::READABLE)
}

impl Drop for Child {
    fn drop(&mut self) {
        if !self.reaped {
            self.kill_group();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Child {
        let launch = ChildLaunch {
            program: "/bin/sh".into(),
            arguments: vec!["-c".into(), script.into()],
            environment: vec![("GREETING".into(), "hello".into())],
        };
        Child::start("test", &launch).expect("a shell starts")
    }

    /// Whether no process of the group runs. One that ended and is not reaped yet, by whoever adopted it, does not.
    fn is_gone(group: Pid) -> bool {
        let stats = std::fs::read_dir("/proc").expect("a proc file system").flatten();
        let stats = stats.filter_map(|entry| std::fs::read_to_string(entry.path().join("stat")).ok());
        let runs = |stat: &str| {
            // pid (name) state parent group ...
            let mut fields = stat.rsplit_once(')')?.1.split_whitespace();
            let (state, group_of) = (fields.next()?, fields.nth(1)?);
            Some(state != "Z" && group_of == group.as_raw_pid().to_string())
        };
        !stats.into_iter().any(|stat| runs(&stat).unwrap_or_default())
    }

    #[tokio::test]
    async fn a_process_that_ends_says_how_and_nothing_of_its_group_is_left() {
        let process = shell("sleep 1000 & test \"$GREETING$HOME\" = hello && exit 3");
        let pid = process.pid;
        process.ended().await;
        assert_eq!(process.reap().await, "its process ended with exit status: 3");
        wait_gone(pid).await;
    }

    #[tokio::test]
    async fn a_process_that_reads_its_lifeline_ends_when_it_is_stopped() {
        let process = shell("trap '' TERM; read line; exit 0");
        let pid = process.pid;
        process.stop(Duration::from_mins(1)).await;
        wait_gone(pid).await;
    }

    #[tokio::test]
    async fn a_process_that_does_not_want_to_end_is_killed_with_its_children() {
        let process = shell("trap '' TERM; sleep 1000 & while :; do sleep 1000; done");
        let pid = process.pid;
        process.stop(Duration::from_millis(1)).await;
        wait_gone(pid).await;
    }

    #[tokio::test]
    async fn a_process_that_is_dropped_is_killed_with_its_children() {
        let process = shell("sleep 1000 & sleep 1000");
        let pid = process.pid;
        drop(process);
        wait_gone(pid).await;
    }

    #[tokio::test]
    async fn a_program_that_is_not_there_is_an_error() {
        let launch =
            ChildLaunch { program: "/nowhere/at/all".into(), arguments: vec![], environment: vec![] };
        let error = Child::start("test", &launch).expect_err("no such program");
        assert_eq!(error.kind(), io::ErrorKind::NotFound);
    }

    /// A killed child of the group may take a moment to end.
    async fn wait_gone(pid: Pid) {
        let gone = async {
            while !is_gone(pid) {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(20), gone).await.expect("the group is gone");
    }
}
