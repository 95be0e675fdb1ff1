//! The real parts around the agent.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use futures::StreamExt as _;
use op_engine::ports::{
    Agents, Clock, Journal as _, Perform, Progress, Recorded, Request, Sink, SystemClock,
};
use op_engine::start::StartRequest;
use op_engine::watch::Seen;
use op_engine::{Engine, Limits, Ports};
use op_journal::{SqliteJournal, Stats};
use op_plan::Performer;
use op_pool::{AgentSettings, Pool, PoolSettings};
use op_run::{Answer, Event, Fact};
use tokio_util::sync::CancellationToken;

use super::Failed;
use super::agent::Agent;
use super::plans::{arguments, performer, plans};

/// Engine, journal and pool.
pub(crate) struct World {
    engine: Engine,
    journal: Arc<SqliteJournal>,
    pool: Arc<Pool>,
    watch: Arc<Stopwatch>,
}

impl World {
    /// Puts the parts together, and connects the agent.
    pub(crate) async fn open(disk: &Path, agent: &Agent) -> Result<Self, Failed> {
        let journal = Arc::new(SqliteJournal::open(&disk.join("journal.db"))?);
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
        let settings = PoolSettings { max_concurrent: 128, ..PoolSettings::default() };
        let pool =
            Pool::new(settings, vec![AgentSettings::new("echo", agent.address())], Arc::clone(&clock))?;
        pool.start();
        pool.connect("echo").await?;
        let watch = Arc::new(Stopwatch { pool: Arc::clone(&pool), starts: Mutex::default() });
        let ports = Ports {
            journal: Arc::clone(&journal) as _,
            perform: Arc::clone(&watch) as _,
            results: Arc::clone(&journal) as _,
            agents: Arc::clone(&pool) as _,
            clock,
        };
        Ok(Self { engine: Engine::new(ports, plans()?, Limits::default()), journal, pool, watch })
    }

    /// Runs a plan to its end, which must be a good one.
    pub(crate) async fn run(&self, plan: &str) -> Result<(), Failed> {
        let request = StartRequest { plan: plan.to_owned(), ..StartRequest::default() };
        let started = self.engine.start(request).await?;
        let (run, mut watch) = self.engine.watch(started.run.as_str(), 1, false).await?;
        let mut last = None;
        while let Some(seen) = watch.next().await {
            last = Some(seen?);
        }
        match last {
            Some(Seen::Event(Recorded { event: Event { fact: Fact::RunCompleted { .. }, .. }, .. })) => {
                Ok(())
            }
            other => Err(format!("run {run} ended with {other:?}").into()),
        }
    }

    /// Makes one call by the pool alone.
    pub(crate) async fn call(&self, key: &str) -> Result<(), Failed> {
        let request = Request {
            key: format!("{key}/1"),
            performer: performer(),
            arguments: Arc::new(arguments()),
            timeout: None,
            repeat: false,
            secrets: Vec::new(),
            session: String::new(),
            approved: false,
            keep: None,
        };
        let answer = self.pool.perform(request, Arc::new(Nowhere), CancellationToken::new()).await;
        self.pool.acknowledge(&performer(), &format!("{key}/1"));
        match answer {
            Answer::Succeeded { .. } => Ok(()),
            Answer::Failed { failure, .. } => Err(failure.into()),
        }
    }

    /// What the journal counted.
    pub(crate) fn stats(&self) -> Stats {
        self.journal.stats()
    }

    /// The waits between the starts of steps of one run, since they were taken last.
    pub(crate) fn take_waits(&self) -> Vec<Duration> {
        let starts = std::mem::take(&mut *self.watch.starts());
        starts
            .into_values()
            .flat_map(|starts| starts.windows(2).map(|pair| pair[1] - pair[0]).collect::<Vec<_>>())
            .collect()
    }

    /// Takes the parts apart.
    pub(crate) async fn close(self) {
        self.engine.shutdown().await;
        self.pool.shutdown().await;
        self.journal.close().await;
    }
}

/// Notes when each step of each run starts, finer than the milliseconds of the journal.
struct Stopwatch {
    pool: Arc<Pool>,
    starts: Mutex<HashMap<String, Vec<Instant>>>,
}

impl Stopwatch {
    fn starts(&self) -> std::sync::MutexGuard<'_, HashMap<String, Vec<Instant>>> {
        self.starts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Perform for Stopwatch {
    async fn perform(&self, request: Request, sink: Arc<dyn Sink>, stop: CancellationToken) -> Answer {
        let run = request.key.split('/').next().unwrap_or_default().to_owned();
        self.starts().entry(run).or_default().push(Instant::now());
        self.pool.perform(request, sink, stop).await
    }

    fn acknowledge(&self, performer: &Performer, key: &str) {
        self.pool.acknowledge(performer, key);
    }
}

/// Nobody watches a benchmark's calls.
struct Nowhere;

impl Sink for Nowhere {
    fn take(&self, _: Progress) {}
}
