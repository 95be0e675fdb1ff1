//! An agent served on a socket, and a client that asks it.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use op_agent::Listener;
use op_agents::Settings;
use op_proto::Address;
use op_proto::agent::v1::agent_client::AgentClient;
use op_proto::agent::v1::{Channel, Evidence, ExecuteRequest, ExecuteResponse, Operation, event, outcome};
use rustix::process::{Pid, PidfdFlags, pidfd_open};
use serde_json::Value;
use tempfile::TempDir;
use tokio::io::unix::AsyncFd;
use tokio::sync::oneshot;
use tonic::Streaming;
use tonic::transport;

/// Longest that anything here may take before the test is called hung.
pub(crate) const PATIENCE: Duration = Duration::from_mins(2);

/// Every call has a key of its own: an agent answers the same key with the same outcome.
static ATTEMPTS: AtomicU64 = AtomicU64::new(1);

/// An agent, its root and the way to it. It ends with this value.
pub(crate) struct Served {
    pub(crate) client: AgentClient<transport::Channel>,
    pub(crate) root: PathBuf,
    directory: TempDir,
    _stop: oneshot::Sender<()>,
}

/// How a call ended and what came before.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) outcome: outcome::Kind,
    pub(crate) evidence: Evidence,
    pub(crate) stdout: Vec<u8>,
    pub(crate) stderr: Vec<u8>,
}

pub(crate) async fn serve(name: &str) -> Served {
    serve_with(name, Settings::default()).await
}

/// Serves an agent with one root, beside which there is a file `secret`.
pub(crate) async fn serve_with(name: &str, settings: Settings) -> Served {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path().canonicalize().unwrap().join("root");
    std::fs::create_dir(&root).unwrap();
    std::fs::write(directory.path().join("secret"), "outside").unwrap();
    let agent = op_agents::build(name, &Settings { roots: vec![root.clone()], ..settings }).unwrap();
    let socket = directory.path().join("agent.sock");
    let listener = Listener::bind(&Address::Unix(socket.clone())).await.unwrap();
    let (stop, stopped) = oneshot::channel::<()>();
    tokio::spawn(agent.serve(listener, async {
        let _ = stopped.await;
    }));
    Served { client: connect(&socket).await, root, directory, _stop: stop }
}

pub(crate) async fn connect(socket: &Path) -> AgentClient<transport::Channel> {
    let endpoint = transport::Endpoint::from_shared(format!("unix:{}", socket.display())).unwrap();
    AgentClient::new(endpoint.connect().await.unwrap())
}

/// Connects to an agent that is just being started by another process.
pub(crate) async fn reach(socket: &Path) -> AgentClient<transport::Channel> {
    let mut tick = tokio::time::interval(Duration::from_millis(5));
    let listens = async {
        while tokio::net::UnixStream::connect(socket).await.is_err() {
            tick.tick().await;
        }
    };
    tokio::time::timeout(PATIENCE, listens).await.expect("the agent starts to listen");
    connect(socket).await
}

/// Performs an operation to its end.
pub(crate) async fn ask(
    client: AgentClient<transport::Channel>,
    operation: &str,
    arguments: &Value,
) -> Answer {
    let events = begin(client, operation, arguments, None).await;
    tokio::time::timeout(PATIENCE, collect(events)).await.expect("the operation ends")
}

impl Served {
    /// The directory above the root.
    pub(crate) fn outside(&self) -> &Path {
        self.directory.path()
    }

    /// Writes a file below the root.
    pub(crate) fn put(&self, path: &str, content: &str) {
        let path = self.root.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
    }

    /// Performs an operation to its end.
    pub(crate) async fn ask(&self, operation: &str, arguments: Value) -> Answer {
        self.ask_within(operation, arguments, None).await
    }

    pub(crate) async fn ask_within(
        &self,
        operation: &str,
        arguments: Value,
        timeout: Option<Duration>,
    ) -> Answer {
        let events = begin(self.client.clone(), operation, &arguments, timeout).await;
        tokio::time::timeout(PATIENCE, collect(events)).await.expect("the operation ends")
    }

    /// Begins an operation.
    pub(crate) async fn begin(&self, operation: &str, arguments: Value) -> Streaming<ExecuteResponse> {
        begin(self.client.clone(), operation, &arguments, None).await
    }
}

