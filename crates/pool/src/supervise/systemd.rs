//! systemd as it is reached over D-Bus: [org.freedesktop.systemd1](https://www.freedesktop.org/software/systemd/man/latest/org.freedesktop.systemd1.html).

use std::time::Duration;

use futures::StreamExt;
use serde::Serialize;
use serde::de::DeserializeOwned;
use zbus::connection::Builder;
use zbus::message::Type as Kind;
use zbus::{Connection, DynamicType, MatchRule, Message, MessageStream, OwnedObjectPath, OwnedVariant, Type};

const SERVICE: &str = "org.freedesktop.systemd1";
const ROOT: &str = "/org/freedesktop/systemd1";
const MANAGER: &str = "org.freedesktop.systemd1.Manager";
const UNIT: &str = "org.freedesktop.systemd1.Unit";
const PROPERTIES: &str = "org.freedesktop.DBus.Properties";

/// How a job relates to others: it replaces those that are queued against it, as systemctl has it.
const MODE: &str = "replace";

/// How long systemd may take to answer. It answers at once, unless polkit has to be started first.
const ANSWER: Duration = Duration::from_secs(10);

/// The signal that cannot be caught.
const KILL: i32 = 9;

/// Why systemd did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub(super) enum SystemdError {
    /// The bus or systemd cannot be asked, or refuses.
    #[error("systemd cannot be asked to {what}: {}", reason(error))]
    Refused { what: String, error: zbus::Error },
    /// The job ended otherwise.
    #[error("the job to {what} ended as `{result}`; `journalctl --unit={unit}` may tell why")]
    Job { what: String, result: String, unit: String },
    /// The bus went away.
    #[error("the bus went away before systemd had done the job to {0}")]
    Gone(String),
}

/// What D-Bus says of an error, for people.
fn reason(error: &zbus::Error) -> String {
    match error {
        zbus::Error::MethodError(name, Some(text), _) => format!("{text} ({name})"),
        other => other.to_string(),
    }
}

/// A connection to the systemd of a bus.
#[derive(Debug, Clone)]
pub(super) struct Systemd(Connection);

/// A job that is done with a unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Job {
    Start,
    Restart,
    Stop,
}

impl Job {
    fn member(self) -> &'static str {
        match self {
            Self::Start => "StartUnit",
            Self::Restart => "RestartUnit",
            Self::Stop => "StopUnit",
        }
    }

    fn what(self, unit: &str) -> String {
        let verb = match self {
            Self::Start => "start",
            Self::Restart => "restart",
            Self::Stop => "stop",
        };
        format!("{verb} {unit}")
    }
}

impl Systemd {
    /// Reaches the systemd of a bus by its address, or that of the system.
    pub(super) async fn connect(bus: Option<&str>) -> Result<Self, SystemdError> {
        let failed = |error| refused("do anything", error);
        let builder = bus.map_or_else(Builder::system, Builder::address);
        let systemd = Self(builder.method_timeout(ANSWER).build().await.map_err(failed)?);
        // systemd tells of jobs and changes only those who ask for it, once.
        systemd.manager("Subscribe", &()).await.map_err(failed)?;
        Ok(systemd)
    }

    /// Does a job with a unit and waits until it is over.
    pub(super) async fn job(&self, job: Job, unit: &str) -> Result<(), SystemdError> {
        let what = job.what(unit);
        let failed = |error| refused(&what, error);
        // A job may be over before its reply is read.
        let mut removed = self.removed(unit).await.map_err(failed)?;
        let reply = self.manager(job.member(), &(unit, MODE)).await.map_err(failed)?;
        let started: OwnedObjectPath = read(&reply).map_err(failed)?;
        while let Some(signal) = removed.next().await {
            let signal = signal.map_err(failed)?;
            let (_, path, _, result): (u32, OwnedObjectPath, String, String) =
                read(&signal).map_err(failed)?;
            if path != started {
                continue;
            }
            // `skipped` is what systemd says of a job that had nothing to do.
            if matches!(result.as_str(), "done" | "skipped") {
                return Ok(());
            }
            return Err(SystemdError::Job { what, result, unit: unit.to_owned() });
        }
        Err(SystemdError::Gone(what))
    }

    /// Kills every process of a unit.
    pub(super) async fn kill(&self, unit: &str) -> Result<(), SystemdError> {
        let killed = self.manager("KillUnit", &(unit, "all", KILL)).await;
        killed.map(drop).map_err(|error| refused(&format!("kill {unit}"), error))
    }

    /// A unit, and the changes of its properties from now on.
    pub(super) async fn watch(&self, unit: &str) -> Result<Watched, SystemdError> {
        let failed = |error| refused(&format!("watch {unit}"), error);
        let path: OwnedObjectPath =
            read(&self.manager("LoadUnit", &(unit,)).await.map_err(failed)?).map_err(failed)?;
        let rule = MatchRule::builder()
            .msg_type(Kind::Signal)
            .sender(SERVICE)
            .path(path.clone())
            .interface(PROPERTIES)
            .member("PropertiesChanged")
            .arg(0, UNIT)
            .build()
            .map_err(failed)?;
        let changes = MessageStream::for_match_rule(rule, &self.0, None).await.map_err(failed)?;
        Ok(Watched { systemd: self.clone(), path, changes })
    }

    /// The signals that tell that a job of a unit is over.
    async fn removed(&self, unit: &str) -> zbus::Result<MessageStream> {
        let rule = MatchRule::builder()
            .msg_type(Kind::Signal)
            .sender(SERVICE)
            .path(ROOT)
            .interface(MANAGER)
            .member("JobRemoved")
            .arg(2, unit)
            .build()?;
        MessageStream::for_match_rule(rule, &self.0, None).await
    }

    async fn manager(&self, member: &str, body: &(impl Serialize + DynamicType)) -> zbus::Result<Message> {
        self.0.call_method(Some(SERVICE), ROOT, Some(MANAGER), member, body).await
    }
}

/// A unit that is watched.
pub(super) struct Watched {
    systemd: Systemd,
    path: OwnedObjectPath,
    changes: MessageStream,
}

impl Watched {
    /// `active`, `reloading`, `inactive`, `failed`, `activating`, `deactivating` and the like.
    pub(super) async fn state(&self) -> zbus::Result<String> {
        String::try_from(self.property(UNIT, "ActiveState").await?)
    }

    /// A property of the unit.
    pub(super) async fn property(&self, interface: &str, name: &str) -> zbus::Result<OwnedVariant> {
        let asked = (interface, name);
        let reply = self.systemd.0.call_method(Some(SERVICE), &self.path, Some(PROPERTIES), "Get", &asked);
        read(&reply.await?)
    }

    /// Returns when a property has changed; whether the bus still tells of changes.
    pub(super) async fn changed(&mut self) -> bool {
        matches!(self.changes.next().await, Some(Ok(_)))
    }
}

fn refused(what: &str, error: zbus::Error) -> SystemdError {
    SystemdError::Refused { what: what.to_owned(), error }
}

fn read<T: DeserializeOwned + Type>(message: &Message) -> zbus::Result<T> {
    message.body().deserialize()
}
