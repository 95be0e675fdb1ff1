//! Who is calling, and how much at once.
//!
//! A caller is its unique name on the bus, which nobody else can take. Its user is asked of the bus once and forgotten when the
//! name vanishes. Each has so many calls, streams and operations at a time; what comes on top is refused at once, so that one
//! caller never uses up what others need.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use op_engine::ports::{Caller, Subject};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use zbus::Connection;
use zbus::message::{Flags, Header};
use zbus::names::{BusName, UniqueName};

use crate::fault::Fault;
use crate::view::lock;

/// Calls of one caller that are handled at the same time.
const HANDLERS: usize = 64;

/// Streams of events that one caller has open.
const STREAMS: usize = 8;

/// Operations that one caller has under way or whose results are kept for it.
const OPERATIONS: usize = 16;

/// Callers that are remembered; beyond, those that ask for nothing are forgotten.
const REMEMBERED: usize = 4096;

/// The callers on one connection.
#[derive(Debug, Default)]
pub(crate) struct Guests(Mutex<HashMap<String, Entry>>);

#[derive(Debug, Clone)]
struct Entry {
    user: Option<u32>,
    handlers: Arc<Semaphore>,
    allowance: Allowance,
}

/// What a caller may have beside its calls.
#[derive(Debug, Clone)]
struct Allowance {
    streams: Arc<Semaphore>,
    operations: Arc<Semaphore>,
    /// Cancelled when the caller leaves the bus.
    gone: CancellationToken,
}

/// A caller while one of its calls is handled.
#[derive(Debug)]
pub(crate) struct Guest {
    /// Its unique name.
    pub(crate) name: String,
    /// Who it is.
    pub(crate) caller: Caller,
    /// Whether it allows that a person is asked for a password.
    pub(crate) interactive: bool,
    allowance: Allowance,
    _handler: OwnedSemaphorePermit,
}

impl Guest {
    /// Cancelled when the caller leaves the bus.
    pub(crate) fn gone(&self) -> CancellationToken {
        self.allowance.gone.clone()
    }

    /// A place for one more stream.
    pub(crate) fn stream(&self) -> Result<OwnedSemaphorePermit, Fault> {
        let place = Arc::clone(&self.allowance.streams).try_acquire_owned();
        place.map_err(|_| {
            Fault::exceeded(format!("{STREAMS} streams of events are open for this caller; close one first"))
        })
    }

    /// A place for one more operation.
    pub(crate) fn operation(&self) -> Result<OwnedSemaphorePermit, Fault> {
        let place = Arc::clone(&self.allowance.operations).try_acquire_owned();
        place.map_err(|_| {
            let message = format!("{OPERATIONS} calls are under way or kept for this caller");
            Fault::exceeded(format!("{message}; a call is forgotten a minute after its end"))
        })
    }
}

impl Guests {
    /// Lets a call in.
    ///
    /// # Errors
    /// When the caller has too many calls under way, or is nobody the bus knows.
    pub(crate) async fn enter(&self, header: &Header<'_>, connection: &Connection) -> Result<Guest, Fault> {
        let sender = header.sender().ok_or_else(|| Fault::denied("the call does not say who is calling"))?;
        let entry = self.entry(sender.as_str());
        let handler = Arc::clone(&entry.handlers).try_acquire_owned().map_err(|_| {
            let message = format!("{HANDLERS} calls of this caller are being handled");
            Fault::exceeded(format!("{message}; wait for an answer before the next one"))
        })?;
        let user = match entry.user {
            Some(user) => user,
            None => self.ask(sender, connection).await?,
        };
        Ok(Guest {
            name: sender.to_string(),
            caller: Caller { user: Some(user), subject: Subject::BusName(sender.to_string()) },
            interactive: header.primary().flags().contains(Flags::ALLOW_INTERACTIVE_AUTH),
            allowance: entry.allowance,
            _handler: handler,
        })
    }

    /// Forgets a caller that left the bus, and stops what it has under way.
    pub(crate) fn forget(&self, name: &str) {
        if let Some(entry) = lock(&self.0).remove(name) {
            entry.allowance.gone.cancel();
        }
    }

    /// Forgets everybody: the connection is over.
    pub(crate) fn clear(&self) {
        lock(&self.0).drain().for_each(|(_, entry)| entry.allowance.gone.cancel());
    }

    pub(crate) fn len(&self) -> usize {
        lock(&self.0).len()
    }

    fn entry(&self, name: &str) -> Entry {
        let mut table = lock(&self.0);
        if table.len() >= REMEMBERED && !table.contains_key(name) {
            table.retain(|_, entry| entry.is_busy());
        }
        table.entry(name.to_owned()).or_insert_with(Entry::new).clone()
    }

    async fn ask(&self, name: &UniqueName<'_>, connection: &Connection) -> Result<u32, Fault> {
        let asked = async {
            let bus = zbus::fdo::DBusProxy::new(connection).await?;
            zbus::Result::Ok(bus.get_connection_unix_user(BusName::from(name.clone())).await?)
        };
        let user = asked
            .await
            .map_err(|error| Fault::denied(format!("the bus does not say which user {name} is: {error}")))?;
        if let Some(entry) = lock(&self.0).get_mut(name.as_str()) {
            entry.user = Some(user);
        }
        Ok(user)
    }
}

impl Entry {
    fn new() -> Self {
        let allowance = Allowance {
            streams: Arc::new(Semaphore::new(STREAMS)),
            operations: Arc::new(Semaphore::new(OPERATIONS)),
            gone: CancellationToken::new(),
        };
        Self { user: None, handlers: Arc::new(Semaphore::new(HANDLERS)), allowance }
    }

    fn is_busy(&self) -> bool {
        self.handlers.available_permits() < HANDLERS
            || self.allowance.streams.available_permits() < STREAMS
            || self.allowance.operations.available_permits() < OPERATIONS
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn callers_that_ask_for_nothing_are_forgotten_before_memory_grows() {
        let guests = Guests::default();
        let busy = guests.entry(":1.0");
        let _permit = busy.handlers.try_acquire().expect("free");
        (1..=REMEMBERED).for_each(|at| drop(guests.entry(&format!(":1.{at}"))));
        assert_eq!(guests.len(), 2);
        guests.forget(":1.0");
        assert!(busy.allowance.gone.is_cancelled() && guests.len() == 1);
    }
}
