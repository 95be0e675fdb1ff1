//! A program that runs, as a small machine: what happens to it comes in, signals go out.

use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;
use std::time::Duration;

use op_agent::{Call, Failure};
use rustix::process::{PidfdFlags, pidfd_open};
use serde_json::json;
use tokio::io::AsyncWriteExt;
use tokio::io::unix::AsyncFd;
use tokio::process::{Child, ChildStderr, ChildStdin, ChildStdout};
use tokio::time::{Instant, sleep_until};

use super::group::Group;
use super::pipe::{Kept, Pipe};
use super::program::Program;

/// How long after its leader the output of a group is still read: what is in the pipes comes at once, and a process
/// that left the group with a pipe in its hand must not hold up the call.
const DRAIN: Duration = Duration::from_secs(2);

/// Where a piece of output came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Channel {
    Stdout,
    Stderr,
}

/// Why a program was stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stop {
    Cancelled,
    TimedOut,
}

#[derive(Debug, Clone, Copy)]
enum Phase {
    Working { until: Instant },
    Asked { until: Instant },
    Killed,
    Ended { until: Instant },
}

enum Event {
    Alarm,
    Cancelled,
    Exited,
    Wrote(io::Result<usize>),
    Read(Channel, Option<Vec<u8>>),
}

/// A program that runs for a call. Dropping it kills its whole group.
pub(crate) struct Running {
    // Dropped before the child, which reaps the leader.
    group: Group,
    child: Child,
    exit: AsyncFd<OwnedFd>,
    stdin: Option<ChildStdin>,
    input: Vec<u8>,
    sent: usize,
    stdout: Pipe<ChildStdout>,
    stderr: Pipe<ChildStderr>,
    call: Call,
    phase: Phase,
    stop: Option<Stop>,
    started: Instant,
    time_limit: Duration,
}

/// A program that ended by itself.
#[derive(Debug)]
pub(crate) struct Ended {
    /// How it ended.
    pub(crate) status: ExitStatus,
    /// What it said.
    pub(crate) stdout: Kept,
    /// What it said aside.
    pub(crate) stderr: Kept,
    /// How long it ran.
    pub(crate) duration: Duration,
}

impl Running {
    pub(super) fn new(
        mut child: Child,
        group: Group,
        program: &Program<'_>,
        call: &Call,
    ) -> io::Result<Self> {
        let started = Instant::now();
        let input = program.input.clone().unwrap_or_default();
        let exit = watched(pidfd_open(group.pid(), PidfdFlags::NONBLOCK)?)?;
        Ok(Self {
            exit,
            stdin: child.stdin.take().filter(|_| !input.is_empty()),
            input,
            sent: 0,
            stdout: Pipe::new(child.stdout.take(), program.output_limit),
            stderr: Pipe::new(child.stderr.take(), program.output_limit),
            call: call.clone(),
            phase: Phase::Working { until: started + program.time_limit },
            stop: None,
            started,
            time_limit: program.time_limit,
            group,
            child,
        })
    }

    /// Waits for the next piece of output; `None` when the program has ended and its output is read.
    pub(crate) async fn next(&mut self) -> Option<(Channel, Vec<u8>)> {
        loop {
            match self.event().await? {
                Event::Alarm => self.alarm(),
                Event::Cancelled => self.ask(Stop::Cancelled),
                Event::Exited => {
                    // Its leader is not reaped yet, so that the number is still this group's.
                    self.group.kill();
                    self.phase = Phase::Ended { until: Instant::now() + DRAIN };
                }
                Event::Wrote(written) => self.wrote(written),
                Event::Read(_, None) => {}
                Event::Read(channel, Some(piece)) => return Some((channel, piece)),
            }
        }
    }

    /// Passes a piece of output on to the caller, who may be slow: only so long as the program may run.
    pub(crate) async fn tell(&self, channel: Channel, bytes: &[u8]) {
        let tell = async {
            match channel {
                Channel::Stdout => self.call.stdout(bytes).await,
                Channel::Stderr => self.call.stderr(bytes).await,
            }
        };
        tokio::select! {
            () = tell => {}
            () = self.call.cancelled() => {}
            () = sleep_until(self.started + self.time_limit) => {}
        }
    }

