//! `org.opdbus.Orchestrator1.Manager`.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use op_engine::ports::{ConnectError, Right};
use zbus::message::Header;
use zbus::object_server::SignalEmitter;
use zbus::{Connection, ObjectPath, OwnedFd, OwnedObjectPath, interface};

use super::listing::{self, AgentLine, DefinitionLine, DiagnosticLine, PlanLine, RunLine};
use super::reading::{self, AuditLine};
use super::{dump, hold_until_replied, start};
use crate::fault::Fault;
use crate::guests::Guest;
use crate::house::{Lobby, News, Subject};
use crate::options::{Options, Table};
use crate::path;
use crate::view::{Daemon, lock};

/// What this daemon can do that one of the same version might not.
const FEATURES: [&str; 2] = ["call", "event-stream-fd"];

/// The daemon on the bus.
pub(crate) struct DaemonObject {
    lobby: Arc<Lobby>,
}

impl DaemonObject {
    pub(crate) fn new(lobby: &Arc<Lobby>) -> Self {
        Self { lobby: Arc::clone(lobby) }
    }

    async fn enter(&self, header: &Header<'_>, connection: &Connection) -> Result<Guest, Fault> {
        self.lobby.guests.enter(header, connection).await
    }

    fn now(&self) -> Daemon {
        lock(&self.lobby.house.board.daemon).clone()
    }
}

/// The daemon: starts runs, and tells what there is. Every method that changes something ends in a table of options; a key that is
/// not known is refused. Times are microseconds since 1970. Rights (run, control-others, read-output, manage-agents, reload, admin)
/// are polkit actions below org.opdbus.orchestrator1; root and the user of the daemon have them all.
#[interface(name = "org.opdbus.Orchestrator1.Manager")]
#[expect(clippy::unused_self, reason = "what never changes is a property too")]
impl DaemonObject {
    /// Starts a run of a plan. `kind` is plan, or the shape that the plan must have: workstack, workflow, machine, template, debate.
    /// `params` are the inputs of the plan by name. Options: `cast` a{ss}, step or role to role, agent or agent.operation; `casts` as,
    /// casts by name; `labels` a{ss}; `timeout-usec` t; `idempotency-key` s, so that the same request under the same key is answered
    /// with the same run; `dry-run` b, to check everything and start nothing: the path is then that of nothing, a slash. When it
    /// returns, the run is on disk and stands at its path; `RunNew` comes after the reply. Needs the right run.
    #[zbus(out_args("run"))]
    async fn start_run(
        &self,
        kind: String,
        name: String,
        params: Table,
        options: Table,
        #[zbus(header)] header: Header<'_>,
        #[zbus(connection)] connection: &Connection,
    ) -> Result<OwnedObjectPath, Fault> {
        let guest = self.enter(&header, connection).await?;
        let plan = start::plan(&self.lobby, &kind, &name)?;
        start::start(&self.lobby, &guest, &plan, params, options).await
    }

    /// Calls an operation of an agent (agent.operation) or a tool, outside of any run. It answers at once with the path of a Call,
    /// whose signal Finished tells of the end. Options: `timeout-usec` t; `approved` b, that a person was asked and agreed,
    /// without which an operation of critical risk is refused. A caller has at most 16 calls at a time, those that ended less than a
    /// minute ago included. Needs the right run.
    #[zbus(out_args("call"))]
    async fn call(
        &self,
        target: String,
        arguments: Table,
        options: Table,
        #[zbus(header)] header: Header<'_>,
        #[zbus(connection)] connection: &Connection,
    ) -> Result<OwnedObjectPath, Fault> {
        let guest = self.enter(&header, connection).await?;
        start::call(&self.lobby, &guest, &target, arguments, options).await
    }

    /// The path of a run by its id, or by how its id begins if that is only one. A run that ended long ago is put back on the bus.
    #[zbus(out_args("run"))]
    async fn get_run(
        &self,
        id: String,
        #[zbus(header)] header: Header<'_>,
        #[zbus(connection)] connection: &Connection,
    ) -> Result<OwnedObjectPath, Fault> {
        let _guest = self.enter(&header, connection).await?;
        start::show(&self.lobby, &id).await
    }

    /// Runs that match, newest first: id, path, kind, plan, state, progress, start and end (0 = not yet). A run that does not stand
    /// on the bus has a slash for its path; `GetRun` puts it there. Filter: `states` as, `plan` s, `user` s, `labels` a{ss},
    /// `since-usec` t, `until-usec` t, `text` s. At most `limit` (50 for 0, never more than 1000); `next_cursor` is where the next
    /// ones begin, and empty after the last.
    #[zbus(out_args("runs", "next_cursor"))]
    async fn list_runs(
        &self,
        filter: Table,
        cursor: String,
        limit: u32,
        #[zbus(header)] header: Header<'_>,
        #[zbus(connection)] connection: &Connection,
    ) -> Result<(Vec<RunLine>, String), Fault> {
        let _guest = self.enter(&header, connection).await?;
        listing::runs(&self.lobby, filter, cursor, limit).await
    }

