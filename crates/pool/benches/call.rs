//! What a pooled call costs: `cargo bench -p op-pool`, or with a number for so many calls in each row.
//!
//! The agent is another process on a Unix socket. `bare stream` sends the very frames of a pooled call on a bare stream of tonic,
//! with as many callers as the pooled row and no more than a map from id to caller; `in one loop` has as many calls in flight,
//! and nobody who waits for them. `unary` is one RPC per call. Prints p50, p99, calls per second, and the ratios to the first
//! row of each block.

#[path = "call/echo.rs"]
mod echo;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use futures::stream::FuturesUnordered;
use futures::{StreamExt, TryStreamExt};
use hyper_util::rt::TokioIo;
use op_engine::ports::{Agents, Perform, Progress, Request, Sink, SystemClock};
use op_plan::Performer;
use op_pool::{AgentSettings, Pool, PoolSettings};
use op_proto::Address;
use op_proto::agent::v1::agent_client::AgentClient;
use op_proto::agent::v1::agent_frame::Frame as Said;
use op_proto::agent::v1::event::Kind;
use op_proto::agent::v1::host_frame::Frame;
use op_proto::agent::v1::{Ack, AgentFrame, DescribeRequest, Hello, HostFrame, Operation};
use op_run::Answer;
use serde_json::json;
use tokio::net::UnixStream;
use tokio::sync::{mpsc, oneshot};
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::sync::CancellationToken;
use tonic::Streaming;
use tonic::transport::{Channel, Endpoint};

/// Says to this program that it is the agent, and where it listens.
const LISTEN: &str = "POOL_BENCH_LISTEN";

/// Which agent it is.
const KIND: &str = "POOL_BENCH_KIND";

/// Calls of each row, unless a number says otherwise.
const CALLS: usize = 20_000;

/// Calls before the clock runs.
const WARM: usize = 500;

type Failed = Box<dyn std::error::Error + Send + Sync>;

fn main() -> Result<(), Failed> {
    if let Ok(path) = std::env::var(LISTEN) {
        // An agent's runtime has one thread, as that of the bundled ones has.
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        return runtime.block_on(echo::serve(Path::new(&path), std::env::var(KIND).as_deref() == Ok("kit")));
    }
    let runtime = tokio::runtime::Runtime::new()?;
    let calls = std::env::args().find_map(|word| word.parse().ok()).unwrap_or(CALLS);
    runtime.block_on(compare(calls))
}

async fn compare(calls: usize) -> Result<(), Failed> {
    let home = tempfile::tempdir()?;
    let (plain, kit) = (Agent::start(home.path(), "plain")?, Agent::start(home.path(), "kit")?);
    let (pool, direct) = (pool(&plain)?, channel(&plain.path).await?);
    let kit_pool = self::pool(&kit)?;
    println!(
        "{:<34}{:>10}{:>10}{:>12}{:>8}{:>8}{:>8}",
        "", "p50 us", "p99 us", "calls/s", "x p50", "x p99", "x rate"
    );
    for callers in [1, 64] {
        let bare = bare(&direct, callers, calls).await?;
        bare.print(&format!("bare stream, {callers}"), &bare);
        looped(&direct, callers, calls).await?.print(&format!("bare stream, {callers} in one loop"), &bare);
        pooled(&pool, callers, calls).await?.print(&format!("pooled, {callers}"), &bare);
        pooled(&kit_pool, callers, calls)
            .await?
            .print(&format!("pooled, agent of the kit, {callers}"), &bare);
    }
    let unary = unary(&direct, 64, calls).await?;
    unary.print("bare unary, 64", &unary);
    pooled(&pool, 64, calls).await?.print("pooled against bare unary, 64", &unary);
    pool.shutdown().await;
    kit_pool.shutdown().await;
    Ok(())
}

/// This program as an agent in a process of its own.
struct Agent {
    path: PathBuf,
    process: Child,
}

