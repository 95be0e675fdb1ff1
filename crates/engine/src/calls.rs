//! What a run has under way: its calls, each a task of the run.

use std::collections::HashMap;
use std::sync::Arc;

use async_trait::async_trait;
use op_plan::plan::FailureKind;
use op_run::command::Call;
use op_run::{Answer, Evidence, Failure, Work};
use tokio::task::{Id, JoinError, JoinSet};
use tokio_util::sync::CancellationToken;

use crate::guard::skill::teach;
use crate::output::Output;
use crate::ports::{KeptOutput, Perform, Request};

/// A call that ended.
pub(crate) struct Ended {
    pub(crate) call: Call,
    pub(crate) answer: Answer,
    pub(crate) output: KeptOutput,
}

struct UnderWay {
    call: Call,
    output: Arc<Output>,
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
    tasks: JoinSet<Answer>,
    under_way: HashMap<Id, UnderWay>,
    by_work: HashMap<Work, Id>,
}

impl Calls {
    pub(crate) fn new(perform: Arc<dyn Perform>, children: Arc<dyn Children>) -> Self {
        Self { perform, children, tasks: JoinSet::new(), under_way: HashMap::new(), by_work: HashMap::new() }
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

    pub(crate) fn begin(&mut self, call: Call, secrets: Vec<String>, repeat: bool, output: Output) {
        let (stop, output, work) = (CancellationToken::new(), Arc::new(output), call.work);
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
                secrets,
                session: call.key.run.to_string(),
            };
            let (perform, sink, token) = (Arc::clone(&self.perform), Arc::clone(&output), stop.clone());
            self.tasks.spawn(async move { perform.perform(request, sink, token).await })
        };
        self.by_work.insert(work, task.id());
        self.under_way.insert(task.id(), UnderWay { call, output, stop });
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
        let UnderWay { call, output, .. } = self.under_way.remove(&id).expect("every task is under way");
        self.by_work.remove(&call.work);
        let output = output.finish(call.key.visit, call.attempt);
        Ended { call, answer, output }
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
