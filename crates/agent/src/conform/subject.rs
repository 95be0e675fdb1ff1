//! The agent under test, and everything that was seen of it.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use hyper_util::rt::TokioIo;
use op_proto::Address;
use op_proto::agent::v1::agent_client::AgentClient;
use op_proto::agent::v1::{DescribeRequest, DescribeResponse, Operation, OperationDescription};
use tokio::net::UnixStream;
use tonic::Status;
use tonic::transport::{Channel, Endpoint};

use super::record::Record;
use super::report::{Gap, untried};
use super::trial::{Call, Trial, harmless};

/// Largest message that is taken from an agent.
pub(super) const MAX_MESSAGE: usize = 16 << 20;

/// Why an agent cannot be tried at all.
#[derive(Debug, thiserror::Error)]
pub enum ReachError {
    /// Nobody answers at the address.
    #[error("cannot connect to the agent at {address}")]
    Connect {
        /// The address.
        address: Address,
        /// What went wrong.
        source: tonic::transport::Error,
    },
    /// Whoever answers does not say what it is.
    #[error("the agent at {address} does not answer Describe")]
    Describe {
        /// The address.
        address: Address,
        /// What it answered.
        source: Box<Status>,
    },
    /// A call of the trial names no operation of the agent.
    #[error("`{agent}` has no operation `{operation}`; it has: {known}")]
    Operation {
        /// The agent.
        agent: String,
        /// The name that it does not know.
        operation: String,
        /// The names that it knows.
        known: String,
    },
}

/// The agent under test.
pub(super) struct Subject<'a> {
    pub(super) trial: &'a Trial,
    pub(super) described: DescribeResponse,
    address: &'a Address,
    main: Option<Call>,
    /// Makes the ids of this trial its own: an agent keeps outcomes by id.
    origin: u128,
    numbers: AtomicU64,
    log: Mutex<Vec<Record>>,
}

impl<'a> Subject<'a> {
    /// Connects, and asks the agent what it is.
    pub(super) async fn reach(address: &'a Address, trial: &'a Trial) -> Result<Self, ReachError> {
        let failed = |source| ReachError::Connect { address: address.clone(), source };
        let mut client = client(connect(address, trial.patience).await.map_err(failed)?);
        let told = in_time(trial.patience, client.describe(DescribeRequest {})).await;
        let failed = |source| ReachError::Describe { address: address.clone(), source: Box::new(source) };
        let described = told.map_err(failed)?.into_inner();
        let calls = [&trial.operation, &trial.slow, &trial.large, &trial.write, &trial.asks];
        for call in calls.into_iter().flatten() {
            known(&described, &call.operation)?;
        }
        Ok(Self {
            main: trial.operation.clone().or_else(|| harmless(&described)),
            trial,
            described,
            address,
            origin: SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos(),
            numbers: AtomicU64::new(0),
            log: Mutex::default(),
        })
    }

    /// A connection of its own.
    pub(super) async fn connect(&self) -> Result<Channel, Gap> {
        connect(self.address, self.trial.patience).await.map_err(|error| {
            super::report::short("that the agent takes another connection", error.to_string())
        })
    }

    /// An id that nobody used before.
    pub(super) fn id(&self, check: &str) -> String {
        format!("conform-{:x}/{check}/1/{}", self.origin, self.numbers.fetch_add(1, Ordering::Relaxed))
    }

    /// The operation that is called where any will do.
    pub(super) fn main(&self) -> Result<&Call, Gap> {
        self.main.as_ref().ok_or_else(|| {
            untried("the agent has no read that works without arguments; name a call with --operation")
        })
    }

    /// What the agent says of an operation.
    pub(super) fn operation(&self, name: &str) -> Option<&OperationDescription> {
        self.described.operations.iter().find(|operation| operation.name == name)
    }

    /// Keeps what was seen of an operation, for the rules that hold for all.
    pub(super) fn note(&self, record: Record) {
        self.log.lock().expect("nothing panics while it notes what it saw").push(record);
    }

    /// What was seen of all operations.
    pub(super) fn log(self) -> Vec<Record> {
        self.log.into_inner().expect("nothing panics while it notes what it saw")
    }
}

impl Call {
    /// The call on the wire.
    pub(super) fn order(&self, id: &str) -> Operation {
        Operation {
            id: id.to_owned(),
            operation: self.operation.clone(),
            arguments: self.arguments.clone(),
            ..Operation::default()
        }
    }
}

/// A call of an operation that no agent has.
pub(super) fn nobody() -> Call {
    Call { operation: "no_agent_has_this_operation".to_owned(), arguments: "{}".to_owned() }
}

pub(super) fn client(channel: Channel) -> AgentClient<Channel> {
    AgentClient::new(channel).max_decoding_message_size(MAX_MESSAGE)
}

/// An answer that comes in time, or a status that says that none did.
pub(super) async fn in_time<T>(
    patience: Duration,
    answer: impl Future<Output = Result<T, Status>>,
) -> Result<T, Status> {
    let silence = |_| Status::deadline_exceeded(format!("nothing within {patience:?}"));
    tokio::time::timeout(patience, answer).await.map_err(silence)?
}

async fn connect(address: &Address, patience: Duration) -> Result<Channel, tonic::transport::Error> {
    match address.clone() {
        Address::Tcp { host, port } => {
            let host = if host.contains(':') { format!("[{host}]") } else { host };
            Endpoint::from_shared(format!("http://{host}:{port}"))?.connect_timeout(patience).connect().await
        }
        Address::Unix(path) => {
            let connector = tower::service_fn(move |_| {
                let path = path.clone();
                async move { UnixStream::connect(path).await.map(TokioIo::new) }
            });
            let endpoint = Endpoint::from_static("http://localhost").connect_timeout(patience);
            endpoint.connect_with_connector(connector).await
        }
    }
}

fn known(agent: &DescribeResponse, operation: &str) -> Result<(), ReachError> {
    let names: Vec<_> = agent.operations.iter().map(|one| one.name.as_str()).collect();
    if names.contains(&operation) {
        return Ok(());
    }
    let (agent, operation) = (agent.name.clone(), operation.to_owned());
    Err(ReachError::Operation { agent, operation, known: names.join(", ") })
}
