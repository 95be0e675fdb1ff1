//! A daemon's door over an engine with fakes, and clients that knock.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use hyper_util::rt::TokioIo;
use indexmap::IndexMap;
use op_engine::fakes::{FixedAgents, FixedService, MemoryJournal, ScriptedPerform, succeed};
use op_engine::ports::{
    AgentState, AgentStatus, Breaker, Channel as From, Chunk, OperationStatus, Progress, Sink, SystemClock,
};
use op_engine::{Engine, Library, Limits, Ports, Warden};
use op_grpc::{Doors, ServeError, serve};
use op_plan::catalogue::{Brief, Operations, Role};
use op_plan::plan::FailureKind;
use op_plan::{Casting, Catalogue, Effects, Operation, Performer, Risk, Source, load};
use op_proto::v1 as wire;
use op_proto::v1::runs_client::RunsClient;
use op_run::{Answer, Evidence, Failure, Timestamp};
use serde_json::json;
use tempfile::TempDir;
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

const PLANS: &str = "
[workstacks.quick]
description = 'Does two things'
version = '1.2'
category = 'test'
tags = ['x']
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
[workstacks.secretive]
inputs = { count = { type = 'integer', default = 3 }, token = { type = 'secret', required = true } }
[[workstacks.secretive.phases]]
id = 'a'
agents = ['w.step']
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
[workstacks.nightly]
schedule = { cron = '0 3 * * *', missed = 'once' }
[[workstacks.nightly.phases]]
id = 'a'
agents = ['w.step']
[workstacks.single]
concurrency = { key = 'all', limit = 1, on_conflict = 'skip' }
[[workstacks.single.phases]]
id = 'a'
agents = ['w.held']
";

pub(crate) fn operation() -> Operation {
    Operation {
        description: "Reads a file".to_owned(),
        input: json!({ "type": "object" }),
        output: json!({}),
        effects: Effects::Read,
        risk: Risk::Low,
        idempotent: true,
        streaming: false,
        undo: None,
        unavailable: None,
    }
}

fn status(name: &str) -> AgentStatus {
    let counted = OperationStatus {
        operation: operation().into(),
        calls: 2,
        failures: 1,
        total: Duration::from_millis(1500),
    };
    AgentStatus {
        name: name.to_owned(),
        state: AgentState::Ready,
        reason: String::new(),
        endpoint: format!("unix:/run/{name}.sock"),
        run_on_connection: true,
        operations: BTreeMap::from([("file_read".to_owned(), counted)]),
        version: "0.1".to_owned(),
        active: 1,
        queued: 2,
        restarts: 3,
        calls: 4,
        faults: 5,
        latency: Some(Duration::from_micros(250)),
        since: Timestamp::from_millis(1_500),
        pid: Some(42),
        breaker: Breaker::HalfOpen,
    }
}

fn agents() -> FixedAgents {
    let tools = BTreeMap::from([("file_read".to_owned(), operation())]);
    let agents = BTreeMap::from([("w".to_owned(), Operations::Open), ("tools".to_owned(), tools.into())]);
    let coder = Role { performer: Performer::new("w", "step"), brief: Brief::default() };
    let catalogue =
        Catalogue { agents, roles: IndexMap::from([("coder".to_owned(), coder)]), ..Catalogue::default() };
    FixedAgents::of(catalogue).with(vec![status("tools"), status("w")])
}

/// A door, open, and what stands behind it.
pub(crate) struct House {
    pub(crate) dir: TempDir,
    pub(crate) engine: Engine,
    pub(crate) journal: Arc<MemoryJournal>,
    pub(crate) perform: Arc<ScriptedPerform>,
    pub(crate) service: Arc<FixedService>,
    /// Lets `w.held` go on.
    pub(crate) release: Arc<Notify>,
    /// How many calls were stopped.
    pub(crate) stopped: watch::Receiver<usize>,
    pub(crate) shutdown: CancellationToken,
    pub(crate) server: JoinHandle<Result<(), ServeError>>,
    pub(crate) channel: Channel,
}

impl House {
    pub(crate) async fn open() -> Self {
        Self::guarded(warden()).await
    }

