//! The gRPC face of the agent: converts, calls, converts, replies.

use std::sync::Arc;

use op_proto::agent::v1::agent_server::Agent;
use op_proto::agent::v1::{AgentFrame, DescribeRequest, DescribeResponse, ExecuteRequest, HostFrame};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status, Streaming};

use crate::execute::{Events, execute};
use crate::flight::OUTBOX;
use crate::floor::Floor;
use crate::session::Session;

/// The service `opdbus.agent.v1.Agent`.
pub(crate) struct Service(pub(crate) Arc<Floor>);

#[tonic::async_trait]
impl Agent for Service {
    async fn describe(&self, _: Request<DescribeRequest>) -> Result<Response<DescribeResponse>, Status> {
        Ok(Response::new(self.0.described.clone()))
    }

    type ExecuteStream = Events;

    async fn execute(&self, request: Request<ExecuteRequest>) -> Result<Response<Events>, Status> {
        let asked = request.into_inner().operation;
        let asked = asked.ok_or_else(|| Status::invalid_argument("the request names no operation"))?;
        Ok(Response::new(execute(&self.0, asked).await))
    }

    type SessionStream = ReceiverStream<Result<AgentFrame, Status>>;

    async fn session(
        &self,
        request: Request<Streaming<HostFrame>>,
    ) -> Result<Response<Self::SessionStream>, Status> {
        let (outbox, frames) = mpsc::channel(OUTBOX);
        let session = Session::new(Arc::clone(&self.0), outbox);
        self.0.links.spawn(session.converse(request.into_inner()));
        Ok(Response::new(ReceiverStream::new(frames)))
    }
}
