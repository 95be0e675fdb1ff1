//! What the herald hears, and what it makes of it.

use std::sync::Arc;

use futures::{FutureExt as _, StreamExt as _};
use op_engine::handle::tail::TailError;
use op_engine::ports::{AgentState, AgentStatus, Audited, ReadError};
use op_run::run::State;
use op_run::{Run, RunId, evolve};
use tokio::time::Instant;

use super::card::{AgentCard, CallCard, PlanCard};
use super::run::{Followed, RunCard};
use super::{Alone, Herald, listen};
use crate::house::{News, Subject, Word};
use crate::view::{Daemon, lock};

impl Herald {
    /// Knows every agent, every plan and every run that is not over.
    pub(super) async fn look_around(&mut self) -> Result<(), ReadError> {
        for status in self.house.engine.agents().list() {
            self.agents.insert(status.name.clone(), AgentCard::new(status));
        }
        self.take_plans();
        for record in self.house.engine.unfinished().await? {
            self.reread(&record.id).await;
        }
        Ok(())
    }

    pub(super) async fn hear(&mut self, word: Word) -> Result<(), ReadError> {
        // Whoever says something knows of events that may not have been looked at yet: they go first.
        while let Some(event) = tokio::task::unconstrained(self.tail.get().next()).now_or_never() {
            self.follow(event).await?;
        }
        match word {
            Word::Settle(news, told) => {
                let subject = self.take(news);
                if self.link.is_none() || self.is_told(&subject) {
                    // Who waited may be gone.
                    let _ = told.send(());
                } else {
                    self.waiting.entry(subject.clone()).or_default().push(told);
                    self.queue.push_urgent(subject);
                }
            }
            Word::Look(subject) => self.queue.push(subject),
            Word::Started => self.queue.unpark(),
            Word::Ended(call, is_gone) => self.end_call(call, is_gone),
        }
        Ok(())
    }

    fn take(&mut self, news: News) -> Subject {
        match news {
            News::Daemon => {
                if self.standing.has_changed().unwrap_or(false) {
                    self.take_standing();
                }
                Subject::Daemon
            }
            News::Agent(name) => {
                self.take_agents();
                Subject::Agent(name)
            }
            News::Run(run) => {
                self.take_run(&run);
                if let Some(card) = self.runs.get_mut(run.id()) {
                    // One that had to go stays for another while.
                    if !card.is_staying() {
                        card.stay();
                        self.revived.keep(run.id(), Instant::now());
                    }
                }
                Subject::Run(run.id().clone())
            }
            News::Plan(id) => {
                self.take_plans();
                Subject::Plan(id)
            }
            News::Call(view) => {
                let number = view.number;
                self.calls.insert(number, CallCard::new(view));
                Subject::Call(number)
            }
        }
    }

    /// An event of a run. After a gap in what is heard, every run is read again.
    pub(super) async fn follow(
        &mut self,
        event: Option<Result<Audited, TailError>>,
    ) -> Result<(), ReadError> {
        match event {
            Some(Ok(audited)) => {
                self.take_event(&audited).await;
                self.tell().await;
            }
            Some(Err(error @ TailError::Slow(_))) => {
                tracing::warn!(%error, "the herald reads every run again");
                self.tail = Alone::new(listen(&self.house).await?);
                self.catch_up().await?;
            }
            None => self.tail = Alone::new(listen(&self.house).await?),
        }
        Ok(())
    }

    async fn catch_up(&mut self) -> Result<(), ReadError> {
        let mut known: Vec<_> = self
            .runs
            .iter()
            .filter(|(_, card)| !card.view.facts().state.is_over())
            .map(|(id, _)| id.clone())
            .collect();
        known.extend(self.house.engine.unfinished().await?.into_iter().map(|record| record.id));
        for id in known {
            self.reread(&id).await;
        }
        Ok(())
    }

    async fn take_event(&mut self, audited: &Audited) {
        let (id, recorded) = (&audited.run, &audited.recorded);
        match self.runs.get_mut(id).map(|card| card.follow(recorded)) {
            Some(Followed::Old) => {}
            Some(Followed::Taken(overtaken)) => {
                self.house.suppress(overtaken);
                self.changed(id);
            }
            Some(Followed::Gap) => self.reread(id).await,
            None if recorded.sequence == 1 => {
                let Ok(run) = self.house.engine.get(id.as_str()).await else { return };
                let mut first = Run::new(id.clone(), Arc::clone(run.plan()));
                evolve(&mut first, &recorded.event);
                self.take_run(&first);
            }
            None => self.reread(id).await,
        }
    }

    async fn reread(&mut self, id: &RunId) {
        match self.house.engine.get(id.as_str()).await {
            Ok(run) => self.take_run(&run),
            Err(error) => tracing::error!(run = %id, %error, "the run cannot be shown on the message bus"),
        }
    }

