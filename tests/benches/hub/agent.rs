//! The agents that do nothing, and the bare streams beside them, each in a process of its own.

use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::time::Instant;

use op_agent::{Agent as Kit, Call, Failure, Listener, Operation};
use op_proto::Address;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::{Failed, bare};

/// Says to this program where it listens as an agent.
const LISTEN: &str = "HUB_BENCH_LISTEN";

/// And which one it is.
const NAME: &str = "HUB_BENCH_NAME";

/// The name of one that is no agent, but a bare stream.
pub(crate) const BARE: &str = "bare";

/// And for whom it is a relay.
const BEHIND: &str = "HUB_BENCH_BEHIND";

/// Who this process is and where it is to listen, when it is an agent.
pub(crate) fn told() -> Option<(String, PathBuf)> {
    Some((std::env::var(NAME).ok()?, PathBuf::from(std::env::var_os(LISTEN)?)))
}

#[derive(serde::Deserialize, schemars::JsonSchema)]
struct Ask {
    times: usize,
    value: String,
}

/// Serves until the process is killed.
pub(crate) async fn serve(name: &str, path: &Path) -> Result<(), Failed> {
    if name == BARE {
        return bare::serve(path, std::env::var_os(BEHIND).map(PathBuf::from)).await;
    }
    let listener = Listener::bind(&Address::Unix(path.to_owned())).await?;
    let echo = Operation::read("echo", "Says it back.").idempotent();
    let ask = Operation::read("ask", "Asks the hub for `echo.echo`, and tells how long each took, in ns.");
    let agent = Kit::new(name, "1")
        .operation(echo, async |_: Call, args: Value| Ok::<_, Failure>(args))
        .operation(ask, async |call: Call, Ask { times, value }: Ask| {
            let mut took = Vec::new();
            for number in 0..times {
                let began = Instant::now();
                call.ask("echo.echo", &json!({ "value": value, "number": number })).await?;
                took.push(u64::try_from(began.elapsed().as_nanos()).unwrap_or(u64::MAX));
            }
            Ok::<_, Failure>(took)
        });
    Ok(agent.serve(listener, std::future::pending()).await?)
}

/// This program as an agent.
pub(crate) struct Agent {
    folder: TempDir,
    process: Child,
}

impl Agent {
    /// Starts it; the pool waits until it listens.
    pub(crate) fn start(name: &str) -> Result<Self, Failed> {
        Self::before(name, None)
    }

    /// Starts a bare stream that hands on to another one.
    pub(crate) fn relay(behind: &Self) -> Result<Self, Failed> {
        Self::before(BARE, Some(behind.path()))
    }

    fn before(name: &str, behind: Option<PathBuf>) -> Result<Self, Failed> {
        let folder = tempfile::tempdir()?;
        let mut command = Command::new(std::env::current_exe()?);
        command.envs(behind.map(|behind| (BEHIND, behind)));
        let process = command.env(NAME, name).env(LISTEN, folder.path().join("agent.sock")).spawn()?;
        Ok(Self { folder, process })
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> Address {
        Address::Unix(self.path())
    }

    /// The same as a path.
    pub(crate) fn path(&self) -> PathBuf {
        self.folder.path().join("agent.sock")
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        // One that is gone already is what was wanted.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
