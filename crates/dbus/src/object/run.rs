//! `org.opdbus.Orchestrator1.Run`.

use std::collections::HashMap;
use std::sync::Arc;

use op_engine::handle::control::Control;
use zbus::message::Header;
use zbus::object_server::SignalEmitter;
use zbus::{Connection, OwnedFd, OwnedObjectPath, OwnedVariant, Variant, interface};

use super::reading::{self, EventLine};
use super::{steer, stream};
use crate::fault::Fault;
use crate::guests::Guest;
use crate::house::Lobby;
use crate::options::{Options, Table};
use crate::view::RunView;
use crate::{path, value, view};

/// A run on the bus.
pub(crate) struct RunObject {
    lobby: Arc<Lobby>,
    view: Arc<RunView>,
}

impl RunObject {
    pub(crate) fn new(lobby: &Arc<Lobby>, view: &Arc<RunView>) -> Self {
        Self { lobby: Arc::clone(lobby), view: Arc::clone(view) }
    }

    async fn enter(&self, header: &Header<'_>, connection: &Connection) -> Result<Guest, Fault> {
        self.lobby.guests.enter(header, connection).await
    }

    async fn steer(&self, guest: &Guest, control: Control) -> Result<(), Fault> {
        steer::steer(&self.lobby, guest, &self.view, control).await
    }

    async fn admit_reading(&self, guest: &Guest) -> Result<(), Fault> {
        let about = [("definition", self.view.plan.id())];
        self.lobby.admit_reading(guest, Some(&self.view.user), &about).await
    }
}

/// A run: one execution of a plan. Its path is the root of the daemon, `run`, and its id, and stays the same from its start to
/// its removal, at least ten minutes after its end (sooner when 64 others have ended since). To steer a run of one's own needs the
/// right run, one of somebody else control-others; to read what one of somebody else did and wrote needs read-output. When a
/// method that steers returns, what it changed is on disk and was told in `PropertiesChanged`; other signals of the run come after
/// the reply.
#[interface(name = "org.opdbus.Orchestrator1.Run")]
impl RunObject {
    /// Stops the run: nothing new starts, calls in flight are stopped. Options: `reason` s; `rollback` b, to have what was done
    /// undone.
    async fn cancel(
        &self,
        options: Table,
        #[zbus(header)] header: Header<'_>,
        #[zbus(connection)] connection: &Connection,
    ) -> Result<(), Fault> {
        let guest = self.enter(&header, connection).await?;
        let control = steer::cancel(options, &guest)?;
        self.steer(&guest, control).await
    }

    /// Holds the run: calls in flight go on, no new step starts. Options: `reason` s.
    async fn pause(
        &self,
        options: Table,
        #[zbus(header)] header: Header<'_>,
        #[zbus(connection)] connection: &Connection,
    ) -> Result<(), Fault> {
        let guest = self.enter(&header, connection).await?;
        self.steer(&guest, steer::pause(options)?).await
    }

    /// Lets a paused run go on. It knows no options.
    async fn resume(
        &self,
        options: Table,
        #[zbus(header)] header: Header<'_>,
        #[zbus(connection)] connection: &Connection,
    ) -> Result<(), Fault> {
        let guest = self.enter(&header, connection).await?;
        Options::none(options)?;
        self.steer(&guest, Control::Resume).await
    }

    /// Lets the run go on after its end, keeping what succeeded: from a step or phase, or from what failed where none is given.
    /// It stays the same run, and so does its path. It knows no options.
    #[zbus(out_args("run"))]
    async fn retry(
        &self,
        from_phase: String,
        options: Table,
        #[zbus(header)] header: Header<'_>,
        #[zbus(connection)] connection: &Connection,
    ) -> Result<OwnedObjectPath, Fault> {
        let guest = self.enter(&header, connection).await?;
        Options::none(options)?;
        self.steer(&guest, steer::retry(from_phase)).await?;
        Ok(path::of(path::RUN, self.view.id.as_str()))
    }