impl Agent {
    fn start(home: &Path, kind: &str) -> Result<Self, Failed> {
        let path = home.join(format!("{kind}.sock"));
        let mut command = Command::new(std::env::current_exe()?);
        let process = command.env(LISTEN, &path).env(KIND, kind).stdin(Stdio::piped()).spawn()?;
        Ok(Self { path, process })
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        // One that is gone already is what was wanted.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn pool(agent: &Agent) -> Result<Arc<Pool>, Failed> {
    let settings = PoolSettings { max_concurrent: 64, ..PoolSettings::default() };
    let one = AgentSettings::new("echo", Address::Unix(agent.path.clone()));
    let pool = Pool::new(settings, vec![one], Arc::new(SystemClock::new()))?;
    pool.start();
    Ok(pool)
}

async fn channel(path: &Path) -> Result<Channel, Failed> {
    while UnixStream::connect(path).await.is_err() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let path = path.to_owned();
    let connector = tower::service_fn(move |_| {
        let path = path.clone();
        async move { UnixStream::connect(path).await.map(TokioIo::new) }
    });
    let endpoint = Endpoint::from_static("http://agent.invalid")
        .initial_stream_window_size(2 << 20)
        .initial_connection_window_size(4 << 20);
    Ok(endpoint.connect_with_connector(connector).await?)
}

/// What a row measured.
struct Row {
    sorted: Vec<Duration>,
    took: Duration,
}

impl Row {
    fn new(mut each: Vec<Duration>, took: Duration) -> Self {
        each.sort_unstable();
        Self { sorted: each, took }
    }

    fn at(&self, percent: usize) -> f64 {
        self.sorted[(self.sorted.len() * percent / 100).min(self.sorted.len() - 1)].as_secs_f64() * 1e6
    }

    #[expect(clippy::cast_precision_loss, reason = "a rate for people")]
    fn rate(&self) -> f64 {
        self.sorted.len() as f64 / self.took.as_secs_f64()
    }

