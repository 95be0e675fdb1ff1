//! What the door costs on the bus: `cargo bench -p op-dbus`, or with a number for so many calls in each row.
//!
//! Property reads and method calls through the door, against those of a bare service of zbus on the same private bus that answers
//! the same and does nothing else. Both are processes of their own. Prints p50, p99, calls per second, and the ratios to the bare
//! service. The last two rows are starts of runs while a thousand others are active, without and with `busctl monitor` on the bus,
//! and the ratios of the one to the other.

#[path = "bus/door.rs"]
mod door;
#[path = "bus/process.rs"]
mod process;
#[path = "bus/starts.rs"]
mod starts;

use std::time::{Duration, Instant};

use futures::StreamExt as _;
use op_dbus::NAME;
use zbus::{Connection, interface};

use process::{Server, bus, until_closed};

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
        return runtime
            .block_on(async { if is_bare { bare(&address).await } else { door::serve(&address).await } });
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
    starts::compare(&client, &address).await
}

/// What a row measured.
struct Row {
    p50: Duration,
    p99: Duration,
    rate: f64,
}

impl Row {
    /// Of calls that were made one after the other.
    fn new(mut times: Vec<Duration>) -> Self {
        times.sort_unstable();
        let at = |percent: usize| times.get(times.len() * percent / 100).copied().unwrap_or_default();
        let total: Duration = times.iter().sum();
        let calls = u32::try_from(times.len()).unwrap_or(u32::MAX);
        Self { p50: at(50), p99: at(99), rate: f64::from(calls) / total.as_secs_f64() }
    }

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
