//! The binary under test, in an environment of its own.

use std::path::Path;
use std::process::{Command, Output};

use crate::fake::Fake;

/// `op-dbus` with nothing of this user's environment: UTC, no colour wishes, no configuration.
pub(crate) fn op_dbus() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_op-dbus"));
    command.env_clear().envs([("TZ", "UTC"), ("HOME", "/nonexistent"), ("TERM", "xterm-256color")]);
    command
}

/// What one invocation came to.
pub(crate) struct Ran {
    pub(crate) out: String,
    pub(crate) err: String,
    pub(crate) code: Option<i32>,
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Self { out: text(&output.stdout), err: text(&output.stderr), code: output.status.code() }
    }
}

impl Ran {
    /// Everything on one page, for snapshots.
    pub(crate) fn page(&self) -> String {
        let code = self.code.map_or_else(|| "none".to_owned(), |code| code.to_string());
        format!("exit code {code}\n--- stdout\n{}--- stderr\n{}", self.out, self.err)
    }

    /// Standard output as one JSON document.
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.out)
            .unwrap_or_else(|error| panic!("one JSON document, {error}: {}", self.page()))
    }
}

/// Runs a command against a daemon.
pub(crate) fn ask(fake: &Fake, arguments: &[&str]) -> Ran {
    op_dbus().arg("--socket").arg(fake.socket()).args(arguments).output().expect("it runs").into()
}

/// Runs a command in a folder, against a daemon.
pub(crate) fn ask_in(folder: &Path, fake: &Fake, arguments: &[&str]) -> Ran {
    let mut command = op_dbus();
    command.current_dir(folder).arg("--socket").arg(fake.socket()).args(arguments);
    command.output().expect("it runs").into()
}
