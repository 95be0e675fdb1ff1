//! The services of the daemon, answered from its script.

use std::sync::Arc;

use op_proto::v1::agents_server::Agents;
use op_proto::v1::apply_request::Control;
use op_proto::v1::journal_server::Journal;
use op_proto::v1::plans_server::Plans;
use op_proto::v1::runs_server::Runs;
use op_proto::v1::sessions_server::Sessions;
use op_proto::v1::tools_server::Tools;
use op_proto::v1::*;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status};

use super::{Asked, Play, Script};

pub(super) struct Stage(pub(super) Arc<Play>);

type Reply<T> = Result<Response<T>, Status>;
type Stream<T> = ReceiverStream<Result<T, Status>>;

impl Stage {
    fn note(&self, asked: Asked) {
        // A test that waits for no more requests is not told of them.
        let _ = self.0.asked.lock().expect("no test panics with it").send(asked);
    }

    fn watch<T: Send + 'static>(&self, wrap: fn(WatchResponse) -> T) -> Stream<T> {
        let (tx, rx) = mpsc::channel(16);
        let play = Arc::clone(&self.0);
        tokio::spawn(async move {
            for seen in &play.script.seen {
                drop(tx.send(seen.clone().map(wrap)).await);
            }
            if !play.script.after_cancel.is_empty() || play.script.endless {
                drop(play.is_cancelled.subscribe().wait_for(|is_cancelled| *is_cancelled).await);
                for seen in &play.script.after_cancel {
                    drop(tx.send(seen.clone().map(wrap)).await);
                }
            }
            if play.script.endless {
                tx.closed().await;
            }
        });
        ReceiverStream::new(rx)
    }

    fn decided(&self) -> (String, i32) {
        let Script { run, steered, .. } = &self.0.script;
        (run.summary.clone().unwrap_or_default().id, (*steered).into())
    }

    fn steer(&self, control: Control) -> (String, i32) {
        self.note(Asked::Steer(control));
        self.decided()
    }

    fn start(&self, request: StartRequest) -> Result<(), Status> {
        self.note(Asked::Start(request));
        self.0.script.refusal.clone().map_or(Ok(()), Err)
    }
}

fn streamed<T: Clone + Send + 'static>(items: &[T]) -> Stream<T> {
    let (tx, rx) = mpsc::channel(items.len().max(1));
    for item in items {
        tx.try_send(Ok(item.clone())).unwrap_or_else(|_| panic!("there is room for all"));
    }
    ReceiverStream::new(rx)
}

#[tonic::async_trait]
impl Runs for Stage {
    type ExecuteStream = Stream<ExecuteResponse>;
    type WatchStream = Stream<WatchResponse>;

    async fn start(&self, request: Request<StartRequest>) -> Reply<StartResponse> {
        Stage::start(self, request.into_inner())?;
        let run = self.0.script.run.summary.clone().unwrap_or_default().id;
        Ok(Response::new(StartResponse { run, existing: false }))
    }

    async fn execute(&self, request: Request<ExecuteRequest>) -> Reply<Self::ExecuteStream> {
        Stage::start(self, request.into_inner().start.unwrap_or_default())?;
        Ok(Response::new(Stage::watch(self, |seen| ExecuteResponse { seen: Some(seen) })))
    }

    async fn get(&self, request: Request<GetRequest>) -> Reply<GetResponse> {
        let wanted = request.into_inner().run;
        self.note(Asked::Get(wanted.clone()));
        let Script { run, cancelled, others, .. } = &self.0.script;
        let is_meant = |run: &&Run| run.summary.as_ref().is_some_and(|of| of.id.starts_with(&wanted));
        if let Some(other) = others.iter().find(is_meant) {
            return Ok(Response::new(GetResponse { run: Some(other.clone()) }));
        }
        if !is_meant(&run) {
            return Err(Status::not_found(format!("no run's id begins with `{wanted}`")));
        }
        let is_cancelled = *self.0.is_cancelled.borrow();
        let run = cancelled.as_ref().filter(|_| is_cancelled).unwrap_or(run);
        Ok(Response::new(GetResponse { run: Some(run.clone()) }))
    }

    async fn list(&self, request: Request<ListRequest>) -> Reply<ListResponse> {
        self.note(Asked::List(request.into_inner()));
        Ok(Response::new(ListResponse { runs: self.0.script.runs.clone() }))
    }

    async fn watch(&self, request: Request<WatchRequest>) -> Reply<Self::WatchStream> {
        self.note(Asked::Watch(request.into_inner()));
        Ok(Response::new(Stage::watch(self, |seen| seen)))
    }

    async fn cancel(&self, request: Request<CancelRequest>) -> Reply<CancelResponse> {
        let request = request.into_inner();
        let run = request.run.clone();
        self.note(Asked::Cancel(request));
        self.0.is_cancelled.send_replace(true);
        Ok(Response::new(CancelResponse { run, state: RunState::Running.into() }))
    }

