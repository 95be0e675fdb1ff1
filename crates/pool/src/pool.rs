//! The pool: its agents by name, and the tasks that keep them.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use op_engine::ports::Clock;
use op_proto::Address;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::agent::{Agent, Wish};
use crate::keeper::keep;
use crate::roster::Roster;
use crate::session::Flights;
use crate::settings::{AgentSettings, PoolSettings};

/// The agents of a hub. It performs calls and knows its agents by the ports of the engine.
///
/// Nothing is connected before [`start`](Self::start). Dropping the pool kills the processes it started;
/// [`shutdown`](Self::shutdown) lets calls and processes end.
pub struct Pool {
    pub(crate) mould: Mould,
    pub(crate) roster: Arc<Roster>,
    pub(crate) tasks: Mutex<Tasks>,
}

/// What every agent of a pool is made with.
#[derive(Clone)]
pub(crate) struct Mould {
    pub(crate) settings: Arc<PoolSettings>,
    clock: Arc<dyn Clock>,
    pub(crate) closing: CancellationToken,
    /// Leases that hold the agents that run on connection.
    pub(crate) leases: Arc<AtomicUsize>,
    /// Whether the hub goes down.
    parting: Arc<AtomicBool>,
}

impl Mould {
    /// An agent that nobody keeps yet, and the wishes that its keeper is to hear.
    pub(crate) fn make(&self, agent: AgentSettings) -> (Arc<Agent>, mpsc::Receiver<Wish>) {
        let Self { settings, clock, closing, leases, parting } = self.clone();
        let (mut agent, wishes) = Agent::new(agent, settings, clock, closing.child_token());
        agent.leases = leases;
        if agent.outlives_hub() {
            agent.flights = Arc::new(Flights::new(parting));
        }
        (Arc::new(agent), wishes)
    }
}

/// The keepers, and what those that do not run yet are to hear.
#[derive(Default)]
pub(crate) struct Tasks {
    resting: Vec<(Arc<Agent>, mpsc::Receiver<Wish>)>,
    pub(crate) keepers: JoinSet<()>,
}

/// Why a pool cannot be built.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BuildError {
    /// Two agents have one name.
    #[error("two agents are called `{0}`")]
    Name(String),
    /// Two agents have one address.
    #[error("the agents `{first}` and `{second}` both listen at {address}")]
    Address {
        /// The address.
        address: Address,
        /// One agent.
        first: String,
        /// The other agent.
        second: String,
    },
    /// A limit would let no call through.
    #[error("`{0}` is 0, and no call would ever be made")]
    Zero(&'static str),
}

impl Pool {
    /// A pool of these agents, all idle.
    pub fn new(
        settings: PoolSettings,
        agents: Vec<AgentSettings>,
        clock: Arc<dyn Clock>,
    ) -> Result<Arc<Self>, BuildError> {
        check(&settings, &agents)?;
        let (settings, closing) = (Arc::new(settings), CancellationToken::new());
        let mould = Mould { settings, clock, closing, leases: Arc::default(), parting: Arc::default() };
        let pool = Self { mould, roster: Arc::default(), tasks: Mutex::default() };
        for agent in agents {
            let (agent, wishes) = pool.mould.make(agent);
            pool.tasks().resting.push((Arc::clone(&agent), wishes));
            pool.roster.seat(agent);
        }
        Ok(Arc::new(pool))
    }

    /// Begins to keep the agents: connects those that are run on connection, side by side, and returns at once. Calls and
    /// wishes from before are heard then. Starting twice changes nothing.
    ///
    /// # Panics
    /// Outside of a runtime of tokio.
    pub fn start(&self) {
        let mut tasks = self.tasks();
        let Tasks { resting, keepers } = &mut *tasks;
        for (agent, wishes) in resting.drain(..) {
            if agent.is_held() {
                agent.want();
            }
            keepers.spawn(keep(agent, wishes));
        }
    }

    /// What it keeps for clients: leases that last, and sessions that agents served and that are not over.
    pub fn kept(&self) -> (usize, usize) {
        let served = self.roster.agents().iter().map(|agent| agent.served().len()).sum();
        (self.mould.leases.load(Ordering::Acquire), served)
    }

