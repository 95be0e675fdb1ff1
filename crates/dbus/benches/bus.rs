//! What the door costs on the bus: `cargo bench -p op-dbus`, or with a number for so many calls in each row.
//!
//! Property reads and method calls through the door, against those of a bare service of zbus on the same private bus that answers
//! the same and does nothing else. Both are processes of their own. Prints p50,
//! p99, calls per second, and the ratios to the bare service.

use std::io::Read as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::StreamExt as _;
use op_dbus::{Bus, Door, NAME};
use op_engine::fakes::{FixedAgents, MemoryJournal, ScriptedPerform};
use op_engine::ports::{ReloadError, Service, Standing, SystemClock};
use op_engine::{Engine, Library, Limits, Ports, Warden};
use op_plan::Catalogue;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use zbus::{Connection, interface};

/// Says to this program that it serves, and where the bus is.
const SERVE: &str = "DBUS_BENCH_SERVE";

/// What it serves.
const KIND: &str = "DBUS_BENCH_KIND";

const ROOT: &str = "/org/opdbus/Orchestrator1";
const MANAGER: &str = "org.opdbus.Orchestrator1.Manager";
const ECHO: &str = "org.opdbus.Echo";

/// Calls of each row, unless a number says otherwise.
const CALLS: usize = 10_000;

/// Calls before the clock runs.
const WARM: usize = 500;

type Failed = Box<dyn std::error::Error + Send + Sync>;

fn main() -> Result<(), Failed> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    if let Ok(address) = std::env::var(SERVE) {
        let is_bare = std::env::var(KIND).as_deref() == Ok("bare");
        return runtime.block_on(async { if is_bare { bare(&address).await } else { door(&address).await } });
    }
    let calls = std::env::args().find_map(|word| word.parse().ok()).unwrap_or(CALLS);
    runtime.block_on(compare(calls))
}

async fn compare(calls: usize) -> Result<(), Failed> {
    let home = tempfile::tempdir()?;
    let (_bus, address) = bus(home.path()).await?;
    let (_bare, _door) = (Server::start(&address, "bare").await?, Server::start(&address, "door").await?);
    let client = zbus::connection::Builder::address(address.as_str()).build().await?;
    println!(
        "{:<34}{:>10}{:>10}{:>12}{:>8}{:>8}{:>8}",
        "", "p50 us", "p99 us", "calls/s", "x p50", "x p99", "x rate"
    );
    for at_once in [1, 8] {
        let property = (ECHO, "State");
        let base =
            measure(&client, at_once, calls, ECHO, "/", "org.freedesktop.DBus.Properties", "Get", &property)
                .await?;
        base.print(&format!("bare property, {at_once} at once"), &base);
        let property = (MANAGER, "State");
        let own =
            measure(&client, at_once, calls, NAME, ROOT, "org.freedesktop.DBus.Properties", "Get", &property)
                .await?;
        own.print(&format!("property, {at_once} at once"), &base);
        let base = measure(&client, at_once, calls, ECHO, "/", ECHO, "ListAgents", &()).await?;
        base.print(&format!("bare method, {at_once} at once"), &base);
        let own = measure(&client, at_once, calls, NAME, ROOT, MANAGER, "ListAgents", &()).await?;
        own.print(&format!("method, {at_once} at once"), &base);
    }
    Ok(())
}

/// What a row measured.
struct Row {
    p50: Duration,
    p99: Duration,
    rate: f64,
}

impl Row {
    fn print(&self, name: &str, base: &Self) {
        let micros = |of: Duration| of.as_secs_f64() * 1e6;
        let ratio = |own: Duration, base: Duration| own.as_secs_f64() / base.as_secs_f64();
        println!(
            "{name:<34}{:>10.1}{:>10.1}{:>12.0}{:>8.2}{:>8.2}{:>8.2}",
            micros(self.p50),
            micros(self.p99),
            self.rate,
            ratio(self.p50, base.p50),
            ratio(self.p99, base.p99),
            self.rate / base.rate
        );
    }
}

#[expect(clippy::too_many_arguments, reason = "a call over the bus has so many parts")]
async fn measure<B>(
    client: &Connection,
    at_once: usize,
    calls: usize,
    name: &str,
    path: &str,
    interface: &str,
    member: &str,
    body: &B,
) -> Result<Row, Failed>
where
    B: serde::Serialize + zbus::DynamicType + Sync,
{
    let call = || async {
        let began = Instant::now();
        client.call_method(Some(name), path, Some(interface), member, body).await?;
        zbus::Result::Ok(began.elapsed())
    };
    for _ in 0..WARM {
        call().await?;
    }
    let began = Instant::now();
    let results = futures::stream::iter(0..calls).map(|_| call()).buffer_unordered(at_once);
    let results: Vec<zbus::Result<Duration>> = results.collect().await;
    let elapsed = began.elapsed();
    let mut times = results.into_iter().collect::<zbus::Result<Vec<_>>>()?;
    times.sort_unstable();
    let rate = f64::from(u32::try_from(calls)?) / elapsed.as_secs_f64();
    Ok(Row { p50: times[calls / 2], p99: times[calls * 99 / 100], rate })
}

