//! Several calls as one.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use futures::stream::{BoxStream, StreamExt as _, unfold};
use op_plan::plan::FailureKind;
use op_run::{Answer, Evidence, Failure};
use tokio::task::{Id, JoinError, JoinSet};
use tokio_util::sync::CancellationToken;

use super::Engine;
use super::call::Calling;
use crate::batch::{Batch, BatchError, MOST, Strategy, Summary};
use crate::ports::Deaf;

/// What is seen of a batch.
#[derive(Debug, Clone, PartialEq)]
pub enum Batched {
    /// A call ended, or never began.
    Ended {
        /// Its place among the calls, counted from 0.
        place: usize,
        /// How it ended; `None` when it never began.
        answer: Option<Answer>,
    },
    /// All together ended; the last thing that is seen.
    Summary(Summary),
}

/// Calls under way, each a task of the batch. They end when this is dropped.
struct Calls {
    engine: Engine,
    batch: Option<Batch>,
    waiting: Vec<Option<Calling>>,
    tasks: JoinSet<Answer>,
    places: HashMap<Id, usize>,
    /// Stops those that are under way.
    stop: CancellationToken,
    seen: VecDeque<Batched>,
}

impl Engine {
    /// Calls several operations. The calls move on as the stream is read: each is begun, and each loser of a race stopped, once
    /// what came before is taken. The summary comes once each call has ended, those that were stopped included. Dropping the stream
    /// stops them all. No more are under way at once than one who asks may have, and each counts for it.
    ///
    /// # Errors
    /// When the calls are no batch by their strategy.
    pub fn call_batch(
        &self,
        calls: Vec<Calling>,
        strategy: Strategy,
        stop: &CancellationToken,
    ) -> Result<BoxStream<'static, Batched>, BatchError> {
        let at_once = self.hall.rates.at_once().unwrap_or(MOST);
        let calls = Calls {
            engine: self.clone(),
            batch: Some(Batch::new(strategy, calls.len(), at_once)?),
            waiting: calls.into_iter().map(Some).collect(),
            tasks: JoinSet::new(),
            places: HashMap::new(),
            stop: stop.child_token(),
            seen: VecDeque::new(),
        };
        Ok(unfold(calls, |mut calls| async { Some((calls.next().await?, calls)) }).boxed())
    }
}

impl Calls {
    async fn next(&mut self) -> Option<Batched> {
        loop {
            if let Some(seen) = self.seen.pop_front() {
                return Some(seen);
            }
            self.begin();
            let batch = self.batch.as_mut()?;
            let Some(ended) = self.tasks.join_next_with_id().await else {
                self.conclude();
                continue;
            };
            let (task, answer) = ended.unwrap_or_else(|error| (error.id(), broken(&error)));
            let place = self.places.remove(&task).expect("every task has its place");
            batch.end(&answer);
            if batch.is_decided() {
                self.stop.cancel();
            }
            self.seen.push_back(Batched::Ended { place, answer: Some(answer) });
        }
    }

    /// Begins what is to begin now.
    fn begin(&mut self) {
        while let Some(begin) = self.batch.as_mut().and_then(Batch::begin) {
            let mut calling = self.waiting[begin.place].take().expect("each call begins once");
            calling.arguments.extend(begin.input);
            let (engine, stop) = (self.engine.clone(), self.stop.clone());
            let task = self.tasks.spawn(async move {
                let answer = engine.call(calling, Arc::new(Deaf), stop).await;
                answer.unwrap_or_else(|error| error.answer())
            });
            self.places.insert(task.id(), begin.place);
        }
    }

    fn conclude(&mut self) {
        let Some(batch) = self.batch.take() else { return };
        let skipped = batch.skipped().map(|place| Batched::Ended { place, answer: None });
        self.seen.extend(skipped);
        self.seen.push_back(Batched::Summary(batch.summary()));
    }
}

/// A task that panicked leaves its call in the air.
fn broken(error: &JoinError) -> Answer {
    tracing::error!(%error, "a call of a batch broke off");
    let message = "the hub's own task for this call broke off; what became of it is unknown";
    Answer::Failed {
        failure: Failure::new(FailureKind::Lost, "broke_off", message),
        evidence: Evidence::default(),
    }
}