    fn take_run(&mut self, run: &Run) {
        if let Some(card) = self.runs.get_mut(run.id()) {
            let overtaken = card.take(run);
            self.house.suppress(overtaken);
        } else {
            if run.state().is_over() {
                self.revived.keep(run.id(), Instant::now());
            }
            self.runs.insert(run.id().clone(), RunCard::new(run));
        }
        self.changed(run.id());
    }

    /// A run is not as it was: it is kept from its end on for a while, and counted.
    fn changed(&mut self, id: &RunId) {
        let Some(card) = self.runs.get_mut(id) else { return };
        if !card.view.facts().state.is_over() {
            card.stay();
            self.ended.release(id);
            self.revived.release(id);
        } else if !self.revived.has(id) {
            self.ended.keep(id, Instant::now());
        }
        self.queue.push(Subject::Run(id.clone()));
        self.queue.push(Subject::Daemon);
    }

    pub(super) fn take_agent(&mut self, status: AgentStatus) {
        let name = status.name.clone();
        match self.agents.get_mut(&name) {
            Some(card) => card.take(status),
            None => drop(self.agents.insert(name.clone(), AgentCard::new(status))),
        }
        self.queue.push(Subject::Agent(name));
        self.queue.push(Subject::Daemon);
    }

    /// The configuration was read again.
    pub(super) fn take_standing(&mut self) {
        let standing = self.standing.borrow_and_update().clone();
        self.daemon.reloaded(standing.generation, &standing.errors);
        self.take_plans();
        self.take_agents();
        self.queue.push(Subject::Daemon);
    }

    pub(super) fn take_plans(&mut self) {
        let library = self.house.engine.library();
        for (id, plan) in &library.plans {
            let card = self.plans.entry(id.clone()).or_insert_with(|| PlanCard::new(Arc::clone(plan)));
            card.take(Some(Arc::clone(plan)));
            self.queue.push(Subject::Plan(id.clone()));
        }
        let gone = self.plans.iter_mut().filter(|(id, _)| !library.plans.contains_key(*id));
        for (id, card) in gone {
            card.take(None);
            self.queue.push(Subject::Plan(id.clone()));
        }
    }

    pub(super) fn take_agents(&mut self) {
        let listed = self.house.engine.agents().list();
        for (name, card) in &mut self.agents {
            if listed.iter().any(|status| status.name == *name) {
                card.stay();
            } else {
                card.leave();
            }
            self.queue.push(Subject::Agent(name.clone()));
        }
        listed.into_iter().for_each(|status| self.take_agent(status));
    }

    fn end_call(&mut self, call: u64, is_gone: bool) {
        let Some(card) = self.calls.get_mut(&call) else { return };
        if is_gone {
            card.leave();
        } else {
            self.ended_calls.push_back((Instant::now(), call));
        }
        self.queue.push(Subject::Call(call));
    }

    /// Looks at the daemon as it is now.
    pub(super) fn refresh(&self) {
        let standing = self.standing.borrow().clone();
        let states = self.runs.values().map(|card| card.view.facts().state);
        let (mut active, mut queued) = (0, 0);
        for state in states.filter(|state| !state.is_over()) {
            if state == State::Pending { queued += 1 } else { active += 1 }
        }
        let statuses = || self.agents.values().map(|card| lock(&card.view));
        let count = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
        let needs = |of: &AgentStatus| of.run_on_connection && of.state != AgentState::Ready;
        let is_degraded = statuses().any(|of| needs(&of)) || !standing.errors.is_empty();
        let draining = self.house.engine.is_draining();
        let state = match (self.house.shutdown.is_cancelled(), draining, is_degraded) {
            (true, _, _) => "stopping",
            (false, true, _) => "draining",
            (false, false, true) => "degraded",
            (false, false, false) => "running",
        };
        *lock(&self.house.board.daemon) = Daemon {
            state,
            draining,
            generation: standing.generation,
            errors: standing.errors,
            active,
            queued,
            ready: count(statuses().filter(|of| of.state == AgentState::Ready).count()),
            total: count(self.agents.len()),
        };
    }

    pub(super) fn is_told(&self, subject: &Subject) -> bool {
        match subject {
            Subject::Daemon => {
                self.refresh();
                self.daemon.is_told(&lock(&self.house.board.daemon))
            }
            Subject::Agent(name) => self.agents.get(name).is_none_or(AgentCard::is_told),
            Subject::Run(id) => self.runs.get(id).is_none_or(RunCard::is_told),
            Subject::Call(number) => self.calls.get(number).is_none_or(CallCard::is_told),
            Subject::Plan(id) => self.plans.get(id).is_none_or(PlanCard::is_told),
        }
    }
}
