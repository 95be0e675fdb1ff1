//! The way from an address to an agent that takes calls.

use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use hyper_util::rt::TokioIo;
use op_proto::Address;
use op_proto::agent::v1::agent_client::AgentClient;
use op_proto::agent::v1::{AgentFrame, DescribeRequest, DescribeResponse, agent_frame::Frame};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Status, Streaming};

use crate::described::{Described, described};
use crate::fault::{Fault, FaultKind};
use crate::session::{Flights, Session, VERSION};
use crate::settings::PoolSettings;
use crate::unary::Unary;
use crate::wire::Wire;

/// Flow control windows: large enough that they never hold up a session, small enough to bound what waits unread.
const STREAM_WINDOW: u32 = 2 << 20;
const CONNECTION_WINDOW: u32 = 4 << 20;

/// The longest that calls wait for an agent that says it goes on without a hub.
const WINDOW: Duration = Duration::from_mins(5);

/// First and longest pause between two looks for a process that is starting.
const STARTING: (Duration, Duration) = (Duration::from_millis(1), Duration::from_millis(20));

/// How often to look out for an agent that should come back: on this host for next to nothing, farther off seldom.
const LOOKOUT_UNIX: Duration = Duration::from_millis(100);
const LOOKOUT_TCP: Duration = Duration::from_secs(1);

/// A connected agent.
pub(crate) struct Connection {
    pub(crate) wire: Wire,
    pub(crate) channel: Channel,
    pub(crate) described: Described,
    /// What the agent says on its session, where it speaks sessions.
    pub(crate) frames: Option<Streaming<AgentFrame>>,
    /// How long it goes on with its calls when the session breaks.
    pub(crate) window: Duration,
}

/// One attempt to connect, bounded in time. `starting`: the process was started just now, so nobody may listen yet.
pub(crate) async fn connect(
    name: &str,
    address: &Address,
    settings: &PoolSettings,
    flights: &Arc<Flights>,
    starting: bool,
) -> Result<Connection, Fault> {
    let limit = settings.connect_timeout;
    let mut listens = false;
    let attempt = async {
        let channel = channel(address, settings, starting).await?;
        listens = true;
        talk(name, channel, settings, flights).await
    };
    match tokio::time::timeout(limit, attempt).await {
        Ok(result) => result,
        Err(_) if listens => Err(Fault::new(
            FaultKind::Hung,
            format!("it accepts connections and does not answer within {limit:?}"),
        )),
        Err(_) => Err(Fault::new(FaultKind::Absent, format!("nobody listens there after {limit:?}"))),
    }
}

/// Returns once somebody listens at the address.
pub(crate) async fn lookout(address: &Address) {
    let pause = match address {
        Address::Unix(_) => LOOKOUT_UNIX,
        Address::Tcp { .. } => LOOKOUT_TCP,
    };
    loop {
        tokio::time::sleep(pause).await;
        if is_listening(address).await {
            return;
        }
    }
}

async fn is_listening(address: &Address) -> bool {
    match address {
        Address::Unix(path) => UnixStream::connect(path).await.is_ok(),
        Address::Tcp { host, port } => TcpStream::connect((host.as_str(), *port)).await.is_ok(),
    }
}

async fn channel(address: &Address, settings: &PoolSettings, starting: bool) -> Result<Channel, Fault> {
    match address {
        Address::Unix(path) => over(patient(starting, || UnixStream::connect(path)).await?, settings).await,
        Address::Tcp { host, port } => {
            let stream = patient(starting, || TcpStream::connect((host.as_str(), *port))).await?;
            // Frames are small and each may be all an agent waits for.
            stream.set_nodelay(true).map_err(|error| unreachable(&error))?;
            over(stream, settings).await
        }
    }
}

/// Connects; while a process is starting, until it listens.
async fn patient<S, F: Future<Output = io::Result<S>>>(
    starting: bool,
    mut dial: impl FnMut() -> F,
) -> Result<S, Fault> {
    let (mut pause, longest) = STARTING;
    loop {
        match dial().await {
            Ok(stream) => return Ok(stream),
            Err(error) if starting && is_absence(&error) => {}
            Err(error) => return Err(unreachable(&error)),
        }
        tokio::time::sleep(pause).await;
        pause = (2 * pause).min(longest);
    }
}