    async fn pause(&self, request: Request<PauseRequest>) -> Reply<PauseResponse> {
        let (run, state) = self.steer(Control::Pause(request.into_inner()));
        Ok(Response::new(PauseResponse { run, state }))
    }

    async fn resume(&self, request: Request<ResumeRequest>) -> Reply<ResumeResponse> {
        let (run, state) = self.steer(Control::Resume(request.into_inner()));
        Ok(Response::new(ResumeResponse { run, state }))
    }

    async fn retry(&self, request: Request<RetryRequest>) -> Reply<RetryResponse> {
        let (run, state) = self.steer(Control::Retry(request.into_inner()));
        Ok(Response::new(RetryResponse { run, state }))
    }

    async fn signal(&self, request: Request<SignalRequest>) -> Reply<SignalResponse> {
        let (run, state) = self.steer(Control::Signal(request.into_inner()));
        Ok(Response::new(SignalResponse { run, state }))
    }

    async fn approve(&self, request: Request<ApproveRequest>) -> Reply<ApproveResponse> {
        let (run, state) = self.steer(Control::Approve(request.into_inner()));
        Ok(Response::new(ApproveResponse { run, state }))
    }

    async fn resolve(&self, request: Request<ResolveRequest>) -> Reply<ResolveResponse> {
        let (run, state) = self.steer(Control::Resolve(request.into_inner()));
        Ok(Response::new(ResolveResponse { run, state }))
    }

    async fn rollback(&self, request: Request<RollbackRequest>) -> Reply<RollbackResponse> {
        let (run, state) = self.steer(Control::Rollback(request.into_inner()));
        Ok(Response::new(RollbackResponse { run, state, phases: self.0.script.undone.clone() }))
    }

    async fn recast(&self, request: Request<RecastRequest>) -> Reply<RecastResponse> {
        self.note(Asked::Recast(request.into_inner()));
        let (run, state) = self.decided();
        Ok(Response::new(RecastResponse { run, state }))
    }

    async fn apply(&self, request: Request<ApplyRequest>) -> Reply<ApplyResponse> {
        self.note(Asked::Apply(request.into_inner()));
        Ok(Response::new(self.0.script.applied.clone()))
    }

    async fn explain(&self, _: Request<ExplainRequest>) -> Reply<ExplainResponse> {
        let Script { run, sentences, .. } = &self.0.script;
        Ok(Response::new(ExplainResponse { run: run.summary.clone(), sentences: sentences.clone() }))
    }

    async fn preview(&self, request: Request<PreviewRequest>) -> Reply<PreviewResponse> {
        self.note(Asked::Preview(request.into_inner().start.unwrap_or_default()));
        Ok(Response::new(self.0.script.preview.clone()))
    }

    async fn output(&self, request: Request<OutputRequest>) -> Reply<OutputResponse> {
        let request = request.into_inner();
        let step = request.step.clone();
        self.note(Asked::Output(request));
        let found = self.0.script.outputs.iter().find(|output| output.step == step);
        found
            .cloned()
            .map(Response::new)
            .ok_or_else(|| Status::not_found(format!("there is no step `{step}`")))
    }
}

#[tonic::async_trait]
impl Plans for Stage {
    async fn list(&self, _: Request<ListPlansRequest>) -> Reply<ListPlansResponse> {
        Ok(Response::new(ListPlansResponse { plans: vec![self.0.script.plan.clone()] }))
    }

    async fn get(&self, request: Request<GetPlanRequest>) -> Reply<GetPlanResponse> {
        let plan = request.into_inner().plan;
        if plan != self.0.script.plan.id {
            return Err(Status::not_found(format!("no plan is called `{plan}`")));
        }
        Ok(Response::new(GetPlanResponse { plan: Some(self.0.script.plan.clone()), json: "{}".to_owned() }))
    }

    async fn check(&self, _: Request<CheckRequest>) -> Reply<CheckResponse> {
        Err(Status::unimplemented("the command line checks by itself"))
    }

    async fn draw(&self, request: Request<DrawRequest>) -> Reply<DrawResponse> {
        let request = request.into_inner();
        self.note(Asked::Draw(request.clone()));
        let of = format!("{}{}", request.plan, request.run);
        Ok(Response::new(DrawResponse { text: format!("{} of {of}", request.format().as_str_name()) }))
    }

    async fn suggest(&self, request: Request<SuggestRequest>) -> Reply<SuggestResponse> {
        self.note(Asked::Suggest(request.into_inner()));
        Ok(Response::new(SuggestResponse { suggestions: self.0.script.suggestions.clone() }))
    }

    async fn list_casts(&self, _: Request<ListCastsRequest>) -> Reply<ListCastsResponse> {
        Ok(Response::new(ListCastsResponse { casts: self.0.script.casts.clone() }))
    }

