//! The one task of an agent: it hears what happens, asks the link, and does what the link commands.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;
use op_engine::ports::AgentState;
use op_proto::agent::v1::DescribeResponse;
use op_run::Timestamp;
use tokio::sync::mpsc;
use tokio::task::{AbortHandle, Id, JoinError, JoinSet};
use tokio::time::Instant;

use crate::agent::{Agent, Wish};
use crate::connect::{self, Connection};
use crate::described::described;
use crate::fault::{Fault, FaultKind};
use crate::flight::MARGIN;
use crate::health;
use crate::link::{Command, Demand, Happening, Input, Link, Policy};
use crate::session::{self, Pulse};
use crate::supervise::Process;
use crate::wire::{News, Wire};

mod standing;

/// News of a connection that may wait for the keeper.
const NEWS: usize = 16;

/// How long after a panic a keeper begins anew.
const RECOVERY: Duration = Duration::from_secs(1);

/// How long the tasks of the last connection may take to say goodbye.
const GOODBYE: Duration = Duration::from_secs(1);

/// Keeps an agent until the pool closes. A panic costs the link, not the agent.
pub(crate) async fn keep(agent: Arc<Agent>, mut wishes: mpsc::Receiver<Wish>) {
    let _gone = agent.gone.clone().drop_guard();
    loop {
        let mut keeper = Keeper::new(Arc::clone(&agent));
        if AssertUnwindSafe(keeper.run(&mut wishes)).catch_unwind().await.is_ok() {
            return;
        }
        tracing::error!(agent = agent.settings.name, "the keeper of an agent panicked; its link begins anew");
        drop(keeper);
        agent.faulted();
        tokio::time::sleep(RECOVERY).await;
        if agent.is_held() {
            agent.want();
        }
    }
}

struct Keeper {
    agent: Arc<Agent>,
    link: Link,
    closing: bool,
    process: Option<Process>,
    starts: u32,
    /// A process on its way out, and its id where that is known.
    ending: Option<(Option<u32>, BoxFuture<'static, ()>)>,
    /// An attempt is to begin as soon as that process is gone.
    due: bool,
    attempt: Option<BoxFuture<'static, Result<Connection, Fault>>>,
    lookout: Option<BoxFuture<'static, ()>>,
    wire: Option<Wire>,
    news: Option<mpsc::Receiver<News>>,
    tasks: JoinSet<()>,
    /// The tasks of the connection that stands: who listens, and who watches its health.
    current: Option<(AbortHandle, AbortHandle)>,
    wake: Option<Timestamp>,
    /// Why the agent says that it goes away.
    farewell: String,
}

impl Keeper {
    fn new(agent: Arc<Agent>) -> Self {
        let policy = Policy {
            launched: agent.settings.launch.is_some(),
            held: agent.is_held(),
            backoff: agent.pool.backoff,
            idle_release: agent.pool.idle_release,
            drain: agent.pool.grace + MARGIN,
        };
        Self {
            agent,
            link: Link::new(policy),
            closing: false,
            process: None,
            starts: 0,
            ending: None,
            due: false,
            attempt: None,
            lookout: None,
            wire: None,
            news: None,
            tasks: JoinSet::new(),
            current: None,
            wake: None,
            farewell: String::new(),
        }
    }

    async fn run(&mut self, wishes: &mut mpsc::Receiver<Wish>) {
        while !self.link.is_closed() || self.ending.is_some() {
            if let Some(happening) = self.next(wishes).await {
                self.step(happening);
            }
        }
        let goodbye = async { while self.tasks.join_next().await.is_some() {} };
        // What does not end by itself is aborted with the set.
        let _ = tokio::time::timeout(GOODBYE, goodbye).await;
    }

    /// Waits for the next thing that happens; nothing when it is none of the link's business.
    async fn next(&mut self, wishes: &mut mpsc::Receiver<Wish>) -> Option<Happening> {
        let clock = Arc::clone(&self.agent.clock);
        let closing = self.agent.closing.clone();
        let drained = self.wire.clone().filter(|_| self.link.state() == AgentState::Draining);
        tokio::select! {
            () = closing.cancelled(), if !self.closing => {
                self.closing = true;
                Some(if self.agent.stays() { Happening::Parting } else { Happening::Closing })
            }
            Some(wish) = wishes.recv() => Some(match wish {
                Wish::Wanted => Happening::Wanted,
                Wish::Dismissed => Happening::Dismissed,
                Wish::Released => Happening::Tick,
            }),
            result = some(self.attempt.as_mut()) => Some(self.attempted(result)),
            () = some(self.lookout.as_mut()) => {
                self.lookout = None;
                Some(Happening::Returned)
            }
            Some(news) = some(self.news.as_mut().map(|news| Box::pin(news.recv()))) => self.hear(news),
            Some(ended) = self.tasks.join_next_with_id(), if !self.tasks.is_empty() => self.ended(ended),
            () = some(self.process.as_ref().map(|process| Box::pin(process.ended()))) => {
                Some(self.exited().await)
            }
            () = some(self.ending.as_mut().map(|(_, ending)| ending)) => {
                self.gone();
                None
            }
            () = some(drained.as_ref().map(|wire| Box::pin(wire.emptied()))) => Some(Happening::Emptied),
            () = some(self.wake.map(|at| clock.sleep_until(at))) => {
                self.wake = None;
                Some(Happening::Tick)
            }
        }
    }

