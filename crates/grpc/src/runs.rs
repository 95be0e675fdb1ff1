//! `opdbus.v1.Runs`.

use futures::StreamExt as _;
use futures::stream::BoxStream;
use op_engine::handle::control::Control;
use op_engine::ports::{Right, RunFilter, RunRecord};
use op_engine::start::{StartRequest, Started};
use op_engine::watch::Watch;
use op_proto::v1 as wire;
use op_proto::v1::runs_server::Runs;
use op_run::RunId;
use tonic::{Request, Response, Status};

use crate::convert::{control, event, instant, limit, object, payload, run};
use crate::desk::{Asker, Desk};
use crate::failure::{bad_field, status};

/// Runs listed when a request does not say how many.
const DEFAULT_LIMIT: u32 = 50;

/// Most runs listed at once.
const MAX_LIMIT: u32 = 1000;

pub(crate) struct RunsService {
    pub(crate) desk: Desk,
}

type Reply<T> = Result<Response<T>, Status>;

#[tonic::async_trait]
impl Runs for RunsService {
    type ExecuteStream = BoxStream<'static, Result<wire::ExecuteResponse, Status>>;
    type WatchStream = BoxStream<'static, Result<wire::WatchResponse, Status>>;

    async fn start(&self, request: Request<wire::StartRequest>) -> Reply<wire::StartResponse> {
        let asker = Asker::of(&request);
        let request = self.start_request(&asker, request.into_inner()).await?;
        let Started { run, existing } =
            self.desk.engine.start(request).await.map_err(|error| status(&error))?;
        Ok(Response::new(wire::StartResponse { run: run.to_string(), existing }))
    }

    async fn execute(&self, request: Request<wire::ExecuteRequest>) -> Reply<Self::ExecuteStream> {
        let asker = Asker::of(&request);
        let start = request.into_inner().start.ok_or_else(|| bad_field("start", "is missing"))?;
        let request = self.start_request(&asker, start).await?;
        let started = self.desk.engine.start(request).await.map_err(|error| status(&error))?;
        let watch = self.desk.engine.watch(started.run.as_str(), 1, true).await;
        let (run, watch) = watch.map_err(|error| status(&error))?;
        let seen =
            self.seen(run, watch).map(|seen| seen.map(|seen| wire::ExecuteResponse { seen: Some(seen) }));
        Ok(Response::new(seen.boxed()))
    }

    async fn get(&self, request: Request<wire::GetRequest>) -> Reply<wire::GetResponse> {
        let found = self.desk.engine.get(&request.into_inner().run).await.map_err(|error| status(&error))?;
        Ok(Response::new(wire::GetResponse { run: Some(run::run(&found)) }))
    }

    async fn list(&self, request: Request<wire::ListRequest>) -> Reply<wire::ListResponse> {
        let filter = filter(request.into_inner())?;
        let records = self.desk.engine.list(&filter).await.map_err(|error| status(&error))?;
        Ok(Response::new(wire::ListResponse { runs: records.iter().map(run::summary).collect() }))
    }

    async fn watch(&self, request: Request<wire::WatchRequest>) -> Reply<Self::WatchStream> {
        let asker = Asker::of(&request);
        let wire::WatchRequest { run, from, events_only } = request.into_inner();
        let run = self.desk.admit_reading(&asker, &run).await?;
        let watch = self.desk.engine.watch(&run, from, !events_only).await;
        let (run, watch) = watch.map_err(|error| status(&error))?;
        Ok(Response::new(self.seen(run, watch)))
    }

    async fn cancel(&self, request: Request<wire::CancelRequest>) -> Reply<wire::CancelResponse> {
        let asker = Asker::of(&request);
        let request = request.into_inner();
        let (run, state) = self.steer(&request.run, control::cancel(&request, &asker.name()), &asker).await?;
        Ok(Response::new(wire::CancelResponse { run, state }))
    }

    async fn pause(&self, request: Request<wire::PauseRequest>) -> Reply<wire::PauseResponse> {
        let asker = Asker::of(&request);
        let request = request.into_inner();
        let (run, state) = self.steer(&request.run, control::pause(&request), &asker).await?;
        Ok(Response::new(wire::PauseResponse { run, state }))
    }

