//! What it costs to lean on the hub: `cargo bench -p op-tests --bench hub`, or with `-- N` for so many calls in each row.
//!
//! The hub is the real daemon (release); the two agents that do nothing, and the bare streams of tonic that are the floor, are this
//! program once more, each a process of its own.
//!
//! - `echo`: an operation that does nothing, called by a gRPC client: there and back twice, over the hub, written down in the journal
//! - `memory.recall`: the same way, to the bundled agent, which reads a value of a KiB from its database
//! - `bare stream`: there and back once, and nothing else; `bare relay`: over a process that hands on what it gets, there and back twice
//! - `pooled call`: the same agent called by a pool in this process: there and back once
//! - `host call`: an agent asks the hub for `echo`, over and over, within one call; measured in the agent: there and back twice
//! - `sessions`: opened and closed one after the other; what the daemon holds in memory after each thousand

#[path = "hub/agent.rs"]
mod agent;
#[path = "hub/bare.rs"]
mod bare;
#[path = "hub/table.rs"]
mod table;

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::StreamExt as _;
use futures::future::try_join_all;
use op_engine::ports::{Agents as _, Perform as _, Progress, Request, Sink, SystemClock};
use op_plan::Performer;
use op_pool::{AgentSettings, Pool, PoolSettings};
use op_proto::v1::OpenSessionRequest;
use op_run::Answer;
use op_tests::support::{Client, Daemon, Place, process};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use agent::Agent;
use table::Row;

type Failed = Box<dyn std::error::Error + Send + Sync>;

/// Calls of each row, unless a number says otherwise.
const CALLS: usize = 10_000;

/// Callers side by side, of the rows that have many.
const CALLERS: usize = 64;

/// Host calls of one call.
const ASKED: usize = 500;

/// Sessions between two looks at the memory.
const SESSIONS: usize = 1000;

/// Bytes of the value that is recalled, and of what is sent to and fro.
const SIZE: usize = 1024;

fn main() -> Result<(), Failed> {
    if let Some((name, path)) = agent::told() {
        // An agent's runtime has one thread, as that of the bundled ones has.
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        return runtime.block_on(agent::serve(&name, &path));
    }
    let runtime = tokio::runtime::Runtime::new()?;
    let calls = std::env::args().find_map(|word| word.parse().ok()).unwrap_or(CALLS);
    runtime.block_on(compare(calls))
}

async fn compare(calls: usize) -> Result<(), Failed> {
    let (echo, asker) = (Agent::start("echo")?, Agent::start("asker")?);
    let place = Place::new();
    place.configure("agents.toml", &format!("[agents.echo]\naddress = \"{}\"", echo.address()));
    let asks = format!("[agents.asker]\naddress = \"{}\"\nmay_ask = [\"echo.echo\"]", asker.address());
    place.configure("agents.toml", &asks);
    let daemon = Daemon::start(&place).await;
    let client = daemon.client();
    let value = "v".repeat(SIZE);
    call(client, "memory.remember", &json!({ "key": "k", "value": value })).await?;
    of_clients(client, &value, calls).await?;
    of_agents(client, &echo, &value, calls).await?;
    sessions(client, &daemon).await
}

/// Calls that come in by the door.
async fn of_clients(client: &Client, value: &str, calls: usize) -> Result<(), Failed> {
    table::head("calls of a gRPC client");
    for callers in [1, CALLERS] {
        let echo = rows(client, "echo.echo", &json!({ "value": value }), callers, calls).await?;
        echo.print(&format!("echo, {callers} at once"), &echo);
        let recall = rows(client, "memory.recall", &json!({ "key": "k" }), callers, calls).await?;
        recall.print(&format!("memory.recall, {callers} at once"), &echo);
    }
    Ok(())
}