    fn attempted(&mut self, result: Result<Connection, Fault>) -> Happening {
        self.attempt = None;
        match result {
            Ok(connection) => {
                self.install(connection);
                Happening::Connected
            }
            Err(fault) => Happening::Failed(fault),
        }
    }

    /// Sets up the tasks of a new connection, and tells everybody what the agent says of itself.
    fn install(&mut self, connection: Connection) {
        let Connection { wire, channel, described, frames, window } = connection;
        let interval = self.agent.pool.health_interval;
        let (tell, news) = mpsc::channel(NEWS);
        let listener = match (&wire, frames) {
            (Wire::Session(session), Some(frames)) => {
                let pulse = Pulse::new(interval);
                self.agent.flights.take_up(session, self.agent.pool.grace);
                self.tasks.spawn(session::listen(Arc::clone(session), frames, pulse, window, tell.clone()))
            }
            (Wire::Session(_), None) => unreachable!("a session comes with its frames"),
            (Wire::Unary(unary), _) => {
                // It does not know what an agent that spoke sessions had in flight.
                self.agent.flights.give_up(Instant::now());
                let (unary, tell) = (Arc::clone(unary), tell.clone());
                self.tasks.spawn(async move { unary.watch(interval, &tell).await })
            }
        };
        let health = self.tasks.spawn(health::watch(channel, interval, tell));
        self.current = Some((listener, health));
        self.news = Some(news);
        self.wire = Some(wire);
        let configured = self.agent.settings.max_concurrent.unwrap_or(self.agent.pool.max_concurrent);
        let limit = match described.max_concurrent {
            0 => configured,
            said => said.min(configured),
        };
        self.agent.gate.resize(limit);
        self.agent.describe(described);
        self.agent.returned();
    }

    fn hear(&mut self, news: News) -> Option<Happening> {
        match news {
            News::Health(serving) => Some(Happening::Health(serving)),
            News::Draining(reason) => {
                self.farewell = reason;
                Some(Happening::Draining)
            }
            News::Broken(fault) => Some(Happening::Broken(fault)),
            News::Described(said) => {
                self.describe(*said);
                None
            }
            News::Latency(latency) => {
                self.agent.standing.send_modify(|standing| standing.latency = Some(latency));
                None
            }
        }
    }

    /// The agent performs other operations than before. What makes no sense changes nothing.
    fn describe(&self, said: DescribeResponse) {
        let agent = &self.agent;
        match described(&agent.settings.name, said) {
            Ok(new) => agent.describe(new),
            Err(fault) => {
                tracing::warn!(agent = agent.settings.name, %fault, "it changed to what makes no sense");
            }
        }
    }

    /// A task of a connection ended; of itself that says nothing, the news do.
    fn ended(&mut self, ended: Result<(Id, ()), JoinError>) -> Option<Happening> {
        let error = ended.err().filter(JoinError::is_panic)?;
        tracing::error!(agent = self.agent.settings.name, %error, "a task of a connection panicked");
        let is_current =
            |(one, other): &(AbortHandle, AbortHandle)| [one.id(), other.id()].contains(&error.id());
        self.current.as_ref().filter(|tasks| is_current(tasks))?;
        Some(Happening::Broken(Fault::new(FaultKind::Broken, "a task of its connection panicked")))
    }

    async fn exited(&mut self) -> Happening {
        let reason = match self.process.take() {
            Some(process) => process.reap().await,
            None => String::new(),
        };
        tracing::warn!(agent = self.agent.settings.name, reason, "an agent ended by itself");
        // Nobody is left who could go on with what it had in flight.
        self.agent.flights.give_up(Instant::now());
        Happening::Exited(Fault::new(FaultKind::Exited, reason))
    }

