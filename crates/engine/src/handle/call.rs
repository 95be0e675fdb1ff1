//! Calling an operation outside a run.

use std::sync::Arc;
use std::time::Duration;

use op_plan::Performer;
use op_plan::plan::FailureKind;
use op_run::{Answer, Evidence, Failure};
use serde_json::{Map, Value};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::Engine;
use super::noted::Noted;
use super::session::Held;
use crate::failure::Describe as _;
use crate::guard::rate::{Pass, RateError};
use crate::guard::skill::{self, teach};
use crate::host::{Asker, Host, refused};
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
    /// Too many calls came before it.
    #[error(transparent)]
    Rate(#[from] RateError),
}

impl CallError {
    /// The same as the answer of a call, where others go on beside it.
    pub fn answer(&self) -> Answer {
        let described = self.describe();
        let kind = match self {
            Self::Name(_) => FailureKind::Unavailable,
            Self::Session(_) | Self::Rate(_) => FailureKind::Refused,
        };
        let failure = Failure::new(kind, described.reason.to_ascii_lowercase(), self.to_string());
        let evidence = Evidence { peer: "hub".to_owned(), ..Evidence::default() };
        Answer::Failed { failure: failure.hint(described.hint), evidence }
    }
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
    /// When the operation does not exist, the session is not one of who asks, or too many calls came before it.
    pub async fn call(
        &self,
        of: Calling,
        sink: Arc<dyn Sink>,
        stop: CancellationToken,
    ) -> Result<Answer, CallError> {
        self.check_name(&of.performer)?;
        let id = new_id().to_string();
        let _admitted = match self.admit_call(&of) {
            Ok(admitted) => admitted,
            Err(error) => {
                // Who asks on and on is told each time, and noted once.
                if matches!(&error, CallError::Rate(rate) if rate.is_first) {
                    self.note(&of, &id).end(&error.answer());
                }
                return Err(error);
            }
        };
        let mut noted = self.note(&of, &id);
        let answer = self.perform(of, &id, sink, stop).await;
        noted.end(&answer);
        Ok(answer)
    }

    pub(crate) fn check_name(&self, performer: &Performer) -> Result<(), NameError> {
        // To look all of it up takes longer than many a call, and only who is refused needs to know what there is.
        if !self.agents().has(performer) {
            names::operation(performer, &self.catalogue())?;
        }
        Ok(())
    }

    fn note(&self, of: &Calling, id: &str) -> Noted<'_> {
        Noted::begin(self, id, &of.user, &of.session, &of.performer)
    }

    /// Lets a call through, and counts it for its session or its user.
    fn admit_call(&self, of: &Calling) -> Result<(Option<Held>, Pass), CallError> {
        let whose = if of.session.is_empty() { &of.user } else { &of.session };
        if !of.session.is_empty() {
            self.hall.sessions.check(&of.session, &of.user)?;
        }
        let pass = self.hall.rates.admit(whose, self.hall.ports.clock.now())?;
        Ok((self.hold_session(&of.session, &of.user)?, pass))
    }

    async fn perform(&self, of: Calling, id: &str, sink: Arc<dyn Sink>, stop: CancellationToken) -> Answer {
        let Calling { performer, arguments, timeout, user: _, session, approved } = of;
        let arguments = Arc::new(Value::Object(arguments));
        let lessons = match skill::outside(self, &performer, &arguments, skill::OF_CLIENTS) {
            Ok(lessons) => lessons,
            Err(failure) => return refused(failure),
        };
        let key = format!("call-{id}/{}/1/1", performer.operation);
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
            keep: None,
        };
        let perform = &self.hall.ports.perform;
        let stop = stop.child_token();
        let asker = Asker {
            key: key.clone(),
            performer: performer.clone(),
            session: request.session.clone(),
            deadline: Instant::now().checked_add(timeout),
            asked: 0,
            secrets: Vec::new(),
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