/// Calls that agents perform and ask for, beside the same frames on bare streams.
async fn of_agents(client: &Client, echo: &Agent, value: &str, calls: usize) -> Result<(), Failed> {
    let stream = Agent::start(agent::BARE)?;
    let relay = Agent::relay(&stream)?;
    table::head("there and back once");
    let once = bare::calls(&stream.path(), value, calls).await?;
    once.print("bare stream", &once);
    let pooled = pooled(echo, value, calls).await?;
    pooled.print("pooled call", &once);
    table::head("there and back twice");
    let twice = bare::calls(&relay.path(), value, calls).await?;
    twice.print("bare relay", &twice);
    let asked = asked(client, value, calls).await?;
    asked.print("host call", &twice);
    let (host, bare) = (asked.over(&pooled), twice.over(&once));
    println!("\na host call takes {host:.2} times a pooled call, a bare relay {bare:.2} times a bare stream");
    Ok(())
}

/// Calls one operation from so many callers.
async fn rows(
    client: &Client,
    target: &str,
    arguments: &Value,
    callers: usize,
    calls: usize,
) -> Result<Row, Failed> {
    let began = Instant::now();
    let caller = || async {
        let mut took = Vec::new();
        for _ in 0..calls / callers {
            let began = Instant::now();
            call(client, target, arguments).await?;
            took.push(began.elapsed());
        }
        Ok::<_, Failed>(took)
    };
    let took = try_join_all((0..callers).map(|_| caller())).await?.concat();
    Ok(Row::new(took, began.elapsed()))
}

async fn call(client: &Client, target: &str, arguments: &Value) -> Result<Value, Failed> {
    client.call(target, arguments).await.map_err(|failure| format!("{failure:?}").into())
}

/// The agent called by a pool alone.
async fn pooled(agent: &Agent, value: &str, calls: usize) -> Result<Row, Failed> {
    let settings = vec![AgentSettings::new("echo", agent.address())];
    let pool = Pool::new(PoolSettings::default(), settings, Arc::new(SystemClock::new()))?;
    pool.start();
    pool.connect("echo").await?;
    let (echo, arguments) = (Performer::new("echo", "echo"), Arc::new(json!({ "value": value })));
    let (mut took, began) = (Vec::new(), Instant::now());
    for number in 0..calls {
        let request = Request {
            key: format!("pooled/{number}"),
            performer: echo.clone(),
            arguments: Arc::clone(&arguments),
            timeout: None,
            repeat: false,
            secrets: Vec::new(),
            session: String::new(),
            approved: false,
            keep: None,
        };
        let (key, began) = (request.key.clone(), Instant::now());
        let answer = pool.perform(request, Arc::new(Nowhere), CancellationToken::new()).await;
        took.push(began.elapsed());
        pool.acknowledge(&echo, &key);
        if let Answer::Failed { failure, .. } = answer {
            return Err(failure.into());
        }
    }
    let all = began.elapsed();
    pool.shutdown().await;
    Ok(Row::new(took, all))
}

/// What an agent measured that asks the hub.
async fn asked(client: &Client, value: &str, calls: usize) -> Result<Row, Failed> {
    let (mut took, began) = (Vec::new(), Instant::now());
    while took.len() < calls {
        let told = call(client, "asker.ask", &json!({ "times": ASKED, "value": value })).await?;
        let told: Vec<u64> = serde_json::from_value(told)?;
        took.extend(told.into_iter().map(Duration::from_nanos));
    }
    Ok(Row::new(took, began.elapsed()))
}

/// Opens sessions and leaves them, and tells what is held after each thousand.
async fn sessions(client: &Client, daemon: &Daemon) -> Result<(), Failed> {
    println!("\nsessions, opened and closed one after the other");
    for round in 0..5 {
        let began = Instant::now();
        for _ in 0..SESSIONS {
            let opened = client.sessions().open(OpenSessionRequest { client: "bench".to_owned() }).await?;
            opened.into_inner().next().await.ok_or("a session tells who it is")??;
        }
        let each = began.elapsed() / u32::try_from(SESSIONS)?;
        let resident = process::resident_memory(daemon.pid()) >> 10;
        println!("  {:>5} so far: {each:>9.1?} each, {resident} KiB resident", (round + 1) * SESSIONS);
    }
    Ok(())
}

/// Nobody watches a benchmark's calls.
struct Nowhere;

impl Sink for Nowhere {
    fn take(&self, _: Progress) {}
}
