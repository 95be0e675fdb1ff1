//! `opdbus.v1.Agents`.

use std::sync::Arc;

use futures::stream::{BoxStream, StreamExt as _, unfold};
use op_engine::Engine;
use op_engine::handle::call::Calling;
use op_engine::handle::skill::SkillQuestion;
use op_engine::names::Target;
use op_engine::ports::{Deaf, Progress, Right, Sink};
use op_proto::v1 as wire;
use op_proto::v1::agents_server::Agents;
use op_run::Answer;
use serde_json::{Map, Value};
use tokio::sync::mpsc;
use tokio_util::sync::{CancellationToken, DropGuard};
use tonic::{Request, Response, Status};

use crate::batches;
use crate::convert::{agent, event, limit, object};
use crate::desk::{Asker, Desk};
use crate::failure::{bad_field, status};

/// Pieces of progress that wait for a slow client; what comes on top is folded and counted.
const PROGRESS: usize = 256;

pub(crate) struct AgentsService {
    pub(crate) desk: Desk,
}

type Reply<T> = Result<Response<T>, Status>;

/// What a client asks for.
pub(crate) enum Asked {
    /// An operation.
    Call(Calling),
    /// Something that the hub itself knows of its skills.
    Skill(SkillQuestion, Map<String, Value>),
}

#[tonic::async_trait]
impl Agents for AgentsService {
    type WatchStream = BoxStream<'static, Result<wire::WatchAgentsResponse, Status>>;
    type CallStreamStream = BoxStream<'static, Result<wire::CallStreamResponse, Status>>;
    type CallBatchStream = BoxStream<'static, Result<wire::CallBatchResponse, Status>>;

    async fn list(&self, _request: Request<wire::ListAgentsRequest>) -> Reply<wire::ListAgentsResponse> {
        let agents = self.desk.engine.agents().list().into_iter().map(agent::status).collect();
        Ok(Response::new(wire::ListAgentsResponse { agents }))
    }

    async fn watch(&self, _request: Request<wire::WatchAgentsRequest>) -> Reply<Self::WatchStream> {
        let agents = self.desk.engine.agents().watch();
        let agents = agents.map(|of| Ok(wire::WatchAgentsResponse { agent: Some(agent::status(of)) }));
        Ok(Response::new(agents.take_until(self.desk.shutdown.clone().cancelled_owned()).boxed()))
    }

    async fn connect(&self, request: Request<wire::ConnectRequest>) -> Reply<wire::ConnectResponse> {
        let agent = self.managed(request, |request| request.agent).await?;
        let connected = self.desk.engine.agents().connect(&agent).await;
        let agent = connected.map(agent::status).map_err(|error| status(&error))?;
        Ok(Response::new(wire::ConnectResponse { agent: Some(agent) }))
    }

    async fn disconnect(&self, request: Request<wire::DisconnectRequest>) -> Reply<wire::DisconnectResponse> {
        let agent = self.managed(request, |request| request.agent).await?;
        let disconnected = self.desk.engine.agents().disconnect(&agent).await;
        let agent = disconnected.map(agent::status).map_err(|error| status(&error))?;
        Ok(Response::new(wire::DisconnectResponse { agent: Some(agent) }))
    }

    async fn call(&self, request: Request<wire::CallRequest>) -> Reply<wire::CallResponse> {
        let asker = Asker::of(&request);
        let asked = asked(&self.desk, &asker, &request.into_inner()).await?;
        let outcome = call(&self.desk.engine, asked, self.desk.shutdown.child_token()).await?;
        Ok(Response::new(wire::CallResponse { outcome: Some(outcome) }))
    }

    async fn call_stream(&self, request: Request<wire::CallStreamRequest>) -> Reply<Self::CallStreamStream> {
        let asker = Asker::of(&request);
        let request = request.into_inner().call.ok_or_else(|| bad_field("call", "is missing"))?;
        let asked = asked(&self.desk, &asker, &request).await?;
        Ok(Response::new(stream(self.desk.engine.clone(), asked, self.desk.shutdown.child_token())))
    }

    async fn call_batch(&self, request: Request<wire::CallBatchRequest>) -> Reply<Self::CallBatchStream> {
        let asker = Asker::of(&request);
        Ok(Response::new(batches::batch(&self.desk, &asker, request.into_inner()).await?))
    }
}

impl AgentsService {
    /// The agent that a client wants to manage, for one that may.
    async fn managed<T>(&self, request: Request<T>, agent: fn(T) -> String) -> Result<String, Status> {
        let asker = Asker::of(&request);
        let agent = agent(request.into_inner());
        self.desk.admit(&asker, Right::ManageAgents, &[("agent", &agent)]).await?;
        Ok(agent)
    }
}

