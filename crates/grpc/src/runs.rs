//! `opdbus.v1.Runs`.

use futures::StreamExt as _;
use futures::stream::BoxStream;
use op_engine::Engine;
use op_engine::ports::RunFilter;
use op_engine::start::{StartRequest, Started};
use op_engine::watch::Watch;
use op_proto::v1 as wire;
use op_proto::v1::runs_server::Runs;
use op_run::RunId;
use tokio_util::sync::CancellationToken;
use tonic::{Request, Response, Status};

use crate::convert::{event, limit, object, payload, run};
use crate::failure::{bad_field, status};
use crate::peer;

/// Runs listed when a request does not say how many.
const DEFAULT_LIMIT: u32 = 50;

/// Most runs listed at once.
const MAX_LIMIT: u32 = 1000;

pub(crate) struct RunsService {
    pub(crate) engine: Engine,
    /// Ends streams when the daemon goes down.
    pub(crate) shutdown: CancellationToken,
}

type Reply<T> = Result<Response<T>, Status>;

#[tonic::async_trait]
impl Runs for RunsService {
    type ExecuteStream = BoxStream<'static, Result<wire::ExecuteResponse, Status>>;
    type WatchStream = BoxStream<'static, Result<wire::WatchResponse, Status>>;

    async fn start(&self, request: Request<wire::StartRequest>) -> Reply<wire::StartResponse> {
        let request = start_request(peer::name(&request), request.into_inner())?;
        let Started { run, existing } = self.engine.start(request).await.map_err(|error| status(&error))?;
        Ok(Response::new(wire::StartResponse { run: run.to_string(), existing }))
    }

    async fn execute(&self, request: Request<wire::ExecuteRequest>) -> Reply<Self::ExecuteStream> {
        let user = peer::name(&request);
        let start = request.into_inner().start.ok_or_else(|| bad_field("start", "is missing"))?;
        let request = start_request(user, start)?;
        let started = self.engine.start(request).await.map_err(|error| status(&error))?;
        let watch = self.engine.watch(started.run.as_str(), 1, true).await;
        let (run, watch) = watch.map_err(|error| status(&error))?;
        let seen =
            self.seen(run, watch).map(|seen| seen.map(|seen| wire::ExecuteResponse { seen: Some(seen) }));
        Ok(Response::new(seen.boxed()))
    }

    async fn get(&self, request: Request<wire::GetRequest>) -> Reply<wire::GetResponse> {
        let found = self.engine.get(&request.into_inner().run).await.map_err(|error| status(&error))?;
        Ok(Response::new(wire::GetResponse { run: Some(run::run(&found)) }))
    }

    async fn list(&self, request: Request<wire::ListRequest>) -> Reply<wire::ListResponse> {
        let filter = filter(request.into_inner())?;
        let records = self.engine.list(&filter).await.map_err(|error| status(&error))?;
        Ok(Response::new(wire::ListResponse { runs: records.iter().map(run::summary).collect() }))
    }

    async fn watch(&self, request: Request<wire::WatchRequest>) -> Reply<Self::WatchStream> {
        let wire::WatchRequest { run, from, events_only } = request.into_inner();
        let watch = self.engine.watch(&run, from, !events_only).await;
        let (run, watch) = watch.map_err(|error| status(&error))?;
        Ok(Response::new(self.seen(run, watch)))
    }

    async fn cancel(&self, request: Request<wire::CancelRequest>) -> Reply<wire::CancelResponse> {
        let user = peer::name(&request);
        let wire::CancelRequest { run, rollback, reason } = request.into_inner();
        let reason = if reason.is_empty() { format!("cancelled by {user}") } else { reason };
        let cancelled = self.engine.cancel(&run, rollback, &reason, &user).await;
        let (run, state) = cancelled.map_err(|error| status(&error))?;
        Ok(Response::new(wire::CancelResponse { run: run.to_string(), state: run::state(state).into() }))
    }

    async fn output(&self, request: Request<wire::OutputRequest>) -> Reply<wire::OutputResponse> {
        let wire::OutputRequest { run, step, attempt } = request.into_inner();
        let asked = (attempt > 0).then_some(attempt);
        let found = self.engine.output(&run, &step, asked).await;
        let (run, kept) = found.map_err(|error| status(&error))?;
        let at = run.plan().find_step(&step).map(|at| run.step(at));
        let attempts = at.map(|at| at.trial.attempts).unwrap_or_default();
        let value = at.and_then(|at| at.output.as_ref()).map(payload);
        let kept = kept.map(|kept| (kept.attempt, kept.chunks, kept.dropped));
        let (attempt, chunks, dropped) = kept.unwrap_or((asked.unwrap_or(attempts), Vec::new(), 0));
        let chunks = chunks.into_iter().map(run::chunk).collect();
        Ok(Response::new(wire::OutputResponse { step, attempt, chunks, dropped, value }))
    }
}

impl RunsService {
    fn seen(&self, run: RunId, watch: Watch) -> BoxStream<'static, Result<wire::WatchResponse, Status>> {
        let seen = watch.map(move |seen| match seen {
            Ok(seen) => Ok(event::seen(&run, seen)),
            Err(error) => Err(status(&error)),
        });
        seen.take_until(self.shutdown.clone().cancelled_owned()).boxed()
    }
}

fn start_request(user: String, of: wire::StartRequest) -> Result<StartRequest, Status> {
    if of.plan.is_empty() {
        return Err(bad_field("plan", "is missing"));
    }
    Ok(StartRequest {
        inputs: object("inputs", &of.inputs)?,
        timeout: limit("timeout", of.timeout)?,
        idempotency_key: Some(of.idempotency_key).filter(|key| !key.is_empty()),
        plan: of.plan,
        cast: of.cast.into_iter().collect(),
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
        limit: limit as usize,
    })
}
