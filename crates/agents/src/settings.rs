//! What an agent is told when it starts.

use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::roots::Roots;

/// The variables of its own environment that an agent lets through to the programs it runs.
///
/// Each is here for a reason, and none can make a program run other code than it would have run:
/// `PATH` finds programs; `HOME`, `CARGO_HOME`, `RUSTUP_HOME` and `RUSTUP_TOOLCHAIN` find a user's own settings and
/// toolchains; `LANG`, `LC_ALL` and `TZ` decide how text and times come out; `TERM` keeps programs quiet that ask for
/// it; `TMPDIR` is where scratch files may go. `RUSTFLAGS`, `RUSTC_WRAPPER`, `LD_PRELOAD` and their like choose what
/// is run, and are therefore not among them.
pub const ENVIRONMENT: [&str; 10] = [
    "PATH",
    "HOME",
    "CARGO_HOME",
    "RUSTUP_HOME",
    "RUSTUP_TOOLCHAIN",
    "LANG",
    "LC_ALL",
    "TZ",
    "TERM",
    "TMPDIR",
];

/// Whether the kernel must hold an agent to its roots.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Confinement {
    /// An agent that cannot be confined fully does not start.
    Require,
    /// An agent is confined as far as the kernel can, and says how far that was.
    #[default]
    Prefer,
    /// An agent is not confined.
    Off,
}

/// What an agent may touch and how much of it; the daemon hands it over as one JSON text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// The directories that the agent may work in. Relative paths of calls start at the first.
    pub roots: Vec<PathBuf>,
    /// Names of the environment variables that reach the programs the agent runs.
    pub environment: Vec<String>,
    /// How many bytes of one output are kept: of a file, a stream of a program, the body of a response.
    pub output_limit: u64,
    /// How long one program or request may take.
    pub time_limit: Duration,
    /// A directory of advisories in the format of `RustSec`.
    pub advisories: Option<PathBuf>,
    /// A directory of the agent's own, where it may keep things.
    pub state: Option<PathBuf>,
    /// Whether the kernel must hold the agent to its roots.
    pub sandbox: Confinement,
    /// The model that plays roles; none means that they cannot be played by one.
    pub models: Option<ModelSettings>,
}

/// Which model answers, and where.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelSettings {
    /// The base of an OpenAI-compatible API, such as `http://127.0.0.1:11434/v1`.
    pub url: String,
    /// The model that is asked unless a role names another one.
    pub model: String,
    /// The file that holds the key; none when the endpoint asks for no key.
    #[serde(default)]
    pub key: Option<PathBuf>,
    /// How long one answer may take.
    #[serde(default = "patience")]
    pub timeout: Duration,
}

/// How long a model may take when nothing else is set: a local one without a graphics card is slow.
fn patience() -> Duration {
    Duration::from_mins(5)
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            roots: Vec::new(),
            environment: ENVIRONMENT.map(str::to_owned).to_vec(),
            output_limit: 1024 * 1024,
            time_limit: Duration::from_mins(10),
            advisories: None,
            state: None,
            sandbox: Confinement::default(),
            models: None,
        }
    }
}

impl Settings {
    /// The roots, with symlinks resolved as they are now.
    pub fn roots(&self) -> Roots {
        Roots::new(&self.roots)
    }

    /// `output_limit` as a length.
    pub(crate) fn output_limit(&self) -> usize {
        usize::try_from(self.output_limit).unwrap_or(usize::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_said_has_its_default() {
        let settings: Settings =
            serde_json::from_str(r#"{"roots": ["/srv"], "sandbox": "require"}"#).unwrap();
        assert_eq!(settings.roots, [PathBuf::from("/srv")]);
        assert_eq!(settings.sandbox, Confinement::Require);
        assert_eq!(settings.output_limit, 1_048_576);
        assert!(settings.environment.contains(&"PATH".to_owned()));
    }

    #[test]
    fn settings_survive_the_way_through_json() {
        let settings = Settings { time_limit: Duration::from_millis(1500), ..Settings::default() };
        let text = serde_json::to_string(&settings).unwrap();
        assert_eq!(serde_json::from_str::<Settings>(&text).unwrap(), settings);
    }

    #[test]
    fn a_model_needs_only_its_address_and_name() {
        let text = r#"{"models": {"url": "http://127.0.0.1:1/v1", "model": "m"}}"#;
        let model = serde_json::from_str::<Settings>(text).unwrap().models.unwrap();
        assert_eq!((model.model.as_str(), model.key, model.timeout), ("m", None, patience()));
        assert!(serde_json::from_str::<Settings>(r#"{"models": {"url": "x"}}"#).is_err());
    }

    #[test]
    fn an_unknown_key_is_refused() {
        let error = serde_json::from_str::<Settings>(r#"{"rots": []}"#).unwrap_err();
        assert!(error.to_string().contains("rots"), "{error}");
    }

    #[test]
    fn no_variable_that_chooses_what_is_run_is_let_through() {
        for name in
            ["RUSTFLAGS", "RUSTC_WRAPPER", "LD_PRELOAD", "LD_LIBRARY_PATH", "BASH_ENV", "CARGO_BUILD_RUSTC"]
        {
            assert!(!ENVIRONMENT.contains(&name), "{name}");
        }
    }
}
