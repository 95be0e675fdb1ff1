//! Folders of its own for one test, and programs that run in them.

use std::env;
use std::ffi::OsString;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};

use serde_json::Value;
use tempfile::TempDir;
use tokio::io::AsyncWriteExt as _;
use tokio::process::{Child, Command};

use super::binary::binary;
use super::process::{self, Process};
use super::{PATIENCE, until};

/// Variables of this process that would change what the tested one does.
const FOREIGN: [&str; 14] = [
    "OP_DBUS_SOCKET",
    "OP_DBUS_LOG",
    "DBUS_SESSION_BUS_ADDRESS",
    "JOURNAL_STREAM",
    "LISTEN_FDNAMES",
    "LISTEN_FDS",
    "NOTIFY_SOCKET",
    "WATCHDOG_USEC",
    "RUST_LOG",
    "NO_COLOR",
    "STATE_DIRECTORY",
    "RUNTIME_DIRECTORY",
    "CREDENTIALS_DIRECTORY",
    "COLUMNS",
];

/// Folder of the programs that stand in for others.
const PROGRAMS: &str = "bin";

/// `config`, `state`, `run`, `tmp` and `work` below a folder that is gone with the value.
#[derive(Debug)]
pub struct Place {
    folder: TempDir,
}

impl Place {
    /// New folders. The configuration allows agents to work in `work`.
    ///
    /// # Panics
    /// When they cannot be made.
    #[expect(clippy::new_without_default, reason = "it makes folders")]
    pub fn new() -> Self {
        let folder = tempfile::Builder::new().prefix("op-").tempdir().expect("a temporary folder");
        let place = Self { folder };
        for name in ["config", "state", "run", "tmp", "work"] {
            fs::create_dir(place.at(name)).expect("a new folder");
        }
        let roots = format!("allowed_roots = [{:?}]\n", place.text("work"));
        place.write("config/op-dbusd.toml", &roots);
        // Tests ask more often than people do.
        let any = "[limits]\ncalls_per_minute = 0\ncalls_per_hour = 0\ncalls_at_once = 0\n";
        place.write("config/op-dbusd.d/0-calls.toml", any);
        place
    }

    /// A path in here.
    pub fn at(&self, path: impl AsRef<Path>) -> PathBuf {
        self.folder.path().join(path)
    }

    /// A path in here, as text.
    ///
    /// # Panics
    /// When the temporary folder has a name that is no text.
    pub fn text(&self, path: &str) -> String {
        self.at(path).into_os_string().into_string().expect("paths of tests are text")
    }

    /// Where its daemon listens.
    pub fn socket(&self) -> PathBuf {
        self.at("run/op-dbus/grpc.sock")
    }

    /// Writes a file, and the folders to it.
    ///
    /// # Panics
    /// When it cannot be written.
    pub fn write(&self, path: &str, text: &str) -> PathBuf {
        let path = self.at(path);
        fs::create_dir_all(path.parent().expect("a file lies in a folder")).expect("folders");
        fs::write(&path, text).expect("a file");
        path
    }

    /// Adds to a file of the configuration.
    ///
    /// # Panics
    /// When it cannot be written.
    pub fn configure(&self, file: &str, text: &str) -> &Self {
        let path = format!("config/{file}");
        let before = fs::read_to_string(self.at(&path)).unwrap_or_default();
        self.write(&path, &(before + text + "\n"));
        self
    }

    /// What a file holds; nothing when it is not there.
    pub fn read(&self, path: &str) -> String {
        fs::read_to_string(self.at(path)).unwrap_or_default()
    }

