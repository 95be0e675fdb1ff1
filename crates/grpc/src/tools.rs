//! `opdbus.v1.Tools`.

use op_plan::catalogue::TOOLS;
use op_proto::v1 as wire;
use op_proto::v1::tools_server::Tools;
use tonic::{Request, Response, Status};

use crate::agents::{asked, call};
use crate::convert::agent;
use crate::desk::{Asker, Desk};

pub(crate) struct ToolsService {
    pub(crate) desk: Desk,
}

#[tonic::async_trait]
impl Tools for ToolsService {
    async fn list(
        &self,
        _request: Request<wire::ListToolsRequest>,
    ) -> Result<Response<wire::ListToolsResponse>, Status> {
        let agents = self.desk.engine.agents().list();
        let operations = agents.iter().find(|agent| agent.name == TOOLS).map(|agent| &agent.operations);
        let tools = operations.into_iter().flatten().map(|(name, of)| agent::operation(name, of)).collect();
        Ok(Response::new(wire::ListToolsResponse { tools }))
    }

    async fn call(
        &self,
        request: Request<wire::CallToolRequest>,
    ) -> Result<Response<wire::CallToolResponse>, Status> {
        let asker = Asker::of(&request);
        let wire::CallToolRequest { tool, arguments, timeout } = request.into_inner();
        let target = format!("{TOOLS}.{tool}");
        let asked = asked(
            &self.desk,
            &asker,
            &wire::CallRequest { target, arguments, timeout, ..wire::CallRequest::default() },
        )
        .await?;
        let outcome = call(&self.desk.engine, asked, self.desk.shutdown.child_token()).await?;
        Ok(Response::new(wire::CallToolResponse { outcome: Some(outcome) }))
    }
}
