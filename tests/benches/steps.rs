//! What a durable step costs: `cargo bench -p op-tests --bench steps`, or with `-- 1` for one round instead of five.
//!
//! Runs of ten steps, each with about a KiB of JSON in and out, through the real engine, the real journal on disk and the real
//! pool; the agent does nothing and is another process (this program once more) on a Unix socket. So many runs are under way
//! side by side; each row is the median over rounds that take turns with the others.
//!
//! - `steps/s`: steps that ended; `x disk`: that, against appends of a KiB, each with an fdatasync, that one thread did on the
//!   same disk in the same round
//! - `p50`, `p99`: from the start of a step to the start of the next one of its run: the answer, the decision, the commit
//! - `commits/step`: transactions of the journal, each one sync of its log. A run that is alone commits its start, and then each
//!   result together with the next start: 1.1 for ten steps. What is less at many runs is group commit.
//! - `syncs/step`: calls of fdatasync and fsync as `strace` counts them, checkpoints included, in a run of this program of its
//!   own; left out where there is no `strace`
//!
//! The last table is a fan-out: one step, a hundred side by side, one step; and the same calls made by the pool alone, which is
//! the agent's own time and the way there and back.
//!
//! The journal lies in the target folder, whose disk is measured.

#[path = "steps/agent.rs"]
mod agent;
#[path = "steps/plans.rs"]
mod plans;
#[path = "steps/syncs.rs"]
mod syncs;
#[path = "steps/table.rs"]
mod table;
#[path = "steps/world.rs"]
mod world;

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::time::{Duration, Instant};

use futures::future::{join_all, try_join_all};

use agent::Agent;
use table::{Row, median, ratio};
use world::World;

type Failed = Box<dyn std::error::Error + Send + Sync>;

/// Runs side by side, of each row.
const CALLERS: [usize; 3] = [1, 16, 64];

/// Rounds of each row, unless a number says otherwise.
const ROUNDS: usize = 5;

/// How long a round begins new runs.
const SPAN: Duration = Duration::from_secs(2);

/// How long a round measures the bare disk.
const DISK: Duration = Duration::from_secs(1);

/// Rounds of the fan-out.
const FANS: usize = 21;

fn main() -> Result<(), Failed> {
    let runtime = tokio::runtime::Runtime::new()?;
    if let Some(path) = agent::told() {
        return runtime.block_on(agent::serve(&path));
    }
    let disk = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR"))?;
    if let Some(callers) = syncs::told() {
        return runtime.block_on(syncs::count(disk.path(), callers));
    }
    let rounds = std::env::args().find_map(|word| word.parse().ok()).unwrap_or(ROUNDS);
    runtime.block_on(compare(disk.path(), rounds))
}

async fn compare(disk: &Path, rounds: usize) -> Result<(), Failed> {
    let agent = Agent::start()?;
    let world = World::open(disk, &agent).await?;
    let mut rows = CALLERS.map(|_| Vec::new());
    let mut syncs = Vec::new();
    for _ in 0..rounds {
        syncs.push(append(disk)?);
        for (callers, rows) in CALLERS.iter().zip(&mut rows) {
            rows.push(steps(&world, *callers).await?);
        }
    }
    let floor = median(&syncs);
    println!("disk: {floor:.0} appends of 1 KiB with fdatasync a second, one after the other\n");
    table::head();
    for (callers, rows) in CALLERS.iter().zip(&rows) {
        Row::middle(rows).print(*callers, floor, syncs::strace(*callers)?);
    }
    fan(&world).await?;
    world.close().await;
    Ok(())
}

/// Appends and syncs of one thread, in a second.
fn append(home: &Path) -> std::io::Result<f64> {
    let mut file = File::create(home.join("bare"))?;
    let (block, began, mut done) = ([7; 1024], Instant::now(), 0_u32);
    while began.elapsed() < DISK {
        file.write_all(&block)?;
        file.sync_data()?;
        done += 1;
    }
    Ok(f64::from(done) / began.elapsed().as_secs_f64())
}

/// One round: so many runs side by side, one after the other until the time is over.
async fn steps(world: &World, callers: usize) -> Result<Row, Failed> {
    let (before, began) = (world.stats(), Instant::now());
    let caller = || async {
        let mut runs = 0_usize;
        while began.elapsed() < SPAN {
            world.run(plans::CHAIN).await?;
            runs += 1;
        }
        Ok::<_, Failed>(runs)
    };
    let runs: usize = try_join_all((0..callers).map(|_| caller())).await?.into_iter().sum();
    let took = began.elapsed();
    let commits = world.stats().commits - before.commits;
    Ok(Row::new(runs * plans::STEPS, took, commits, world.take_waits()))
}

/// One, a hundred, one: as a run, and as calls of the pool alone.
async fn fan(world: &World) -> Result<(), Failed> {
    let (mut runs, mut calls) = (Vec::new(), Vec::new());
    for round in 0..FANS {
        let began = Instant::now();
        world.run(plans::FAN).await?;
        runs.push(began.elapsed().as_secs_f64() * 1e3);
        let began = Instant::now();
        world.call(&format!("fan/{round}/first")).await?;
        let wide = (0..plans::WIDTH).map(|at| format!("fan/{round}/{at}"));
        let answers = join_all(wide.map(|key| async move { world.call(&key).await })).await;
        answers.into_iter().collect::<Result<(), _>>()?;
        world.call(&format!("fan/{round}/last")).await?;
        calls.push(began.elapsed().as_secs_f64() * 1e3);
    }
    world.take_waits();
    let (run, call) = (median(&runs), median(&calls));
    println!(
        "\n1 -> {} -> 1: {run:.1} ms as a run, {call:.1} ms as calls alone, x {}",
        plans::WIDTH,
        ratio(run, call)
    );
    Ok(())
}