async fn bus(home: &Path) -> Result<(tokio::process::Child, String), Failed> {
    let config = home.join("bus.conf");
    let text = format!(
        "<!DOCTYPE busconfig PUBLIC \"-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN\" \
         \"http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd\">\n\
         <busconfig><type>session</type><listen>unix:path={}</listen><auth>EXTERNAL</auth>\
         <policy context=\"default\"><allow user=\"*\"/><allow send_destination=\"*\"/><allow receive_sender=\"*\"/><allow own=\"*\"/></policy></busconfig>",
        home.join("bus").display()
    );
    std::fs::write(&config, text)?;
    let mut command = tokio::process::Command::new("dbus-daemon");
    command.arg("--config-file").arg(config).args(["--nofork", "--nosyslog", "--print-address=1"]);
    let mut daemon = command.stdout(Stdio::piped()).kill_on_drop(true).spawn()?;
    let mut lines = BufReader::new(daemon.stdout.take().ok_or("no output")?).lines();
    lines.next_line().await?.ok_or("the bus does not start")?;
    Ok((daemon, format!("unix:path={}", home.join("bus").display())))
}

/// This program as a service in a process of its own.
struct Server(Child);

impl Server {
    async fn start(address: &str, kind: &str) -> Result<Self, Failed> {
        let mut command = Command::new(std::env::current_exe()?);
        command.env(SERVE, address).env(KIND, kind).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut server = Self(command.spawn()?);
        let said = tokio::process::ChildStdout::from_std(server.0.stdout.take().ok_or("no output")?)?;
        BufReader::new(said).lines().next_line().await?.ok_or("the service does not start")?;
        Ok(server)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // One that is gone already is what was wanted.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Serves until whoever started it closes its input.
async fn until_closed() -> Result<(), Failed> {
    println!("ready");
    tokio::task::spawn_blocking(|| std::io::stdin().read_to_end(&mut Vec::new())).await??;
    Ok(())
}

/// Answers what the door answers, and does nothing else.
struct Echo;

#[interface(name = "org.opdbus.Echo")]
#[expect(clippy::unused_self, reason = "it has nothing to look at")]
impl Echo {
    #[zbus(property)]
    fn state(&self) -> String {
        "running".to_owned()
    }

    fn list_agents(&self) -> Vec<(String, zbus::OwnedObjectPath, String, String)> {
        Vec::new()
    }
}

async fn bare(address: &str) -> Result<(), Failed> {
    let builder = zbus::connection::Builder::address(address);
    let _served = builder.serve_at("/", Echo).name(ECHO).build().await?;
    until_closed().await
}

async fn door(address: &str) -> Result<(), Failed> {
    let ports = Ports {
        journal: Arc::new(MemoryJournal::new()),
        perform: Arc::new(ScriptedPerform::default()),
        agents: Arc::new(FixedAgents::of(Catalogue::default())),
        clock: Arc::new(SystemClock::new()),
    };
    let engine = Engine::new(ports, Library::default(), Limits::default());
    let shutdown = CancellationToken::new();
    let bus = Bus::Address(address.to_owned());
    let warden = Warden::new(0, vec![]);
    let door = Door::open(bus, engine, warden, Arc::new(Still::new()), vec![], shutdown.clone()).await?;
    let served = tokio::spawn(door.serve());
    until_closed().await?;
    shutdown.cancel();
    Ok(served.await??)
}

/// A daemon that is never reloaded.
struct Still(watch::Sender<Standing>);

impl Still {
    fn new() -> Self {
        Self(watch::Sender::new(Standing { generation: 1, errors: Vec::new() }))
    }
}

#[async_trait::async_trait]
impl Service for Still {
    async fn reload(&self) -> Result<u64, ReloadError> {
        Err(ReloadError::Fixed)
    }

    fn standing(&self) -> watch::Receiver<Standing> {
        self.0.subscribe()
    }

    fn log_level(&self) -> String {
        "info".to_owned()
    }

    fn set_log_level(&self, _level: &str) -> Result<(), String> {
        Ok(())
    }
}
