//! Calls of operations that somebody asked for over the bus: performed beside it, so that no method waits for an agent.

use std::sync::{Arc, Mutex};

use op_engine::handle::call::Calling;
use op_engine::ports::Deaf;
use op_plan::Performer;
use op_run::Answer;
use tokio::sync::OwnedSemaphorePermit;
use tokio_util::sync::CancellationToken;

use crate::guests::Guest;
use crate::house::{House, Word};
use crate::view::lock;

/// A call as it stands on the bus.
#[derive(Debug)]
pub(crate) struct CallView {
    /// Which one it is.
    pub(crate) number: u64,
    /// Unique name of who asked for it: nobody else may touch it.
    pub(crate) owner: String,
    /// The operation.
    pub(crate) performer: Performer,
    /// Stops it.
    pub(crate) stop: CancellationToken,
    answer: Mutex<Option<Arc<Answer>>>,
    /// Counts for its owner as long as it stands.
    _place: OwnedSemaphorePermit,
}

impl CallView {
    /// A call that has not begun.
    pub(crate) fn new(
        house: &House,
        guest: &Guest,
        performer: Performer,
        place: OwnedSemaphorePermit,
    ) -> Self {
        Self {
            number: house.number(),
            owner: guest.name.clone(),
            performer,
            stop: house.shutdown.child_token(),
            answer: Mutex::default(),
            _place: place,
        }
    }

    /// How it ended; none while it is under way.
    pub(crate) fn answer(&self) -> Option<Arc<Answer>> {
        lock(&self.answer).clone()
    }

    /// `running`, `succeeded`, or the kind of its failure: `failed`, `cancelled`, `timed_out` and so on.
    pub(crate) fn state(&self) -> &'static str {
        match lock(&self.answer).as_deref() {
            None => "running",
            Some(Answer::Succeeded { .. }) => "succeeded",
            Some(Answer::Failed { failure, .. }) => failure.kind.word(),
        }
    }
}

/// Performs a call in a task of the house. It ends when its operation does, when it is stopped, and when its caller leaves the bus.
pub(crate) fn perform(house: &Arc<House>, view: &Arc<CallView>, asked: Calling, gone: CancellationToken) {
    let (house, view) = (Arc::clone(house), Arc::clone(view));
    let tasks = house.tasks.clone();
    tasks.spawn(async move {
        let call = house.engine.call(asked, Arc::new(Deaf), view.stop.clone());
        tokio::pin!(call);
        let answer = tokio::select! {
            answer = &mut call => answer,
            () = gone.cancelled() => {
                view.stop.cancel();
                call.await
            }
        };
        let answer = answer.unwrap_or_else(|error| error.answer());
        *lock(&view.answer) = Some(Arc::new(answer));
        house.say(Word::Ended(view.number, gone.is_cancelled()));
    });
}
