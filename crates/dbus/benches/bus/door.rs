//! The door, with an engine behind it that keeps everything in memory.

use std::collections::BTreeMap;
use std::sync::Arc;

use op_dbus::{Bus, Door};
use op_engine::fakes::{FixedAgents, MemoryJournal, ScriptedPerform, succeed};
use op_engine::ports::{ReloadError, Service, Standing, SystemClock};
use op_engine::{Engine, Library, Limits, Ports, Warden};
use op_plan::catalogue::Operations;
use op_plan::{Catalogue, Source, load};
use serde_json::Value;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::Failed;
use super::process::until_closed;

/// A plan whose runs wait, and one whose runs are over at once.
const PLANS: &str = "
[workstacks.waiting]
[[workstacks.waiting.phases]]
id = 'a'
signal = 'go'
agents = ['w.step']
[workstacks.quick]
[[workstacks.quick.phases]]
id = 'a'
agents = ['w.step']
";

fn catalogue() -> Catalogue {
    Catalogue { agents: BTreeMap::from([("w".to_owned(), Operations::Open)]), ..Catalogue::default() }
}

/// Serves the door.
pub(crate) async fn serve(address: &str) -> Result<(), Failed> {
    let loaded = load(&[Source { name: "plans.toml".to_owned(), text: PLANS.to_owned() }], &catalogue());
    let ports = Ports {
        journal: Arc::new(MemoryJournal::new()),
        perform: Arc::new(ScriptedPerform::default().on("w.step", |_, _, _| async { succeed(Value::Null) })),
        results: Arc::new(MemoryJournal::new()),
        agents: Arc::new(FixedAgents::of(catalogue())),
        clock: Arc::new(SystemClock::new()),
    };
    let engine =
        Engine::new(ports, Library::from(loaded.plans), Limits { runs: usize::MAX, ..Limits::default() });
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