    /// The path of an agent by its name.
    #[zbus(out_args("agent"))]
    async fn get_agent(
        &self,
        id: String,
        #[zbus(header)] header: Header<'_>,
        #[zbus(connection)] connection: &Connection,
    ) -> Result<OwnedObjectPath, Fault> {
        let _guest = self.enter(&header, connection).await?;
        let house = &self.lobby.house;
        if house.engine.agents().list().iter().all(|status| status.name != id) {
            return Err(Fault::of(&ConnectError::Unknown(id)));
        }
        // After a reload it may stand there only in a moment.
        house.settle(News::Agent(id.clone())).await;
        Ok(path::of(path::AGENT, &id))
    }

    /// Agents: name, path, state, where it listens.
    #[zbus(out_args("agents"))]
    async fn list_agents(
        &self,
        #[zbus(header)] header: Header<'_>,
        #[zbus(connection)] connection: &Connection,
    ) -> Result<Vec<AgentLine>, Fault> {
        let _guest = self.enter(&header, connection).await?;
        Ok(listing::agents(&self.lobby.house))
    }

    /// The path of a plan by its id, or by its shape, an underscore and its id.
    #[zbus(out_args("plan"))]
    async fn get_plan(
        &self,
        id: String,
        #[zbus(header)] header: Header<'_>,
        #[zbus(connection)] connection: &Connection,
    ) -> Result<OwnedObjectPath, Fault> {
        let _guest = self.enter(&header, connection).await?;
        let plan = self.lobby.house.engine.find_plan(&id).map_err(|error| Fault::of(&error))?;
        // After a reload it may stand there only in a moment.
        self.lobby.house.settle(News::Plan(plan.id().to_owned())).await;
        Ok(path::of(path::PLAN, plan.id()))
    }

    /// Plans: id, path, shape, what it does.
    #[zbus(out_args("plans"))]
    async fn list_plans(
        &self,
        #[zbus(header)] header: Header<'_>,
        #[zbus(connection)] connection: &Connection,
    ) -> Result<Vec<PlanLine>, Fault> {
        let _guest = self.enter(&header, connection).await?;
        Ok(listing::plans(&self.lobby.house))
    }

    /// What can be run or called: kind (the shape of a plan, agent, or tool), name, what it does, whether it can be used now. Filter:
    /// `kind` s.
    #[zbus(out_args("definitions"))]
    async fn list_definitions(
        &self,
        filter: Table,
        #[zbus(header)] header: Header<'_>,
        #[zbus(connection)] connection: &Connection,
    ) -> Result<Vec<DefinitionLine>, Fault> {
        let _guest = self.enter(&header, connection).await?;
        listing::definitions(&self.lobby.house, filter)
    }

    /// Events of all runs that match, oldest first: run, sequence, time, phase, type, data; the newest `limit` (100 for 0, never
    /// more than 1000), and no more than 256 KiB. Filter: `run` s, `kinds` as, `user` s, `since-usec` t, `until-usec` t. Needs the
    /// right read-output, unless `user` is the caller.
    #[zbus(out_args("events"))]
    async fn list_events(
        &self,
        filter: Table,
        limit: u32,
        #[zbus(header)] header: Header<'_>,
        #[zbus(connection)] connection: &Connection,
    ) -> Result<Vec<AuditLine>, Fault> {
        let guest = self.enter(&header, connection).await?;
        let engine = &self.lobby.house.engine;
        let filter = reading::filter(engine, filter, limit).await?;
        self.lobby.admit_reading(&guest, filter.user.as_deref(), &[]).await?;
        reading::audit(engine, filter).await
    }

    /// Checks plans written in TOML, at most 256 KiB of it: whether they could be run, and what is wrong: severity (error or warning),
    /// line, column, message, what to do. Nothing of it is kept.
    #[zbus(out_args("valid", "diagnostics"))]
    async fn validate_definition(
        &self,
        toml: String,
        #[zbus(header)] header: Header<'_>,
        #[zbus(connection)] connection: &Connection,
    ) -> Result<(bool, Vec<DiagnosticLine>), Fault> {
        let _guest = self.enter(&header, connection).await?;
        listing::validate(&self.lobby.house, toml).await
    }

    /// Reads the configuration again, and brings it into force as a whole or not at all (the error `ConfigInvalid`, and the one
    /// before stays). Answers its generation once it is in force; `Reloaded` comes after the reply. It knows no options. Needs the
    /// right reload.
    #[zbus(out_args("generation"))]
    async fn reload(
        &self,
        options: Table,
        #[zbus(header)] header: Header<'_>,
        #[zbus(connection)] connection: &Connection,
    ) -> Result<u64, Fault> {
        let guest = self.enter(&header, connection).await?;
        Options::none(options)?;
        self.lobby.admit(&guest, Right::Reload, &[]).await?;
        let house = &self.lobby.house;
        hold_until_replied(house.hold(Subject::Daemon));
        let reloaded = house.service.reload().await;
        house.settle(News::Daemon).await;
        reloaded.map_err(|error| Fault::of(&error))
    }