    async fn list_schedules(&self, _: Request<ListSchedulesRequest>) -> Reply<ListSchedulesResponse> {
        Ok(Response::new(ListSchedulesResponse { schedules: self.0.script.schedules.clone() }))
    }

    async fn pause_schedule(&self, request: Request<PauseScheduleRequest>) -> Reply<PauseScheduleResponse> {
        let request = request.into_inner();
        let found = self.0.script.schedules.iter().find(|schedule| schedule.plan == request.plan).cloned();
        let schedule = found.map(|schedule| Schedule { paused: request.paused, ..schedule });
        self.note(Asked::PauseSchedule(request));
        Ok(Response::new(PauseScheduleResponse { schedule }))
    }

    async fn run_schedule(&self, request: Request<RunScheduleRequest>) -> Reply<RunScheduleResponse> {
        self.note(Asked::RunSchedule(request.into_inner().plan));
        Ok(Response::new(RunScheduleResponse { run: self.decided().0 }))
    }

    async fn reload(&self, _: Request<ReloadRequest>) -> Reply<ReloadResponse> {
        Ok(Response::new(ReloadResponse { generation: 2 }))
    }
}

#[tonic::async_trait]
impl Agents for Stage {
    type WatchStream = Stream<WatchAgentsResponse>;
    type CallStreamStream = Stream<CallStreamResponse>;
    type CallBatchStream = Stream<CallBatchResponse>;

    async fn list(&self, _: Request<ListAgentsRequest>) -> Reply<ListAgentsResponse> {
        Ok(Response::new(ListAgentsResponse { agents: self.0.script.agents.clone() }))
    }

    async fn watch(&self, _: Request<WatchAgentsRequest>) -> Reply<Self::WatchStream> {
        let agents = self.0.script.agents.iter();
        let seen: Vec<_> = agents.map(|agent| WatchAgentsResponse { agent: Some(agent.clone()) }).collect();
        Ok(Response::new(streamed(&seen)))
    }

    async fn connect(&self, request: Request<ConnectRequest>) -> Reply<ConnectResponse> {
        let name = request.into_inner().agent;
        self.note(Asked::Connect(name.clone()));
        let agent = self.0.script.agents.iter().find(|agent| agent.name == name).cloned();
        Ok(Response::new(ConnectResponse { agent }))
    }

    async fn disconnect(&self, _: Request<DisconnectRequest>) -> Reply<DisconnectResponse> {
        Err(Status::unimplemented("no command disconnects"))
    }

    async fn call(&self, _: Request<CallRequest>) -> Reply<CallResponse> {
        Err(Status::unimplemented("the command line streams"))
    }

    async fn call_stream(&self, request: Request<CallStreamRequest>) -> Reply<Self::CallStreamStream> {
        self.note(Asked::Call(request.into_inner().call.unwrap_or_default()));
        Ok(Response::new(streamed(&self.0.script.call)))
    }

    async fn call_batch(&self, request: Request<CallBatchRequest>) -> Reply<Self::CallBatchStream> {
        self.note(Asked::Batch(request.into_inner()));
        Ok(Response::new(streamed(&self.0.script.batch)))
    }
}

#[tonic::async_trait]
impl Sessions for Stage {
    type OpenStream = Stream<OpenSessionResponse>;

    async fn open(&self, request: Request<OpenSessionRequest>) -> Reply<Self::OpenStream> {
        self.note(Asked::Open(request.into_inner().client));
        let session = open_session_response::Told::Session(self.0.script.session.clone());
        let changes = self.0.script.agents.iter().cloned().map(open_session_response::Told::Agent);
        let told = std::iter::once(session).chain(changes);
        let told: Vec<_> = told.map(|told| OpenSessionResponse { told: Some(told) }).collect();
        Ok(Response::new(streamed(&told)))
    }

    async fn close(&self, _: Request<CloseSessionRequest>) -> Reply<CloseSessionResponse> {
        Err(Status::unimplemented("no command closes"))
    }

    async fn list(&self, _: Request<ListSessionsRequest>) -> Reply<ListSessionsResponse> {
        Ok(Response::new(ListSessionsResponse { sessions: vec![self.0.script.session.clone()] }))
    }
}

#[tonic::async_trait]
impl Tools for Stage {
    async fn list(&self, _: Request<ListToolsRequest>) -> Reply<ListToolsResponse> {
        Ok(Response::new(ListToolsResponse { tools: self.0.script.tools.clone() }))
    }

    async fn call(&self, _: Request<CallToolRequest>) -> Reply<CallToolResponse> {
        Err(Status::unimplemented("the command line streams"))
    }
}

#[tonic::async_trait]
impl Journal for Stage {
    type EventsStream = Stream<EventsResponse>;

    async fn events(&self, request: Request<EventsRequest>) -> Reply<Self::EventsStream> {
        self.note(Asked::Events(request.into_inner()));
        Ok(Response::new(streamed(&self.0.script.events)))
    }
}
