//! Agents as units of systemd: `op-agent@NAME.service`, which listens on the socket of `op-agent@NAME.socket`.
//!
//! The names and paths are those of the shipped units; `tests/systemd` holds both to each other.

use std::path::Path;

use op_pool::UnitLaunch;
use op_proto::Address;

/// Where the units listen, and where they take from what they are told.
const PLACE: &str = "/run/op-dbus/agents";

/// Where an agent listens.
pub(crate) fn address(name: &str) -> Address {
    Address::Unix(Path::new(PLACE).join(format!("{name}.sock")))
}

/// How an agent is started. What only its unit can know is left for it to fill in: the folder for its state, and the folder of its
/// credentials, in which the key of a model lies.
pub(crate) fn launch(name: &str, mut told: op_agents::Settings) -> UnitLaunch {
    told.state = None;
    if let Some(models) = &mut told.models {
        models.key = models.key.as_deref().and_then(Path::file_name).map(Into::into);
    }
    UnitLaunch {
        unit: format!("op-agent@{name}.service"),
        file: Path::new(PLACE).join(format!("{name}.json")),
        told: serde_json::to_string(&told).expect("settings are plain data"),
        bus: None,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use op_agents::{ModelSettings, Settings};

    use super::*;

    #[test]
    fn a_unit_is_told_no_folder_of_the_daemon() {
        let key = Some("/run/credentials/op-dbus.service/models".into());
        let models = ModelSettings { url: String::new(), model: String::new(), key, timeout: Duration::ZERO };
        let told = Settings {
            state: Some("/var/lib/op-dbus/agents/models".into()),
            models: Some(models),
            ..Settings::default()
        };
        let launch = launch("models", told);
        assert_eq!(launch.unit, "op-agent@models.service");
        let told: Settings = serde_json::from_str(&launch.told).expect("settings");
        assert_eq!(told.state, None);
        assert_eq!(told.models.expect("a model").key, Some("models".into()));
    }
}
