//! systemd as it is reached over D-Bus: [org.freedesktop.systemd1](https://www.freedesktop.org/software/systemd/man/latest/org.freedesktop.systemd1.html).

use futures::StreamExt;
use op_agent::Failure;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::json;
use zbus::message::Type as Kind;
use zbus::{Connection, DynamicType, MatchRule, Message, MessageStream, OwnedObjectPath, OwnedVariant, Type};

use crate::bus::{connect, failed};

const SERVICE: &str = "org.freedesktop.systemd1";
const ROOT: &str = "/org/freedesktop/systemd1";
const MANAGER: &str = "org.freedesktop.systemd1.Manager";
const UNIT: &str = "org.freedesktop.systemd1.Unit";

/// How a job relates to others: it replaces those that are queued against it, as systemctl has it.
const MODE: &str = "replace";

/// A systemd, of the system or of a user.
pub(crate) struct Systemd(Connection);

/// A unit that systemd knows.
pub(crate) struct Unit<'a> {
    systemd: &'a Systemd,
    path: OwnedObjectPath,
    /// Its own name, even if it was asked for by another.
    pub(crate) name: String,
}

/// The state of a unit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct State {
    /// `active`, `reloading`, `inactive`, `failed`, `activating`, `deactivating` and the like.
    pub(crate) active: String,
    /// `enabled`, `disabled`, `static`, `masked` and the like; empty without a file.
    pub(crate) file: String,
}

impl State {
    /// Whether it runs or is about to.
    pub(crate) fn is_active(&self) -> bool {
        matches!(self.active.as_str(), "active" | "activating" | "reloading" | "refreshing")
    }

    /// Whether it starts with the system.
    pub(crate) fn is_enabled(&self) -> bool {
        matches!(self.file.as_str(), "enabled" | "enabled-runtime")
    }
}

/// The name of a unit with its suffix, as systemctl completes it.
pub(crate) fn full_name(name: &str) -> String {
    if name.contains('.') { name.to_owned() } else { format!("{name}.service") }
}

impl Systemd {
    /// Reaches the systemd of a bus.
    pub(crate) async fn connect(bus: &str) -> Result<Self, Failure> {
        connect(bus).await.map(Self)
    }

    /// Takes leave. Everything is known by now; how the parting goes changes nothing in it.
    pub(crate) async fn close(&self) {
        let _ = self.0.clone().close().await;
    }

    /// A unit, which systemd loads if it must.
    pub(crate) async fn unit(&self, name: &str) -> Result<Unit<'_>, Failure> {
        let path = read(&self.manager("LoadUnit", &(name,)).await?)?;
        let unit = Unit { systemd: self, path, name: name.to_owned() };
        if unit.property("LoadState").await? == "not-found" {
            return Err(Failure::rejected("unit_not_found", format!("systemd knows no unit `{name}`"))
                .hint("is it the name of an installed unit, with its suffix?"));
        }
        let name = unit.property("Id").await?;
        Ok(Unit { name, ..unit })
    }

    /// Lets a unit start with the system.
    pub(crate) async fn enable(&self, name: &str) -> Result<(), Failure> {
        // Not for this boot only, and not over links that are somebody's own.
        self.manager("EnableUnitFiles", &(vec![name], false, false)).await?;
        self.manager("Reload", &()).await.map(drop)
    }

    /// Lets a unit not start with the system.
    pub(crate) async fn disable(&self, name: &str) -> Result<(), Failure> {
        self.manager("DisableUnitFiles", &(vec![name], false)).await?;
        self.manager("Reload", &()).await.map(drop)
    }

    async fn manager(&self, member: &str, body: &(impl Serialize + DynamicType)) -> Result<Message, Failure> {
        let reply = self.0.call_method(Some(SERVICE), ROOT, Some(MANAGER), member, body).await;
        reply.map_err(|error| failed(&error).hint("may the user of the agent do that? polkit decides"))
    }
}

impl Unit<'_> {
    /// The state it is in.
    pub(crate) async fn state(&self) -> Result<State, Failure> {
        Ok(State { active: self.property("ActiveState").await?, file: self.property("UnitFileState").await? })
    }

    /// Has systemd do a job with it, and waits until that is over.
    pub(crate) async fn job(&self, member: &str) -> Result<(), Failure> {
        // systemd tells of jobs only those who ask for it, and the job may be over before its reply is read.
        self.systemd.manager("Subscribe", &()).await?;
        let mut removed = self.removed().await.map_err(|error| failed(&error))?;
        let job: OwnedObjectPath = read(&self.systemd.manager(member, &(&self.name, MODE)).await?)?;
        while let Some(signal) = removed.next().await {
            let signal = signal.map_err(|error| failed(&error))?;
            let (_, path, _, result): (u32, OwnedObjectPath, String, String) = read(&signal)?;
            if path == job {
                return self.judge(member, &result).await;
            }
        }
        Err(Failure::failed("bus_unreachable", "the bus went away before systemd had done the job"))
    }

    /// The signals that tell that a job of this unit is over.
    async fn removed(&self) -> zbus::Result<MessageStream> {
        let rule = MatchRule::builder()
            .msg_type(Kind::Signal)
            .sender(SERVICE)
            .path(ROOT)
            .interface(MANAGER)
            .member("JobRemoved")
            .arg(2, self.name.as_str())
            .build()?;
        MessageStream::for_match_rule(rule, &self.systemd.0, None).await
    }

    /// `skipped` is what systemd says of a job that had nothing to do.
    async fn judge(&self, member: &str, result: &str) -> Result<(), Failure> {
        if matches!(result, "done" | "skipped") {
            return Ok(());
        }
        let State { active, .. } = self.state().await?;
        let message = format!("the job {member} of {} ended as `{result}`; the unit is {active}", self.name);
        Err(Failure::failed("job_failed", message)
            .hint(format!("`journalctl --unit={}` may tell why", self.name))
            .detail(json!({ "result": result, "active_state": active })))
    }

    async fn property(&self, name: &str) -> Result<String, Failure> {
        let properties = Some("org.freedesktop.DBus.Properties");
        let reply =
            self.systemd.0.call_method(Some(SERVICE), &self.path, properties, "Get", &(UNIT, name)).await;
        let value: OwnedVariant = read(&reply.map_err(|error| failed(&error))?)?;
        String::try_from(value).map_err(|error| failed(&error))
    }
}

fn read<T: DeserializeOwned + Type>(message: &Message) -> Result<T, Failure> {
    message.body().deserialize().map_err(|error| failed(&error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_without_a_suffix_is_a_service() {
        assert_eq!(full_name("nginx"), "nginx.service");
        assert_eq!(full_name("backup.timer"), "backup.timer");
    }
}
