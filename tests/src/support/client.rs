//! A client over gRPC.

use std::path::Path;

use hyper_util::rt::TokioIo;
use op_proto::v1::agents_client::AgentsClient;
use op_proto::v1::call_outcome::Kind;
use op_proto::v1::journal_client::JournalClient;
use op_proto::v1::plans_client::PlansClient;
use op_proto::v1::runs_client::RunsClient;
use op_proto::v1::sessions_client::SessionsClient;
use op_proto::v1::tools_client::ToolsClient;
use op_proto::v1::watch_response::Seen;
use op_proto::v1::{
    AgentStatus, CallRequest, Event, Failure, GetRequest, ListAgentsRequest, Phase, Run, RunState,
    StartRequest, Step, WatchRequest,
};
use serde_json::Value;
use tokio::net::UnixStream;
use tokio_stream::StreamExt as _;
use tonic::transport::{Channel, Endpoint};

use super::PATIENCE;

/// Largest answer that is taken.
const MAX_ANSWER: usize = 64 << 20;

/// A connection to a daemon. Clones share it.
#[derive(Debug, Clone)]
pub struct Client(Channel);

impl Client {
    /// Connects to whoever listens on a Unix socket; `None` when nobody does.
    pub async fn connect(socket: &Path) -> Option<Self> {
        let socket = socket.to_owned();
        let connector = tower::service_fn(move |_| {
            let socket = socket.clone();
            async move { UnixStream::connect(socket).await.map(TokioIo::new) }
        });
        let endpoint = Endpoint::from_static("http://localhost");
        endpoint.connect_with_connector(connector).await.ok().map(Self)
    }

    /// Connects over TCP; `None` when nobody listens.
    pub async fn connect_tcp(port: u16) -> Option<Self> {
        let endpoint = Endpoint::from_shared(format!("http://127.0.0.1:{port}")).ok()?;
        endpoint.connect().await.ok().map(Self)
    }

    /// Runs.
    pub fn runs(&self) -> RunsClient<Channel> {
        RunsClient::new(self.0.clone()).max_decoding_message_size(MAX_ANSWER)
    }

    /// Plans.
    pub fn plans(&self) -> PlansClient<Channel> {
        PlansClient::new(self.0.clone()).max_decoding_message_size(MAX_ANSWER)
    }

    /// Agents.
    pub fn agents(&self) -> AgentsClient<Channel> {
        AgentsClient::new(self.0.clone()).max_decoding_message_size(MAX_ANSWER)
    }

    /// Sessions.
    pub fn sessions(&self) -> SessionsClient<Channel> {
        SessionsClient::new(self.0.clone()).max_decoding_message_size(MAX_ANSWER)
    }

    /// Tools.
    pub fn tools(&self) -> ToolsClient<Channel> {
        ToolsClient::new(self.0.clone()).max_decoding_message_size(MAX_ANSWER)
    }

    /// The journal.
    pub fn journal(&self) -> JournalClient<Channel> {
        JournalClient::new(self.0.clone()).max_decoding_message_size(MAX_ANSWER)
    }

    /// Starts a run and returns its id.
    ///
    /// # Panics
    /// When it is refused.
    pub async fn start(&self, plan: &str, inputs: &Value) -> String {
        let request =
            StartRequest { plan: plan.to_owned(), inputs: inputs.to_string(), ..StartRequest::default() };
        self.runs().start(request).await.expect("the run starts").into_inner().run
    }

    /// A run as it stands.
    ///
    /// # Panics
    /// When there is none.
    pub async fn run(&self, run: &str) -> Run {
        let request = GetRequest { run: run.to_owned() };
        let answer = self.runs().get(request).await.expect("the run is there");
        answer.into_inner().run.expect("a run")
    }

    /// Watches a run to its end and returns all of its events.
    ///
    /// # Panics
    /// When it does not end.
    pub async fn events(&self, run: &str) -> Vec<Event> {
        self.watch(run, |_| false).await
    }