    fn step(&mut self, happening: Happening) {
        let now = self.agent.clock.now();
        let is_waited_for = self.agent.has_waiting() || self.agent.flights.has_parked();
        let demand = match (is_waited_for, self.agent.gate.active()) {
            (true, _) => Demand::Waiting,
            (false, 0) => {
                Demand::QuietSince(self.agent.gate.last_used().max(self.agent.standing.borrow().since))
            }
            (false, _) => Demand::Busy,
        };
        if self.link.hold(self.agent.is_held()) {
            self.wake = Some(now);
        }
        let before = self.link.state();
        let input = Input { at: now, chance: rand::random(), demand, happening };
        let commands = match self.link.step(&input) {
            Ok(commands) => commands,
            Err(unexpected) => {
                return tracing::debug!(agent = self.agent.settings.name, %unexpected, "ignored");
            }
        };
        let reason = self.reason(&input.happening);
        let faults = commands.iter().filter(|command| **command == Command::CountFault).count() as u64;
        for command in commands {
            self.obey(command, &reason);
        }
        if self.link.state() == AgentState::Idle {
            // Nobody goes back there for what it had in flight.
            self.agent.flights.give_up(Instant::now());
        }
        self.publish(before, now, &reason, faults);
        if input.happening == Happening::Connected {
            self.agent.tell_ends();
        }
    }

    fn obey(&mut self, command: Command, reason: &str) {
        match command {
            Command::Connect if self.ending.is_some() => self.due = true,
            Command::Connect => self.begin(),
            Command::Hangup => self.hang_up(reason),
            Command::CancelCalls => {
                if let Some(wire) = &self.wire {
                    wire.cancel_all();
                }
            }
            Command::Lookout => {
                let agent = Arc::clone(&self.agent);
                self.lookout = Some(async move { connect::lookout(&agent.settings.address).await }.boxed());
            }
            Command::Stop => self.dispose(self.agent.pool.grace),
            Command::Kill => self.dispose(Duration::ZERO),
            Command::CountFault => self.agent.faulted(),
            Command::Wake(at) => self.wake = Some(at),
        }
    }

    /// Begins an attempt to connect; starts the process first where there is one to start.
    fn begin(&mut self) {
        self.lookout = None;
        let agent = Arc::clone(&self.agent);
        if let (Some(launch), None) = (&agent.settings.launch, &self.process) {
            match Process::start(&agent.settings.name, launch) {
                Ok(process) => {
                    self.starts += 1;
                    tracing::info!(agent = agent.settings.name, pid = process.id(), "started");
                    self.process = Some(process);
                }
                Err(error) => {
                    let fault = Fault::new(FaultKind::Refused, error.to_string());
                    self.attempt = Some(std::future::ready(Err(fault)).boxed());
                    return;
                }
            }
        }
        let started = self.process.as_ref().map(Process::started);
        self.attempt = Some(
            async move {
                if let Some(started) = started {
                    started.await;
                }
                let (settings, pool) = (&agent.settings, &agent.pool);
                let is_launched = settings.launch.is_some();
                connect::connect(&settings.name, &settings.address, pool, &agent.flights, is_launched).await
            }
            .boxed(),
        );
    }

    fn hang_up(&mut self, reason: &str) {
        (self.attempt, self.lookout, self.news, self.due) = (None, None, None, false);
        if let Some((_, health)) = self.current.take() {
            // Whoever listens says goodbye first and then ends; a watch would hold the connection open.
            health.abort();
        }
        if let Some(wire) = self.wire.take() {
            let reason = if reason.is_empty() { "the hub let go of the agent" } else { reason };
            let fault = Fault::new(FaultKind::Released, reason);
            if self.closing && self.agent.stays() { wire.part(fault) } else { wire.close(fault) }
        }
    }

    fn dispose(&mut self, grace: Duration) {
        let Some(process) = self.process.take() else { return };
        let pid = process.id();
        let is_hub_ending = self.closing && !self.agent.retired.load(Ordering::SeqCst);
        let end = if is_hub_ending { process.leave(grace).boxed() } else { process.stop(grace).boxed() };
        self.ending = Some((pid, end));
    }

    /// The process that was on its way out is gone.
    fn gone(&mut self) {
        self.ending = None;
        if std::mem::take(&mut self.due) {
            self.begin();
        }
        self.publish(self.link.state(), self.agent.clock.now(), "", 0);
    }

    fn pid(&self) -> Option<u32> {
        let ending = self.ending.as_ref().and_then(|(pid, _)| *pid);
        self.process.as_ref().and_then(Process::id).or(ending)
    }
}

impl Drop for Keeper {
    /// Whoever waits for an answer gets one, also when the keeper panicked.
    fn drop(&mut self) {
        if let Some(wire) = self.wire.take() {
            wire.close(Fault::new(FaultKind::Broken, "the hub lost the link"));
        }
        self.agent.flights.give_up(Instant::now());
        let now = self.agent.clock.now();
        self.agent.standing.send_if_modified(|standing| {
            let is_left = standing.state != AgentState::Idle || standing.wire.is_some();
            if is_left {
                (standing.state, standing.since, standing.wire) = (AgentState::Idle, now, None);
            }
            is_left
        });
    }
}

/// The future, if there is one; otherwise it never comes.
async fn some<F: Future + Unpin>(future: Option<F>) -> F::Output {
    match future {
        Some(future) => future.await,
        None => std::future::pending().await,
    }
}
