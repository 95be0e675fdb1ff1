//! `opdbus.v1.Skills`.

use op_engine::handle::skill::text;
use op_engine::names;
use op_proto::v1 as wire;
use op_proto::v1::skills_server::Skills;
use tonic::{Request, Response, Status};

use crate::convert::{plan, skill};
use crate::desk::Desk;
use crate::failure::{bad_field, status};

pub(crate) struct SkillsService {
    pub(crate) desk: Desk,
}

#[tonic::async_trait]
impl Skills for SkillsService {
    async fn list(
        &self,
        _request: Request<wire::ListSkillsRequest>,
    ) -> Result<Response<wire::ListSkillsResponse>, Status> {
        let skills = std::sync::Arc::clone(&self.desk.engine.library().skills);
        Ok(Response::new(wire::ListSkillsResponse {
            skills: skills.iter().map(|of| skill::summary(of)).collect(),
            diagnostics: skills.diagnostics().iter().map(plan::diagnostic).collect(),
        }))
    }

    async fn get(
        &self,
        request: Request<wire::GetSkillRequest>,
    ) -> Result<Response<wire::GetSkillResponse>, Status> {
        let wire::GetSkillRequest { skill: name, resource } = request.into_inner();
        let library = self.desk.engine.library();
        let found = names::skill(&name, &library.skills).map_err(|error| status(&error))?;
        let text = text(found, &resource).map_err(|error| bad_field("resource", error.to_string()))?;
        Ok(Response::new(wire::GetSkillResponse { skill: Some(skill::whole(found)), text: text.to_owned() }))
    }
}
