//! A unit of systemd, by its API on D-Bus.

use op_agent::Failure;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::manifest::invalid;
use super::outlook::{Outlook, Site};
use super::step::{Seen, TakenBack};
use crate::bus::within;
use crate::systemd::{Systemd, Unit, full_name};

/// The state that a unit is to be in.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Desired {
    /// The unit, such as `nginx.service`; without a suffix it is a service.
    unit: String,
    /// Whether it runs; not touched if not said.
    active: Option<bool>,
    /// Whether it starts with the system; not touched if not said.
    enabled: Option<bool>,
    /// Restart it if it runs already.
    #[serde(default)]
    restart: bool,
    /// `system`, `session`, or the address of a bus: whose systemd is asked.
    #[serde(default = "system")]
    bus: String,
}

/// The state that a unit is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Running {
    active: bool,
    enabled: bool,
}

impl Desired {
    pub(super) fn target(&self) -> String {
        let name = full_name(&self.unit);
        if self.bus == "system" { format!("unit {name}") } else { format!("unit {name} of {}", self.bus) }
    }

    pub(super) fn check(&self) -> Result<(), Failure> {
        if self.active.is_none() && self.enabled.is_none() && !self.restart {
            let message = format!("nothing is asked of {}", self.target());
            return Err(invalid(message).hint("set `active`, `enabled` or `restart`"));
        }
        if self.restart && self.active == Some(false) {
            return Err(invalid(format!("{} is to be restarted and not to run", self.target())));
        }
        Ok(())
    }

    pub(super) async fn look(&self, site: Site<'_>) -> Result<Outlook, Failure> {
        let look = async {
            let systemd = Systemd::connect(&self.bus).await?;
            let now = running(&systemd.unit(&full_name(&self.unit)).await?).await;
            systemd.close().await;
            now
        };
        let now = within(site.desk, site.call, "systemd", look).await?;
        let mut changes = Vec::new();
        match self.active {
            Some(true) if !now.active => changes.push("it would be started".to_owned()),
            Some(false) if now.active => changes.push("it would be stopped".to_owned()),
            _ if self.restart && now.active => changes.push("it would be restarted".to_owned()),
            _ if self.restart => changes.push("it would be started".to_owned()),
            _ => {}
        }
        match self.enabled {
            Some(true) if !now.enabled => changes.push("it would start with the system".to_owned()),
            Some(false) if now.enabled => changes.push("it would no longer start with the system".to_owned()),
            _ => {}
        }
        Ok(Outlook { seen: Seen::Unit(now), intent: String::new(), changes, irreversible: None })
    }

    pub(super) async fn apply(&self, site: Site<'_>) -> Result<Running, Failure> {
        let work = async {
            let systemd = Systemd::connect(&self.bus).await?;
            let unit = systemd.unit(&full_name(&self.unit)).await?;
            let before = running(&unit).await?;
            let wanted = Running {
                active: self.active.unwrap_or(before.active || self.restart),
                enabled: self.enabled.unwrap_or(before.enabled),
            };
            if self.restart && before.active {
                unit.job("RestartUnit").await?;
            }
            bring(&systemd, &unit, wanted).await?;
            let now = running(&unit).await?;
            systemd.close().await;
            Ok((now, wanted))
        };
        let (now, wanted) = within(site.desk, site.call, "systemd", work).await?;
        if now == wanted {
            return Ok(now);
        }
        let message = format!("systemd did what was asked, and {} is {}", self.target(), now.told());
        Err(Failure::failed("not_reached", message).hint(
            "a unit without an [Install] section cannot be enabled; its journal may say why it does not run",
        ))
    }

    /// Only what the step changed is changed back, and only if nobody else has changed it since.
    pub(super) async fn take_back(
        &self,
        site: Site<'_>,
        before: Running,
        after: Option<Running>,
    ) -> Result<TakenBack, Failure> {
        let back = |now: bool, before: bool, after: Option<bool>| {
            if after.is_some_and(|after| after == before) { now } else { before }
        };
        let work = async {
            let systemd = Systemd::connect(&self.bus).await?;
            let unit = systemd.unit(&full_name(&self.unit)).await?;
            let now = running(&unit).await?;
            let wanted = Running {
                active: back(now.active, before.active, after.map(|after| after.active)),
                enabled: back(now.enabled, before.enabled, after.map(|after| after.enabled)),
            };
            let done = bring(&systemd, &unit, wanted).await?;
            systemd.close().await;
            Ok(TakenBack { done, left: Vec::new() })
        };
        within(site.desk, site.call, "systemd", work).await
    }
}

impl Running {
    fn told(self) -> String {
        let active = if self.active { "active" } else { "inactive" };
        let enabled = if self.enabled { "enabled" } else { "not enabled" };
        format!("{active} and {enabled}")
    }
}

async fn running(unit: &Unit<'_>) -> Result<Running, Failure> {
    let state = unit.state().await?;
    Ok(Running { active: state.is_active(), enabled: state.is_enabled() })
}

/// Brings a unit into a state, and says what had to be done.
async fn bring(systemd: &Systemd, unit: &Unit<'_>, wanted: Running) -> Result<Vec<String>, Failure> {
    let now = running(unit).await?;
    let mut done = Vec::new();
    if now.enabled != wanted.enabled {
        let asked =
            if wanted.enabled { systemd.enable(&unit.name).await } else { systemd.disable(&unit.name).await };
        asked?;
        done.push(format!("{} was {}", unit.name, if wanted.enabled { "enabled" } else { "disabled" }));
    }
    if now.active != wanted.active {
        unit.job(if wanted.active { "StartUnit" } else { "StopUnit" }).await?;
        done.push(format!("{} was {}", unit.name, if wanted.active { "started" } else { "stopped" }));
    }
    Ok(done)
}

fn system() -> String {
    "system".to_owned()
}