pub(crate) async fn begin(
    mut client: AgentClient<transport::Channel>,
    operation: &str,
    arguments: &Value,
    timeout: Option<Duration>,
) -> Streaming<ExecuteResponse> {
    let operation = Operation {
        id: format!("run/{operation}/1/{}", ATTEMPTS.fetch_add(1, Ordering::Relaxed)),
        operation: operation.to_owned(),
        arguments: arguments.to_string(),
        timeout: timeout.map(|timeout| timeout.try_into().unwrap()),
        ..Operation::default()
    };
    client.execute(ExecuteRequest { operation: Some(operation) }).await.unwrap().into_inner()
}

async fn collect(mut events: Streaming<ExecuteResponse>) -> Answer {
    let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
    while let Some(response) = events.message().await.unwrap() {
        match response.event.and_then(|event| event.kind) {
            Some(event::Kind::Output(output)) if output.channel == Channel::Stdout as i32 => {
                stdout.extend(output.data);
            }
            Some(event::Kind::Output(output)) => stderr.extend(output.data),
            Some(event::Kind::Outcome(ended)) => {
                let (outcome, evidence) = (ended.kind.unwrap(), ended.evidence.unwrap_or_default());
                return Answer { outcome, evidence, stdout, stderr };
            }
            _ => {}
        }
    }
    panic!("the stream ended without an outcome");
}

/// The next piece of output.
pub(crate) async fn piece(events: &mut Streaming<ExecuteResponse>) -> String {
    loop {
        let response = tokio::time::timeout(PATIENCE, events.message()).await.unwrap().unwrap().unwrap();
        match response.event.and_then(|event| event.kind) {
            Some(event::Kind::Output(output)) => return String::from_utf8(output.data.to_vec()).unwrap(),
            Some(event::Kind::Outcome(outcome)) => panic!("it ended: {outcome:?}"),
            _ => {}
        }
    }
}

impl Answer {
    /// The value of a completed call.
    pub(crate) fn value(&self) -> Value {
        match &self.outcome {
            outcome::Kind::Completed(completed) => serde_json::from_str(&completed.value).unwrap(),
            other => panic!("not completed: {other:?}"),
        }
    }

    /// The reason and the detail of a failed call.
    pub(crate) fn failed(&self) -> (&str, Value) {
        match &self.outcome {
            outcome::Kind::Failed(failed) => {
                (failed.reason.as_str(), serde_json::from_str(&failed.detail).unwrap_or_default())
            }
            other => panic!("not failed: {other:?}"),
        }
    }

    /// The reason of a rejected call.
    pub(crate) fn rejected(&self) -> &str {
        match &self.outcome {
            outcome::Kind::Rejected(rejected) => &rejected.reason,
            other => panic!("not rejected: {other:?}"),
        }
    }

    /// The message of a failed call.
    pub(crate) fn message(&self) -> &str {
        match &self.outcome {
            outcome::Kind::Failed(failed) => &failed.message,
            other => panic!("not failed: {other:?}"),
        }
    }

    /// The hint of a failed call.
    pub(crate) fn hint(&self) -> &str {
        match &self.outcome {
            outcome::Kind::Failed(failed) => &failed.hint,
            other => panic!("not failed: {other:?}"),
        }
    }

    pub(crate) fn is_cancelled(&self) -> bool {
        matches!(self.outcome, outcome::Kind::Cancelled(_))
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.stdout).into_owned() + &String::from_utf8_lossy(&self.stderr)
    }
}

/// Waits until a process has ended.
pub(crate) async fn ends(pid: i32) {
    let Ok(process) = pidfd_open(Pid::from_raw(pid).unwrap(), PidfdFlags::NONBLOCK) else { return };
    #[expect(deprecated, reason = "what replaces it is unsafe")]
    let process = AsyncFd::new(process).unwrap();
    let ended = tokio::time::timeout(Duration::from_secs(20), process.readable()).await;
    assert!(ended.is_ok(), "process {pid} still lives");
}

/// This test program again, to run one of its ignored tests: the other side of a test that needs a process of its own.
pub(crate) fn other_side(test: &str) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args([test, "--exact", "--ignored", "--nocapture", "--quiet"]);
    command
}
