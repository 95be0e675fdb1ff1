//! A daemon's door on a private bus, over an engine with fakes, and clients that knock.

use std::collections::HashMap;
use std::sync::Arc;

use op_dbus::{Bus, Door, NAME, Pace, ServeError};
use op_engine::fakes::{MemoryJournal, ScriptedPerform, succeed};
use op_engine::ports::{Channel, Chunk, Progress, Sink, SystemClock};
use op_engine::{Engine, Library, Limits, Ports, Warden};
use op_plan::plan::FailureKind;
use op_plan::{Source, load};
use op_run::{Answer, Evidence, Failure};
use serde_json::json;
use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use zbus::{Connection, OwnedObjectPath, OwnedVariant, Variant};

pub(crate) mod bus;
pub(crate) mod fakes;

pub(crate) use bus::{Ear, PATIENCE, PrivateBus, is, path_of};
use fakes::{LiveAgents, SaidAuthority, SaidService};

pub(crate) const ROOT: &str = "/org/opdbus/Orchestrator1";
pub(crate) const MANAGER: &str = "org.opdbus.Orchestrator1.Manager";
pub(crate) const RUN: &str = "org.opdbus.Orchestrator1.Run";
pub(crate) const AGENT: &str = "org.opdbus.Orchestrator1.Agent";
pub(crate) const PLAN: &str = "org.opdbus.Orchestrator1.Plan";
pub(crate) const CALL: &str = "org.opdbus.Orchestrator1.Call";

/// The user that the daemon of a test says it is: none that runs tests.
const OWN: u32 = 54_321;

pub(crate) const PLANS: &str = "
[workstacks.quick]
description = 'Does two things'
inputs = { count = { type = 'integer', default = 3, description = 'How many' } }
[[workstacks.quick.phases]]
id = 'a'
name = 'First'
agents = [{ agent = 'w', operation = 'step', args = { count = '${count}' } }]
[[workstacks.quick.phases]]
id = 'b'
agents = ['w.step']
[workstacks.held]
[[workstacks.held.phases]]
id = 'a'
agents = ['w.held']
rollback = [{ agent = 'w', operation = 'step' }]
[workstacks.noisy]
[[workstacks.noisy.phases]]
id = 'a'
agents = ['w.noisy']
[workstacks.failing]
[[workstacks.failing.phases]]
id = 'a'
agents = ['w.fail']
[workstacks.gated]
[[workstacks.gated.phases]]
id = 'a'
signal = 'go'
agents = ['w.step']
[[workstacks.gated.phases]]
id = 'b'
approval = 'Sure?'
agents = [{ agent = 'w', operation = 'step', args = { x = 1 } }]
rollback = [{ agent = 'w', operation = 'step' }]
[workstacks.many-steps]
[[workstacks.many-steps.phases]]
id = 'a'
agents = ['w.step', 'w.step', 'w.step', 'w.step', 'w.step', 'w.step', 'w.step', 'w.step', 'w.step', 'w.step']
";

pub(crate) type Table = HashMap<String, OwnedVariant>;

/// No options.
pub(crate) fn none() -> Table {
    Table::new()
}

/// One option.
pub(crate) fn one(key: &str, value: impl Into<Variant<'static>>) -> Table {
    Table::from([(key.to_owned(), OwnedVariant::try_from(value.into()).expect("plain data"))])
}

/// A door, open, and what stands behind it.
pub(crate) struct House {
    pub(crate) bus: PrivateBus,
    pub(crate) engine: Engine,
    pub(crate) agents: Arc<LiveAgents>,
    pub(crate) perform: Arc<ScriptedPerform>,
    pub(crate) authority: Arc<SaidAuthority>,
    pub(crate) service: Arc<SaidService>,
    /// Lets `w.held` go on.
    pub(crate) release: Arc<Notify>,
    /// How many calls were stopped.
    pub(crate) stopped: watch::Receiver<usize>,
    pub(crate) shutdown: CancellationToken,
    pub(crate) server: JoinHandle<Result<(), ServeError>>,
    /// A client that the daemon trusts.
    pub(crate) client: Connection,
}

