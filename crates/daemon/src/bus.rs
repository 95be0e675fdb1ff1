//! The door on the message bus, as far as the settings want one.

use std::sync::Arc;

use op_dbus::{Bus, Door, OpenError, Polkit};
use op_engine::ports::Service;
use op_engine::{Engine, Warden};
use tokio_util::sync::CancellationToken;

use crate::settings::BusChoice;

/// Variable that leads to the bus of the session.
const SESSION: &str = "DBUS_SESSION_BUS_ADDRESS";

/// Opens the door. The bus of a session is a convenience: a daemon comes up without.
pub(crate) async fn open(
    choice: &BusChoice,
    engine: &Engine,
    warden: &Warden,
    service: &Arc<dyn Service>,
    endpoints: Vec<String>,
    shutdown: &CancellationToken,
) -> Result<Option<Door>, OpenError> {
    let (bus, is_needed) = match choice {
        BusChoice::Off => return Ok(None),
        BusChoice::Session if std::env::var_os(SESSION).is_none() => return Ok(None),
        BusChoice::Session => (Bus::Session, false),
        BusChoice::System => (Bus::System, true),
        BusChoice::Address(address) => (Bus::Address(address.clone()), true),
    };
    let (engine, warden, service) = (engine.clone(), warden.clone(), Arc::clone(service));
    match Door::open(bus, engine, warden, service, endpoints, shutdown.clone()).await {
        Ok(door) => Ok(Some(door)),
        Err(error) if is_needed => Err(error),
        Err(error) => {
            let why = op_engine::failure::sentence(&error);
            tracing::warn!(why, "the daemon is not on the bus of the session");
            Ok(None)
        }
    }
}

/// Who may do what: on the bus of the host, polkit is asked about everybody whom the daemon does not trust.
pub(crate) fn warden(choice: &BusChoice, users: Vec<u32>) -> Warden {
    let warden = Warden::new(rustix::process::geteuid().as_raw(), users);
    match choice {
        BusChoice::System => warden.asking(Arc::new(Polkit::default())),
        BusChoice::Off | BusChoice::Session | BusChoice::Address(_) => warden,
    }
}
