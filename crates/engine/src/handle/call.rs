//! Calling an operation outside a run.

use std::sync::Arc;
use std::time::Duration;

use op_plan::Performer;
use op_plan::plan::FailureKind;
use op_run::{Answer, Failure};
use serde_json::{Map, Value};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::Engine;
use crate::guard::skill::{self, teach};
use crate::host::{Asker, Host};
use crate::names::{self, NameError, Target};
use crate::ports::{Request, Sink};
use crate::session::SessionError;
use crate::start::new_id;

/// A call that a client makes.
#[derive(Debug, Clone, PartialEq)]
pub struct Calling {
    /// What to call.
    pub performer: Performer,
    /// Its arguments.
    pub arguments: Map<String, Value>,
    /// How long it may take; the engine's own limit otherwise.
    pub timeout: Option<Duration>,
    /// Who asks, in words.
    pub user: String,
    /// The session that it is for; empty for none.
    pub session: String,
    /// Whether who asks has asked a person, who agreed.
    pub approved: bool,
}

/// Why a call is not made. Nothing happened.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CallError {
    /// The operation does not exist.
    #[error(transparent)]
    Name(#[from] NameError),
    /// The session is not one of who asks.
    #[error(transparent)]
    Session(#[from] SessionError),
}

impl Engine {
    /// How long a call may take that does not say.
    pub(crate) fn call_limit(&self) -> Duration {
        self.hall.limits.call
    }

    /// What a name means: a plan, an operation, or a tool.
    ///
    /// # Errors
    /// When it means nothing; the error tells the nearest name.
    pub fn resolve(&self, name: &str) -> Result<Target, NameError> {
        names::resolve(name, &self.library().plans, &self.catalogue())
    }

    /// Calls an operation and returns how it ended. Dropping the future stops the call, and so does its time limit. Skills that are
    /// active in it may refuse its arguments; what they demand of a run they cannot demand here.
    ///
    /// # Errors
    /// When the operation does not exist, or the session is not one of who asks.
    pub async fn call(
        &self,
        of: Calling,
        sink: Arc<dyn Sink>,
        stop: CancellationToken,
    ) -> Result<Answer, CallError> {
        self.check_call(&of)?;
        Ok(self.perform(of, sink, stop).await)
    }

    fn check_call(&self, of: &Calling) -> Result<(), CallError> {
        let performer = &of.performer;
        // To look all of it up takes longer than many a call, and only who is refused needs to know what there is.
        if !self.agents().has(performer) {
            names::operation(performer, &self.catalogue())?;
        }
        if !of.session.is_empty() {
            self.hall.sessions.count_call(&of.session, &of.user)?;
        }
        Ok(())
    }

    async fn perform(&self, of: Calling, sink: Arc<dyn Sink>, stop: CancellationToken) -> Answer {
        let Calling { performer, arguments, timeout, user: _, session, approved } = of;
        let arguments = Arc::new(Value::Object(arguments));
        let lessons = match skill::outside(self, &performer, &arguments) {
            Ok(lessons) => lessons,
            Err(refused) => return refused,
        };
        let key = format!("call-{}/{}/1/1", new_id(), performer.operation);
        let timeout = timeout.unwrap_or(self.hall.limits.call);
        let request = Request {
            key: key.clone(),
            performer: performer.clone(),
            arguments: teach(&arguments, &lessons),
            timeout: Some(timeout),
            repeat: false,
            secrets: Vec::new(),
            session,
            approved,
        };
        let perform = &self.hall.ports.perform;
        let stop = stop.child_token();
        let asker = Asker {
            key: key.clone(),
            performer: performer.clone(),
            session: request.session.clone(),
            deadline: Instant::now().checked_add(timeout),
            asked: 0,
        };
        let sink = Arc::new(Host::new(self.clone(), asker, None, sink));
        let call = perform.perform(request, sink, stop.clone());
        let answer = within(timeout, call, stop).await;
        perform.acknowledge(&performer, &key);
        answer
    }
}

/// Stops a call at its limit, and when nobody waits for it any more.
pub(crate) async fn within(
    limit: Duration,
    call: impl Future<Output = Answer>,
    stop: CancellationToken,
) -> Answer {
    tokio::pin!(call);
    // Dropped before the call, so that the performer sees why it is not waited for any more.
    let _stopped_when_dropped = stop.clone().drop_guard();
    tokio::select! {
        answer = &mut call => answer,
        () = tokio::time::sleep(limit) => {
            stop.cancel();
            timed_out(call.await)
        }
    }
}

/// A call that was stopped at its limit failed for that, whatever the performer says of its end; a success that came all the
/// same counts.
fn timed_out(answer: Answer) -> Answer {
    match answer {
        Answer::Succeeded { .. } => answer,
        Answer::Failed { failure, evidence } => {
            let message = "it took longer than its time limit and was stopped";
            let stopped = Failure::new(FailureKind::TimedOut, "timed_out", message);
            Answer::Failed { failure: Failure { detail: failure.detail, ..stopped }, evidence }
        }
    }
}
