//! From the first connection to drained.

use std::collections::HashSet;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use op_proto::agent::v1::agent_server::{AgentServer, SERVICE_NAME};
use tonic::service::Routes;
use tonic_health::ServingStatus;
use tonic_health::server::{HealthReporter, health_reporter};

use crate::flight::{Cause, Halt};
use crate::floor::Floor;
use crate::service::Service;
use crate::{Agent, Listener, links, notify};

/// Largest frame a hub may send.
const MAX_FRAME: usize = 9 << 20;

/// Why an agent is not served.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// Two operations have one name.
    #[error("the agent `{agent}` has two operations `{operation}`")]
    Duplicate {
        /// The agent.
        agent: String,
        /// The name they share.
        operation: String,
    },
    /// The operation that undoes another is none of the agent's.
    #[error(
        "the operation `{operation}` of `{agent}` is undone by `{undo}`, which is none of its operations"
    )]
    Undo {
        /// The agent.
        agent: String,
        /// The operation to undo.
        operation: String,
        /// The name of what undoes it.
        undo: String,
    },
    /// The descriptors of the protocol cannot be read for reflection.
    #[error("cannot offer reflection")]
    Reflection(#[source] tonic_reflection::server::Error),
}

pub(crate) async fn serve(
    agent: Agent,
    listener: Listener,
    shutdown: impl Future<Output = ()>,
) -> Result<(), ServeError> {
    check(&agent)?;
    let drain_limit = agent.drain;
    let floor = Arc::new(Floor::new(agent));
    let (routes, health) = routes(&floor).await?;
    // If this future is dropped, connections and sessions end as well.
    let _closing = floor.closing.clone().drop_guard();
    tracing::info!(agent = floor.described.name, address = %listener.address(), "serving");
    notify::ready(&floor.described.name);
    tokio::select! {
        () = links::accept(&listener, &floor, &routes) => {}
        () = shutdown => {}
    }
    notify::stopping();
    drain(&floor, health, listener, drain_limit).await;
    tracing::info!(agent = floor.described.name, "drained");
    Ok(())
}

/// Refuses what would only show when it is called.
fn check(agent: &Agent) -> Result<(), ServeError> {
    let mut names = HashSet::new();
    for operation in agent.operations() {
        if !names.insert(operation.name.as_str()) {
            let (agent, operation) = (agent.name().to_owned(), operation.name.clone());
            return Err(ServeError::Duplicate { agent, operation });
        }
    }
    let lost =
        agent.operations().iter().find(|one| !one.undo.is_empty() && !names.contains(one.undo.as_str()));
    lost.map_or(Ok(()), |operation| {
        let (agent, undo) = (agent.name().to_owned(), operation.undo.clone());
        Err(ServeError::Undo { agent, operation: operation.name.clone(), undo })
    })
}

async fn routes(floor: &Arc<Floor>) -> Result<(Routes, HealthReporter), ServeError> {
    let reflection = tonic_reflection::server::Builder::configure()
        .register_encoded_file_descriptor_set(op_proto::DESCRIPTORS)
        .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
        .with_service_name(SERVICE_NAME)
        .with_service_name("grpc.health.v1.Health")
        .build_v1()
        .map_err(ServeError::Reflection)?;
    let (reporter, health) = health_reporter();
    reporter.set_service_status(SERVICE_NAME, ServingStatus::Serving).await;
    let service = AgentServer::new(Service(Arc::clone(floor))).max_decoding_message_size(MAX_FRAME);
    Ok((Routes::new(service).add_service(health).add_service(reflection).prepare(), reporter))
}

/// Takes nothing new, lets what is in flight end or stops it, and ends all tasks.
async fn drain(floor: &Floor, mut health: HealthReporter, listener: Listener, limit: Duration) {
    for service in ["", SERVICE_NAME] {
        health.set_service_status(service, ServingStatus::NotServing).await;
    }
    drop(listener);
    floor.ledger.close();
    floor.draining.cancel();
    floor.work.close();
    if tokio::time::timeout(limit, floor.work.wait()).await.is_err() {
        floor.ledger.halt_all(&Halt { cause: Cause::AgentEnds, grace: floor.grace });
        // An outcome that nobody reads keeps its task here; it ends with its connection below.
        let _ = tokio::time::timeout(floor.grace, floor.work.wait()).await;
    }
    for service in ["", SERVICE_NAME] {
        // Ends the streams of those who watch.
        health.clear_service_status(service).await;
    }
    floor.closing.cancel();
    floor.links.close();
    floor.links.wait().await;
    floor.work.wait().await;
}