    async fn resume(&self, request: Request<wire::ResumeRequest>) -> Reply<wire::ResumeResponse> {
        let asker = Asker::of(&request);
        let (run, state) = self.steer(&request.into_inner().run, Control::Resume, &asker).await?;
        Ok(Response::new(wire::ResumeResponse { run, state }))
    }

    async fn rollback(&self, request: Request<wire::RollbackRequest>) -> Reply<wire::RollbackResponse> {
        let asker = Asker::of(&request);
        let request = request.into_inner();
        let to = Some(request.to.as_str()).filter(|to| !to.is_empty());
        let undone = self.desk.engine.preview_rollback(&request.run, to).await;
        let phases = undone.map_err(|error| status(&error))?.iter().map(control::undone).collect();
        if request.dry_run {
            let found = self.desk.engine.find(&request.run).await.map_err(|error| status(&error))?;
            let state = wire::RunState::Unspecified.into();
            return Ok(Response::new(wire::RollbackResponse { run: found.id.to_string(), state, phases }));
        }
        let (run, state) = self.steer(&request.run, control::rollback(&request), &asker).await?;
        Ok(Response::new(wire::RollbackResponse { run, state, phases }))
    }

    async fn retry(&self, request: Request<wire::RetryRequest>) -> Reply<wire::RetryResponse> {
        let asker = Asker::of(&request);
        let request = request.into_inner();
        let (run, state) = self.steer(&request.run, control::retry(&request), &asker).await?;
        Ok(Response::new(wire::RetryResponse { run, state }))
    }

    async fn signal(&self, request: Request<wire::SignalRequest>) -> Reply<wire::SignalResponse> {
        let asker = Asker::of(&request);
        let request = request.into_inner();
        let (run, state) = self.steer(&request.run, control::signal(&request)?, &asker).await?;
        Ok(Response::new(wire::SignalResponse { run, state }))
    }

    async fn approve(&self, request: Request<wire::ApproveRequest>) -> Reply<wire::ApproveResponse> {
        let asker = Asker::of(&request);
        let request = request.into_inner();
        let (run, state) = self.steer(&request.run, control::approve(&request), &asker).await?;
        Ok(Response::new(wire::ApproveResponse { run, state }))
    }

    async fn resolve(&self, request: Request<wire::ResolveRequest>) -> Reply<wire::ResolveResponse> {
        let asker = Asker::of(&request);
        let request = request.into_inner();
        let (run, state) = self.steer(&request.run, control::resolve(&request)?, &asker).await?;
        Ok(Response::new(wire::ResolveResponse { run, state }))
    }

    async fn recast(&self, request: Request<wire::RecastRequest>) -> Reply<wire::RecastResponse> {
        let asker = Asker::of(&request);
        let wire::RecastRequest { run, cast } = request.into_inner();
        if cast.is_empty() {
            return Err(bad_field("cast", "is missing"));
        }
        let (run, state) = self.steer(&run, Control::Recast(cast.into_iter().collect()), &asker).await?;
        Ok(Response::new(wire::RecastResponse { run, state }))
    }

    async fn apply(&self, request: Request<wire::ApplyRequest>) -> Reply<wire::ApplyResponse> {
        let asker = Asker::of(&request);
        let wire::ApplyRequest { filter, control } = request.into_inner();
        let control = control.ok_or_else(|| bad_field("control", "is missing"))?;
        let user = asker.name();
        let control = control::of_many(&control, &user)?;
        let mut filter = filter.ok_or_else(|| bad_field("filter", "is missing"))?;
        let most = std::mem::take(&mut filter.limit);
        let filter =
            RunFilter { limit: if most == 0 { usize::MAX } else { most as usize }, ..self::filter(filter)? };
        let right = if filter.user.as_ref() == Some(&user) { Right::Run } else { Right::ControlOthers };
        self.desk.admit(&asker, right, &[]).await?;
        let applied = self.desk.engine.apply(filter, control, &user).await.map_err(|error| status(&error))?;
        Ok(Response::new(control::applied(applied)))
    }

    async fn explain(&self, request: Request<wire::ExplainRequest>) -> Reply<wire::ExplainResponse> {
        let explained = self.desk.engine.explain(&request.into_inner().run).await;
        let (run, sentences) = explained.map_err(|error| status(&error))?;
        let run = run::summary(&RunRecord::of(&run));
        Ok(Response::new(wire::ExplainResponse { run: Some(run), sentences }))
    }