    /// Begins to connect these agents, side by side, because calls to them will come; unknown names change nothing.
    pub fn wanted<S: AsRef<str>>(&self, names: impl IntoIterator<Item = S>) {
        names.into_iter().filter_map(|name| self.agent(name.as_ref())).for_each(|agent| agent.want());
    }

    /// The hub goes down for good, which is not to cancel anything: from here on, a call that is dropped goes on at an agent that
    /// outlives the hub, as its session does. The next hub repeats it, and gets its outcome. A call that is asked to stop is
    /// stopped as ever, and so is what a child of the hub works on, which ends with it.
    ///
    /// To be called before whoever makes calls lets go of them.
    pub fn go_down(&self) {
        self.mould.parting.store(true, Ordering::SeqCst);
    }

    /// [Goes down](Self::go_down), cancels the calls in flight at children, lets go of all agents, and ends the processes it started,
    /// all side by side. When it returns, all tasks have ended and no process is left but those of units, which are systemd's to
    /// stop. Later calls are answered as unavailable.
    pub async fn shutdown(&self) {
        self.go_down();
        self.mould.closing.cancel();
        let Tasks { resting, mut keepers } = std::mem::take(&mut *self.tasks());
        drop(resting);
        while let Some(ended) = keepers.join_next().await {
            if let Err(error) = ended {
                tracing::error!(%error, "the keeper of an agent died");
            }
        }
    }

    pub(crate) fn agent(&self, name: &str) -> Option<Arc<Agent>> {
        self.roster.agent(name)
    }

    pub(crate) fn tasks(&self) -> MutexGuard<'_, Tasks> {
        self.tasks.lock().expect("nothing panics while it holds the tasks")
    }
}

impl std::fmt::Debug for Pool {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pool").field("agents", &self.roster.names()).finish_non_exhaustive()
    }
}

pub(crate) fn check(settings: &PoolSettings, agents: &[AgentSettings]) -> Result<(), BuildError> {
    let mut names = BTreeSet::new();
    let mut addresses: BTreeMap<String, &str> = BTreeMap::new();
    for agent in agents {
        if !names.insert(&agent.name) {
            return Err(BuildError::Name(agent.name.clone()));
        }
        match addresses.entry(agent.address.to_string()) {
            Entry::Vacant(place) => drop(place.insert(&agent.name)),
            Entry::Occupied(taken) => {
                return Err(BuildError::Address {
                    address: agent.address.clone(),
                    first: (*taken.get()).to_owned(),
                    second: agent.name.clone(),
                });
            }
        }
    }
    let limits = agents.iter().filter_map(|agent| agent.max_concurrent);
    if limits.chain([settings.max_concurrent]).any(|limit| limit == 0) {
        return Err(BuildError::Zero("max_concurrent"));
    }
    if settings.health_interval.is_zero() {
        return Err(BuildError::Zero("health_interval"));
    }
    if settings.breaker.threshold == 0 {
        return Err(BuildError::Zero("breaker threshold"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use op_engine::ports::SystemClock;

    fn agent(name: &str, path: &str) -> AgentSettings {
        AgentSettings::new(name, Address::Unix(path.into()))
    }

    fn build(settings: PoolSettings, agents: Vec<AgentSettings>) -> Option<BuildError> {
        Pool::new(settings, agents, Arc::new(SystemClock::new())).err()
    }

    #[test]
    fn two_agents_of_one_name_are_refused() {
        let agents = vec![agent("a", "/a"), agent("a", "/b")];
        assert_eq!(build(PoolSettings::default(), agents), Some(BuildError::Name("a".into())));
    }

    #[test]
    fn two_agents_at_one_address_are_refused_with_both_names() {
        let error = build(PoolSettings::default(), vec![agent("a", "/x"), agent("b", "/x")]);
        let error = error.expect("a clash").to_string();
        assert_eq!(error, "the agents `a` and `b` both listen at unix:/x");
    }

    #[test]
    fn a_limit_that_lets_nothing_through_is_refused() {
        let none = AgentSettings { max_concurrent: Some(0), ..agent("a", "/a") };
        assert_eq!(build(PoolSettings::default(), vec![none]), Some(BuildError::Zero("max_concurrent")));
        let none = PoolSettings { health_interval: std::time::Duration::ZERO, ..PoolSettings::default() };
        assert_eq!(build(none, vec![]), Some(BuildError::Zero("health_interval")));
    }
}
