//! What an agent is told by its unit: the credential `settings`, and the folders that systemd made for it.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use op_agents::Settings;

use crate::failure::Failure;

/// Name of the credential.
const NAME: &str = "settings";

/// The settings of the unit; those of an agent that may touch nothing where there is no unit.
pub(super) fn settings() -> Result<Settings, Failure> {
    let folder = |variable| env::var_os(variable).map(PathBuf::from).filter(|path| path.is_absolute());
    match folder("CREDENTIALS_DIRECTORY") {
        Some(credentials) => read(&credentials, folder("STATE_DIRECTORY")),
        None => Ok(Settings::default()),
    }
}

fn read(credentials: &Path, state: Option<PathBuf>) -> Result<Settings, Failure> {
    let file = credentials.join(NAME);
    let failed = |error: &dyn std::error::Error| {
        Failure::broken(format!("cannot read what the agent may touch from `{}`", file.display()))
            .because(error)
    };
    let text = fs::read_to_string(&file).map_err(|error| failed(&error))?;
    let mut settings: Settings = serde_json::from_str(&text).map_err(|error| failed(&error))?;
    settings.state = settings.state.or(state);
    if let Some(models) = &mut settings.models {
        models.key = models.key.take().map(|key| credentials.join(key));
    }
    Ok(settings)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_unit_fills_in_the_folders_that_are_its_own() {
        let folder = tempfile::tempdir().expect("a folder");
        let told = r#"{"roots": ["/srv"], "models": {"url": "x", "model": "y", "key": "models"}}"#;
        fs::write(folder.path().join(NAME), told).expect("writes");
        let settings = read(folder.path(), Some("/var/lib/op-agents/models".into())).expect("reads");
        assert_eq!(settings.state, Some("/var/lib/op-agents/models".into()));
        assert_eq!(settings.models.expect("a model").key, Some(folder.path().join("models")));
    }

    #[test]
    fn a_unit_that_is_told_nothing_or_nonsense_does_not_start() {
        let folder = tempfile::tempdir().expect("a folder");
        assert!(read(folder.path(), None).is_err());
        fs::write(folder.path().join(NAME), r#"{"rots": []}"#).expect("writes");
        assert!(read(folder.path(), None).is_err());
    }
}
