//! Agents in Python, as processes: grpcio, and stubs that are generated from `proto/`.
//!
//! Where grpcio is not there they are passed over with a line that says so; with `OP_DBUS_TESTS=require` it is a failure.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use rustix::process::Signal;
use tokio::net::UnixStream;
use tokio::process::{Child, Command};

use super::{Place, process, until};

/// What the stubs are generated from.
const PROTO: &str = "opdbus/agent/v1/agent.proto";

/// Whether there is a Python that speaks gRPC; says so when there is none.
///
/// # Panics
/// When there is none and `OP_DBUS_TESTS=require` wants one.
pub async fn is_there() -> bool {
    let tried = Command::new("python3").args(["-c", "import grpc, grpc_tools"]).output().await;
    let is_there = tried.is_ok_and(|output| output.status.success());
    if !is_there {
        println!("SKIPPED: python3 with grpcio and grpcio-tools is not there");
        let required = env::var("OP_DBUS_TESTS").is_ok_and(|tests| tests == "require");
        assert!(!required, "python3 with grpcio and grpcio-tools is required and not there");
    }
    is_there
}

/// A script of `tests/python`.
pub fn script(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("python").join(name)
}

/// An agent in Python that listens. It is killed when it is dropped.
#[derive(Debug)]
pub struct Python {
    child: Child,
}

impl Python {
    /// Starts a script as the agent of a socket and waits until it listens; `words` stand behind its address.
    ///
    /// # Panics
    /// When it ends before.
    pub async fn serve(place: &Place, script: &Path, socket: &Path, words: &[&str]) -> Self {
        let stubs = place.at("stubs");
        if !stubs.exists() {
            generate(&stubs).await;
        }
        let library = Path::new(env!("CARGO_MANIFEST_DIR")).join("python");
        let path = env::join_paths([stubs, library]).expect("folders without colons");
        let mut command = Command::new("python3");
        command.arg(script).arg(format!("unix:{}", socket.display())).args(words);
        command.env("PYTHONPATH", path).env("PYTHONDONTWRITEBYTECODE", "1");
        command.stdin(Stdio::null()).kill_on_drop(true);
        let mut child = command.spawn().expect("python starts");
        let listening = until("an agent in Python", async || {
            if let Some(status) = child.try_wait().expect("it can be asked") {
                panic!("{} ended with {status}", script.display());
            }
            UnixStream::connect(socket).await.ok()
        });
        drop(listening.await);
        Self { child }
    }

    /// Kills it as `kill -9` does.
    ///
    /// # Panics
    /// When it has ended before.
    pub async fn kill(mut self) {
        self.child.start_kill().expect("it runs");
        self.child.wait().await.expect("it is gone");
    }

    /// Asks it to end.
    ///
    /// # Panics
    /// When it has ended before.
    pub fn terminate(&self) {
        process::signal(self.child.id().expect("it runs"), Signal::TERM);
    }

    /// Waits for its end, and says whether it was a good one.
    ///
    /// # Panics
    /// When it does not end.
    pub async fn ended(&mut self) -> bool {
        let ended = tokio::time::timeout(super::PATIENCE, self.child.wait()).await;
        ended.expect("it ends").expect("it can be waited for").success()
    }
}

async fn generate(stubs: &Path) {
    std::fs::create_dir(stubs).expect("a new folder");
    let proto = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace").join("proto");
    let mut command = Command::new("python3");
    command.args(["-m", "grpc_tools.protoc", "-I"]).arg(proto);
    command.arg(format!("--python_out={}", stubs.display()));
    command.arg(format!("--grpc_python_out={}", stubs.display())).arg(PROTO);
    assert!(command.status().await.expect("python starts").success(), "the stubs are not generated");
}