impl House {
    pub(crate) async fn open() -> Self {
        Self::paced(Pace::default()).await
    }

    pub(crate) async fn paced(pace: Pace) -> Self {
        Self::over(pace, engine()).await
    }

    pub(crate) async fn over(pace: Pace, behind: Behind) -> Self {
        let bus = PrivateBus::start().await;
        let address = bus.address();
        Self::at(pace, behind, bus, address).await
    }

    /// A door that reaches its bus at this address.
    pub(crate) async fn at(pace: Pace, behind: Behind, bus: PrivateBus, address: String) -> Self {
        let Behind { engine, agents, perform, release, stopped } = behind;
        let (authority, service) = (Arc::new(SaidAuthority::new()), SaidService::new());
        let shutdown = CancellationToken::new();
        let door = Door::paced(
            Bus::Address(address),
            engine.clone(),
            Warden::new(OWN, vec![]).asking(authority.clone()),
            service.clone(),
            vec!["unix:/run/op-dbus/grpc.sock".to_owned()],
            shutdown.clone(),
            pace,
        );
        let door = door.await.expect("the door opens");
        let server = tokio::spawn(door.serve());
        let client = bus.connect().await;
        Self { bus, engine, agents, perform, authority, service, release, stopped, shutdown, server, client }
    }

    /// Calls a method and takes its answer apart.
    pub(crate) async fn call<B, R>(&self, path: &str, interface: &str, member: &str, body: &B) -> R
    where
        B: serde::Serialize + zbus::DynamicType + Sync,
        R: serde::de::DeserializeOwned + zbus::Type,
    {
        let answer = self.client.call_method(Some(NAME), path, Some(interface), member, body).await;
        let answer = answer.unwrap_or_else(|error| panic!("{member}: {error}"));
        answer.body().deserialize().unwrap_or_else(|error| panic!("{member}: {error}"))
    }

    pub(crate) async fn start(&self, plan: &str) -> OwnedObjectPath {
        self.call(ROOT, MANAGER, "StartRun", &("", plan, none(), none())).await
    }

    /// Steers a run with a method that takes options alone.
    pub(crate) async fn steer(&self, run: &OwnedObjectPath, member: &str, options: Table) {
        self.call::<_, ()>(run.as_str(), RUN, member, &(options,)).await;
    }

    /// A property, read from the daemon each time.
    pub(crate) async fn get<T>(&self, path: &str, interface: &str, property: &str) -> T
    where
        T: TryFrom<OwnedVariant>,
        T::Error: Into<zbus::Error> + std::fmt::Debug,
    {
        let standard = "org.freedesktop.DBus.Properties";
        let value: OwnedVariant = self.call(path, standard, "Get", &(interface, property)).await;
        T::try_from(value).unwrap_or_else(|error| panic!("{property}: {error:?}"))
    }

    pub(crate) async fn state(&self, run: &OwnedObjectPath) -> String {
        self.get(run.as_str(), RUN, "State").await
    }

    /// Name of the error that a call is answered with.
    pub(crate) async fn refused<B>(&self, path: &str, interface: &str, member: &str, body: &B) -> String
    where
        B: serde::Serialize + zbus::DynamicType + Sync,
    {
        let answer = self.client.call_method(Some(NAME), path, Some(interface), member, body).await;
        error_name(&answer.expect_err("refused"))
    }

    pub(crate) async fn was_stopped(&self, times: usize) {
        let mut stopped = self.stopped.clone();
        let waited = tokio::time::timeout(PATIENCE, stopped.wait_for(|stopped| *stopped >= times)).await;
        waited.expect("in time").expect("the performer lives");
    }

