//! What goes out over the bus.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

use op_run::RunId;
use tokio::time::Instant;
use zbus::fdo::Properties as Standard;
use zbus::names::{BusName, InterfaceName};
use zbus::object_server::{Interface, SignalEmitter};
use zbus::{OwnedObjectPath, Variant};

use super::Herald;
use super::card::{AgentCard, PlanCard};
use super::next::{Moment, Next, Signal};
use crate::bus::ANSWER;
use crate::house::Subject;
use crate::link::Link;
use crate::object::{AgentObject, CallObject, DaemonObject, Orderly, PlanObject, RunObject};
use crate::path;
use crate::view::{Properties, lock};

impl Herald {
    /// Tells as much as there are tokens for, and beyond that what a caller waits for: who starts a run does not wait for signals
    /// about others.
    pub(super) async fn tell(&mut self) {
        while self.link.is_some() {
            let now = Instant::now();
            let next = if self.bucket.has(now) { self.queue.pop(now) } else { self.queue.pop_urgent() };
            let Some(subject) = next else { return };
            match self.next(&subject, now) {
                Next::Nothing => self.answer(&subject),
                Next::Park => self.queue.park(subject),
                Next::At(at) => self.queue.push_later(at, subject),
                Next::Forget => self.forget(&subject),
                next @ (Next::Export | Next::Unexport | Next::Properties(..) | Next::Signal(_)) => {
                    self.bucket.take();
                    if !self.send(&subject, next).await {
                        self.hang_up().await;
                        return;
                    }
                    self.answer(&subject);
                    if self.waiting.contains_key(&subject) {
                        self.queue.push_urgent(subject);
                    } else {
                        self.queue.push_front(subject);
                    }
                }
            }
        }
        self.queue.clear();
    }

    /// Lets those go who wait until something is told.
    fn answer(&mut self, subject: &Subject) {
        if self.waiting.contains_key(subject) && self.is_told(subject) {
            for told in self.waiting.remove(subject).into_iter().flatten() {
                // Who waited may be gone.
                let _ = told.send(());
            }
        }
    }

    fn next(&mut self, subject: &Subject, now: Instant) -> Next {
        let is_urgent = self.waiting.contains_key(subject);
        let moment = Moment {
            now,
            is_held: self.house.is_held(subject),
            is_parked: !is_urgent && self.house.is_starting(),
            is_urgent,
        };
        match subject {
            Subject::Daemon => {
                if let Some(at) = self.daemon.due(moment) {
                    return Next::At(at);
                }
                self.refresh();
                let daemon = lock(&self.house.board.daemon).clone();
                self.daemon.next(&daemon, moment)
            }
            Subject::Agent(name) => self.agents.get_mut(name).map_or(Next::Nothing, AgentCard::next),
            Subject::Plan(id) => self.plans.get_mut(id).map_or(Next::Nothing, PlanCard::next),
            Subject::Call(call) => self.calls.get_mut(call).map_or(Next::Nothing, |card| card.next(moment)),
            Subject::Run(id) => {
                let card = self.runs.get_mut(id);
                card.map_or(Next::Nothing, |card| card.next(moment, &mut self.progress))
            }
        }
    }

    fn forget(&mut self, subject: &Subject) {
        self.waiting.remove(subject);
        match subject {
            Subject::Daemon => {}
            Subject::Agent(name) => drop(self.agents.remove(name)),
            Subject::Plan(id) => drop(self.plans.remove(id)),
            Subject::Run(id) => drop(self.runs.remove(id)),
            Subject::Call(call) => drop(self.calls.remove(call)),
        }
    }

    /// Sends what comes next; tells whether the bus took it.
    async fn send(&self, subject: &Subject, next: Next) -> bool {
        let Some(link) = &self.link else { return false };
        let sent = async {
            match next {
                Next::Export => self.export(link, subject).await,
                Next::Unexport => self.unexport(link, subject).await,
                Next::Properties(changed, invalidated) => {
                    properties(link, subject, changed, &invalidated).await
                }
                Next::Signal(signal) => self.signal(link, subject, signal).await,
                Next::At(_) | Next::Park | Next::Nothing | Next::Forget => Ok(()),
            }
        };
        let sent = tokio::select! {
            sent = tokio::time::timeout(ANSWER, sent) => sent,
            () = link.lost.cancelled() => return false,
        };
        match sent {
            Ok(Ok(())) => true,
            Ok(Err(error)) => {
                tracing::warn!(%error, "the message bus takes nothing any more");
                false
            }
            Err(_) => {
                let hint = "a program that does not read its signals can bring this about";
                tracing::warn!(hint, "the message bus takes nothing any more");
                false
            }
        }
    }

    async fn export(&self, link: &Link, subject: &Subject) -> zbus::Result<()> {
        match subject {
            Subject::Daemon => Ok(()),
            Subject::Agent(name) => self.export_agent(link, name).await,
            Subject::Plan(id) => self.export_plan(link, id).await,
            Subject::Run(id) => self.export_run(link, id).await,
            Subject::Call(call) => {
                let Some(card) = self.calls.get(call) else { return Ok(()) };
                let object = CallObject::new(&link.lobby, &card.view);
                link.connection.object_server().at(path_of(subject), Orderly(object)).await.map(drop)
            }
        }
    }