    /// A door whose warden is this one.
    pub(crate) async fn guarded(warden: Warden) -> Self {
        let dir = TempDir::new().expect("a directory");
        let path = dir.path().join("grpc.sock");
        let unix = Some(UnixListener::bind(&path).expect("a socket"));
        let (release, (stops, stopped)) = (Arc::new(Notify::new()), watch::channel(0));
        let (journal, perform) = (Arc::new(MemoryJournal::new()), Arc::new(scripted(&release, stops)));
        let ports = Ports {
            journal: journal.clone(),
            perform: perform.clone(),
            results: journal.clone(),
            agents: Arc::new(agents()),
            clock: Arc::new(SystemClock::new()),
        };
        let source = Source { name: "plans.toml".to_owned(), text: PLANS.to_owned() };
        let loaded = load(&[source], &agents().catalogue);
        assert_eq!(op_plan::diagnostic::render_all(&loaded.diagnostics, false), "");
        let parts = BTreeMap::from([("a".to_owned(), "tools.file_read".to_owned())]);
        let reader = Casting { description: "Reads".to_owned(), plan: Some("quick".to_owned()), parts };
        let casts = BTreeMap::from([("reader".to_owned(), reader)]);
        let library = Library { casts, ..Library::from(loaded.plans) };
        let engine = Engine::new(ports, library, Limits { runs: 50, ..Limits::default() });
        let (service, shutdown) = (Arc::new(FixedService::default()), CancellationToken::new());
        let doors = Doors { unix, tcp: None };
        let server = serve(doors, engine.clone(), warden, service.clone(), shutdown.clone());
        let server = tokio::spawn(server);
        let channel = knock(&path).await;
        Self { dir, engine, journal, perform, service, release, stopped, shutdown, server, channel }
    }

    pub(crate) fn runs(&self) -> RunsClient<Channel> {
        RunsClient::new(self.channel.clone())
    }

    /// Another connection, which can go away by itself.
    pub(crate) async fn visitor(&self) -> Channel {
        knock(&self.dir.path().join("grpc.sock")).await
    }

    pub(crate) async fn start(&self, plan: &str) -> String {
        self.runs().start(request(plan)).await.expect("started").into_inner().run
    }

    /// Every event of a run from a sequence on, to its end.
    pub(crate) async fn facts(&self, run: &str, from: u64) -> Vec<wire::Event> {
        let request = wire::WatchRequest { run: run.to_owned(), from, events_only: true };
        let mut watch = self.runs().watch(request).await.expect("known").into_inner();
        let mut facts = Vec::new();
        while let Some(seen) = watch.message().await.expect("the stream ends well") {
            assert_eq!(seen.run, run);
            match seen.seen.expect("something is seen") {
                wire::watch_response::Seen::Event(event) => facts.push(event),
                wire::watch_response::Seen::Progress(_) => panic!("progress was not asked for"),
            }
        }
        facts
    }

    pub(crate) async fn get(&self, run: &str) -> wire::Run {
        let request = wire::GetRequest { run: run.to_owned() };
        self.runs().get(request).await.expect("known").into_inner().run.expect("told")
    }

    pub(crate) async fn was_stopped(&self, times: usize) {
        self.stopped.clone().wait_for(|stopped| *stopped >= times).await.expect("the performer lives");
    }
}

/// Trusts root and whoever runs the test.
pub(crate) fn warden() -> Warden {
    Warden::new(rustix::process::geteuid().as_raw(), Vec::new())
}

pub(crate) async fn knock(path: &Path) -> Channel {
    let path = path.to_owned();
    let connect = tower::service_fn(move |_| {
        let path = path.clone();
        async move { UnixStream::connect(path).await.map(TokioIo::new) }
    });
    Endpoint::from_static("http://daemon").connect_with_connector(connect).await.expect("the door is open")
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
        .on("w.noisy", |_, sink, _| async move {
            let line = "x".repeat(1 << 16);
            for _ in 0..1000 {
                say(&*sink, &line);
                tokio::task::yield_now().await;
            }
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
    sink.take(Progress::Output(Chunk { channel: From::Stdout, data: text.to_owned().into() }));
}

fn failed(kind: FailureKind) -> Answer {
    let failure = Failure::new(kind, "scripted", "as scripted").hint("look at the script");
    Answer::Failed { failure, evidence: Evidence { exit_code: Some(3), ..Evidence::default() } }
}

pub(crate) fn request(plan: &str) -> wire::StartRequest {
    wire::StartRequest { plan: plan.to_owned(), ..wire::StartRequest::default() }
}

/// The reason of an error, in the domain of this daemon.
pub(crate) fn reason(status: &Status) -> String {
    let details = status.get_error_details();
    let told = details.error_info().unwrap_or_else(|| panic!("no reason: {status:?}"));
    assert_eq!(told.domain, "opdbus.org");
    told.reason.clone()
}

/// Checks that an error says which field is wrong.
pub(crate) fn assert_field(status: &Status, field: &str) {
    assert_eq!(status.code(), Code::InvalidArgument, "{status:?}");
    let details = status.get_error_details();
    let bad = details.bad_request().unwrap_or_else(|| panic!("no field: {status:?}"));
    let fields: Vec<_> = bad.field_violations.iter().map(|violation| violation.field.as_str()).collect();
    assert_eq!(fields, [field]);
    assert_eq!(reason(status), "BAD_FIELD");
}

/// Checks code and reason of an error.
pub(crate) fn assert_refused<T: std::fmt::Debug>(answer: Result<T, Status>, code: Code, why: &str) {
    let status = answer.expect_err("refused");
    assert_eq!((status.code(), reason(&status).as_str()), (code, why), "{status:?}");
}