fn is_absence(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused)
}

fn unreachable(error: &io::Error) -> Fault {
    let kind = if is_absence(error) { FaultKind::Absent } else { FaultKind::Refused };
    Fault::new(kind, error.to_string())
}

/// HTTP/2 over a stream. The channel never connects by itself again: that is the keeper's to decide.
async fn over<S>(stream: S, settings: &PoolSettings) -> Result<Channel, Fault>
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let once = Arc::new(Mutex::new(Some(stream)));
    let connector = tower::service_fn(move |_| {
        let stream = once.lock().ok().and_then(|mut once| once.take());
        async move { stream.map(TokioIo::new).ok_or_else(|| io::Error::other("the connection is gone")) }
    });
    Endpoint::from_static("http://agent.invalid")
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .http2_keep_alive_interval(settings.keepalive)
        .keep_alive_timeout(settings.keepalive)
        .keep_alive_while_idle(true)
        .connect_with_connector(connector)
        .await
        .map_err(|error| Fault::new(FaultKind::Refused, format!("it does not speak HTTP/2: {error}")))
}

/// Opens a session, or learns that the agent speaks none.
async fn talk(
    name: &str,
    channel: Channel,
    settings: &PoolSettings,
    flights: &Arc<Flights>,
) -> Result<Connection, Fault> {
    let mut client = AgentClient::new(channel.clone())
        .max_decoding_message_size(settings.max_message)
        .max_encoding_message_size(settings.max_message);
    match welcome(&mut client, settings, flights).await {
        Ok((session, said, window, frames)) => {
            let described = described(name, said)?;
            let wire = Wire::Session(session);
            Ok(Connection { wire, channel, described, frames: Some(frames), window })
        }
        Err(Hello::Unimplemented) => {
            let said = client.describe(DescribeRequest {}).await.map_err(|status| refused(&status))?;
            let described = described(name, said.into_inner())?;
            let wire = Wire::Unary(Arc::new(Unary::new(client)));
            Ok(Connection { wire, channel, described, frames: None, window: Duration::ZERO })
        }
        Err(Hello::Fault(fault)) => Err(fault),
    }
}

/// Why there is no session.
enum Hello {
    Unimplemented,
    Fault(Fault),
}

impl From<Status> for Hello {
    fn from(status: Status) -> Self {
        if status.code() == Code::Unimplemented { Self::Unimplemented } else { Self::Fault(refused(&status)) }
    }
}

fn refused(status: &Status) -> Fault {
    Fault::new(FaultKind::Refused, format!("it answers {:?}: {}", status.code(), status.message()))
}

type Opened = (Arc<Session>, DescribeResponse, Duration, Streaming<AgentFrame>);

async fn welcome(
    client: &mut AgentClient<Channel>,
    settings: &PoolSettings,
    flights: &Arc<Flights>,
) -> Result<Opened, Hello> {
    let (session, outbox) = Session::new(&settings.hub, settings.grace, flights);
    let mut frames = client.session(outbox).await?.into_inner();
    let wrong = |what: &str| Hello::Fault(Fault::new(FaultKind::Refused, what));
    loop {
        let frame =
            frames.message().await?.ok_or_else(|| wrong("it ended the session before the welcome"))?;
        match frame.frame {
            Some(Frame::Welcome(welcome)) if (1..=VERSION).contains(&welcome.version) => {
                let said = welcome.agent.ok_or_else(|| wrong("its welcome does not say what it is"))?;
                let window = welcome.window.and_then(|window| Duration::try_from(window).ok());
                return Ok((session, said, window.unwrap_or_default().min(WINDOW), frames));
            }
            Some(Frame::Welcome(_)) => return Err(wrong("it speaks a version that this hub does not know")),
            Some(
                Frame::Event(_)
                | Frame::Draining(_)
                | Frame::Pong(_)
                | Frame::HostCall(_)
                | Frame::CatalogueChanged(_),
            ) => {
                return Err(wrong("it does not open the session with a welcome"));
            }
            None => {}
        }
    }
}
