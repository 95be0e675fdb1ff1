//! The agent under test, served on a socket in a temporary directory.

use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use op_agent::{Agent, Call, Failure, Listener, Operation, ServeError};
use op_proto::Address;
use tokio::net::UnixStream;
use tokio::sync::{Semaphore, oneshot};
use tokio::task::JoinHandle;
use tonic::transport::{Channel, Endpoint};

use crate::hub::{Hub, soon};

#[derive(serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Nothing {}

#[derive(serde::Deserialize, serde::Serialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
struct Text {
    /// What to say.
    text: String,
}

#[derive(serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
struct Bytes {
    bytes: usize,
}

/// What the operations leave behind and wait for.
#[derive(Clone)]
pub(crate) struct Traces {
    /// How often an operation that counts was begun.
    pub(crate) begun: Arc<AtomicUsize>,
    /// How many futures of `stubborn` were dropped.
    pub(crate) dropped: Arc<AtomicUsize>,
    /// Each permit lets one `hold` or `guard` end, or one `linger` stop.
    pub(crate) gate: Arc<Semaphore>,
    /// One permit for each `linger` that was told to stop.
    pub(crate) stopping: Arc<Semaphore>,
}

impl Traces {
    pub(crate) fn begun(&self) -> usize {
        self.begun.load(Ordering::SeqCst)
    }

    pub(crate) fn dropped(&self) -> usize {
        self.dropped.load(Ordering::SeqCst)
    }

    async fn hold(&self, call: Call) -> Result<String, Failure> {
        self.begun.fetch_add(1, Ordering::SeqCst);
        call.stdout("begun").await;
        tokio::select! {
            permit = self.gate.acquire() => permit.expect("the gate is never closed").forget(),
            () = call.cancelled() => return Err(Failure::cancelled("put away")),
        }
        Ok(call.key().to_owned())
    }

    async fn linger(&self, call: Call) -> Result<(), Failure> {
        self.begun.fetch_add(1, Ordering::SeqCst);
        call.stdout("begun").await;
        call.cancelled().await;
        self.stopping.add_permits(1);
        self.gate.acquire().await.expect("the gate is never closed").forget();
        Err(Failure::cancelled("put away"))
    }
}

struct Dropped(Arc<AtomicUsize>);

