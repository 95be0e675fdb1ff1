//! Objects on the bus: thin shells that convert, call the engine, convert, and reply.
//!
//! - `daemon`, `agent`, `plan`, `run`, `call`, `log`: one interface each; what they show is written by the herald (`view`)
//! - `start`, `steer`, `listing`, `reading`, `stream`, `dump`: what their methods do

use std::cell::RefCell;
use std::collections::HashMap;
use std::fmt::Write;

use async_trait::async_trait;
use op_engine::ports::Right;
use zbus::message::{Header, Message};
use zbus::names::{InterfaceName, MemberName};
use zbus::object_server::{DispatchResult, Interface, SignalEmitter};
use zbus::{BoxDBusError, Connection, ObjectServer, OwnedVariant, Variant};

use crate::fault::Fault;
use crate::guests::Guest;
use crate::house::{Hold, Lobby};

mod agent;
mod call;
mod daemon;
mod dump;
mod listing;
mod log;
mod plan;
mod reading;
mod run;
mod start;
mod steer;
mod stream;

pub(crate) use agent::AgentObject;
pub(crate) use call::CallObject;
pub(crate) use daemon::DaemonObject;
pub(crate) use log::LogControl;
pub(crate) use plan::PlanObject;
pub(crate) use run::RunObject;

tokio::task_local! {
    /// What the call that is being handled keeps back until its reply is on its way.
    static HELD: RefCell<Vec<Hold>>;
}

/// Keeps a hold until the reply to the call that is being handled is on its way.
pub(crate) fn hold_until_replied(hold: Hold) {
    // Outside of a call there is no reply to wait for.
    let _ = HELD.try_with(|held| held.borrow_mut().push(hold));
}

impl Lobby {
    /// Whether a caller has a right; asked before anything happens.
    pub(crate) async fn admit(
        &self,
        guest: &Guest,
        right: Right,
        about: &[(&str, &str)],
    ) -> Result<(), Fault> {
        let admitted = self.house.warden.admit(&guest.caller, right, about, guest.interactive).await;
        admitted.map_err(|denied| Fault::of(&denied))
    }

    /// Whether a caller may read what runs that `owner` started did and wrote; `None` are runs of whomever.
    pub(crate) async fn admit_reading(
        &self,
        guest: &Guest,
        owner: Option<&str>,
        about: &[(&str, &str)],
    ) -> Result<(), Fault> {
        let admitted = self.house.warden.admit_reading(&guest.caller, owner, about, guest.interactive).await;
        admitted.map_err(|denied| Fault::of(&denied))
    }
}

/// An interface whose signals wait for its replies: what a call holds is let go of when its reply was sent, and not before.
pub(crate) struct Orderly<I>(pub(crate) I);

#[async_trait]
impl<I: Interface> Interface for Orderly<I> {
    fn name() -> InterfaceName<'static> {
        I::name()
    }

    async fn get(
        &self,
        property: &str,
        server: &ObjectServer,
        connection: &Connection,
        header: Option<&Header<'_>>,
        emitter: &SignalEmitter<'_>,
    ) -> Option<Result<OwnedVariant, BoxDBusError>> {
        self.0.get(property, server, connection, header, emitter).await
    }

    async fn get_all(
        &self,
        server: &ObjectServer,
        connection: &Connection,
        header: Option<&Header<'_>>,
        emitter: &SignalEmitter<'_>,
    ) -> zbus::fdo::Result<HashMap<String, OwnedVariant>> {
        self.0.get_all(server, connection, header, emitter).await
    }

    fn set<'call>(
        &'call self,
        property: &'call str,
        value: &'call Variant<'_>,
        server: &'call ObjectServer,
        connection: &'call Connection,
        header: Option<&'call Header<'_>>,
        emitter: &'call SignalEmitter<'_>,
    ) -> DispatchResult<'call> {
        self.0.set(property, value, server, connection, header, emitter)
    }

    async fn set_mut(
        &mut self,
        property: &str,
        value: &Variant<'_>,
        server: &ObjectServer,
        connection: &Connection,
        header: Option<&Header<'_>>,
        emitter: &SignalEmitter<'_>,
    ) -> Option<Result<(), BoxDBusError>> {
        self.0.set_mut(property, value, server, connection, header, emitter).await
    }

    fn call<'call>(
        &'call self,
        server: &'call ObjectServer,
        connection: &'call Connection,
        message: &'call Message,
        name: MemberName<'call>,
    ) -> DispatchResult<'call> {
        match self.0.call(server, connection, message, name) {
            DispatchResult::Async(replied) => {
                DispatchResult::Async(Box::pin(HELD.scope(RefCell::default(), replied)))
            }
            other @ (DispatchResult::NotFound | DispatchResult::RequiresMut) => other,
        }
    }

    fn call_mut<'call>(
        &'call mut self,
        server: &'call ObjectServer,
        connection: &'call Connection,
        message: &'call Message,
        name: MemberName<'call>,
    ) -> DispatchResult<'call> {
        self.0.call_mut(server, connection, message, name)
    }

    fn introspect_to_writer(&self, writer: &mut dyn Write, level: usize) {
        self.0.introspect_to_writer(writer, level);
    }
}
