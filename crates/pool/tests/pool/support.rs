//! What the tests share: settings with short times, an agent made with the kit, requests, and waiting for a state.

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::StreamExt;
use op_agent::{Agent, Call, Failure, Listener, Operation, Risk};
use op_engine::ports::{AgentStatus, Agents, Perform, Progress, Request, Sink, SystemClock};
use op_plan::Performer;
use op_pool::{AgentSettings, Backoff, Pool, PoolSettings};
use op_proto::Address;
use op_run::Answer;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// Nothing in these tests takes this long unless it is broken.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) fn settings() -> PoolSettings {
    PoolSettings {
        health_interval: Duration::from_millis(200),
        grace: Duration::from_millis(300),
        backoff: Backoff {
            base: Duration::from_millis(10),
            max: Duration::from_millis(100),
            ..Backoff::default()
        },
        ..PoolSettings::default()
    }
}

pub(crate) fn directory() -> TempDir {
    tempfile::tempdir().expect("a temporary directory")
}

pub(crate) fn at(directory: &Path, name: &str) -> Address {
    Address::Unix(directory.join(format!("{name}.sock")))
}

pub(crate) fn pool(settings: PoolSettings, agents: Vec<AgentSettings>) -> Arc<Pool> {
    let pool = Pool::new(settings, agents, Arc::new(SystemClock::new())).expect("a right pool");
    pool.start();
    pool
}

/// A pool with one lazy agent called `a`.
pub(crate) fn one(settings: PoolSettings, address: &Address) -> Arc<Pool> {
    pool(settings, vec![AgentSettings::new("a", address.clone())])
}

/// An agent that is being served in this process.
pub(crate) struct Served {
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl Served {
    pub(crate) async fn stop(self) {
        let _ = self.stop.send(());
        self.task.await.expect("the agent ends");
    }
}

pub(crate) async fn serve(agent: Agent, address: &Address) -> Served {
    let listener = Listener::bind(address).await.expect("a free address");
    let (stop, stopped) = oneshot::channel();
    let task = tokio::spawn(async move {
        let stopped = async { drop(stopped.await) };
        agent.serve(listener, stopped).await.expect("a right agent");
    });
    Served { stop, task }
}

#[derive(Deserialize, JsonSchema)]
struct Speak {
    /// What to say.
    #[serde(default)]
    text: String,
    /// How much more to say.
    #[serde(default)]
    bytes: usize,
}

#[derive(Deserialize, JsonSchema)]
struct Nothing {}

/// The agent of most tests: `echo`, `speak`, `shred`, `fail`, `wait`.
pub(crate) fn agent(name: &str) -> Agent {
    Agent::new(name, "1.2.3")
        .drain(Duration::from_millis(100))
        .grace(Duration::from_millis(100))
        .operation(Operation::read("echo", "Says it back.").idempotent(), |_: Call, args: Value| async move {
            Ok::<_, Failure>(args)
        })
        .operation(Operation::read("speak", "Speaks.").streaming(), |call: Call, args: Speak| async move {
            call.stdout(&args.text).await;
            call.stderr(vec![b'x'; args.bytes]).await;
            call.progress(0.5, "half");
            call.exited(0);
            Ok::<_, Failure>(args.bytes)
        })
        .operation(
            Operation::write("shred", "Cannot be taken back.").risk(Risk::Critical),
            |_: Call, args: Value| async move { Ok::<_, Failure>(args) },
        )
        .operation(Operation::read("fail", "Fails."), |_: Call, _: Nothing| async move {
            let failure =
                Failure::failed("exit_status", "it failed").hint("mend it").detail(json!({"code": 1}));
            Err::<Value, _>(failure)
        })
        .operation(
            Operation::read("wait", "Waits until it is stopped."),
            |call: Call, _: Nothing| async move {
                call.progress(0.0, "waiting");
                call.cancelled().await;
                Err::<Value, _>(Failure::cancelled("it stopped"))
            },
        )
}

pub(crate) fn request(performer: &str, key: &str, arguments: Value) -> Request {
    Request {
        key: key.to_owned(),
        performer: Performer::parse(performer),
        arguments: Arc::new(arguments),
        timeout: None,
        repeat: false,
        secrets: Vec::new(),
        session: String::new(),
        approved: false,
        keep: None,
    }
}

/// Keeps what a call does, and tells when it did something.
#[derive(Default)]
pub(crate) struct Kept {
    pub(crate) progress: Mutex<Vec<Progress>>,
    pub(crate) some: tokio::sync::Notify,
}

impl Sink for Kept {
    fn take(&self, progress: Progress) {
        self.progress.lock().expect("no panic").push(progress);
        self.some.notify_one();
    }
}

/// Performs a call that nobody stops.
pub(crate) async fn call(pool: &Pool, performer: &str, key: &str, arguments: Value) -> Answer {
    let performed =
        pool.perform(request(performer, key, arguments), Arc::new(Kept::default()), CancellationToken::new());
    tokio::time::timeout(PATIENCE, performed).await.expect("every call is answered")
}

/// Begins a call to `a.wait` and returns once the agent works on it.
pub(crate) async fn begin(pool: &Arc<Pool>, key: &str, stop: &CancellationToken) -> JoinHandle<Answer> {
    let (kept, stop, pool) = (Arc::new(Kept::default()), stop.clone(), Arc::clone(pool));
    let (request, sink) = (request("a.wait", key, json!({})), Arc::clone(&kept));
    let call = tokio::spawn(async move { pool.perform(request, sink, stop).await });
    tokio::time::timeout(PATIENCE, kept.some.notified()).await.expect("the agent begins");
    call
}

pub(crate) async fn answer(call: JoinHandle<Answer>) -> Answer {
    tokio::time::timeout(PATIENCE, call).await.expect("every call is answered").expect("no panic")
}

pub(crate) fn value(answer: Answer) -> Value {
    match answer {
        Answer::Succeeded { value, .. } => value,
        Answer::Failed { failure, .. } => panic!("{failure:?}"),
    }
}

pub(crate) fn failure(answer: Answer) -> op_run::Failure {
    match answer {
        Answer::Failed { failure, .. } => failure,
        Answer::Succeeded { value, .. } => panic!("it succeeded with {value}"),
    }
}

/// Waits until an agent stands like this, however it got there. Counters change without telling, so it also looks by itself.
pub(crate) async fn until(pool: &Pool, name: &str, stands: impl Fn(&AgentStatus) -> bool) -> AgentStatus {
    let mut changes = pool.watch();
    let mut looks = tokio::time::interval(Duration::from_millis(10));
    let found = async {
        loop {
            tokio::select! {
                status = changes.next() => {
                    let status = status.expect("a watch without end");
                    if status.name == name && stands(&status) {
                        return status;
                    }
                }
                _ = looks.tick() => {
                    let status = pool.list().into_iter().find(|status| status.name == name);
                    if let Some(status) = status.filter(&stands) {
                        return status;
                    }
                }
            }
        }
    };
    let found = tokio::time::timeout(PATIENCE, found).await;
    found.unwrap_or_else(|_| panic!("it never came to this: {:?}", pool.list()))
}
