//! Where it is written down what a call of a run asks for.

use op_plan::Performer;
use op_plan::plan::FailureKind;
use op_run::input::Happening;
use op_run::{Answer, Failure, Work};
use tokio::sync::{mpsc, oneshot};

use crate::conductor::Message;

/// The run of a call, which knows it by what it was made for.
#[derive(Debug, Clone)]
pub(crate) struct Record {
    /// Gone once nobody conducts the run.
    pub(crate) inbox: Option<mpsc::Sender<Message>>,
    pub(crate) work: Work,
    pub(crate) attempt: u32,
}

impl Record {
    /// Returns once it is on disk that something is about to be performed. The error says why it is not to be.
    pub(super) async fn started(
        &self,
        number: u32,
        performer: &Performer,
        arguments: &str,
    ) -> Result<(), Failure> {
        let (performer, arguments) = (performer.clone(), arguments.to_owned());
        let Self { work, attempt, .. } = *self;
        self.tell(Happening::HostCalled { work, attempt, number, performer, arguments }).await
    }

    /// Returns once it is on disk that it ended.
    pub(super) async fn ended(&self, number: u32, answer: &Answer) -> Result<(), Failure> {
        let Self { work, attempt, .. } = *self;
        let failure = match answer {
            Answer::Succeeded { .. } => None,
            Answer::Failed { failure, .. } => Some(failure.clone()),
        };
        let evidence = answer.evidence().clone();
        self.tell(Happening::HostAnswered { work, attempt, number, failure, evidence }).await
    }

    async fn tell(&self, happening: Happening) -> Result<(), Failure> {
        let (reply, told) = oneshot::channel();
        let gone = |message: &str| Failure::new(FailureKind::Refused, "call_over", message);
        let asleep = "the run of the call goes to sleep";
        let inbox = self.inbox.as_ref().ok_or_else(|| gone(asleep))?;
        inbox.send(Message { happening, reply }).await.map_err(|_| gone(asleep))?;
        match told.await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(_)) => {
                Err(gone("the call is over, is being stopped, or undoes something: it gets nothing more"))
            }
            Err(_) => Err(gone(asleep)),
        }
    }
}