    async fn preview(&self, request: Request<wire::PreviewRequest>) -> Reply<wire::PreviewResponse> {
        let asker = Asker::of(&request);
        let start = request.into_inner().start.ok_or_else(|| bad_field("start", "is missing"))?;
        let previewed = self.desk.engine.dry_run(&start_request(asker.name(), start)?);
        Ok(Response::new(control::previewed(&previewed.map_err(|error| status(&error))?)))
    }

    async fn output(&self, request: Request<wire::OutputRequest>) -> Reply<wire::OutputResponse> {
        let asker = Asker::of(&request);
        let wire::OutputRequest { run, step, attempt, visit } = request.into_inner();
        let run = self.desk.admit_reading(&asker, &run).await?;
        let asked = |number: u32| (number > 0).then_some(number);
        let found = self.desk.engine.output(&run, &step, asked(visit), asked(attempt)).await;
        let (run, kept) = found.map_err(|error| status(&error))?;
        let at = run.plan().find_step(&step).map(|at| run.step(at));
        let (visits, attempts) = at.map(|at| (at.visit, at.trial.attempts)).unwrap_or_default();
        let value = at.and_then(|at| at.output.as_ref()).map(payload);
        let kept = kept.map(|kept| (kept.visit, kept.attempt, kept.chunks, kept.dropped));
        let otherwise = (asked(visit).unwrap_or(visits), asked(attempt).unwrap_or(attempts), Vec::new(), 0);
        let (visit, attempt, chunks, dropped) = kept.unwrap_or(otherwise);
        let chunks = chunks.into_iter().map(run::chunk).collect();
        Ok(Response::new(wire::OutputResponse { step, attempt, chunks, dropped, value, visit }))
    }
}

impl RunsService {
    /// Steers a run, and tells its id and state after the decision.
    async fn steer(&self, run: &str, control: Control, asker: &Asker) -> Result<(String, i32), Status> {
        let run = self.desk.admit_control(asker, run).await?;
        let steered = self.desk.engine.control(&run, control, &asker.name()).await;
        let (run, state) = steered.map_err(|error| status(&error))?;
        Ok((run.to_string(), run::state(state).into()))
    }

    /// Reads what a client wants to start, and refuses who may not.
    async fn start_request(&self, asker: &Asker, of: wire::StartRequest) -> Result<StartRequest, Status> {
        let request = start_request(asker.name(), of)?;
        self.desk.admit_start(asker, &request.plan).await?;
        Ok(request)
    }

    fn seen(&self, run: RunId, watch: Watch) -> BoxStream<'static, Result<wire::WatchResponse, Status>> {
        let seen = watch.map(move |seen| match seen {
            Ok(seen) => Ok(event::seen(&run, seen)),
            Err(error) => Err(status(&error)),
        });
        seen.take_until(self.desk.shutdown.clone().cancelled_owned()).boxed()
    }
}

fn start_request(user: String, of: wire::StartRequest) -> Result<StartRequest, Status> {
    if of.plan.is_empty() {
        return Err(bad_field("plan", "is missing"));
    }
    Ok(StartRequest {
        inputs: object("inputs", &of.inputs)?,
        timeout: limit("timeout", of.timeout)?,
        session: Some(of.session).filter(|session| !session.is_empty()),
        idempotency_key: Some(of.idempotency_key).filter(|key| !key.is_empty()),
        plan: of.plan,
        cast: of.cast.into_iter().collect(),
        casts: of.casts,
        labels: of.labels.into_iter().collect(),
        user,
    })
}

fn filter(of: wire::ListRequest) -> Result<RunFilter, Status> {
    let limit = match of.limit {
        0 => DEFAULT_LIMIT,
        limit @ 1..=MAX_LIMIT => limit,
        _ => return Err(bad_field("limit", format!("must be at most {MAX_LIMIT}"))),
    };
    Ok(RunFilter {
        states: run::states("states", &of.states)?,
        plan: Some(of.plan).filter(|plan| !plan.is_empty()),
        user: Some(of.user).filter(|user| !user.is_empty()),
        labels: of.labels.into_iter().collect(),
        since: of.since.map(|at| instant("since", at)).transpose()?,
        until: of.until.map(|at| instant("until", at)).transpose()?,
        text: Some(of.text).filter(|text| !text.is_empty()),
        after: Some(of.after).filter(|after| !after.is_empty()).map(RunId::new),
        limit: limit as usize,
    })
}
