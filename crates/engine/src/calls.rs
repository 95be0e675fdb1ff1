//! What a run has under way: its calls, each a task of the run.

use std::collections::HashMap;
use std::sync::Arc;

use async_trait::async_trait;
use op_plan::plan::FailureKind;
use op_run::command::Call;
use op_run::{Answer, Evidence, Failure, Work};
use tokio::sync::mpsc;
use tokio::task::{Id, JoinError, JoinSet};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::conductor::Message;
use crate::guard::skill::teach;
use crate::handle::Engine;
use crate::host::{Asker, Host, Record};
use crate::output::Output;
use crate::ports::{Keep, KeptOutput, Perform, Request, Sink};

/// A call that ended.
pub(crate) struct Ended {
    pub(crate) call: Call,
    pub(crate) answer: Answer,
    pub(crate) output: KeptOutput,
    pub(crate) keep: Option<Arc<Keep>>,
}

/// What the run lends a call.
pub(crate) struct Sake {
    /// Credentials that its arguments may name.
    pub(crate) secrets: Vec<String>,
    /// Whether a person approved of it.
    pub(crate) approved: bool,
    /// How what it returns is kept.
    pub(crate) keep: Option<Arc<Keep>>,
    /// Who answers what it asks for.
    pub(crate) engine: Engine,
    /// The inbox of the run.
    pub(crate) inbox: Option<mpsc::Sender<Message>>,
    /// Up to which number it may have asked for something before.
    pub(crate) asked: u32,
}

struct UnderWay {
    call: Call,
    output: Arc<Output>,
    keep: Option<Arc<Keep>>,
    stop: CancellationToken,
}

/// Runs a plan for a step of another run.
#[async_trait]
pub(crate) trait Children: Send + Sync + 'static {
    /// Runs the plan of a call and returns how it ended. A repeat of the same call comes back to the same run. After `stop` is
    /// cancelled, the run is cancelled and its end is awaited.
    async fn run(&self, call: Call, stop: CancellationToken) -> Answer;
}

/// The calls of a run that are with their performers.
pub(crate) struct Calls {
    perform: Arc<dyn Perform>,
    children: Arc<dyn Children>,
    /// The session that they are made for.
    session: String,
    tasks: JoinSet<Answer>,
    under_way: HashMap<Id, UnderWay>,
    by_work: HashMap<Work, Id>,
}

impl Calls {
    pub(crate) fn new(perform: Arc<dyn Perform>, children: Arc<dyn Children>, session: String) -> Self {
        let (under_way, by_work) = (HashMap::new(), HashMap::new());
        Self { perform, children, session, tasks: JoinSet::new(), under_way, by_work }
    }

    pub(crate) fn is_under_way(&self, work: Work) -> bool {
        self.by_work.contains_key(&work)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.by_work.is_empty()
    }

    /// Whether a performer works for the run. Plans that it runs sleep in the journal as it does.
    pub(crate) fn has_performers(&self) -> bool {
        self.under_way.values().any(|under_way| under_way.call.plan.is_none())
    }

    pub(crate) fn begin(&mut self, call: Call, sake: Sake, repeat: bool, output: Output) {
        let (stop, output, work) = (CancellationToken::new(), Arc::new(output), call.work);
        let keep = sake.keep.clone();
        let task = if call.plan.is_some() {
            let (children, call, token) = (Arc::clone(&self.children), call.clone(), stop.clone());
            self.tasks.spawn(async move { children.run(call, token).await })
        } else {
            let request = Request {
                key: call.key.to_string(),
                performer: call.performer.clone(),
                arguments: teach(&call.arguments, &call.skills),
                timeout: call.timeout,
                repeat,
                secrets: sake.secrets,
                session: self.session.clone(),
                approved: sake.approved,
                keep: sake.keep,
            };
            let asker = Asker {
                key: request.key.clone(),
                performer: call.performer.clone(),
                session: self.session.clone(),
                deadline: call.timeout.and_then(|limit| Instant::now().checked_add(limit)),
                asked: if repeat { sake.asked } else { 0 },
                secrets: request.secrets.clone(),
            };
            let record = Record { inbox: sake.inbox, work, attempt: call.attempt };
            let sink: Arc<dyn Sink> = Arc::clone(&output) as _;
            let sink = Arc::new(Host::new(sake.engine, asker, Some(record), sink));
            let (perform, token) = (Arc::clone(&self.perform), stop.clone());
            self.tasks.spawn(async move { perform.perform(request, sink, token).await })
        };
        self.by_work.insert(work, task.id());
        self.under_way.insert(task.id(), UnderWay { call, output, keep, stop });
    }

    /// Asks a call to stop; asking twice changes nothing.
    pub(crate) fn stop(&self, work: Work) {
        if let Some(call) = self.by_work.get(&work).and_then(|id| self.under_way.get(id)) {
            call.stop.cancel();
        }
    }

    /// The next call that ends; waits for ever while none is under way.
    pub(crate) async fn ended(&mut self) -> Ended {
        match self.tasks.join_next_with_id().await {
            Some(Ok((id, answer))) => self.take(id, answer),
            Some(Err(error)) => self.take(error.id(), broken(&error)),
            None => std::future::pending().await,
        }
    }

    /// A call that has ended by now, if there is one.
    pub(crate) fn try_ended(&mut self) -> Option<Ended> {
        match self.tasks.try_join_next_with_id()? {
            Ok((id, answer)) => Some(self.take(id, answer)),
            Err(error) => Some(self.take(error.id(), broken(&error))),
        }
    }

    fn take(&mut self, id: Id, answer: Answer) -> Ended {
        let UnderWay { call, output, keep, .. } =
            self.under_way.remove(&id).expect("every task is under way");
        self.by_work.remove(&call.work);
        let output = output.finish(call.key.visit, call.attempt);
        Ended { call, answer, output, keep }
    }
}

/// A performer that panicked leaves its call in the air.
fn broken(error: &JoinError) -> Answer {
    tracing::error!(%error, "a performer broke off");
    let message = "the hub's own task for this call broke off; what became of it is unknown";
    Answer::Failed {
        failure: Failure::new(FailureKind::Lost, "broke_off", message),
        evidence: Evidence::default(),
    }
}
