//! The agent that does nothing, in a process of its own.

use std::path::{Path, PathBuf};
use std::process::{Child, Command};

use op_agent::{Agent as Kit, Call, Failure, Listener, Operation};
use op_proto::Address;
use serde_json::Value;
use tempfile::TempDir;

use super::Failed;

/// Says to this program that it is the agent, and where it listens.
const LISTEN: &str = "STEPS_BENCH_LISTEN";

/// Where this process is to listen, when it is the agent.
pub(crate) fn told() -> Option<PathBuf> {
    std::env::var_os(LISTEN).map(PathBuf::from)
}

/// Serves until the process is killed.
pub(crate) async fn serve(path: &Path) -> Result<(), Failed> {
    let listener = Listener::bind(&Address::Unix(path.to_owned())).await?;
    let echo = Operation::read("echo", "Says it back.").idempotent();
    let agent =
        Kit::new("echo", "1").operation(echo, |_: Call, args: Value| async { Ok::<_, Failure>(args) });
    Ok(agent.serve(listener, std::future::pending()).await?)
}

/// This program as the agent.
pub(crate) struct Agent {
    folder: TempDir,
    process: Child,
}

impl Agent {
    /// Starts it; the pool waits until it listens.
    pub(crate) fn start() -> Result<Self, Failed> {
        let folder = tempfile::tempdir()?;
        let mut command = Command::new(std::env::current_exe()?);
        let process = command.env(LISTEN, folder.path().join("agent.sock")).spawn()?;
        Ok(Self { folder, process })
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> Address {
        Address::Unix(self.folder.path().join("agent.sock"))
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        // One that is gone already is what was wanted.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
