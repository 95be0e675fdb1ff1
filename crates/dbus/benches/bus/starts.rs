//! What a start costs while many runs are active, with and without somebody who monitors the bus.

use std::collections::HashMap;
use std::process::Stdio;
use std::time::{Duration, Instant};

use futures::{StreamExt as _, TryStreamExt as _};
use op_dbus::NAME;
use zbus::{Connection, Variant};

use super::{Failed, MANAGER, ROOT, Row};

/// Runs that are active meanwhile.
const ACTIVE: usize = 1000;

/// Starts of a round.
const STARTS: usize = 200;

/// Rounds of each kind, in turns.
const ROUNDS: usize = 5;

/// How long the door gets to tell of what there is before the clock runs: it tells of so many runs a second.
const SETTLE: Duration = Duration::from_secs(20);

/// Between two starts. A caller who starts runs faster than the door tells of them measures the limit of what is told.
const APART: Duration = Duration::from_millis(25);

pub(crate) async fn compare(client: &Connection, address: &str) -> Result<(), Failed> {
    let many = futures::stream::iter(0..ACTIVE).map(|_| start(client, "waiting"));
    many.buffer_unordered(16).try_collect::<Vec<_>>().await?;
    tokio::time::sleep(SETTLE).await;
    let (mut alone, mut watched) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        alone.extend(round(client).await?);
        let mut busctl = tokio::process::Command::new("busctl");
        busctl.args(["monitor", "--address", address]).stdout(Stdio::null()).stderr(Stdio::null());
        let mut monitor = busctl.kill_on_drop(true).spawn()?;
        tokio::time::sleep(Duration::from_secs(1)).await;
        watched.extend(round(client).await?);
        monitor.kill().await?;
    }
    let alone = Row::new(alone);
    alone.print(&format!("start, {ACTIVE} runs active"), &alone);
    Row::new(watched).print("the same, with busctl monitor", &alone);
    Ok(())
}

async fn round(client: &Connection) -> Result<Vec<Duration>, Failed> {
    let mut times = Vec::new();
    for _ in 0..STARTS {
        times.push(start(client, "quick").await?);
        tokio::time::sleep(APART).await;
    }
    Ok(times)
}

/// How long a start took until the run is in the journal and stands at its path.
async fn start(client: &Connection, plan: &str) -> Result<Duration, Failed> {
    let (began, nothing) = (Instant::now(), HashMap::<&str, Variant<'_>>::new());
    let body = ("workstack", plan, &nothing, &nothing);
    client.call_method(Some(NAME), ROOT, Some(MANAGER), "StartRun", &body).await?;
    Ok(began.elapsed())
}
