//! `opdbus.v1.Plans`.

use op_engine::Engine;
use op_plan::drawing::{self, Style};
use op_plan::{Source, load};
use op_proto::v1 as wire;
use op_proto::v1::plans_server::Plans;
use tonic::{Request, Response, Status};

use crate::convert::plan;
use crate::failure::{bad_field, status};

/// Columns of a drawing in boxes when a request does not say how many.
const DEFAULT_WIDTH: usize = 100;

/// Longest text that is checked, in bytes.
const MAX_TEXT: usize = 4 << 20;

pub(crate) struct PlansService {
    pub(crate) engine: Engine,
}

type Reply<T> = Result<Response<T>, Status>;

#[tonic::async_trait]
impl Plans for PlansService {
    async fn list(&self, _request: Request<wire::ListPlansRequest>) -> Reply<wire::ListPlansResponse> {
        let plans = self.engine.plans().values().map(|of| plan::summary(of)).collect();
        Ok(Response::new(wire::ListPlansResponse { plans }))
    }

    async fn get(&self, request: Request<wire::GetPlanRequest>) -> Reply<wire::GetPlanResponse> {
        let found = self.engine.find_plan(&request.into_inner().plan).map_err(|error| status(&error))?;
        let json = serde_json::to_string(found.draft()).expect("a plan is plain data");
        Ok(Response::new(wire::GetPlanResponse { plan: Some(plan::summary(&found)), json }))
    }

    async fn check(&self, request: Request<wire::CheckRequest>) -> Reply<wire::CheckResponse> {
        let wire::CheckRequest { toml, file } = request.into_inner();
        if toml.len() > MAX_TEXT {
            return Err(bad_field("toml", format!("is longer than {MAX_TEXT} bytes")));
        }
        let catalogue = self.engine.catalogue();
        let source = Source { name: file, text: toml };
        let checked = tokio::task::spawn_blocking(move || load(&[source], &catalogue)).await;
        let loaded = checked.map_err(|_| Status::internal("the check broke off"))?;
        Ok(Response::new(wire::CheckResponse {
            diagnostics: loaded.diagnostics.iter().map(plan::diagnostic).collect(),
            plans: loaded.plans.into_keys().collect(),
        }))
    }

    async fn draw(&self, request: Request<wire::DrawRequest>) -> Reply<wire::DrawResponse> {
        let of = request.into_inner();
        let format = of.format();
        let found = self.engine.find_plan(&of.plan).map_err(|error| status(&error))?;
        let width = if of.width == 0 { DEFAULT_WIDTH } else { of.width as usize };
        let text = match format {
            wire::DrawFormat::Mermaid => drawing::mermaid(&found),
            wire::DrawFormat::Boxes => drawing::boxes(&found, Style { width, ascii: false }),
            wire::DrawFormat::Unspecified => return Err(bad_field("format", "is missing")),
        };
        Ok(Response::new(wire::DrawResponse { text }))
    }
}
