//! The agents as people see them: the port [`Agents`].

use std::sync::Arc;
use std::sync::atomic::Ordering;

use async_trait::async_trait;
use futures::stream::BoxStream;
use op_engine::ports::{AgentState, AgentStatus, Agents, ConnectError, Lease, OperationStatus};
use op_plan::catalogue::{KnownOperations, Operations};
use op_plan::{Catalogue, Effects, Performer, Risk};

use crate::agent::{Agent, Standing};
use crate::described::Described;
use crate::pool::Pool;

#[async_trait]
impl Agents for Pool {
    fn list(&self) -> Vec<AgentStatus> {
        self.roster.agents().iter().map(|agent| agent.status()).collect()
    }

    fn watch(&self) -> BoxStream<'static, AgentStatus> {
        self.roster.watch()
    }

    async fn connect(&self, name: &str) -> Result<AgentStatus, ConnectError> {
        let agent = self.agent(name).ok_or_else(|| ConnectError::Unknown(name.to_owned()))?;
        match agent.ready().await {
            Ok(_) => Ok(agent.status()),
            Err(reason) => Err(ConnectError::Unreachable {
                name: name.to_owned(),
                endpoint: agent.settings.address.to_string(),
                reason,
            }),
        }
    }

    async fn disconnect(&self, name: &str) -> Result<AgentStatus, ConnectError> {
        let agent = self.agent(name).ok_or_else(|| ConnectError::Unknown(name.to_owned()))?;
        let mut standing = agent.standing.subscribe();
        agent.dismiss().await;
        // A keeper that has ended left an idle link behind.
        let _ = standing.wait_for(|now| now.state == AgentState::Idle && now.pid.is_none()).await;
        Ok(agent.status())
    }

    fn lease(&self) -> Lease {
        self.mould.leases.fetch_add(1, Ordering::AcqRel);
        let held: Vec<_> =
            self.roster.agents().into_iter().filter(|agent| agent.settings.run_on_connection).collect();
        held.iter().for_each(|agent| agent.want());
        let (leases, roster) = (Arc::clone(&self.mould.leases), Arc::clone(&self.roster));
        Lease::new(held.iter().map(|agent| agent.settings.name.clone()), move || {
            if leases.fetch_sub(1, Ordering::AcqRel) == 1 {
                roster.agents().iter().for_each(|agent| agent.release());
            }
        })
    }

    fn session_over(&self, session: &str) {
        self.roster.agents().iter().for_each(|agent| agent.session_over(session));
    }

    fn catalogue(&self) -> Catalogue {
        let agents = self.roster.agents().into_iter().map(|agent| {
            let standing = agent.standing.borrow();
            let known = agent.known(&standing);
            (
                agent.settings.name.clone(),
                known.map_or(Operations::Open, |known| Operations::Known(Arc::clone(known))),
            )
        });
        Catalogue { agents: agents.collect(), ..Catalogue::default() }
    }

    fn risk(&self, performer: &Performer) -> Option<Risk> {
        self.agent(&performer.agent)?.risk(&performer.operation)
    }

    fn effects(&self, performer: &Performer) -> Option<Effects> {
        self.agent(&performer.agent)?.effects(&performer.operation)
    }

    fn has(&self, performer: &Performer) -> bool {
        self.agent(&performer.agent).is_some_and(|agent| agent.has(&performer.operation))
    }
}

impl Agent {
    /// Whether it performs an operation, as far as is known: of one that nobody knows yet, anything may be asked.
    fn has(&self, operation: &str) -> bool {
        let standing = self.standing.borrow();
        self.known(&standing).is_none_or(|known| known.contains_key(operation))
    }

    /// Takes what it describes. What is known of it already is not kept twice.
    pub(crate) fn describe(&self, mut described: Described) {
        if let Some(known) = self.settings.known.as_ref().filter(|known| **known == described.operations) {
            described.operations = Arc::clone(known);
        }
        self.standing.send_modify(|standing| standing.described = Some(Arc::new(described)));
    }

    /// What it described when it was last connected, or what is known of it before.
    pub(crate) fn known<'a>(&'a self, standing: &'a Standing) -> Option<&'a KnownOperations> {
        let described = standing.described.as_ref().map(|described| &described.operations);
        described.or(self.settings.known.as_ref())
    }

    /// The agent as it stands.
    pub(crate) fn status(&self) -> AgentStatus {
        let standing = self.standing.borrow().clone();
        let counts = self.counts().clone();
        let known = self.known(&standing).into_iter().flat_map(|known| &**known);
        let counted = known.map(|(name, operation)| {
            let tally = counts.operations.get(name).copied().unwrap_or_default();
            let (calls, failures, total) = (tally.calls, tally.failures, tally.total);
            (name.clone(), OperationStatus { operation: Arc::clone(operation), calls, failures, total })
        });
        let operations = counted.collect();
        AgentStatus {
            name: self.settings.name.clone(),
            state: standing.state,
            reason: standing.reason,
            endpoint: self.settings.address.to_string(),
            run_on_connection: self.settings.run_on_connection && self.pool.hold,
            operations,
            version: standing
                .described
                .as_ref()
                .map(|described| described.version.clone())
                .unwrap_or_default(),
            active: self.gate.active(),
            queued: self.gate.queued(),
            restarts: standing.restarts,
            calls: counts.calls,
            faults: counts.faults,
            latency: standing.latency,
            since: standing.since,
            pid: standing.pid,
            breaker: self.breaker().state(self.clock.now()),
        }
    }
}
