//! Buses of D-Bus: reaching one, waiting for it no longer than one may, and what it says when it refuses.

use op_agent::{Call, Failure};
use serde_json::json;
use zbus::connection::Builder;
use zbus::{Connection, DBusError, Error};

use crate::tools::Desk;

/// Connects to `system`, `session`, or the bus at an address.
pub(crate) async fn connect(bus: &str) -> Result<Connection, Failure> {
    let builder = match bus {
        "system" => Builder::system(),
        "session" => Builder::session(),
        address if address.starts_with("unix:") || address.starts_with("tcp:") => Builder::address(address),
        _ => {
            let message = format!("`{bus}` is neither `system` nor `session` nor an address of a bus");
            return Err(Failure::rejected("invalid_arguments", message));
        }
    };
    builder.build().await.map_err(|error| {
        Failure::failed("bus_unreachable", format!("connecting to the bus `{bus}`: {error}"))
            .hint("is the bus running, and may the agent reach its socket?")
    })
}

/// Waits for what `who` on a bus answers, until the call is cancelled or the time limit of the settings is over.
pub(crate) async fn within<T>(
    desk: &Desk,
    call: &Call,
    who: &str,
    answer: impl Future<Output = Result<T, Failure>>,
) -> Result<T, Failure> {
    tokio::select! {
        answer = answer => answer,
        () = call.cancelled() => Err(Failure::cancelled("nobody waits for the reply any more; the method may have run")),
        () = tokio::time::sleep(desk.settings.time_limit) => {
            let message = format!("{who} did not answer within {:?}", desk.settings.time_limit);
            Err(Failure::failed("timed_out", message))
        }
    }
}

/// Keeps the name of a D-Bus error, by which programs tell errors apart.
pub(crate) fn failed(error: &Error) -> Failure {
    let named = match error {
        Error::MethodError(name, text, _) => Some((name.to_string(), text.clone())),
        Error::FDO(error) => Some((error.name().to_string(), error.description().map(str::to_owned))),
        _ => None,
    };
    match named {
        Some((name, text)) => {
            let message = text.clone().unwrap_or_else(|| name.clone());
            Failure::failed("dbus_error", message).detail(json!({ "name": name, "message": text }))
        }
        None => Failure::failed("dbus_failed", error.to_string()),
    }
}