/// Reads what a client wants to call, and refuses who may not. A plan is run, not called.
pub(crate) async fn asked(desk: &Desk, asker: &Asker, of: &wire::CallRequest) -> Result<Asked, Status> {
    desk.admit(asker, Right::Run, &[("operation", &of.target)]).await?;
    let target = desk.engine.resolve(&of.target).map_err(|error| status(&error))?;
    let arguments = object("arguments", &of.arguments)?;
    let performer = match target {
        Target::Operation(performer) => performer,
        Target::Skill(question) => return Ok(Asked::Skill(question, arguments)),
        Target::Plan(plan) => {
            return Err(bad_field("target", format!("`{}` is a plan: start a run of it", plan.id())));
        }
    };
    Ok(Asked::Call(Calling {
        performer,
        arguments,
        timeout: limit("timeout", of.timeout)?,
        user: asker.name(),
        session: of.session.clone(),
        approved: of.approved,
    }))
}

/// Performs a call whose output nobody watches.
pub(crate) async fn call(
    engine: &Engine,
    asked: Asked,
    stop: CancellationToken,
) -> Result<wire::CallOutcome, Status> {
    let answer = perform(engine, asked, Arc::new(Deaf), stop).await?;
    Ok(agent::outcome(&answer))
}

async fn perform(
    engine: &Engine,
    asked: Asked,
    sink: Arc<dyn Sink>,
    stop: CancellationToken,
) -> Result<Answer, Status> {
    match asked {
        Asked::Skill(question, arguments) => Ok(engine.tell(&question, &arguments)),
        Asked::Call(calling) => engine.call(calling, sink, stop).await.map_err(|error| status(&error)),
    }
}

/// Hands progress on to a client as far as it keeps up.
struct Forward {
    progress: mpsc::Sender<Progress>,
    folded: std::sync::atomic::AtomicU64,
}

impl Sink for Forward {
    fn take(&self, progress: Progress) {
        if self.progress.try_send(progress).is_err() {
            self.folded.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        }
    }
}

impl Forward {
    fn folded(&self) -> u64 {
        self.folded.swap(0, std::sync::atomic::Ordering::Relaxed)
    }
}

/// A call under way with what it has shown so far.
struct Streaming {
    call: futures::future::BoxFuture<'static, Result<Answer, Status>>,
    progress: mpsc::Receiver<Progress>,
    forward: Arc<Forward>,
    /// Stops the call when the client goes away.
    _stop: DropGuard,
}

fn stream(
    engine: Engine,
    asked: Asked,
    stop: CancellationToken,
) -> BoxStream<'static, Result<wire::CallStreamResponse, Status>> {
    let (sender, progress) = mpsc::channel(PROGRESS);
    let forward = Arc::new(Forward { progress: sender, folded: 0.into() });
    let (sink, token): (Arc<dyn Sink>, _) = (Arc::clone(&forward) as _, stop.clone());
    let call = Box::pin(async move { perform(&engine, asked, sink, token).await });
    let streaming = Streaming { call, progress, forward, _stop: stop.drop_guard() };
    unfold(Some((streaming, None)), |state| async {
        let (mut streaming, mut ended) = state?;
        if ended.is_none() {
            tokio::select! {
                biased;
                Some(progress) = streaming.progress.recv() => return Some(shown(streaming, progress, None)),
                answer = &mut streaming.call => ended = Some(answer),
            }
        }
        // What was shown before the end goes first.
        match (streaming.progress.try_recv(), ended) {
            (Ok(progress), ended) => Some(shown(streaming, progress, ended)),
            (Err(_), ended) => Some((ended?.map(|answer| outcome(&answer)), None)),
        }
    })
    .boxed()
}

type Answered = Option<Result<Answer, Status>>;
type Shown = (Result<wire::CallStreamResponse, Status>, Option<(Streaming, Answered)>);

fn shown(streaming: Streaming, progress: Progress, ended: Answered) -> Shown {
    let progress = event::progress("", progress, streaming.forward.folded());
    let seen = Some(wire::call_stream_response::Seen::Progress(progress));
    (Ok(wire::CallStreamResponse { seen }), Some((streaming, ended)))
}

fn outcome(answer: &Answer) -> wire::CallStreamResponse {
    let seen = Some(wire::call_stream_response::Seen::Outcome(agent::outcome(answer)));
    wire::CallStreamResponse { seen }
}