    /// Starts a bus that was stopped, and waits until the daemon is on it again.
    pub(crate) async fn back(&mut self) {
        self.bus.start_again().await;
        self.client = self.bus.connect().await;
        let bus = zbus::fdo::DBusProxy::new(&self.client).await.expect("the bus");
        let back = async {
            while !bus.name_has_owner(NAME.try_into().expect("a name")).await.expect("asked") {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(PATIENCE, back).await.expect("the name is owned again");
    }

    /// Shuts the door, and waits until nothing of it is left.
    pub(crate) async fn close(self) {
        self.shutdown.cancel();
        let served = tokio::time::timeout(PATIENCE, self.server).await;
        served.expect("in time").expect("no panic").expect("served to the end");
    }
}

/// The name of an error, without what it begins with.
pub(crate) fn error_name(error: &zbus::Error) -> String {
    use zbus::DBusError as _;
    let name = match error {
        zbus::Error::MethodError(name, _, _) => name.to_string(),
        zbus::Error::FDO(error) => error.name().to_string(),
        other => panic!("no answer: {other}"),
    };
    let short = ["org.opdbus.Orchestrator1.Error.", "org.freedesktop.DBus.Error."];
    short.iter().find_map(|prefix| name.strip_prefix(prefix)).unwrap_or(&name).to_owned()
}

/// What stands behind a door.
pub(crate) struct Behind {
    pub(crate) engine: Engine,
    pub(crate) agents: Arc<LiveAgents>,
    pub(crate) perform: Arc<ScriptedPerform>,
    pub(crate) release: Arc<Notify>,
    pub(crate) stopped: watch::Receiver<usize>,
}

pub(crate) fn engine() -> Behind {
    let (release, (stops, stopped)) = (Arc::new(Notify::new()), watch::channel(0));
    let (agents, perform) = (Arc::new(LiveAgents::new()), Arc::new(scripted(&release, stops)));
    let ports = Ports {
        journal: Arc::new(MemoryJournal::new()),
        perform: perform.clone(),
        results: Arc::new(MemoryJournal::new()),
        agents: agents.clone(),
        clock: Arc::new(SystemClock::new()),
    };
    let engine = Engine::new(ports, library(PLANS), Limits { runs: 5000, ..Limits::default() });
    Behind { engine, agents, perform, release, stopped }
}

pub(crate) fn library(plans: &str) -> Library {
    let source = Source { name: "plans.toml".to_owned(), text: plans.to_owned() };
    let loaded = load(&[source], &fakes::catalogue());
    assert_eq!(op_plan::diagnostic::render_all(&loaded.diagnostics, false), "");
    Library::from(loaded.plans)
}

fn scripted(release: &Arc<Notify>, stops: watch::Sender<usize>) -> ScriptedPerform {
    let (release, stops) = (Arc::clone(release), Arc::new(stops));
    ScriptedPerform::default()
        .on("w.step", |request, sink, _| async move {
            say(&*sink, "done\n");
            succeed(json!({ "by": request.performer.operation }))
        })
        .on("file_read", |request, _, _| async move { succeed((*request.arguments).clone()) })
        .on("w.fail", |_, _, _| async { failed(FailureKind::Failed) })
        .on("w.large", |_, _, _| async { succeed(json!("x".repeat(300 << 10))) })
        .on("w.noisy", |_, sink, _| async move {
            let line = "x".repeat(1 << 10);
            (0..1000).for_each(|_| say(&*sink, &line));
            succeed(json!(null))
        })
        .on("w.held", move |_, sink, stop| {
            let (release, stops) = (Arc::clone(&release), Arc::clone(&stops));
            say(&*sink, "held\n");
            async move {
                let _counted = Counted { stop: stop.clone(), stops };
                tokio::select! {
                    () = release.notified() => succeed(json!("released")),
                    () = stop.cancelled() => failed(FailureKind::Cancelled),
                }
            }
        })
}

/// Counts a call that was stopped: by its token, also when nobody polls it any more.
struct Counted {
    stop: CancellationToken,
    stops: Arc<watch::Sender<usize>>,
}

impl Drop for Counted {
    fn drop(&mut self) {
        if self.stop.is_cancelled() {
            self.stops.send_modify(|stops| *stops += 1);
        }
    }
}

fn say(sink: &dyn Sink, text: &str) {
    sink.take(Progress::Output(Chunk { channel: Channel::Stdout, data: text.to_owned().into() }));
}

fn failed(kind: FailureKind) -> Answer {
    let failure = Failure::new(kind, "scripted", "as scripted").hint("look at the script");
    Answer::Failed { failure, evidence: Evidence { exit_code: Some(3), ..Evidence::default() } }
}
