//! A machine with a systemd of its own.

use std::env;
use std::path::Path;
use std::process::{ExitStatus, Output, Stdio};

use op_tests::support::binary::binary;
use op_tests::support::{PATIENCE, until};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{ChildStdin, Command};

/// Variable that says that nothing may be skipped: `require`.
const VARIABLE: &str = "OP_DBUS_TESTS";

/// The exit code of `boot` where it cannot be done.
const CANNOT: i32 = 77;

/// Where the binary under test is seen inside.
const UNDER_TEST: &str = "/usr/libexec/op-dbus-under-test";

/// A plan that waits for a test.
const WAIT: &str = r#"[workstacks.wait]
[[workstacks.wait.phases]]
id = "gate"
tools = [{ tool = "command", args = { program = "sh", args = ["-c", "cat gate; echo x >> marks"] } }]
[[workstacks.wait.phases]]
id = "after"
tools = [{ tool = "log", args = { message = "gone on" } }]
"#;

/// A machine that is up; it goes down when it is dropped.
#[derive(Debug)]
pub(crate) struct Machine {
    pid: String,
    /// The machine stays up while it is open.
    _stdin: ChildStdin,
}

/// What came of a program inside.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) status: ExitStatus,
    /// Both outputs, one after the other.
    pub(crate) text: String,
}

impl Said {
    fn of(output: &Output) -> Self {
        let text = [&output.stdout[..], &output.stderr[..]].concat();
        Self { status: output.status, text: String::from_utf8_lossy(&text).into_owned() }
    }

    pub(crate) fn is_done(&self) -> bool {
        self.status.success()
    }
}

impl Machine {
    /// Boots one; `None`, said loudly, where that cannot be done.
    pub(crate) async fn boot() -> Option<Self> {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("systemd/boot");
        let mut boot = Command::new(script)
            .arg(binary())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("bash is there");
        let stdin = boot.stdin.take().expect("a pipe");
        let mut line = String::new();
        let stdout = boot.stdout.take().expect("a pipe");
        let read = tokio::time::timeout(PATIENCE, BufReader::new(stdout).read_line(&mut line)).await;
        read.expect("it comes up in time").expect("its output can be read");
        if let Some(pid) = line.trim().strip_prefix("up ") {
            return Some(Self { pid: pid.to_owned(), _stdin: stdin });
        }
        let ended = boot.wait_with_output().await.expect("it ends");
        let reason = String::from_utf8_lossy(&ended.stderr).trim().to_owned();
        assert_eq!(ended.status.code(), Some(CANNOT), "{reason}");
        assert!(
            env::var_os(VARIABLE).is_none_or(|value| value != "require"),
            "nothing may be skipped: {reason}"
        );
        println!("SKIPPED: {reason}");
        None
    }

    /// Boots one and installs op-dbus.
    pub(crate) async fn installed() -> Option<Self> {
        let machine = Self::boot().await?;
        machine.sh(&format!("{UNDER_TEST} install")).await;
        Some(machine)
    }

    /// Boots one, installs op-dbus and starts the daemon, whose agents may work in `/srv/app`. A plan `wait` waits there for somebody to
    /// write to the pipe `gate`, and then leaves a line in `marks`.
    pub(crate) async fn serving() -> Option<Self> {
        let machine = Self::installed().await?;
        machine.write("/etc/op-dbus/op-dbusd.toml", "allowed_roots = [\"/srv/app\"]\n").await;
        machine.write("/etc/op-dbus/plans.d/wait.toml", WAIT).await;
        machine.sh("mkdir /srv/app && mkfifo /srv/app/gate && chgrp -R op-agents /srv/app && chmod -R g+rwX /srv/app").await;
        machine.sh("systemctl start op-dbus.service").await;
        Some(machine)
    }

    /// Writes a file that everybody may read, and the folders to it.
    pub(crate) async fn write(&self, path: &str, text: &str) {
        self.sh(&format!("mkdir -p \"$(dirname {path})\"; cat > {path} <<'EOF'\n{text}EOF")).await;
    }

    /// Changes the daemon's unit by a drop-in.
    pub(crate) async fn edit(&self, text: &str) {
        self.write("/etc/systemd/system/op-dbus.service.d/test.conf", text).await;
        self.sh("systemctl daemon-reload").await;
    }

    /// Runs a script of bash inside.
    pub(crate) async fn try_sh(&self, script: &str) -> Said {
        let mut command = Command::new("nsenter");
        command.args(["--target", &self.pid, "--all", "env", "--ignore-environment"]);
        command.args(["PATH=/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root", "LANG=C.UTF-8", "SYSTEMD_PAGER="]);
        command.args(["bash", "-euo", "pipefail", "-c", script]).stdin(Stdio::null()).kill_on_drop(true);
        let output = tokio::time::timeout(PATIENCE, command.output()).await;
        Said::of(&output.unwrap_or_else(|_| panic!("it does not end: {script}")).expect("nsenter starts"))
    }

    /// Runs a script that must succeed and returns what it said.
    pub(crate) async fn sh(&self, script: &str) -> String {
        let said = self.try_sh(script).await;
        if !said.is_done() {
            let journal = self.try_sh("journalctl --no-pager --lines=60 --output=short-monotonic").await.text;
            panic!("{script}\nended with {}\n{}\n{journal}", said.status, said.text);
        }
        said.text.trim_end().to_owned()
    }

    /// Waits until a script succeeds.
    pub(crate) async fn until(&self, script: &str) -> String {
        let text = until(script, async || {
            let said = self.try_sh(script).await;
            said.is_done().then_some(said.text)
        });
        text.await.trim_end().to_owned()
    }

    /// A property of a unit, as `systemctl show` tells it.
    pub(crate) async fn property(&self, unit: &str, name: &str) -> String {
        self.sh(&format!("systemctl show --value --property={name} '{unit}'")).await
    }

    /// `op-dbus` as it was brought, before it is installed.
    pub(crate) fn under_test(words: &str) -> String {
        format!("{UNDER_TEST} {words}")
    }
}
