//! The connection of the herald: opened, lost, and opened again. Runs never notice.

use std::time::Duration;

use tokio::time::Instant;
use zbus::fdo::ObjectManager;

use super::Herald;
use crate::bus::ANSWER;
use crate::link::{Link, OpenError};
use crate::object::{DaemonObject, LogControl, Orderly};
use crate::path;

/// Wait before the first new try; each one after it waits twice as long.
const FIRST: Duration = Duration::from_millis(100);

/// Longest wait before a new try.
const LONGEST: Duration = Duration::from_secs(10);

/// When to try the bus again.
#[derive(Debug)]
pub(super) struct Retry {
    at: Instant,
    wait: Duration,
    /// Unique name of the connection before.
    before: Option<String>,
}

impl Retry {
    pub(super) fn new(now: Instant) -> Self {
        Self { at: now, wait: FIRST, before: None }
    }

    pub(super) fn at(&self) -> Instant {
        self.at
    }

    fn again(&mut self, now: Instant) {
        self.at = now + self.wait;
        self.wait = (self.wait * 2).min(LONGEST);
    }
}

/// Returns when the link is lost; never without one.
pub(super) async fn lost(link: Option<&Link>) {
    match link {
        Some(link) => link.lost.cancelled().await,
        None => std::future::pending().await,
    }
}

impl Herald {
    /// Opens the door on a new connection: objects first, then the name.
    pub(crate) async fn dial(&mut self) -> Result<(), OpenError> {
        let link = Link::connect(&self.bus, &self.house).await?;
        self.furnish(&link).await.map_err(OpenError::Serve)?;
        link.own(self.retry.before.as_deref()).await?;
        link.look_after(self.house.pace.check);
        self.retry = Retry { before: link.unique_name(), ..Retry::new(Instant::now()) };
        self.link = Some(link);
        Ok(())
    }

    /// Puts everything on a connection as it is now.
    async fn furnish(&mut self, link: &Link) -> zbus::Result<()> {
        self.calls.clear();
        self.ended_calls.clear();
        self.runs.retain(|_, card| card.is_staying());
        // Nothing stands on a new connection, and what went while there was none is not to come back.
        (self.agents, self.plans) = Default::default();
        crate::view::lock(&self.house.board.runs).clear();
        crate::view::lock(&self.house.board.agents).clear();
        crate::view::lock(&self.house.board.plans).clear();
        self.take_plans();
        self.take_agents();
        let server = link.connection.object_server();
        self.refresh();
        server.at(path::ROOT, Orderly(DaemonObject::new(&link.lobby))).await?;
        server.at(path::LOG, Orderly(LogControl::new(&link.lobby))).await?;
        for name in self.agents.keys() {
            self.export_agent(link, name).await?;
        }
        for id in self.plans.keys() {
            self.export_plan(link, id).await?;
        }
        for id in self.runs.keys() {
            self.export_run(link, id).await?;
        }
        server.at(path::ROOT, ObjectManager).await?;
        self.agents.values_mut().for_each(super::AgentCard::renew);
        self.plans.values_mut().for_each(super::PlanCard::renew);
        self.runs.values_mut().for_each(super::RunCard::renew);
        let daemon = crate::view::lock(&self.house.board.daemon).clone();
        self.daemon.renew(&daemon);
        Ok(())
    }

    /// Gives a connection up. Whoever waits for something on it waits no more.
    pub(super) async fn hang_up(&mut self) {
        let Some(link) = self.link.take() else { return };
        link.lobby.guests.clear();
        self.house.release();
        self.waiting.clear();
        self.queue.clear();
        self.retry.again(Instant::now());
        // Closing waits for a writer that may never end when the bus reads no more; then the connection is only let go.
        let _ = tokio::time::timeout(Duration::from_millis(100), link.connection.clone().close()).await;
    }

    /// Tries the bus again when it is time.
    pub(super) async fn call_back(&mut self) {
        if self.link.is_some() || self.retry.at > Instant::now() {
            return;
        }
        let dialed = tokio::time::timeout(ANSWER, self.dial()).await;
        match dialed {
            Ok(Ok(())) => tracing::info!("the door is open on the message bus again"),
            Ok(Err(error)) => {
                tracing::warn!(
                    error = op_engine::failure::sentence(&error),
                    "the message bus is not there yet"
                );
                self.retry.again(Instant::now());
            }
            Err(_) => {
                tracing::warn!("the message bus does not answer yet");
                self.retry.again(Instant::now());
            }
        }
    }

    /// Says that the daemon is stopping, and leaves the bus.
    pub(super) async fn close(&mut self) {
        self.refresh();
        self.bucket = super::Bucket::new(super::SIGNALS, Instant::now());
        self.queue.clear();
        self.queue.push_urgent(crate::house::Subject::Daemon);
        self.tell().await;
        if let Some(link) = &self.link {
            link.disown().await;
        }
        self.hang_up().await;
    }
}
