//! An agent that keeps to the protocol, with an operation for each check.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use op_agent::conform::{Call as Asked, Trial};
use op_agent::{Agent, Call, Failure, Listener, Operation};
use op_proto::Address;
use tokio::sync::oneshot;

/// Bytes of a large output: a few times what it starts with.
const LARGE: usize = 700 << 10;

#[derive(serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
struct Nothing {}

/// What each check needs, as calls of this agent.
pub(crate) fn trial(patience: Duration) -> Trial {
    let call = |name: &str| Some(Asked { operation: name.into(), arguments: "{}".into() });
    Trial {
        operation: call("look"),
        slow: call("wait"),
        large: call("pour"),
        write: call("count"),
        asks: call("ask"),
        patience,
        ..Trial::default()
    }
}

fn agent() -> Agent {
    let counted = Arc::new(AtomicU64::new(0));
    Agent::new("honest", "1.0.0")
        .describe_as("Keeps to the protocol.")
        .operation(Operation::read("look", "Answers at once."), async |_: Call, _: Nothing| {
            Ok::<_, Failure>("seen")
        })
        .operation(
            Operation::read("wait", "Goes on until it is stopped.").streaming(),
            async |call: Call, _: Nothing| {
                call.stdout("begun").await;
                call.cancelled().await;
                Err::<(), _>(Failure::cancelled("put away"))
            },
        )
        .operation(Operation::read("pour", "Writes much.").streaming(), async |call: Call, _: Nothing| {
            let text: String =
                (0..LARGE).map(|at| char::from(b'a' + u8::try_from(at % 23).unwrap_or(0))).collect();
            call.stdout(text).await;
            Ok::<_, Failure>(LARGE)
        })
        .operation(Operation::read("ask", "Asks for a file."), async |call: Call, _: Nothing| {
            call.ask("file_read", &serde_json::json!({ "path": "README.md" })).await
        })
        .operation(Operation::write("count", "Counts.").undo("uncount"), move |_: Call, _: Nothing| {
            let counted = Arc::clone(&counted);
            async move { Ok::<_, Failure>(counted.fetch_add(1, Ordering::SeqCst)) }
        })
        .operation(Operation::write("uncount", "Undoes it.").idempotent(), async |_: Call, _: Nothing| {
            Ok::<_, Failure>(())
        })
}

/// The agent, served on a socket of its own.
pub(crate) struct Honest {
    pub(crate) address: Address,
    pub(crate) folder: tempfile::TempDir,
    pub(crate) stop: Option<oneshot::Sender<()>>,
}

impl Honest {
    pub(crate) async fn serve() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let address = Address::Unix(folder.path().join("honest.sock"));
        let listener = Listener::bind(&address).await.expect("a free socket");
        let (stop, stopped) = oneshot::channel();
        tokio::spawn(agent().serve(listener, async { drop(stopped.await) }));
        Self { address, folder, stop: Some(stop) }
    }
}
