//! An agent in a process of its own, for which the programs of a test are the only ones there are.

use std::env;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};

use op_agent::Listener;
use op_agents::{Settings, lifeline, sandbox};
use op_proto::Address;
use op_proto::agent::v1::ExecuteResponse;
use op_proto::agent::v1::agent_client::AgentClient;
use serde_json::Value;
use tempfile::TempDir;
use tonic::{Streaming, transport};

use crate::support::{Answer, ask, begin, other_side, reach};

/// The agent, its programs, and what they wrote down. It ends with this value.
pub(crate) struct StandIns {
    place: TempDir,
    agent: Child,
    client: AgentClient<transport::Channel>,
}

impl StandIns {
    /// Serves the agent `tools` with programs by name and script. A script runs in a shell that has `$place`, a folder of the test,
    /// and each of its calls is written down in `$place/calls`.
    pub(crate) async fn serve(programs: &[(&str, &str)]) -> Self {
        Self::serve_with(programs, &[]).await
    }

    /// The same, with variables that reach its programs.
    pub(crate) async fn serve_with(programs: &[(&str, &str)], variables: &[(&str, &str)]) -> Self {
        Self::of("tools", programs, variables).await
    }

    /// The same, for an agent other than `tools`.
    pub(crate) async fn of(name: &str, programs: &[(&str, &str)], variables: &[(&str, &str)]) -> Self {
        let place = tempfile::tempdir().unwrap();
        for directory in ["root", "state", "run", "bin", "tmp"] {
            fs::create_dir(place.path().join(directory)).unwrap();
        }
        for (program, script) in programs {
            install(place.path(), program, script);
        }
        let names: Vec<&str> = variables.iter().map(|(name, _)| *name).collect();
        let agent =
            other_side("stand_ins::the_other_side")
                .env("PATH", place.path().join("bin"))
                .env("TMPDIR", place.path().join("tmp"))
                .env("OP_AGENTS_PLACE", place.path())
                .env("OP_AGENTS_NAME", name)
                .env("OP_AGENTS_VARIABLES", names.join(","))
                .envs(variables.iter().map(|(name, value)| {
                    (name, value.replace("$place", &place.path().display().to_string()))
                }))
                .stdin(Stdio::piped())
                .stdout(Stdio::null())
                .spawn()
                .unwrap();
        let client = reach(&place.path().join("run/agent.sock")).await;
        Self { place, agent, client }
    }

    /// Performs an operation to its end.
    pub(crate) async fn ask(&self, operation: &str, arguments: Value) -> Answer {
        ask(self.client.clone(), operation, &arguments).await
    }

    /// Begins an operation.
    pub(crate) async fn begin(&self, operation: &str, arguments: Value) -> Streaming<ExecuteResponse> {
        begin(self.client.clone(), operation, &arguments, None).await
    }

    /// Writes a file of the test.
    pub(crate) fn put(&self, path: &str, content: &str) {
        let path = self.place.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    /// Makes a file of the test one that can be run.
    pub(crate) fn allow(&self, path: &str) {
        fs::set_permissions(self.place.path().join(path), fs::Permissions::from_mode(0o755)).unwrap();
    }

    /// Takes a file of the test away.
    pub(crate) fn remove(&self, path: &str) {
        fs::remove_file(self.place.path().join(path)).unwrap();
    }

    /// A file of the test; empty if there is none.
    pub(crate) fn read(&self, path: &str) -> String {
        fs::read_to_string(self.place.path().join(path)).unwrap_or_default()
    }

    /// The root of the agent.
    pub(crate) fn root(&self) -> PathBuf {
        self.place.path().canonicalize().unwrap().join("root")
    }

    /// The calls of the programs since the last time, one a line.
    pub(crate) fn calls(&self) -> Vec<String> {
        let calls = self.read("calls").lines().map(str::to_owned).collect();
        self.put("calls", "");
        calls
    }
}

impl Drop for StandIns {
    fn drop(&mut self) {
        drop(self.agent.stdin.take());
        let _ = self.agent.wait();
    }
}

fn install(place: &Path, name: &str, script: &str) {
    let program = place.join("bin").join(name);
    let text = format!(
        "#!/bin/sh\nPATH=/usr/bin:/bin\nplace='{}'\nprintf '%s\\n' \"{name} $*\" >> \"$place/calls\"\n{script}",
        place.display()
    );
    fs::write(&program, text).unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
}

#[test]
#[ignore = "the other side of the tests that have stand-ins"]
fn the_other_side() {
    let place = PathBuf::from(env::var_os("OP_AGENTS_PLACE").expect("another test sets it"));
    let name = env::var("OP_AGENTS_NAME").unwrap();
    let variables = env::var("OP_AGENTS_VARIABLES").unwrap();
    let name = env::var("OP_AGENTS_NAME").unwrap();
    let mut settings =
        Settings { roots: vec![place.join("root")], state: Some(place.join("state")), ..Settings::default() };
    settings.environment.extend(variables.split(',').filter(|name| !name.is_empty()).map(str::to_owned));
    let listen = Address::Unix(place.join("run/agent.sock"));
    if variables.contains("SANDBOXED") {
        // The scripts write down what they do.
        settings.roots.push(place.clone());
        sandbox(&name, &settings, Some(&listen)).unwrap();
        settings.roots.pop();
    }
    let cut = lifeline::watch();
    tokio::runtime::Runtime::new().unwrap().block_on(async {
        let listener = Listener::bind(&listen).await.unwrap();
        op_agents::build(&name, &settings).unwrap().serve(listener, cut).await.unwrap();
    });
}
