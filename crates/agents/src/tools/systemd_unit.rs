//! `systemd_unit` and `systemd_unit_restore`: a unit brought into a state, and back into the one it had.

use std::sync::Arc;

use op_agent::{Call, Failure};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Desk;
use crate::bus::within;
use crate::systemd::{State, Systemd, Unit, full_name};
use crate::undo::Undo;

/// Which unit, and what to do with it.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SystemdUnit {
    /// The unit, such as `nginx.service`; without a suffix it is a service.
    unit: String,
    /// What to do.
    action: Action,
    /// `system`, `session`, or the address of a bus: whose systemd is asked.
    #[serde(default = "system")]
    bus: String,
}

/// What can be done with a unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Action {
    /// Start it.
    Start,
    /// Stop it.
    Stop,
    /// Stop and start it.
    Restart,
    /// Let it read its settings again.
    Reload,
    /// Let it start with the system.
    Enable,
    /// Let it not start with the system.
    Disable,
}

/// A unit with which something was done.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(super) struct UnitChanged {
    /// The unit, by its own name.
    unit: String,
    /// Its state now: `active`, `inactive`, `failed` and the like.
    active_state: String,
    /// Its state before.
    previous_state: String,
    /// The state of its file now: `enabled`, `disabled`, `static` and the like; empty if it has none.
    file_state: String,
    /// The state of its file before.
    previous_file_state: String,
}

/// A unit that is as it was.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct UnitRestored {
    /// The unit.
    unit: String,
    /// Its state now.
    active_state: String,
    /// The state of its file now.
    file_state: String,
    /// Whether anything had to be done.
    changed: bool,
}

/// Does something with a unit and waits until systemd has done it.
pub(super) async fn systemd_unit(
    desk: Arc<Desk>,
    call: Call,
    args: SystemdUnit,
) -> Result<UnitChanged, Failure> {
    let answer = async {
        let systemd = Systemd::connect(&args.bus).await?;
        let unit = systemd.unit(&full_name(&args.unit)).await?;
        let before = unit.state().await?;
        args.action.perform(&systemd, &unit).await?;
        let now = unit.state().await?;
        systemd.close().await;
        Ok(UnitChanged {
            unit: unit.name,
            active_state: now.active,
            previous_state: before.active,
            file_state: now.file,
            previous_file_state: before.file,
        })
    };
    within(&desk, &call, "systemd", answer).await
}

/// Undoes `systemd_unit`: starts what was active, stops what was not, enables what was enabled and disables what was not.
/// What had failed before is stopped: nothing can make it have failed.
pub(super) async fn systemd_unit_restore(
    desk: Arc<Desk>,
    call: Call,
    args: Undo<SystemdUnit, UnitChanged>,
) -> Result<UnitRestored, Failure> {
    let Undo { arguments, output } = args;
    let answer = async {
        let systemd = Systemd::connect(&arguments.bus).await?;
        let unit = systemd.unit(&output.unit).await?;
        let now = unit.state().await?;
        let before = State { active: output.previous_state, file: output.previous_file_state };
        let needed = arguments.action.needed(&before, &now);
        if let Some(action) = needed {
            action.perform(&systemd, &unit).await?;
        }
        let State { active, file } = unit.state().await?;
        systemd.close().await;
        Ok(UnitRestored {
            unit: unit.name,
            active_state: active,
            file_state: file,
            changed: needed.is_some(),
        })
    };
    within(&desk, &call, "systemd", answer).await
}

impl Action {
    async fn perform(self, systemd: &Systemd, unit: &Unit<'_>) -> Result<(), Failure> {
        match self {
            Self::Start => unit.job("StartUnit").await,
            Self::Stop => unit.job("StopUnit").await,
            Self::Restart => unit.job("RestartUnit").await,
            Self::Reload => unit.job("ReloadUnit").await,
            Self::Enable => systemd.enable(&unit.name).await,
            Self::Disable => systemd.disable(&unit.name).await,
        }
    }

    /// What brings a unit back to what it was before this; `None` if it is so.
    fn needed(self, before: &State, now: &State) -> Option<Self> {
        let (is, was, on, off) = match self {
            Self::Start | Self::Stop | Self::Restart | Self::Reload => {
                (now.is_active(), before.is_active(), Self::Start, Self::Stop)
            }
            Self::Enable | Self::Disable => {
                (now.is_enabled(), before.is_enabled(), Self::Enable, Self::Disable)
            }
        };
        match (was, is) {
            (true, false) => Some(on),
            (false, true) => Some(off),
            (true, true) | (false, false) => None,
        }
    }
}

fn system() -> String {
    "system".to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state(active: &str, file: &str) -> State {
        State { active: active.to_owned(), file: file.to_owned() }
    }

    #[test]
    fn undoing_does_what_is_needed_and_no_more() {
        let (up, down) = (state("active", "enabled"), state("inactive", "disabled"));
        assert_eq!(Action::Start.needed(&down, &up), Some(Action::Stop));
        assert_eq!(Action::Start.needed(&down, &down), None);
        assert_eq!(Action::Stop.needed(&up, &down), Some(Action::Start));
        assert_eq!(Action::Restart.needed(&up, &up), None);
        assert_eq!(Action::Restart.needed(&state("failed", ""), &up), Some(Action::Stop));
        assert_eq!(Action::Enable.needed(&down, &up), Some(Action::Disable));
        assert_eq!(Action::Disable.needed(&up, &down), Some(Action::Enable));
        assert_eq!(Action::Disable.needed(&state("active", "static"), &state("active", "static")), None);
    }
}