    /// Undoes what a run that ended did, last things first. Options: `to` s, the last phase that stays; `dry-run` b, to undo
    /// nothing and only tell. Answers `phases`: what is, or would be, undone, each with `phase`, `visit` and `calls`.
    #[zbus(out_args("undone"))]
    async fn roll_back(
        &self,
        options: Table,
        #[zbus(header)] header: Header<'_>,
        #[zbus(connection)] connection: &Connection,
    ) -> Result<HashMap<String, Variant<'static>>, Fault> {
        let guest = self.enter(&header, connection).await?;
        steer::roll_back(&self.lobby, &guest, &self.view, options).await
    }

    /// Answers the question that a step waits with; the only one there is when `step` is empty. Options: `comment` s; `digest` s,
    /// to answer that very question and no later one.
    async fn approve(
        &self,
        step: String,
        approved: bool,
        options: Table,
        #[zbus(header)] header: Header<'_>,
        #[zbus(connection)] connection: &Connection,
    ) -> Result<(), Fault> {
        let guest = self.enter(&header, connection).await?;
        self.steer(&guest, steer::approve(step, approved, options)?).await
    }

    /// Sends the run a signal that a step waits for, or will wait for. It knows no options.
    async fn signal(
        &self,
        name: String,
        data: OwnedVariant,
        options: Table,
        #[zbus(header)] header: Header<'_>,
        #[zbus(connection)] connection: &Connection,
    ) -> Result<(), Fault> {
        let guest = self.enter(&header, connection).await?;
        Options::none(options)?;
        let data = value::plain("`data`", data)?;
        self.steer(&guest, steer::signal(name, data)?).await
    }

    /// Has others play what has not begun: step or role to role, agent or agent.operation. It knows no options.
    async fn recast(
        &self,
        cast: HashMap<String, String>,
        options: Table,
        #[zbus(header)] header: Header<'_>,
        #[zbus(connection)] connection: &Connection,
    ) -> Result<(), Fault> {
        let guest = self.enter(&header, connection).await?;
        Options::none(options)?;
        self.steer(&guest, steer::recast(cast)?).await
    }

    /// Says how a run goes on that is stuck since something could not be undone: that is accepted as it is, or tried again. It
    /// knows no options.
    async fn resolve(
        &self,
        accept: bool,
        options: Table,
        #[zbus(header)] header: Header<'_>,
        #[zbus(connection)] connection: &Connection,
    ) -> Result<(), Fault> {
        let guest = self.enter(&header, connection).await?;
        Options::none(options)?;
        self.steer(&guest, Control::Resolve { accept }).await
    }

    /// Why the run is where it is, in plain sentences.
    #[zbus(out_args("sentences"))]
    async fn explain(
        &self,
        #[zbus(header)] header: Header<'_>,
        #[zbus(connection)] connection: &Connection,
    ) -> Result<Vec<String>, Fault> {
        let guest = self.enter(&header, connection).await?;
        self.admit_reading(&guest).await?;
        let explained = self.lobby.house.engine.explain(self.view.id.as_str()).await;
        explained.map(|(_, sentences)| sentences).map_err(|error| Fault::of(&error))
    }

    /// What an attempt of a step wrote and returned: `visit` u, `attempt` u, `stdout` s, `stderr` s, `dropped` t (bytes that were
    /// not kept), `value`. Options: `visit` u and `attempt` u, the last ones where nothing is said. At most 256 KiB are answered,
    /// the last ones; `rest` says where the others are. An item of a list is named STEP[ITEM].
    #[zbus(out_args("output"))]
    async fn read_output(
        &self,
        step: String,
        options: Table,
        #[zbus(header)] header: Header<'_>,
        #[zbus(connection)] connection: &Connection,
    ) -> Result<HashMap<String, Variant<'static>>, Fault> {
        let guest = self.enter(&header, connection).await?;
        let mut options = Options::new(options, &["attempt", "visit"])?;
        let (visit, attempt) = (options.number("visit")?, options.number("attempt")?);
        self.admit_reading(&guest).await?;
        reading::output(&self.lobby.house.engine, &self.view.id, &step, visit, attempt).await
    }

    /// Events after a sequence number, in order and without gap: sequence, time in microseconds since 1970, phase, type, data. At
    /// most `max` are answered (100 for 0, never more than 1000), and no more than 256 KiB: go on after `last_seq`. `finished`
    /// says that the run is over and nothing follows. Never waits: `PropertiesChanged` tells when there may be more.
    #[zbus(out_args("events", "last_seq", "finished"))]
    async fn read_events(
        &self,
        after_seq: u64,
        max: u32,
        #[zbus(header)] header: Header<'_>,
        #[zbus(connection)] connection: &Connection,
    ) -> Result<(Vec<EventLine>, u64, bool), Fault> {
        let guest = self.enter(&header, connection).await?;
        self.admit_reading(&guest).await?;
        reading::events(&self.lobby.house.engine, &self.view.id, after_seq, max).await
    }

    /// Events as they come, one JSON object a line, from a pipe: whoever reads slowly slows nobody down. It ends after the last
    /// event of the run, and when the reader closes it or leaves the bus. Options: `after-seq` t, to begin after that event.
    #[zbus(out_args("fd"))]
    async fn open_event_stream(
        &self,
        options: Table,
        #[zbus(header)] header: Header<'_>,
        #[zbus(connection)] connection: &Connection,
    ) -> Result<OwnedFd, Fault> {
        let guest = self.enter(&header, connection).await?;
        let mut options = Options::new(options, &["after-seq"])?;
        let after = options.sequence("after-seq")?.unwrap_or(0);
        self.admit_reading(&guest).await?;
        stream::open(&self.lobby.house, &guest, &self.view.id, after).await
    }

    /// What the run answered: `state`, `reason`, and `output` once it completed. What has more than 256 KiB is left out, and
    /// `rest` says where it is. The error `RunNotFinished` before its end. It knows no options.
    #[zbus(out_args("result"))]
    async fn read_result(
        &self,
        options: Table,
        #[zbus(header)] header: Header<'_>,
        #[zbus(connection)] connection: &Connection,
    ) -> Result<HashMap<String, Variant<'static>>, Fault> {
        let guest = self.enter(&header, connection).await?;
        Options::none(options)?;
        self.admit_reading(&guest).await?;
        reading::result(&self.lobby.house.engine, &self.view.id).await
    }

    /// A phase changed its state: pending, running, succeeded, failed, tolerated, skipped, undoing, undone or `undo_failed`. `seq`
    /// is the sequence of the newest event that is in it. `details`: `visit` u, which visit of the phase this is. Where much
    /// happens at once, states in between are left out, never the newest.
    #[zbus(signal)]
    pub(crate) async fn phase_changed(
        emitter: &SignalEmitter<'_>,
        seq: u64,
        phase: &str,
        old_state: &str,
        new_state: &str,
        details: HashMap<&str, Variant<'_>>,
    ) -> zbus::Result<()>;

    /// The run ended, with the result and the error of its properties. Sent exactly once for each end, after the last
    /// `PropertiesChanged` of it; a run that is retried, rolled back or resolved after its end has another one.
    #[zbus(signal)]
    pub(crate) async fn finished(
        emitter: &SignalEmitter<'_>,
        result: &str,
        error_name: &str,
        error_message: &str,
    ) -> zbus::Result<()>;

    /// Id of the run; the same over gRPC and on the command line.
    #[zbus(property(emits_changed_signal = "const"))]
    fn id(&self) -> String {
        self.view.id.to_string()
    }

    /// How its plan was written: workstack, workflow, machine, template or debate.
    #[zbus(property(emits_changed_signal = "const"))]
    fn kind(&self) -> String {
        self.view.plan.draft().shape.word().to_owned()
    }

    /// Id of its plan.
    #[zbus(property(emits_changed_signal = "const"))]
    fn name(&self) -> String {
        self.view.plan.id().to_owned()
    }

    /// Free labels that it was started with.
    #[zbus(property(emits_changed_signal = "const"))]
    fn labels(&self) -> HashMap<String, String> {
        self.view.labels.clone().into_iter().collect()
    }

    /// User who started it; the highest number for somebody who came in over TCP.
    #[zbus(property(emits_changed_signal = "const"), name = "StartedByUID")]
    fn started_by(&self) -> u32 {
        self.view.uid()
    }

    /// When it was started, in microseconds since 1970.
    #[zbus(property(emits_changed_signal = "const"))]
    fn start_timestamp(&self) -> u64 {
        view::micros(self.view.started)
    }

    /// State: pending, running, waiting, paused, `rolling_back`, completed, failed, cancelled, `rolled_back` or stuck; more words may
    /// be added.
    #[zbus(property)]
    fn state(&self) -> String {
        self.view.facts().state.word().to_owned()
    }

    /// State and why it is so, from the same moment; the reason may be empty.
    #[zbus(property)]
    fn state_reason(&self) -> (String, String) {
        self.view.facts().state_reason()
    }

    /// How it ended: completed, failed, cancelled, `rolled_back` or stuck; empty before.
    #[zbus(property)]
    fn result(&self) -> String {
        self.view.facts().result().to_owned()
    }

    /// Name and sentence of the error of a run that ended otherwise than its plan says; both empty for any other.
    #[zbus(property)]
    fn error(&self) -> (String, String) {
        self.view.facts().error()
    }

    /// Phases that run or are being undone, by id.
    #[zbus(property)]
    fn current_phases(&self) -> Vec<String> {
        self.view.current(&self.view.facts())
    }

    /// Phases in the order of the plan: id, name, state, progress from 0 to 1, start and end in microseconds since 1970 (0 = not
    /// yet).
    #[zbus(property(emits_changed_signal = "invalidates"))]
    fn phases(&self) -> Vec<(String, String, String, f64, u64, u64)> {
        self.view.phases(&self.view.facts())
    }

    /// Part of the steps that are done, from 0 to 1; never falls until the run is retried. Told at most twice a second.
    #[zbus(property)]
    fn progress(&self) -> f64 {
        self.view.facts().progress
    }

    /// Whether Progress means anything: a machine may go round as often as it likes.
    #[zbus(property(emits_changed_signal = "const"))]
    fn progress_valid(&self) -> bool {
        self.view.has_progress()
    }

    /// When it will end if the rest takes as long as the part that is done, in microseconds since 1970; 0 while unknown. Told
    /// with Progress.
    #[zbus(property)]
    fn expected_end_timestamp(&self) -> u64 {
        view::micros_or_none(self.view.facts().expected)
    }

    /// When it ended, in microseconds since 1970; 0 before.
    #[zbus(property)]
    fn finish_timestamp(&self) -> u64 {
        view::micros_or_none(self.view.facts().ended)
    }

    /// Sequence of its newest event. Changes are not told.
    #[zbus(property(emits_changed_signal = "false"))]
    fn last_seq(&self) -> u64 {
        self.view.facts().sequence
    }
}
