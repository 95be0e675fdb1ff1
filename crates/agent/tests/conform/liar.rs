//! A lying agent: the honest one behind somebody who falsifies what is said, in one way.

use std::pin::Pin;
use std::sync::{Arc, Mutex};

use futures::{Stream, StreamExt as _, stream};
use op_proto::Address;
use op_proto::agent::v1::agent_client::AgentClient;
use op_proto::agent::v1::agent_frame::Frame as Said;
use op_proto::agent::v1::agent_server::{Agent, AgentServer};
use op_proto::agent::v1::{
    AgentFrame, DescribeRequest, DescribeResponse, ExecuteRequest, ExecuteResponse, HostFrame, host_frame,
};
use tokio::net::UnixListener;
use tokio::sync::mpsc;
use tokio_stream::wrappers::{UnboundedReceiverStream, UnixListenerStream};
use tonic::transport::{Channel, Endpoint, Server};
use tonic::{Request, Response, Status, Streaming};
use tonic_health::pb::health_server::HealthServer;

use crate::fault::{Fault, Lie};
use crate::honest::Honest;
use crate::mute::Silent;

/// Large enough for whatever the honest agent says.
const MAX: usize = 16 << 20;

/// The lying agent, until it is dropped.
pub(crate) struct Liar {
    pub(crate) address: Address,
    pub(crate) honest: Honest,
}

impl Liar {
    pub(crate) async fn serve(fault: Fault) -> Self {
        let honest = Honest::serve().await;
        let Address::Unix(behind) = &honest.address else { panic!("a Unix socket") };
        let endpoint = Endpoint::from_shared(format!("unix:{}", behind.display())).expect("an address");
        let socket = honest.folder.path().join("liar.sock");
        let incoming = UnixListenerStream::new(UnixListener::bind(&socket).expect("a free socket"));
        let lie = Arc::new(Mutex::new(Lie::new(fault)));
        let voice = Voice { fault, lie, behind: endpoint.connect_lazy() };
        let service = AgentServer::new(voice).max_encoding_message_size(MAX).max_decoding_message_size(MAX);
        let health = (fault == Fault::HidesHealth).then(|| HealthServer::new(Silent));
        let server = Server::builder().add_service(service).add_optional_service(health);
        tokio::spawn(server.serve_with_incoming(incoming));
        Self { address: Address::Unix(socket), honest }
    }
}

struct Voice {
    fault: Fault,
    lie: Arc<Mutex<Lie>>,
    behind: Channel,
}

impl Voice {
    fn client(&self) -> AgentClient<Channel> {
        AgentClient::new(self.behind.clone()).max_decoding_message_size(MAX)
    }
}

type Answers<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

#[tonic::async_trait]
impl Agent for Voice {
    async fn describe(&self, _: Request<DescribeRequest>) -> Result<Response<DescribeResponse>, Status> {
        let mut described = self.client().describe(DescribeRequest {}).await?.into_inner();
        self.lie.lock().expect("no panic").describe(&mut described);
        Ok(Response::new(described))
    }

    type ExecuteStream = Answers<ExecuteResponse>;

    async fn execute(
        &self,
        request: Request<ExecuteRequest>,
    ) -> Result<Response<Self::ExecuteStream>, Status> {
        let lie = Arc::clone(&self.lie);
        let mut asked = request.into_inner().operation.unwrap_or_default();
        lie.lock().expect("no panic").operation(&mut asked);
        let events = self.client().execute(ExecuteRequest { operation: Some(asked) }).await?.into_inner();
        let said = events.flat_map(move |event| {
            let said = match event {
                Ok(event) => {
                    let mut lie = lie.lock().expect("no panic");
                    lie.up(event.event.map(Said::Event)).into_iter().map(Ok).collect()
                }
                Err(status) => vec![Err(status)],
            };
            stream::iter(said)
        });
        let response = |frame| match frame {
            Said::Event(event) => ExecuteResponse { event: Some(event) },
            other => panic!("{other:?} is no event"),
        };
        Ok(Response::new(said.map(move |frame| frame.map(response)).boxed()))
    }

    type SessionStream = Answers<AgentFrame>;

    async fn session(
        &self,
        request: Request<Streaming<HostFrame>>,
    ) -> Result<Response<Self::SessionStream>, Status> {
        if self.fault == Fault::SpeaksNoSession {
            return Err(Status::unimplemented("no sessions"));
        }
        let (down, asked) = mpsc::unbounded_channel();
        let (up, said) = mpsc::unbounded_channel();
        let lie = Arc::clone(&self.lie);
        let mut client = self.client();
        let frames = request.into_inner();
        tokio::spawn(pass_down(frames, Arc::clone(&lie), down.clone(), up.downgrade()));
        let inbox = client.session(UnboundedReceiverStream::new(asked)).await?.into_inner();
        tokio::spawn(pass_up(inbox, lie, down.downgrade(), up));
        Ok(Response::new(UnboundedReceiverStream::new(said).boxed()))
    }
}

type Up = mpsc::UnboundedSender<Result<AgentFrame, Status>>;

/// Brings to the honest agent what the hub says, or something else.
async fn pass_down(
    mut frames: Streaming<HostFrame>,
    lie: Arc<Mutex<Lie>>,
    down: mpsc::UnboundedSender<HostFrame>,
    up: mpsc::WeakUnboundedSender<Result<AgentFrame, Status>>,
) {
    while let Ok(Some(frame)) = frames.message().await {
        match lie.lock().expect("no panic").down(frame.frame) {
            Ok(frames) => frames.into_iter().for_each(|frame| send(&down, frame)),
            Err(status) => {
                // Nobody hears it once the session has ended.
                if let Some(up) = up.upgrade() {
                    drop(up.send(Err(status)));
                }
                return;
            }
        }
    }
}

fn send(down: &mpsc::UnboundedSender<HostFrame>, frame: host_frame::Frame) {
    // An agent that has gone hears no more.
    let _ = down.send(HostFrame { frame: Some(frame) });
}

/// Brings to the hub what the honest agent says, or something else.
async fn pass_up(
    mut inbox: Streaming<AgentFrame>,
    lie: Arc<Mutex<Lie>>,
    down: mpsc::WeakUnboundedSender<HostFrame>,
    up: Up,
) {
    while let Ok(Some(frame)) = inbox.message().await {
        let (said, asked) = {
            let mut lie = lie.lock().expect("no panic");
            (lie.up(frame.frame), lie.aside())
        };
        for frame in asked {
            if let Some(down) = down.upgrade() {
                send(&down, frame);
            }
        }
        for frame in said {
            // A hub that has gone hears no more.
            let _ = up.send(Ok(AgentFrame { frame: Some(frame) }));
        }
    }
    if lie.lock().expect("no panic").stays() {
        up.closed().await;
    }
}