impl Drop for Dropped {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

/// The agent under test.
pub(crate) fn agent() -> (Agent, Traces) {
    let (gate, told) = (Arc::new(Semaphore::new(0)), Arc::new(Semaphore::new(0)));
    let traces = Traces { begun: Arc::default(), dropped: Arc::default(), gate, stopping: told };
    let agent = Agent::new("bench", "1.2.3").describe_as("Holds the kit to its rules.");
    (holding(stopping(plain(agent), &traces), &traces), traces)
}

fn plain(agent: Agent) -> Agent {
    agent
        .operation(Operation::read("echo", "Says it again."), async |_: Call, args: Text| Ok(args.text))
        .operation(Operation::read("say", "Sends output.").streaming(), async |call: Call, args: Bytes| {
            call.stdout("x".repeat(args.bytes)).await;
            Ok(args.bytes)
        })
        .operation(Operation::read("large", "Returns a large value."), async |_: Call, args: Bytes| {
            Ok("x".repeat(args.bytes))
        })
        .operation(Operation::read("panic", "Panics."), async |_: Call, args: Text| -> Result<(), Failure> {
            panic!("{}", args.text)
        })
        .operation(Operation::write("exit", "Fails like a program."), async |call: Call, _: Nothing| {
            call.stderr("no\n").await;
            call.progress(0.5, "half way");
            call.exited(3);
            Err::<(), _>(
                Failure::failed("exit_status", "it said no").hint("look").detail(serde_json::json!([1])),
            )
        })
        .operation(
            Operation::external("ask", "Asks a model.").unavailable("set models.default"),
            async |_: Call, _: Nothing| -> Result<(), Failure> { unreachable!("it is unavailable") },
        )
        .operation(
            Operation::read("context", "Tells what it was called with."),
            async |call: Call, _: Nothing| {
                Ok(format!(
                    "{} {} {} {}",
                    call.key(),
                    call.session(),
                    call.traceparent(),
                    call.deadline().is_some()
                ))
            },
        )
}

fn stopping(agent: Agent, traces: &Traces) -> Agent {
    let dropped = Arc::clone(&traces.dropped);
    agent
        .operation(Operation::read("stubborn", "Never ends."), move |call: Call, _: Nothing| {
            let dropped = Dropped(Arc::clone(&dropped));
            async move {
                call.stdout("begun").await;
                let _dropped = dropped;
                pending::<Result<(), Failure>>().await
            }
        })
        .operation(
            Operation::read("finisher", "Ends well when told to stop."),
            async |call: Call, _: Nothing| {
                call.stdout("begun").await;
                call.cancelled().await;
                assert!(call.is_cancelled());
                Ok(call.grace().as_secs())
            },
        )
        .operation(Operation::read("leaker", "Speaks after its end."), async |call: Call, _: Nothing| {
            let late = call.clone();
            tokio::spawn(async move {
                for _ in 0..1000 {
                    late.stdout("late").await;
                    late.progress(1.0, "late");
                    tokio::task::yield_now().await;
                }
            });
            Ok(())
        })
}

/// Asks the hub for what it is asked for.
async fn relay(call: Call, args: Text) -> Result<serde_json::Value, Failure> {
    call.ask(&args.text, &args).await
}

fn holding(agent: Agent, traces: &Traces) -> Agent {
    let (reading, writing, stepping, lingering) =
        (traces.clone(), traces.clone(), traces.clone(), traces.clone());
    agent
        .operation(Operation::write("linger", "Takes its time to stop."), move |call: Call, _: Nothing| {
            let traces = lingering.clone();
            async move { traces.linger(call).await }
        })
        .operation(Operation::read("relay", "Asks the hub."), relay)
        .operation(Operation::read("steps", "Tells progress."), move |call: Call, _: Nothing| {
            let traces = stepping.clone();
            async move {
                let key = traces.hold(call.clone()).await?;
                (1..10_u8).for_each(|step| call.progress(f64::from(step) / 10.0, &step.to_string()));
                Ok(key)
            }
        })
        .operation(Operation::read("hold", "Waits for the gate."), move |call: Call, _: Nothing| {
            let traces = reading.clone();
            async move { traces.hold(call).await }
        })
        .operation(
            Operation::write("guard", "Waits for the gate.").undo("hold"),
            move |call: Call, _: Nothing| {
                let traces = writing.clone();
                async move { traces.hold(call).await }
            },
        )
}

/// An agent being served.
pub(crate) struct Served {
    pub(crate) address: Address,
    shutdown: Option<oneshot::Sender<()>>,
    task: JoinHandle<Result<(), ServeError>>,
    _dir: tempfile::TempDir,
}

impl Served {
    pub(crate) async fn start(agent: Agent) -> Self {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let address = Address::Unix(dir.path().join("agent.sock"));
        Self::start_at(agent, &address, dir).await
    }

    pub(crate) async fn start_at(agent: Agent, address: &Address, dir: tempfile::TempDir) -> Self {
        let listener = Listener::bind(address).await.expect("binds");
        let address = listener.address().clone();
        let (shutdown, told) = oneshot::channel();
        let task = tokio::spawn(agent.serve(listener, async { drop(told.await) }));
        Self { address, shutdown: Some(shutdown), task, _dir: dir }
    }

    pub(crate) async fn channel(&self) -> Channel {
        let connected = match self.address.clone() {
            Address::Tcp { host, port } => {
                Endpoint::from_shared(format!("http://{host}:{port}")).expect("a uri").connect().await
            }
            Address::Unix(path) => {
                let connector = tower::service_fn(move |_| {
                    let path = path.clone();
                    async move { UnixStream::connect(path).await.map(hyper_util::rt::TokioIo::new) }
                });
                Endpoint::from_static("http://agent").connect_with_connector(connector).await
            }
        };
        connected.expect("connects")
    }

    /// A session on a connection of its own.
    pub(crate) async fn hub(&self) -> Hub {
        Hub::open(self.channel().await).await
    }

    /// Begins the shutdown.
    pub(crate) fn stop(&mut self) {
        drop(self.shutdown.take());
    }

    /// Waits for the end of a shutdown that has begun.
    pub(crate) async fn ended(self) {
        soon(self.task).await.expect("it does not panic").expect("it was served");
    }
}
