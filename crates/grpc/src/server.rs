//! Listeners and services. The server takes listeners and a shutdown token; when it returns, no connection is left.

use std::sync::Arc;

use futures::TryStreamExt as _;
use op_engine::ports::Service;
use op_engine::{Engine, Warden};
use op_proto::v1::agents_server::AgentsServer;
use op_proto::v1::journal_server::JournalServer;
use op_proto::v1::plans_server::PlansServer;
use op_proto::v1::runs_server::RunsServer;
use op_proto::v1::sessions_server::SessionsServer;
use op_proto::v1::skills_server::SkillsServer;
use op_proto::v1::tools_server::ToolsServer;
use tokio::net::{TcpListener, UnixListener};
use tokio_stream::wrappers::{TcpListenerStream, UnixListenerStream};
use tokio_util::sync::CancellationToken;
use tonic::service::Routes;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::Server;
use tonic::transport::server::Router;

use crate::agents::AgentsService;
use crate::desk::Desk;
use crate::journal::JournalService;
use crate::peer;
use crate::plans::PlansService;
use crate::runs::RunsService;
use crate::sessions::SessionsService;
use crate::skills::SkillsService;
use crate::tools::ToolsService;
use crate::visitor::Visitor;

/// Largest request, in bytes.
const MAX_REQUEST: usize = 8 << 20;

/// Streams of one connection at the same time; a client with more to ask waits. Without a bound, small requests that are not read yet
/// use up what HTTP/2 allows of them, and the connection breaks.
const MAX_STREAMS: u32 = 1024;

/// Where clients come in.
#[derive(Debug, Default)]
pub struct Doors {
    /// A Unix socket; callers are checked by their credentials.
    pub unix: Option<UnixListener>,
    /// A TCP port on loopback.
    pub tcp: Option<TcpListener>,
}

/// Why the door closed by itself.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The transport broke.
    #[error("the gRPC door broke")]
    Transport(#[from] tonic::transport::Error),
    /// The descriptors that reflection tells of cannot be read.
    #[error("the descriptors for reflection cannot be read")]
    Reflection(#[from] tonic_reflection::server::Error),
}

/// Serves clients until the token is cancelled; streams end then, and calls in flight are stopped and answered.
///
/// # Errors
/// When a listener breaks.
pub async fn serve(
    doors: Doors,
    engine: Engine,
    warden: Warden,
    service: Arc<dyn Service>,
    shutdown: CancellationToken,
) -> Result<(), ServeError> {
    let Doors { unix, tcp } = doors;
    let desk = Desk { engine, warden, service, shutdown };
    let unix = async {
        let Some(listener) = unix else { return Ok(()) };
        let visitors = UnixListenerStream::new(listener).map_ok(Visitor::new);
        let router = router(&desk)?;
        let stopped = desk.shutdown.clone().cancelled_owned();
        Ok(router.serve_with_incoming_shutdown(visitors, stopped).await?)
    };
    let tcp = async {
        let Some(listener) = tcp else { return Ok(()) };
        let router = router(&desk)?;
        let stopped = desk.shutdown.clone().cancelled_owned();
        Ok(router.serve_with_incoming_shutdown(TcpListenerStream::new(listener), stopped).await?)
    };
    tokio::try_join!(unix, tcp).map(|((), ())| ())
}

fn router(desk: &Desk) -> Result<Router, ServeError> {
    let (health, health_service) = tonic_health::server::health_reporter();
    // The overall status is SERVING from the start: who can connect finds the door open.
    drop(health);
    let reflection = tonic_reflection::server::Builder::configure()
        .register_encoded_file_descriptor_set(op_proto::DESCRIPTORS)
        .with_service_name("opdbus.v1.Runs")
        .with_service_name("opdbus.v1.Plans")
        .with_service_name("opdbus.v1.Agents")
        .with_service_name("opdbus.v1.Tools")
        .with_service_name("opdbus.v1.Sessions")
        .with_service_name("opdbus.v1.Skills")
        .with_service_name("opdbus.v1.Journal")
        .build_v1()?;
    let guarded = || {
        let warden = desk.warden.clone();
        move |request: tonic::Request<()>| peer::check(&warden, request)
    };
    let runs = RunsServer::new(RunsService { desk: desk.clone() }).max_decoding_message_size(MAX_REQUEST);
    let plans = PlansServer::new(PlansService { desk: desk.clone() }).max_decoding_message_size(MAX_REQUEST);
    let agents =
        AgentsServer::new(AgentsService { desk: desk.clone() }).max_decoding_message_size(MAX_REQUEST);
    let tools = ToolsServer::new(ToolsService { desk: desk.clone() }).max_decoding_message_size(MAX_REQUEST);
    let sessions = SessionsServer::new(SessionsService { desk: desk.clone() });
    let skills = SkillsServer::new(SkillsService { desk: desk.clone() });
    let journal = JournalServer::new(JournalService { desk: desk.clone() });
    let routes = Routes::new(InterceptedService::new(runs, guarded()))
        .add_service(InterceptedService::new(plans, guarded()))
        .add_service(InterceptedService::new(agents, guarded()))
        .add_service(InterceptedService::new(tools, guarded()))
        .add_service(InterceptedService::new(sessions, guarded()))
        .add_service(InterceptedService::new(skills, guarded()))
        .add_service(InterceptedService::new(journal, guarded()))
        .add_service(InterceptedService::new(reflection, guarded()))
        .add_service(health_service);
    Ok(Server::builder()
        .max_concurrent_streams(Some(MAX_STREAMS))
        .http2_keepalive_interval(Some(std::time::Duration::from_secs(30)))
        .http2_keepalive_timeout(Some(std::time::Duration::from_secs(20)))
        .add_routes(routes))
}
