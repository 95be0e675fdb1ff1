//! `opdbus.v1.Tools`.

use op_engine::Engine;
use op_plan::catalogue::TOOLS;
use op_proto::v1 as wire;
use op_proto::v1::tools_server::Tools;
use tokio_util::sync::CancellationToken;
use tonic::{Request, Response, Status};

use crate::agents::{asked, call};
use crate::convert::agent;

pub(crate) struct ToolsService {
    pub(crate) engine: Engine,
    /// Stops calls when the daemon goes down.
    pub(crate) shutdown: CancellationToken,
}

#[tonic::async_trait]
impl Tools for ToolsService {
    async fn list(
        &self,
        _request: Request<wire::ListToolsRequest>,
    ) -> Result<Response<wire::ListToolsResponse>, Status> {
        let agents = self.engine.agents().list();
        let operations = agents.iter().find(|agent| agent.name == TOOLS).map(|agent| &agent.operations);
        let tools = operations.into_iter().flatten().map(|(name, of)| agent::operation(name, of)).collect();
        Ok(Response::new(wire::ListToolsResponse { tools }))
    }

    async fn call(
        &self,
        request: Request<wire::CallToolRequest>,
    ) -> Result<Response<wire::CallToolResponse>, Status> {
        let wire::CallToolRequest { tool, arguments, timeout } = request.into_inner();
        let target = format!("{TOOLS}.{tool}");
        let asked = asked(&self.engine, &wire::CallRequest { target, arguments, timeout })?;
        let outcome = call(&self.engine, asked, self.shutdown.child_token()).await?;
        Ok(Response::new(wire::CallToolResponse { outcome: Some(outcome) }))
    }
}
