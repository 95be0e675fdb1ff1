//! What comes in to a run, and what becomes true together.

use std::sync::Arc;

use op_plan::Performer;
use op_run::input::Happening;
use op_run::run::State;
use op_run::{Event, Refused};
use tokio::sync::oneshot;

use crate::calls::Ended;
use crate::ports::{Keep, KeptOutput, KeptResult};

/// What somebody wants of a run.
pub(crate) struct Message {
    pub(crate) happening: Happening,
    pub(crate) reply: Reply,
}

pub(crate) type Reply = oneshot::Sender<Result<State, Refused>>;

/// Something that happened, with what goes with it.
pub(super) struct Taken {
    pub(super) happening: Happening,
    pub(super) output: Option<KeptOutput>,
    pub(super) answered: Option<(Performer, String)>,
    pub(super) keep: Option<Arc<Keep>>,
    pub(super) reply: Option<Reply>,
}

impl From<Happening> for Taken {
    fn from(happening: Happening) -> Self {
        Self { happening, output: None, answered: None, keep: None, reply: None }
    }
}

impl From<Message> for Taken {
    fn from(message: Message) -> Self {
        Self { reply: Some(message.reply), ..Self::from(message.happening) }
    }
}

impl From<Ended> for Taken {
    fn from(ended: Ended) -> Self {
        let Ended { call, answer, output, keep } = ended;
        let performer = call.plan.is_none().then(|| (call.performer, call.key.to_string()));
        Self {
            happening: Happening::Answered { work: call.work, attempt: call.attempt, answer },
            output: Some(output),
            answered: performer,
            keep,
            reply: None,
        }
    }
}

/// What becomes true together.
#[derive(Default)]
pub(super) struct Batch {
    pub(super) events: Vec<Event>,
    pub(super) outputs: Vec<KeptOutput>,
    /// What others take from these events instead of calling again.
    pub(super) results: Vec<KeptResult>,
    /// Calls whose outcome is on disk with these events.
    pub(super) answered: Vec<(Performer, String)>,
    pub(super) replies: Vec<(Reply, Result<(), Refused>)>,
}

impl Batch {
    pub(super) fn add(
        &mut self,
        decided: Result<Vec<Event>, Refused>,
        output: Option<KeptOutput>,
        reply: Option<Reply>,
    ) {
        let result = decided.map(|events| {
            self.events.extend(events);
            self.outputs.extend(output.filter(|output| !output.chunks.is_empty()));
        });
        if let (None, Err(refused)) = (&reply, &result) {
            tracing::warn!(%refused, "an input was refused");
        }
        self.replies.extend(reply.map(|reply| (reply, result)));
    }
}