    /// Watches a run until one of its events is this, and returns all up to it.
    ///
    /// # Panics
    /// When the run ends before.
    pub async fn until(&self, run: &str, is_it: impl Fn(&Event) -> bool) -> Vec<Event> {
        let events = self.watch(run, &is_it).await;
        assert!(events.last().is_some_and(is_it), "it never came: {events:#?}");
        events
    }

    /// Watches a run to its end, and returns it.
    ///
    /// # Panics
    /// When it does not end.
    pub async fn end(&self, run: &str) -> Run {
        self.events(run).await;
        self.run(run).await
    }

    async fn watch(&self, run: &str, is_last: impl Fn(&Event) -> bool) -> Vec<Event> {
        let request = WatchRequest { run: run.to_owned(), from: 1, events_only: true };
        let mut stream = self.runs().watch(request).await.expect("the run is there").into_inner();
        let mut events = Vec::new();
        let watching = async {
            while let Some(seen) = stream.next().await {
                let Some(Seen::Event(event)) = seen.expect("the watch holds").seen else { continue };
                let is_last = is_last(&event);
                events.push(event);
                if is_last {
                    break;
                }
            }
        };
        let ended = tokio::time::timeout(PATIENCE, watching).await;
        assert!(ended.is_ok(), "the run goes on and on: {events:#?}");
        events
    }

    /// Calls an operation or tool.
    ///
    /// # Errors
    /// The failure it ended with.
    ///
    /// # Panics
    /// When the daemon does not take the call.
    pub async fn call(&self, target: &str, arguments: &Value) -> Result<Value, Failure> {
        let request = CallRequest {
            target: target.to_owned(),
            arguments: arguments.to_string(),
            ..CallRequest::default()
        };
        let answer = self.agents().call(request).await;
        let answer = answer.expect("the call is taken").into_inner();
        match answer.outcome.and_then(|outcome| outcome.kind).expect("every call is answered") {
            Kind::Value(value) => Ok(payload(Some(&value))),
            Kind::Failure(failure) => Err(failure),
        }
    }

    /// An agent as it stands.
    ///
    /// # Panics
    /// When there is none of this name.
    pub async fn agent(&self, name: &str) -> AgentStatus {
        let answer = self.agents().list(ListAgentsRequest {}).await.expect("the daemon lists its agents");
        let agents = answer.into_inner().agents;
        agents.into_iter().find(|agent| agent.name == name).unwrap_or_else(|| panic!("no agent `{name}`"))
    }
}

/// The JSON in a payload.
///
/// # Panics
/// When it holds none.
pub fn payload(payload: Option<&op_proto::v1::Payload>) -> Value {
    match payload.and_then(|payload| payload.kind.as_ref()) {
        Some(op_proto::v1::payload::Kind::Json(json)) => serde_json::from_str(json).expect("JSON"),
        Some(op_proto::v1::payload::Kind::Text(text)) => Value::from(text.as_str()),
        other => panic!("no JSON: {other:?}"),
    }
}

/// State of a run.
///
/// # Panics
/// When the run has no summary.
pub fn state(run: &Run) -> RunState {
    run.summary.as_ref().expect("a run has a summary").state()
}

/// A step of a run.
///
/// # Panics
/// When there is none of this id.
pub fn step<'a>(run: &'a Run, id: &str) -> &'a Step {
    let step = run.phases.iter().flat_map(|phase| &phase.steps).find(|step| step.id == id);
    step.unwrap_or_else(|| panic!("no step `{id}` in {run:#?}"))
}

/// A phase of a run.
///
/// # Panics
/// When there is none of this id.
pub fn phase<'a>(run: &'a Run, id: &str) -> &'a Phase {
    run.phases.iter().find(|phase| phase.id == id).unwrap_or_else(|| panic!("no phase `{id}` in {run:#?}"))
}

/// Kind and place of each event, in order.
pub fn kinds(events: &[Event]) -> Vec<String> {
    let place = |event: &Event| if event.step.is_empty() { event.phase.clone() } else { event.step.clone() };
    events.iter().map(|event| format!("{} {}", event.kind, place(event)).trim_end().to_owned()).collect()
}
