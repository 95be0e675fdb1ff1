//! One connection to the bus while it holds: the name on it, the callers on it, and whether the bus still answers.

use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt as _;
use tokio_util::sync::{CancellationToken, DropGuard};
use zbus::fdo::{DBusProxy, RequestNameFlags, RequestNameReply};
use zbus::names::BusName;
use zbus::{Connection, MatchRule, MessageStream, message};

use crate::NAME;
use crate::bus::Bus;
use crate::guests::Guests;
use crate::house::{House, Lobby};

/// How long the bus may take to hear that the daemon leaves.
const FAREWELL: Duration = Duration::from_secs(1);

/// Why the door cannot be opened on a bus.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The bus is not there, or does not let the daemon in.
    #[error("the message bus ({bus}) cannot be reached: start it, or set another one")]
    Connect {
        /// Which one.
        bus: String,
        /// Why.
        source: zbus::Error,
    },
    /// The bus does not do what the door needs of it.
    #[error("the message bus does not serve the daemon's objects")]
    Serve(#[source] zbus::Error),
    /// Somebody else has the name.
    #[error(
        "the name {NAME} belongs to another program on this bus ({owner}): another op-dbus runs; stop it, or use another bus"
    )]
    Taken {
        /// Its unique name.
        owner: String,
    },
    /// The bus does not let the daemon have its name.
    #[error("the bus does not let this user own the name {NAME}: install the bus policy of op-dbus")]
    Refused(#[source] zbus::Error),
    /// The journal cannot be read.
    #[error("the runs under way cannot be read from the journal")]
    Read(#[from] op_engine::ports::ReadError),
}

/// A connection that holds, with what hangs on it.
pub(crate) struct Link {
    pub(crate) connection: Connection,
    pub(crate) lobby: Arc<Lobby>,
    /// Cancelled when the bus is gone or answers no more.
    pub(crate) lost: CancellationToken,
    _over: DropGuard,
}

impl Link {
    /// Connects; nothing is on the bus yet.
    pub(crate) async fn connect(bus: &Bus, house: &Arc<House>) -> Result<Self, OpenError> {
        let connection =
            bus.connect().await.map_err(|source| OpenError::Connect { bus: format!("{bus:?}"), source })?;
        let lobby = Arc::new(Lobby { house: Arc::clone(house), guests: Guests::default() });
        let (lost, over) = (CancellationToken::new(), CancellationToken::new());
        let link = Self { connection, lobby, lost, _over: over.clone().drop_guard() };
        link.watch_callers(over).await.map_err(OpenError::Serve)?;
        Ok(link)
    }

    /// Takes the daemon's name, from an earlier connection of this very daemon too, and looks after it from now on.
    pub(crate) async fn own(&self, before: Option<&str>) -> Result<(), OpenError> {
        let bus = DBusProxy::new(&self.connection).await.map_err(OpenError::Serve)?;
        let name = BusName::try_from(NAME).expect("the name of this daemon is valid");
        let owner = bus.get_name_owner(name).await.ok().map(|owner| owner.to_string());
        let mut flags = RequestNameFlags::DO_NOT_QUEUE | RequestNameFlags::ALLOW_REPLACEMENT;
        // The connection before may be wedged, and then the bus does not notice that it was given up.
        flags.set(RequestNameFlags::REPLACE_EXISTING, owner.is_some() && owner.as_deref() == before);
        match self.connection.request_name_with_flags(NAME, flags).await {
            Ok(RequestNameReply::PrimaryOwner | RequestNameReply::AlreadyOwner) => Ok(()),
            Ok(RequestNameReply::Exists | RequestNameReply::InQueue) | Err(zbus::Error::NameTaken) => {
                Err(OpenError::Taken { owner: owner.unwrap_or_else(|| "unknown".to_owned()) })
            }
            Err(error) => Err(OpenError::Refused(error)),
        }
    }

    /// Gives the name up, so that another program can have it at once; a bus that does not answer notices later by itself.
    pub(crate) async fn disown(&self) {
        let released = tokio::time::timeout(FAREWELL, self.connection.release_name(NAME)).await;
        if !matches!(released, Ok(Ok(true))) {
            tracing::debug!("the message bus did not confirm that the name is free");
        }
    }

    /// Its unique name.
    pub(crate) fn unique_name(&self) -> Option<String> {
        self.connection.unique_name().map(ToString::to_string)
    }

    /// Forgets callers as they leave the bus, until the link is over.
    async fn watch_callers(&self, over: CancellationToken) -> zbus::Result<()> {
        let rule = MatchRule::builder()
            .msg_type(message::Type::Signal)
            .sender("org.freedesktop.DBus")
            .interface("org.freedesktop.DBus")
            .member("NameOwnerChanged")
            .arg(2, "")
            .build()?;
        let mut left = MessageStream::for_match_rule(rule, &self.connection, None).await?;
        let (lobby, house) = (Arc::clone(&self.lobby), Arc::clone(&self.lobby.house));
        house.tasks.spawn(async move {
            loop {
                let message = tokio::select! {
                    () = over.cancelled() => break,
                    message = left.next() => message,
                };
                let Some(Ok(message)) = message else { break };
                if let Ok((name, _, _)) = message.body().deserialize::<(&str, &str, &str)>() {
                    lobby.guests.forget(name);
                }
            }
            lobby.guests.clear();
        });
        Ok(())
    }

    /// Asks the bus again and again whether this connection still has the name. A connection that the bus reads no more, since
    /// somebody does not take what it was sent, answers as little as one that is closed.
    pub(crate) fn look_after(&self, every: Duration) {
        let (connection, lost) = (self.connection.clone(), self.lost.clone());
        let house = Arc::clone(&self.lobby.house);
        let tasks = house.tasks.clone();
        tasks.spawn(async move {
            loop {
                tokio::select! {
                    () = lost.cancelled() => break,
                    // The herald says goodbye on it yet.
                    () = house.shutdown.cancelled() => return,
                    () = connection.closed() => {
                        tracing::warn!("the message bus closed the connection");
                        break;
                    }
                    () = tokio::time::sleep(every) => {}
                }
                if let Err(reason) = has_name(&connection).await {
                    let hint = "a program that does not read its signals can bring this about";
                    tracing::warn!(
                        reason,
                        hint,
                        "the message bus is lost; the door is opened on a new connection"
                    );
                    break;
                }
            }
            lost.cancel();
        });
    }
}

async fn has_name(connection: &Connection) -> Result<(), String> {
    let asked = async {
        let bus = DBusProxy::new(connection).await?;
        let name = BusName::try_from(NAME)?;
        zbus::Result::Ok(bus.get_name_owner(name).await?)
    };
    let owner = asked.await.map_err(|error| format!("it does not answer: {error}"))?;
    let own = connection.unique_name();
    if own == Some(&owner) { Ok(()) } else { Err(format!("the name {NAME} belongs to {owner} now")) }
}
