//! A daemon on a Unix socket that plays a script and remembers what it was asked.

mod stage;

use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use op_proto::v1::agents_server::AgentsServer;
use op_proto::v1::journal_server::JournalServer;
use op_proto::v1::plans_server::PlansServer;
use op_proto::v1::runs_server::RunsServer;
use op_proto::v1::sessions_server::SessionsServer;
use op_proto::v1::tools_server::ToolsServer;
use op_proto::v1::*;
use tempfile::TempDir;
use tokio::net::UnixListener;
use tokio::runtime::Runtime;
use tokio::sync::watch;
use tokio_stream::wrappers::UnixListenerStream;
use tonic::Status;

use stage::Stage;

/// What the daemon plays.
#[derive(Default)]
pub(crate) struct Script {
    /// The one plan there is.
    pub(crate) plan: PlanSummary,
    /// The one run there is.
    pub(crate) run: Run,
    /// What a watcher of the run sees.
    pub(crate) seen: Vec<Result<WatchResponse, Status>>,
    /// What a watcher sees once the run is cancelled; when there is anything, its stream ends only then.
    pub(crate) after_cancel: Vec<Result<WatchResponse, Status>>,
    /// Whether the stream stays open also then.
    pub(crate) endless: bool,
    /// The run once it is cancelled.
    pub(crate) cancelled: Option<Run>,
    /// Answer to a start.
    pub(crate) refusal: Option<Status>,
    pub(crate) runs: Vec<RunSummary>,
    pub(crate) outputs: Vec<OutputResponse>,
    pub(crate) agents: Vec<AgentStatus>,
    pub(crate) tools: Vec<OperationStatus>,
    pub(crate) events: Vec<EventsResponse>,
    pub(crate) call: Vec<CallStreamResponse>,
    pub(crate) batch: Vec<CallBatchResponse>,
    pub(crate) session: Session,
    /// Runs beside the one.
    pub(crate) others: Vec<Run>,
    /// The state of a run after a decision.
    pub(crate) steered: RunState,
    pub(crate) undone: Vec<UndonePhase>,
    pub(crate) applied: ApplyResponse,
    pub(crate) sentences: Vec<String>,
    pub(crate) preview: PreviewResponse,
    pub(crate) casts: Vec<Cast>,
    pub(crate) schedules: Vec<Schedule>,
    pub(crate) suggestions: Vec<Suggestion>,
}

/// What the daemon was asked.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Asked {
    Start(StartRequest),
    Get(String),
    Watch(WatchRequest),
    List(ListRequest),
    Cancel(CancelRequest),
    Steer(apply_request::Control),
    Recast(RecastRequest),
    Apply(ApplyRequest),
    Preview(StartRequest),
    Output(OutputRequest),
    Draw(DrawRequest),
    PauseSchedule(PauseScheduleRequest),
    RunSchedule(String),
    Suggest(SuggestRequest),
    Call(CallRequest),
    Batch(CallBatchRequest),
    Open(String),
    Events(EventsRequest),
    Connect(String),
}

/// The daemon; it ends when this is dropped.
pub(crate) struct Fake {
    folder: TempDir,
    play: Arc<Play>,
    requests: std::sync::mpsc::Receiver<Asked>,
    _runtime: Runtime,
}

struct Play {
    script: Script,
    asked: Mutex<std::sync::mpsc::Sender<Asked>>,
    is_cancelled: watch::Sender<bool>,
}

impl Fake {
    /// Plays a script.
    pub(crate) fn play(script: Script) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .expect("a runtime");
        let (asked, requests) = std::sync::mpsc::channel();
        let play =
            Arc::new(Play { script, asked: Mutex::new(asked), is_cancelled: watch::Sender::new(false) });
        let guard = runtime.enter();
        let listener = UnixListener::bind(folder.path().join("grpc.sock")).expect("binds");
        drop(guard);
        let server = tonic::transport::Server::builder()
            .add_service(RunsServer::new(Stage(Arc::clone(&play))))
            .add_service(PlansServer::new(Stage(Arc::clone(&play))))
            .add_service(AgentsServer::new(Stage(Arc::clone(&play))))
            .add_service(ToolsServer::new(Stage(Arc::clone(&play))))
            .add_service(SessionsServer::new(Stage(Arc::clone(&play))))
            .add_service(JournalServer::new(Stage(Arc::clone(&play))));
        runtime.spawn(server.serve_with_incoming(UnixListenerStream::new(listener)));
        Self { folder, play, requests, _runtime: runtime }
    }

    /// Where it listens.
    pub(crate) fn socket(&self) -> PathBuf {
        self.folder.path().join("grpc.sock")
    }

    /// Waits for a request of some kind and returns what was found in it.
    pub(crate) fn wait<T>(&self, wanted: impl Fn(Asked) -> Option<T>) -> T {
        let patience = std::time::Duration::from_mins(1);
        loop {
            let asked = self.requests.recv_timeout(patience).expect("the request comes");
            if let Some(found) = wanted(asked) {
                return found;
            }
        }
    }

    /// The request that started the run.
    pub(crate) fn started(&self) -> StartRequest {
        self.wait(|asked| match asked {
            Asked::Start(request) => Some(request),
            _ => None,
        })
    }

    /// Whether the run was cancelled.
    pub(crate) fn is_cancelled(&self) -> bool {
        *self.play.is_cancelled.borrow()
    }
}
