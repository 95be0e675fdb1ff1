//! `opdbus.v1.Plans`.

use std::sync::Arc;
use std::time::Duration;

use op_engine::ports::Right;
use op_plan::drawing::{self, Style};
use op_plan::{Source, load};
use op_proto::v1 as wire;
use op_proto::v1::plans_server::Plans;
use op_run::Run;
use tonic::{Request, Response, Status};

use crate::convert::{limit, plan};
use crate::desk::{Asker, Desk};
use crate::failure::{bad_field, status};

/// Columns of a drawing in boxes when a request does not say how many.
const DEFAULT_WIDTH: usize = 100;

/// Longest text that is checked, in bytes.
const MAX_TEXT: usize = 4 << 20;

/// How often something must have been called when a request does not say how often.
const DEFAULT_TIMES: u32 = 3;

/// How long ago calls may lie when a request does not say how long.
const DEFAULT_WITHIN: Duration = Duration::from_hours(24);

pub(crate) struct PlansService {
    pub(crate) desk: Desk,
}

type Reply<T> = Result<Response<T>, Status>;

#[tonic::async_trait]
impl Plans for PlansService {
    async fn list(&self, _request: Request<wire::ListPlansRequest>) -> Reply<wire::ListPlansResponse> {
        let plans = self.desk.engine.library().plans.values().map(|of| plan::summary(of)).collect();
        Ok(Response::new(wire::ListPlansResponse { plans }))
    }

    async fn get(&self, request: Request<wire::GetPlanRequest>) -> Reply<wire::GetPlanResponse> {
        let found = self.desk.engine.find_plan(&request.into_inner().plan).map_err(|error| status(&error))?;
        let json = serde_json::to_string(found.draft()).expect("a plan is plain data");
        Ok(Response::new(wire::GetPlanResponse { plan: Some(plan::summary(&found)), json }))
    }

    async fn check(&self, request: Request<wire::CheckRequest>) -> Reply<wire::CheckResponse> {
        let wire::CheckRequest { toml, file } = request.into_inner();
        if toml.len() > MAX_TEXT {
            return Err(bad_field("toml", format!("is longer than {MAX_TEXT} bytes")));
        }
        let catalogue = self.desk.engine.catalogue();
        let source = Source { name: file, text: toml };
        let checked = tokio::task::spawn_blocking(move || load(&[source], &catalogue)).await;
        let loaded = checked.map_err(|_| Status::internal("the check broke off"))?;
        Ok(Response::new(wire::CheckResponse {
            diagnostics: loaded.diagnostics.iter().map(plan::diagnostic).collect(),
            plans: loaded.plans.into_keys().collect(),
        }))
    }

    async fn suggest(&self, request: Request<wire::SuggestRequest>) -> Reply<wire::SuggestResponse> {
        let asker = Asker::of(&request);
        let wire::SuggestRequest { times, within, user } = request.into_inner();
        let times = match times {
            0 => DEFAULT_TIMES,
            1 => return Err(bad_field("times", "must be at least 2")),
            times => times,
        };
        let within = limit("within", within)?.unwrap_or(DEFAULT_WITHIN);
        let user = self.whose(&asker, user).await?;
        let engine = self.desk.engine.clone();
        let calls = engine.calls_within(user, within).await.map_err(|error| status(&error))?;
        let found = tokio::task::spawn_blocking(move || engine.suggest(&calls, times as usize)).await;
        let suggestions = found.map_err(|_| Status::internal("the search broke off"))?;
        let suggestions = suggestions.into_iter().map(plan::suggestion).collect();
        Ok(Response::new(wire::SuggestResponse { suggestions }))
    }

    async fn draw(&self, request: Request<wire::DrawRequest>) -> Reply<wire::DrawResponse> {
        let of = request.into_inner();
        let format = of.format();
        let run = if of.run.is_empty() { None } else { Some(self.run(&of.run).await?) };
        let found = match &run {
            Some(run) => Arc::clone(run.plan()),
            None => self.desk.engine.find_plan(&of.plan).map_err(|error| status(&error))?,
        };
        let marks = run.as_deref().map(plan::marks).unwrap_or_default();
        let width = if of.width == 0 { DEFAULT_WIDTH } else { of.width as usize };
        let text = match format {
            wire::DrawFormat::Mermaid => drawing::mermaid(&found, &marks),
            wire::DrawFormat::Boxes => drawing::boxes(&found, Style { width, ascii: false }, &marks),
            wire::DrawFormat::Dot => drawing::dot(&found, &marks),
            wire::DrawFormat::Svg => drawing::svg(&found, &marks),
            wire::DrawFormat::Unspecified => return Err(bad_field("format", "is missing")),
        };
        Ok(Response::new(wire::DrawResponse { text }))
    }

    async fn list_casts(&self, _request: Request<wire::ListCastsRequest>) -> Reply<wire::ListCastsResponse> {
        let library = self.desk.engine.library();
        let casts = library.casts.iter().map(|(name, of)| plan::cast(name, of)).collect();
        Ok(Response::new(wire::ListCastsResponse { casts }))
    }

    async fn list_schedules(
        &self,
        _request: Request<wire::ListSchedulesRequest>,
    ) -> Reply<wire::ListSchedulesResponse> {
        let schedules = self.desk.engine.schedules().await.map_err(|error| status(&error))?;
        let schedules = schedules.iter().map(plan::schedule).collect();
        Ok(Response::new(wire::ListSchedulesResponse { schedules }))
    }

    async fn pause_schedule(
        &self,
        request: Request<wire::PauseScheduleRequest>,
    ) -> Reply<wire::PauseScheduleResponse> {
        let asker = Asker::of(&request);
        let wire::PauseScheduleRequest { plan, paused } = request.into_inner();
        self.desk.admit(&asker, Right::ControlOthers, &[("definition", &plan)]).await?;
        let schedule =
            self.desk.engine.pause_schedule(&plan, paused).await.map_err(|error| status(&error))?;
        Ok(Response::new(wire::PauseScheduleResponse { schedule: Some(plan::schedule(&schedule)) }))
    }

    async fn run_schedule(
        &self,
        request: Request<wire::RunScheduleRequest>,
    ) -> Reply<wire::RunScheduleResponse> {
        let asker = Asker::of(&request);
        let plan = request.into_inner().plan;
        self.desk.admit_start(&asker, &plan).await?;
        let started = self.desk.engine.run_schedule_now(&plan, &asker.name()).await;
        let run = started.map_err(|error| status(&error))?.run.to_string();
        Ok(Response::new(wire::RunScheduleResponse { run }))
    }

    async fn reload(&self, request: Request<wire::ReloadRequest>) -> Reply<wire::ReloadResponse> {
        self.desk.admit(&Asker::of(&request), Right::Reload, &[]).await?;
        let generation = self.desk.service.reload().await.map_err(|error| status(&error))?;
        Ok(Response::new(wire::ReloadResponse { generation }))
    }
}

impl PlansService {
    /// Whose calls are looked at: of the user that is named, else of everybody for who may read them, and of the asker.
    async fn whose(&self, asker: &Asker, user: String) -> Result<Option<String>, Status> {
        if !user.is_empty() {
            self.desk.admit_reading_of(asker, Some(&user), &[]).await?;
            return Ok(Some(user));
        }
        Ok(if self.desk.reads_all(asker).await { None } else { Some(asker.name()) })
    }

    async fn run(&self, run: &str) -> Result<Arc<Run>, Status> {
        self.desk.engine.get(run).await.map_err(|error| status(&error))
    }
}
