//! The services of a daemon, over its Unix socket.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use hyper_util::rt::TokioIo;
use op_proto::v1::agents_client::AgentsClient;
use op_proto::v1::journal_client::JournalClient;
use op_proto::v1::plans_client::PlansClient;
use op_proto::v1::runs_client::RunsClient;
use op_proto::v1::sessions_client::SessionsClient;
use op_proto::v1::skills_client::SkillsClient;
use op_proto::v1::tools_client::ToolsClient;
use tokio::net::UnixStream;
use tonic::transport::{Channel, Endpoint};

/// Largest answer that is taken: a run of 10,000 steps, or a report, whole.
const MAX_ANSWER: usize = 64 << 20;

/// How long a daemon may take to accept a connection, and to answer a ping on one.
const PATIENCE: Duration = Duration::from_secs(5);

/// Time between two pings, which show that a silent daemon lives.
const PING: Duration = Duration::from_secs(20);

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConnectError {
    /// Nobody listens there.
    #[error("no daemon listens on `{}`", .0.display())]
    Absent(PathBuf),
    /// Somebody listens, and not to this user.
    #[error("this user may not talk to the daemon on `{}`", .0.display())]
    Denied(PathBuf),
    /// Somebody listens and does not answer.
    #[error("the daemon on `{}` does not answer", .0.display())]
    Silent(PathBuf),
    /// The socket cannot be reached.
    #[error("cannot connect to `{}`", path.display())]
    Io {
        /// The socket.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// What listens there does not speak gRPC.
    #[error("what listens on `{}` is no daemon", path.display())]
    Protocol {
        /// The socket.
        path: PathBuf,
        /// What went wrong.
        source: tonic::transport::Error,
    },
}

/// A connection to a daemon. Clones share it.
#[derive(Debug, Clone)]
pub(crate) struct Client(Channel);

impl Client {
    /// Connects to the daemon that listens on a socket.
    pub(crate) async fn connect(path: &Path) -> Result<Self, ConnectError> {
        let patient = tokio::time::timeout(PATIENCE, open(path));
        patient.await.unwrap_or_else(|_| Err(ConnectError::Silent(path.to_owned())))
    }

    /// Runs.
    pub(crate) fn runs(&self) -> RunsClient<Channel> {
        RunsClient::new(self.0.clone()).max_decoding_message_size(MAX_ANSWER)
    }

    /// Plans.
    pub(crate) fn plans(&self) -> PlansClient<Channel> {
        PlansClient::new(self.0.clone()).max_decoding_message_size(MAX_ANSWER)
    }

    /// Agents.
    pub(crate) fn agents(&self) -> AgentsClient<Channel> {
        AgentsClient::new(self.0.clone()).max_decoding_message_size(MAX_ANSWER)
    }

    /// Tools.
    pub(crate) fn tools(&self) -> ToolsClient<Channel> {
        ToolsClient::new(self.0.clone()).max_decoding_message_size(MAX_ANSWER)
    }

    /// Skills.
    pub(crate) fn skills(&self) -> SkillsClient<Channel> {
        SkillsClient::new(self.0.clone()).max_decoding_message_size(MAX_ANSWER)
    }

    /// Sessions.
    pub(crate) fn sessions(&self) -> SessionsClient<Channel> {
        SessionsClient::new(self.0.clone()).max_decoding_message_size(MAX_ANSWER)
    }

    /// The journal.
    pub(crate) fn journal(&self) -> JournalClient<Channel> {
        JournalClient::new(self.0.clone()).max_decoding_message_size(MAX_ANSWER)
    }
}

async fn open(path: &Path) -> Result<Client, ConnectError> {
    // The first connection tells errors of the system apart, which a transport error hides.
    drop(UnixStream::connect(path).await.map_err(|error| refusal(path, error))?);
    let socket = path.to_owned();
    let connector = tower::service_fn(move |_| {
        let socket = socket.clone();
        async move { UnixStream::connect(socket).await.map(TokioIo::new) }
    });
    // The address is only a name: the connector knows where to go.
    let endpoint = Endpoint::from_static("http://localhost")
        .http2_keep_alive_interval(PING)
        .keep_alive_timeout(PATIENCE);
    let channel = endpoint.connect_with_connector(connector).await;
    channel.map(Client).map_err(|source| ConnectError::Protocol { path: path.to_owned(), source })
}

fn refusal(path: &Path, source: io::Error) -> ConnectError {
    let path = path.to_owned();
    match source.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused | io::ErrorKind::NotADirectory => {
            ConnectError::Absent(path)
        }
        io::ErrorKind::PermissionDenied => ConnectError::Denied(path),
        _ => ConnectError::Io { path, source },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_socket_that_nobody_listens_on_is_absent() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("grpc.sock");
        assert!(matches!(Client::connect(&path).await, Err(ConnectError::Absent(_))));
        drop(std::os::unix::net::UnixListener::bind(&path).expect("binds"));
        assert!(path.exists());
        assert!(matches!(Client::connect(&path).await, Err(ConnectError::Absent(_))));
    }
}