    /// `op-dbus` with these words, here.
    pub fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(binary());
        command
            .arg("--config")
            .arg(self.at("config"))
            .args(words)
            .current_dir(self.at("work"))
            .env("XDG_STATE_HOME", self.at("state"))
            .env("XDG_RUNTIME_DIR", self.at("run"))
            .env("TMPDIR", self.at("tmp"))
            .stdin(Stdio::null())
            .kill_on_drop(true);
        for name in FOREIGN {
            command.env_remove(name);
        }
        if self.at(PROGRAMS).is_dir() {
            command.env("PATH", self.path());
        }
        command
    }

    /// Writes a shell script that stands in for a program: it is found before all others.
    ///
    /// # Panics
    /// When it cannot be written.
    pub fn stand_in(&self, name: &str, script: &str) -> &Self {
        let program = self.write(&format!("{PROGRAMS}/{name}"), script);
        fs::set_permissions(program, Permissions::from_mode(0o755)).expect("a file of this user");
        self
    }

    fn path(&self) -> OsString {
        let rest = env::var_os("PATH").unwrap_or_default();
        let folders = [self.at(PROGRAMS)].into_iter().chain(env::split_paths(&rest));
        env::join_paths(folders).expect("folders without colons")
    }

    /// Starts `op-dbus` with these words; what it says can be read from the child.
    ///
    /// # Panics
    /// When it does not start.
    pub fn start(&self, words: &[&str]) -> Child {
        let mut command = self.command(words);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        command.spawn().expect("op-dbus starts")
    }

    /// Runs `op-dbus` with these words to its end.
    pub async fn op(&self, words: &[&str]) -> Ended {
        Ended::of(self.start(words)).await
    }

    /// Runs `op-dbus` with these words and this to read.
    ///
    /// # Panics
    /// When it does not start, or does not read.
    pub async fn op_reading(&self, words: &[&str], input: &str) -> Ended {
        let mut command = self.command(words);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("op-dbus starts");
        let mut stdin = child.stdin.take().expect("a pipe");
        stdin.write_all(input.as_bytes()).await.expect("it reads");
        drop(stdin);
        Ended::of(child).await
    }

    /// Processes that were started for something in here, or work in here.
    pub fn processes(&self) -> Vec<Process> {
        process::about(self.folder.path())
    }

    /// Waits until nothing runs in here.
    ///
    /// # Panics
    /// When something stays.
    pub async fn is_quiet(&self) {
        let quiet = until("quiet", async || self.processes().is_empty().then_some(()));
        let quiet = tokio::time::timeout(PATIENCE / 2, quiet).await;
        assert!(quiet.is_ok(), "these are left: {:#?}", self.processes());
    }
}

/// What came of a program.
#[derive(Debug)]
pub struct Ended {
    /// How it ended.
    pub status: ExitStatus,
    /// What it said.
    pub stdout: String,
    /// What it said aside.
    pub stderr: String,
}

impl Ended {
    /// Waits for the end of a child with pipes.
    ///
    /// # Panics
    /// When it does not end.
    pub async fn of(child: Child) -> Self {
        let output = tokio::time::timeout(PATIENCE, child.wait_with_output()).await;
        let output = output.expect("op-dbus ends").expect("its output can be read");
        Self {
            status: output.status,
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// Holds the program to an exit code.
    ///
    /// # Panics
    /// When it had another one.
    #[track_caller]
    #[expect(clippy::return_self_not_must_use, reason = "to have ended so can be all that is wanted")]
    pub fn code(self, wanted: i32) -> Self {
        assert_eq!(self.status.code(), Some(wanted), "{}\n{}", self.stdout, self.stderr);
        self
    }

    /// What it said, as JSON.
    ///
    /// # Panics
    /// When it is none.
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {self:#?}"))
    }

    /// What it said, as one JSON document per line.
    ///
    /// # Panics
    /// When a line is none.
    #[track_caller]
    pub fn json_lines(&self) -> Vec<Value> {
        let lines = self.stdout.lines();
        lines
            .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}")))
            .collect()
    }

    /// Holds what was said, on either side, to contain these texts.
    ///
    /// # Panics
    /// When one is missing.
    #[track_caller]
    pub fn says(&self, texts: &[&str]) -> &Self {
        for text in texts {
            let said = self.stdout.contains(text) || self.stderr.contains(text);
            assert!(said, "`{text}` is not in\n{}\n{}", self.stdout, self.stderr);
        }
        self
    }

    /// Holds the program to have died of no panic.
    ///
    /// # Panics
    /// When it has.
    #[track_caller]
    pub fn has_not_panicked(&self) -> &Self {
        assert!(!self.stderr.contains("panicked at"), "{}", self.stderr);
        self
    }
}
