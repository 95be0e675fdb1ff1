//! Which bus, and a connection to it.

use std::time::Duration;

use zbus::Connection;
use zbus::connection::Builder;

/// How long the bus may take for an answer to us.
pub(crate) const ANSWER: Duration = Duration::from_secs(5);

/// A message bus.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Bus {
    /// That of the host; `DBUS_SYSTEM_BUS_ADDRESS` says where it is, if it is set.
    System,
    /// That of the user's session; `DBUS_SESSION_BUS_ADDRESS` says where it is.
    Session,
    /// The one at a D-Bus address, such as `unix:path=/run/bus`.
    Address(String),
}

impl Bus {
    /// Connects; calls over the connection end after [`ANSWER`].
    pub(crate) async fn connect(&self) -> zbus::Result<Connection> {
        build(self.builder().method_timeout(ANSWER)).await
    }

    /// Connects; a call over the connection takes as long as it takes, and the caller bounds it.
    pub(crate) async fn connect_patiently(&self) -> zbus::Result<Connection> {
        build(self.builder()).await
    }

    fn builder(&self) -> Builder<'_> {
        match self {
            Self::System => Builder::system(),
            Self::Session => Builder::session(),
            Self::Address(address) => Builder::address(address.as_str()),
        }
    }
}

async fn build(builder: Builder<'_>) -> zbus::Result<Connection> {
    let connected = tokio::time::timeout(ANSWER, builder.build()).await;
    connected.unwrap_or_else(|_| Err(std::io::Error::from(std::io::ErrorKind::TimedOut).into()))
}