    /// Refuses new runs from now on, or takes them again; runs under way go on. It knows no options. Needs the right admin.
    async fn set_draining(
        &self,
        draining: bool,
        options: Table,
        #[zbus(header)] header: Header<'_>,
        #[zbus(connection)] connection: &Connection,
    ) -> Result<(), Fault> {
        let guest = self.enter(&header, connection).await?;
        Options::none(options)?;
        self.lobby.admit(&guest, Right::Admin, &[("verb", "drain")]).await?;
        self.lobby.house.engine.set_draining(draining);
        self.lobby.house.settle(News::Daemon).await;
        Ok(())
    }

    /// The state of the daemon as JSON, in a sealed file in memory. It knows no options. Needs the right admin.
    #[zbus(out_args("fd"))]
    async fn dump_state(
        &self,
        options: Table,
        #[zbus(header)] header: Header<'_>,
        #[zbus(connection)] connection: &Connection,
    ) -> Result<OwnedFd, Fault> {
        let guest = self.enter(&header, connection).await?;
        Options::none(options)?;
        self.lobby.admit(&guest, Right::Admin, &[("verb", "dump")]).await?;
        dump::dump(&self.lobby)
    }

    /// A run stands on the bus: it was started, or somebody asked for one that ended before. It comes after the reply to whoever
    /// started the run.
    #[zbus(signal)]
    pub(crate) async fn run_new(
        emitter: &SignalEmitter<'_>,
        id: &str,
        run: ObjectPath<'_>,
    ) -> zbus::Result<()>;

    /// A run stands on the bus no more; `result` is how it ended.
    #[zbus(signal)]
    pub(crate) async fn run_removed(
        emitter: &SignalEmitter<'_>,
        id: &str,
        run: ObjectPath<'_>,
        result: &str,
    ) -> zbus::Result<()>;

    /// The configuration was read again: the generation that is in force, whether that is the new one, and if not why.
    #[zbus(signal)]
    pub(crate) async fn reloaded(
        emitter: &SignalEmitter<'_>,
        generation: u64,
        ok: bool,
        message: &str,
    ) -> zbus::Result<()>;

    /// Version of the daemon.
    #[zbus(property(emits_changed_signal = "const"))]
    fn version(&self) -> String {
        env!("CARGO_PKG_VERSION").to_owned()
    }

    /// What this daemon can do beyond the first version of this interface.
    #[zbus(property(emits_changed_signal = "const"))]
    fn features(&self) -> Vec<String> {
        FEATURES.map(str::to_owned).to_vec()
    }

    /// Where the daemon listens for gRPC, which carries what is too fast or too large for the bus.
    #[zbus(property(emits_changed_signal = "const"))]
    fn grpc_endpoints(&self) -> Vec<String> {
        self.lobby.house.endpoints.clone()
    }

    /// When the daemon came to the bus, in microseconds since 1970.
    #[zbus(property(emits_changed_signal = "const"))]
    fn start_timestamp(&self) -> u64 {
        self.lobby.house.began
    }

    /// State: running, degraded (an agent that should be connected is not, or the last reload was refused), draining or stopping;
    /// more words may be added.
    #[zbus(property)]
    fn state(&self) -> String {
        self.now().state.to_owned()
    }

    /// Whether new runs are refused.
    #[zbus(property)]
    fn draining(&self) -> bool {
        self.now().draining
    }

    /// Counted up with every configuration that came into force; 1 is that of the start.
    #[zbus(property)]
    fn config_generation(&self) -> u64 {
        self.now().generation
    }

    /// Why the last reload was refused, a sentence for each error; empty after one that was not.
    #[zbus(property)]
    fn config_errors(&self) -> Vec<String> {
        self.now().errors
    }

    /// Runs under way, those that only wait included. Told at most ten times a second, as the three below.
    #[zbus(property)]
    fn runs_active(&self) -> u32 {
        self.now().active
    }

    /// Runs that wait for a place.
    #[zbus(property)]
    fn runs_queued(&self) -> u32 {
        self.now().queued
    }

    /// Agents that take calls.
    #[zbus(property)]
    fn agents_ready(&self) -> u32 {
        self.now().ready
    }

    /// Agents in all.
    #[zbus(property)]
    fn agents_total(&self) -> u32 {
        self.now().total
    }

    /// Signals that were not sent since a newer one told more: the bus is given at most 100 a second. Changes are not told.
    #[zbus(property(emits_changed_signal = "false"))]
    fn signals_suppressed(&self) -> u64 {
        self.lobby.house.suppressed.load(Ordering::Relaxed)
    }
}