    pub(super) async fn export_agent(&self, link: &Link, name: &str) -> zbus::Result<()> {
        let Some(card) = self.agents.get(name) else { return Ok(()) };
        let object = AgentObject::new(&link.lobby, name, &card.view);
        link.connection.object_server().at(path::of(path::AGENT, name), Orderly(object)).await?;
        lock(&self.house.board.agents).insert(name.to_owned(), Arc::clone(&card.view));
        Ok(())
    }

    pub(super) async fn export_plan(&self, link: &Link, id: &str) -> zbus::Result<()> {
        let Some(card) = self.plans.get(id) else { return Ok(()) };
        let object = PlanObject::new(&link.lobby, &card.plan);
        link.connection.object_server().at(path::of(path::PLAN, id), Orderly(object)).await?;
        lock(&self.house.board.plans).insert(id.to_owned(), Arc::clone(&card.plan));
        Ok(())
    }

    /// A path is told only of what stands there: the board comes after the object, and goes before it.
    pub(super) async fn export_run(&self, link: &Link, id: &RunId) -> zbus::Result<()> {
        let Some(card) = self.runs.get(id) else { return Ok(()) };
        let object = RunObject::new(&link.lobby, &card.view);
        link.connection.object_server().at(path::of(path::RUN, id.as_str()), Orderly(object)).await?;
        lock(&self.house.board.runs).insert(id.to_string(), Arc::clone(&card.view));
        Ok(())
    }

    async fn unexport(&self, link: &Link, subject: &Subject) -> zbus::Result<()> {
        let server = link.connection.object_server();
        let path = path_of(subject);
        let removed = match subject {
            Subject::Daemon => Ok(true),
            Subject::Agent(name) => {
                lock(&self.house.board.agents).remove(name);
                server.remove_named(path, AgentObject::name()).await
            }
            Subject::Plan(id) => {
                lock(&self.house.board.plans).remove(id);
                server.remove_named(path, PlanObject::name()).await
            }
            Subject::Run(id) => {
                lock(&self.house.board.runs).remove(id.as_str());
                server.remove_named(path, RunObject::name()).await
            }
            Subject::Call(_) => server.remove_named(path, CallObject::name()).await,
        };
        removed.map(drop)
    }

    async fn signal(&self, link: &Link, subject: &Subject, signal: Signal) -> zbus::Result<()> {
        let path = path_of(subject);
        let own = SignalEmitter::new(&link.connection, path.clone())?;
        let daemon = SignalEmitter::new(&link.connection, path::root())?;
        match (signal, subject) {
            (Signal::RunNew, Subject::Run(id)) => {
                DaemonObject::run_new(&daemon, id.as_str(), path.as_ref()).await
            }
            (Signal::RunRemoved(result), Subject::Run(id)) => {
                DaemonObject::run_removed(&daemon, id.as_str(), path.as_ref(), result).await
            }
            (Signal::Phase { sequence, phase, old, new, visit }, _) => {
                let details = HashMap::from([("visit", Variant::from(visit))]);
                RunObject::phase_changed(&own, sequence, &phase, old, new, details).await
            }
            (Signal::Finished(result, name, message), _) => {
                RunObject::finished(&own, result, &name, &message).await
            }
            (Signal::Reloaded(generation, ok, message), _) => {
                DaemonObject::reloaded(&daemon, generation, ok, &message).await
            }
            (Signal::CallFinished(state), Subject::Call(call)) => {
                let Some(card) = self.calls.get(call) else { return Ok(()) };
                let owner = BusName::try_from(card.view.owner.as_str())?;
                CallObject::finished(&own.set_destination(owner), state).await
            }
            (Signal::RunNew | Signal::RunRemoved(_) | Signal::CallFinished(_), _) => Ok(()),
        }
    }
}

async fn properties(
    link: &Link,
    subject: &Subject,
    changed: Properties,
    invalidated: &[&'static str],
) -> zbus::Result<()> {
    let emitter = SignalEmitter::new(&link.connection, path_of(subject))?;
    let invalidated = Cow::Borrowed(invalidated);
    Standard::properties_changed(&emitter, interface(subject), changed, invalidated).await
}

fn interface(subject: &Subject) -> InterfaceName<'static> {
    match subject {
        Subject::Daemon => DaemonObject::name(),
        Subject::Agent(_) => AgentObject::name(),
        Subject::Plan(_) => PlanObject::name(),
        Subject::Run(_) => RunObject::name(),
        Subject::Call(_) => CallObject::name(),
    }
}

fn path_of(subject: &Subject) -> OwnedObjectPath {
    match subject {
        Subject::Daemon => path::root(),
        Subject::Agent(name) => path::of(path::AGENT, name),
        Subject::Plan(id) => path::of(path::PLAN, id),
        Subject::Run(id) => path::of(path::RUN, id.as_str()),
        Subject::Call(call) => path::of(path::CALL, &call.to_string()),
    }
}
