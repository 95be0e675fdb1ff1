//! How long until something happens when nothing runs yet: `cargo bench -p op-tests --bench cold`, or with
//! `-- PATH` for a binary that is built already.
//!
//! Each round starts `op-dbus run` (release) in a world of its own (state, sockets and configuration in a new folder, no
//! daemon), on a plan of one phase with one call of the bundled agent `tools`, and reads what it tells on standard error. Beside it
//! the agent is started alone. Medians over the rounds, which take turns; times are from the start of the process.
//!
//! - `first phase started`: the line is there
//! - `first phase succeeded`: the agent was started, connected and asked, and has answered
//! - `agent alone`: `op-dbus agent tools` until it answers `Describe`
//! - on top of the agent: the differences; that of the phase that succeeded is what the hub really costs on a cold start, since a
//!   phase starts before its agents do

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use hyper_util::rt::TokioIo;
use op_proto::agent::v1::DescribeRequest;
use op_proto::agent::v1::agent_client::AgentClient;
use tokio::net::UnixStream;
use tonic::transport::Endpoint;

type Failed = Box<dyn std::error::Error + Send + Sync>;

/// Rounds that are measured, after one that warms the disk's cache.
const ROUNDS: usize = 20;

/// How long an agent may take to listen before something is wrong.
const PATIENCE: Duration = Duration::from_secs(30);

/// Between two looks for the agent's socket.
const LOOK: Duration = Duration::from_millis(1);

/// The plan of the run.
const PLAN: &str = r#"
[workstacks.cold]
description = "One look at a folder"

[workstacks.cold.inputs]
path = { type = "path", default = "." }

[[workstacks.cold.phases]]
id = "look"
name = "Look"
description = "What is there"
tools = [{ tool = "file_list", args = { path = "${path}" } }]
"#;

fn main() -> Result<(), Failed> {
    let given = std::env::args_os().skip(1).map(PathBuf::from).find(|word| word.is_file());
    let program = given.map_or_else(build, Ok)?;
    let runtime = tokio::runtime::Runtime::new()?;
    let (mut started, mut succeeded, mut alone) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..=ROUNDS {
        let run = run(&program)?;
        let agent = runtime.block_on(agent(&program))?;
        if round > 0 {
            started.push(run.started);
            succeeded.push(run.succeeded);
            alone.push(agent);
        }
    }
    println!("{:<40}{:>10}{:>10}", format!("{ROUNDS} rounds"), "median ms", "worst ms");
    let started = row("first phase started", &mut started);
    let succeeded = row("first phase succeeded", &mut succeeded);
    let alone = row("agent alone", &mut alone);
    println!("{:<40}{:>10.1}", "first phase started, on top of the agent", started - alone);
    println!("{:<40}{:>10.1}", "succeeded, on top of the agent", succeeded - alone);
    Ok(())
}

/// Builds the binary beside this program, so that it is never an old one.
fn build() -> Result<PathBuf, Failed> {
    let here = std::env::current_exe()?;
    let release = here.parent().and_then(Path::parent).ok_or("a benchmark lies in a target folder")?;
    let target = release.parent().ok_or("a benchmark lies in a target folder")?;
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["build", "--release", "--package", "op-cli", "--manifest-path"]);
    let status = cargo
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/../Cargo.toml"))
        .arg("--target-dir")
        .arg(target)
        .status()?;
    if !status.success() {
        return Err("the binary does not build".into());
    }
    Ok(target.join("release/op-dbus"))
}

/// When a run told what, from the start of its process.
struct Told {
    started: Duration,
    succeeded: Duration,
}

/// One run in a world of its own.
fn run(program: &Path) -> Result<Told, Failed> {
    let home = tempfile::tempdir()?;
    fs::write(home.path().join("workstacks.toml"), PLAN)?;
    let mut command = Command::new(program);
    command.args(["run", "cold", "--config"]).arg(home.path()).arg(format!("path={}", home.path().display()));
    let alone = ["HOME", "XDG_STATE_HOME", "XDG_RUNTIME_DIR"];
    command
        .envs(alone.map(|name| (name, home.path())))
        .env_remove("OP_DBUS_SOCKET")
        .env_remove("STATE_DIRECTORY");
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    let began = Instant::now();
    let mut process = command.spawn()?;
    let (mut times, mut said) = (Vec::new(), String::new());
    for line in BufReader::new(process.stderr.take().expect("it is piped")).lines() {
        let line = line?;
        // A clock, the phase, and what became of it.
        if line.split_whitespace().nth(1) == Some("look") {
            times.push(began.elapsed());
        }
        said.push_str(&line);
        said.push('\n');
    }
    match (process.wait()?.success(), &*times) {
        (true, [started, succeeded]) => Ok(Told { started: *started, succeeded: *succeeded }),
        _ => Err(format!("the run went another way:\n{said}").into()),
    }
}

/// One agent alone, from its start to its first answer.
async fn agent(program: &Path) -> Result<Duration, Failed> {
    let home = tempfile::tempdir()?;
    let socket = home.path().join("agent.sock");
    let settings = serde_json::json!({ "roots": [home.path()] }).to_string();
    let mut command = Command::new(program);
    command
        .args(["agent", "tools", "--settings", &settings, "--listen"])
        .arg(format!("unix:{}", socket.display()));
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let began = Instant::now();
    let _ended_with_this = Ended(command.spawn()?);
    while UnixStream::connect(&socket).await.is_err() {
        if began.elapsed() > PATIENCE {
            return Err("the agent does not listen".into());
        }
        tokio::time::sleep(LOOK).await;
    }
    let connector = tower::service_fn(move |_| {
        let socket = socket.clone();
        async move { UnixStream::connect(socket).await.map(TokioIo::new) }
    });
    let channel = Endpoint::from_static("http://agent.invalid").connect_with_connector(connector).await?;
    AgentClient::new(channel).describe(DescribeRequest {}).await?;
    Ok(began.elapsed())
}

/// A process that ends with its owner.
struct Ended(Child);

impl Drop for Ended {
    fn drop(&mut self) {
        // One that is gone already is what was wanted.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Prints the median and the worst, and returns the median in milliseconds.
fn row(what: &str, times: &mut [Duration]) -> f64 {
    times.sort_unstable();
    let at = |place: usize| times[place].as_secs_f64() * 1e3;
    println!("{what:<40}{:>10.1}{:>10.1}", at(times.len() / 2), at(times.len() - 1));
    at(times.len() / 2)
}