    fn print(&self, name: &str, base: &Self) {
        let (p50, p99, rate) = (self.at(50), self.at(99), self.rate());
        let ratios = (p50 / base.at(50), p99 / base.at(99), rate / base.rate());
        println!(
            "{name:<34}{p50:>10.1}{p99:>10.1}{rate:>12.0}{:>8.2}{:>8.2}{:>8.2}",
            ratios.0, ratios.1, ratios.2
        );
    }
}

/// So many callers, each with one call in flight, on the pool.
async fn pooled(pool: &Arc<Pool>, callers: usize, calls: usize) -> Result<Row, Failed> {
    while pool.connect("echo").await.is_err() {}
    let sink: Arc<dyn Sink> = Arc::new(Nowhere);
    let pool = Arc::clone(pool);
    let call = move |key| perform(Arc::clone(&pool), Arc::clone(&sink), key);
    spread(callers, WARM, call.clone()).await?;
    spread(callers, calls, call).await
}

async fn perform(pool: Arc<Pool>, sink: Arc<dyn Sink>, key: String) -> Result<(), Failed> {
    let request = Request {
        key: key.clone(),
        performer: Performer::new("echo", "echo"),
        arguments: Arc::new(json!({ "text": "hello" })),
        timeout: Some(Duration::from_secs(30)),
        repeat: false,
        secrets: Vec::new(),
        session: String::new(),
        approved: false,
        keep: None,
    };
    let answer = pool.perform(request, sink, CancellationToken::new()).await;
    pool.acknowledge(&Performer::new("echo", "echo"), &key);
    match answer {
        Answer::Succeeded { .. } => Ok(()),
        Answer::Failed { failure, .. } => Err(failure.into()),
    }
}

/// One RPC per call.
async fn unary(channel: &Channel, callers: usize, calls: usize) -> Result<Row, Failed> {
    let client = AgentClient::new(channel.clone());
    let describe = move |_| {
        let mut client = client.clone();
        async move { client.describe(DescribeRequest {}).await.map(drop).map_err(Failed::from) }
    };
    spread(callers, WARM, describe.clone()).await?;
    spread(callers, calls, describe).await
}

/// Makes so many calls, by tasks that each make one after the other.
async fn spread<C, F>(callers: usize, calls: usize, call: C) -> Result<Row, Failed>
where
    C: Fn(String) -> F + Clone + Send + 'static,
    F: Future<Output = Result<(), Failed>> + Send,
{
    let began = Instant::now();
    let each = calls / callers;
    let tasks: FuturesUnordered<_> = (0..callers)
        .map(|caller| {
            let call = call.clone();
            tokio::spawn(async move {
                let mut times = Vec::with_capacity(each);
                for turn in 0..each {
                    let key = format!("bench/{caller}/{calls}/{turn}");
                    let began = Instant::now();
                    call(key).await?;
                    times.push(began.elapsed());
                }
                Ok::<_, Failed>(times)
            })
        })
        .collect();
    let times: Vec<Result<Vec<Duration>, Failed>> = tasks.try_collect().await?;
    let times = times.into_iter().collect::<Result<Vec<_>, _>>()?;
    Ok(Row::new(times.into_iter().flatten().collect(), began.elapsed()))
}

/// A stream of tonic's own, opened.
async fn open(channel: &Channel) -> Result<(mpsc::Sender<HostFrame>, Streaming<AgentFrame>), Failed> {
    let (tell, frames) = mpsc::channel(256);
    let hello = Frame::Hello(Hello { version: 1, hub: "bench".into() });
    tell.send(HostFrame { frame: Some(hello) }).await?;
    let said = AgentClient::new(channel.clone()).session(ReceiverStream::new(frames)).await?.into_inner();
    Ok((tell, said))
}

/// The id of the call that ended with this frame.
fn ended(frame: AgentFrame) -> Option<String> {
    match frame.frame {
        Some(Said::Event(event)) if matches!(event.kind, Some(Kind::Outcome(_))) => Some(event.id),
        _ => None,
    }
}

async fn send(tell: &mpsc::Sender<HostFrame>, id: String) -> Result<(), Failed> {
    let operation = Operation {
        id,
        operation: "echo".into(),
        arguments: json!({ "text": "hello" }).to_string(),
        timeout: Some(prost_types::Duration { seconds: 29, nanos: 999_000_000 }),
        ..Operation::default()
    };
    Ok(tell.send(HostFrame { frame: Some(Frame::Operation(operation)) }).await?)
}

async fn acknowledge(tell: &mpsc::Sender<HostFrame>, id: String) -> Result<(), Failed> {
    Ok(tell.send(HostFrame { frame: Some(Frame::Ack(Ack { id })) }).await?)
}

type Waiting = Arc<Mutex<HashMap<String, oneshot::Sender<()>>>>;

/// So many callers, each with one call in flight, on a bare stream.
async fn bare(channel: &Channel, callers: usize, calls: usize) -> Result<Row, Failed> {
    let (tell, mut said) = open(channel).await?;
    let waiting = Waiting::default();
    let table = Arc::clone(&waiting);
    let reader = tokio::spawn(async move {
        while let Some(Ok(frame)) = said.next().await {
            let caller = ended(frame).and_then(|id| table.lock().ok()?.remove(&id));
            if let Some(caller) = caller {
                let _ = caller.send(());
            }
        }
    });
    let call = move |id: String| {
        let (tell, waiting) = (tell.clone(), Arc::clone(&waiting));
        async move {
            let (done, answered) = oneshot::channel();
            waiting.lock().map_err(|_| "a caller panicked")?.insert(id.clone(), done);
            send(&tell, id.clone()).await?;
            answered.await?;
            acknowledge(&tell, id).await
        }
    };
    spread(callers, WARM, call.clone()).await?;
    let row = spread(callers, calls, call).await;
    reader.abort();
    row
}

/// So many calls in flight on a bare stream, all made by one loop.
async fn looped(channel: &Channel, callers: usize, calls: usize) -> Result<Row, Failed> {
    let (tell, mut said) = open(channel).await?;
    let (mut times, mut flying) = (Vec::with_capacity(calls), HashMap::new());
    let (mut sent, mut began) = (0, Instant::now());
    while times.len() < calls {
        while flying.len() < callers {
            sent += 1;
            let id = format!("bench/loop/{calls}/{sent}");
            flying.insert(id.clone(), (sent, Instant::now()));
            send(&tell, id).await?;
        }
        let Some(id) = ended(said.next().await.ok_or("the stream ended")??) else { continue };
        let (number, start) = flying.remove(&id).ok_or("a stray outcome")?;
        acknowledge(&tell, id).await?;
        match number {
            ..WARM => {}
            WARM => began = Instant::now(),
            _ => times.push(start.elapsed()),
        }
    }
    Ok(Row::new(times, began.elapsed()))
}

/// Nobody watches a benchmark's calls.
struct Nowhere;

impl Sink for Nowhere {
    fn take(&self, _: Progress) {}
}
