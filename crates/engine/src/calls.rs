//! What a run has under way: its calls, each a task of the run.

use std::collections::HashMap;
use std::sync::Arc;

use op_plan::plan::FailureKind;
use op_run::command::Call;
use op_run::{Answer, Evidence, Failure, Work};
use tokio::task::{Id, JoinError, JoinSet};
use tokio_util::sync::CancellationToken;

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

/// The calls of a run that are with their performers.
pub(crate) struct Calls {
    perform: Arc<dyn Perform>,
    tasks: JoinSet<Answer>,
    under_way: HashMap<Id, UnderWay>,
    by_work: HashMap<Work, Id>,
}

impl Calls {
    pub(crate) fn new(perform: Arc<dyn Perform>) -> Self {
        Self { perform, tasks: JoinSet::new(), under_way: HashMap::new(), by_work: HashMap::new() }
    }

    pub(crate) fn is_under_way(&self, work: Work) -> bool {
        self.by_work.contains_key(&work)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.by_work.is_empty()
    }

    pub(crate) fn begin(&mut self, call: Call, secrets: Vec<String>, repeat: bool, output: Output) {
        let request = Request {
            key: call.key.to_string(),
            performer: call.performer.clone(),
            arguments: Arc::clone(&call.arguments),
            timeout: call.timeout,
            repeat,
            secrets,
        };
        let (perform, stop, output) = (Arc::clone(&self.perform), CancellationToken::new(), Arc::new(output));
        let (sink, token, work) = (Arc::clone(&output), stop.clone(), call.work);
        let task = self.tasks.spawn(async move { perform.perform(request, sink, token).await });
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
        let output = output.finish(call.attempt);
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