    /// Reaps the program, and says how it ended. A program that was stopped is a failure that carries what was read.
    pub(crate) async fn end(mut self) -> Result<Ended, Failure> {
        drop(self.group);
        let status = self.child.wait().await;
        let status =
            status.map_err(|error| Failure::failed("io_error", format!("waiting for a program: {error}")))?;
        self.call.exited(exit_code(status));
        let ended = Ended {
            status,
            stdout: self.stdout.kept(),
            stderr: self.stderr.kept(),
            duration: self.started.elapsed(),
        };
        match self.stop {
            None => Ok(ended),
            Some(Stop::Cancelled) => {
                Err(Failure::cancelled("the program was stopped because its call was cancelled"))
            }
            Some(Stop::TimedOut) => {
                let message = format!("the program was stopped after {:?}, its time limit", self.time_limit);
                Err(Failure::failed("timed_out", message).detail(ended.detail()))
            }
        }
    }

    /// Waits for what happens next; `None` when nothing can happen any more.
    async fn event(&mut self) -> Option<Event> {
        let ended = matches!(self.phase, Phase::Ended { .. });
        if ended && !self.stdout.is_open() && !self.stderr.is_open() {
            return None;
        }
        let alarm = match self.phase {
            Phase::Working { until } | Phase::Asked { until } | Phase::Ended { until } => Some(until),
            Phase::Killed => None,
        };
        Some(tokio::select! {
            biased;
            () = self.call.cancelled(), if self.stop.is_none() && !ended => Event::Cancelled,
            () = sleep_until(alarm.unwrap_or_else(Instant::now)), if alarm.is_some() => Event::Alarm,
            _ = self.exit.readable(), if !ended => Event::Exited,
            piece = self.stdout.read(), if self.stdout.is_open() => Event::Read(Channel::Stdout, piece),
            piece = self.stderr.read(), if self.stderr.is_open() => Event::Read(Channel::Stderr, piece),
            written = write(&mut self.stdin, &self.input[self.sent..]), if self.stdin.is_some() => Event::Wrote(written),
        })
    }

    fn alarm(&mut self) {
        match self.phase {
            Phase::Working { .. } => self.ask(Stop::TimedOut),
            Phase::Asked { .. } => {
                self.group.kill();
                self.phase = Phase::Killed;
            }
            Phase::Killed => {}
            Phase::Ended { .. } => {
                self.stdout.close();
                self.stderr.close();
            }
        }
    }

    /// Asks the group to end. Half of the grace is its own; the other half is for killing, draining and answering.
    fn ask(&mut self, stop: Stop) {
        self.stop = Some(stop);
        self.group.ask();
        self.phase = Phase::Asked { until: Instant::now() + self.call.grace() / 2 };
    }

    /// A program that does not want its input, or has all of it, sees the end of it.
    fn wrote(&mut self, written: io::Result<usize>) {
        self.sent += written.unwrap_or_else(|_| self.input.len() - self.sent);
        if self.sent == self.input.len() {
            self.stdin = None;
        }
    }
}

impl Ended {
    /// Whether all that it said was kept.
    pub(crate) fn is_whole(&self) -> bool {
        self.stdout.dropped == 0 && self.stderr.dropped == 0
    }

    /// Itself, if the program `name` ended with the exit code 0; otherwise a failure that keeps what was said.
    pub(crate) fn succeeded(self, name: &str) -> Result<Self, Failure> {
        let how = match self.status.code() {
            Some(0) => return Ok(self),
            Some(code) => format!("ended with the exit code {code}"),
            None => format!("was ended by signal {}", self.status.signal().unwrap_or_default()),
        };
        Err(Failure::failed("exit_status", format!("`{name}` {how}")).detail(self.detail()))
    }

    /// What there is to say about a program that failed.
    pub(crate) fn detail(&self) -> serde_json::Value {
        json!({
            "exit_code": self.status.code(),
            "signal": self.status.signal(),
            "stdout": self.stdout.text(),
            "stderr": self.stderr.text(),
        })
    }
}

#[expect(
    deprecated,
    reason = "what replaces it is unsafe; an `OwnedFd` is its own descriptor for life, which is all it asks"
)]
fn watched(process: OwnedFd) -> io::Result<AsyncFd<OwnedFd>> {
    AsyncFd::new(process)
}

/// The exit code; for a program that a signal ended, 128 and the signal, as shells have it.
fn exit_code(status: ExitStatus) -> i32 {
    status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or_default())
}

async fn write(stdin: &mut Option<ChildStdin>, input: &[u8]) -> io::Result<usize> {
    match stdin {
        Some(stdin) => stdin.write(input).await,
        None => Ok(0),
    }
}
