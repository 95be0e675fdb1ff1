//! `org.opdbus.Orchestrator1.Call`.

use std::collections::HashMap;
use std::sync::Arc;

use zbus::message::Header;
use zbus::object_server::SignalEmitter;
use zbus::{Connection, Variant, interface};

use super::reading;
use crate::calls::CallView;
use crate::fault::Fault;
use crate::house::Lobby;
use crate::options::{Options, Table};

/// A call on the bus.
pub(crate) struct CallObject {
    lobby: Arc<Lobby>,
    view: Arc<CallView>,
}

impl CallObject {
    pub(crate) fn new(lobby: &Arc<Lobby>, view: &Arc<CallView>) -> Self {
        Self { lobby: Arc::clone(lobby), view: Arc::clone(view) }
    }

    /// Lets nobody but its owner touch it.
    async fn enter(&self, header: &Header<'_>, connection: &Connection) -> Result<(), Fault> {
        let guest = self.lobby.guests.enter(header, connection).await?;
        if guest.name == self.view.owner {
            return Ok(());
        }
        let (number, owner) = (self.view.number, &self.view.owner);
        Err(Fault::denied(format!("call {number} belongs to {owner}, who alone may touch it")))
    }
}

/// A call of an operation, outside of any run. It belongs to the connection that asked for it: it is cancelled when that leaves
/// the bus, and nobody else may touch it. It stays for a minute after its end.
#[interface(name = "org.opdbus.Orchestrator1.Call")]
impl CallObject {
    /// Stops the call. It ends as cancelled unless it was quicker; `Finished` tells. One that has ended stays as it is. It knows
    /// no options.
    async fn cancel(
        &self,
        options: Table,
        #[zbus(header)] header: Header<'_>,
        #[zbus(connection)] connection: &Connection,
    ) -> Result<(), Fault> {
        self.enter(&header, connection).await?;
        Options::none(options)?;
        self.view.stop.cancel();
        Ok(())
    }

    /// How the call ended: `state`, `peer`, `duration-usec`, `bytes`, `exit-code` where a program did the work; after a success
    /// `value`, otherwise `reason`, `message`, `hint` and `detail`. What has more than 256 KiB is left out, and `rest` says
    /// where it is. The error `CallNotFinished` before its end. It knows no options.
    #[zbus(out_args("result"))]
    async fn read_result(
        &self,
        options: Table,
        #[zbus(header)] header: Header<'_>,
        #[zbus(connection)] connection: &Connection,
    ) -> Result<HashMap<String, Variant<'static>>, Fault> {
        self.enter(&header, connection).await?;
        Options::none(options)?;
        let unfinished = || {
            let message = format!("call {} is under way: wait for Finished", self.view.number);
            Fault::unmet("CallNotFinished", message)
        };
        let answer = self.view.answer().ok_or_else(unfinished)?;
        Ok(reading::answer(self.view.state(), &answer))
    }

    /// The call ended. Sent to its owner alone, exactly once, after the last `PropertiesChanged`.
    #[zbus(signal)]
    pub(crate) async fn finished(emitter: &SignalEmitter<'_>, state: &str) -> zbus::Result<()>;

    /// State of the call: running, succeeded, or the kind of its failure: failed, rejected, refused, unavailable, lost,
    /// `timed_out` or cancelled; more words may be added.
    #[zbus(property)]
    fn state(&self) -> String {
        self.view.state().to_owned()
    }

    /// The operation that is called.
    #[zbus(property(emits_changed_signal = "const"))]
    fn target(&self) -> String {
        self.view.performer.to_string()
    }
}
