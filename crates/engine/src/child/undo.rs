//! Undoing runs of plans that steps of other runs ran.

use op_plan::plan::FailureKind;
use op_run::command::Call;
use op_run::run::State;
use op_run::{Answer, Evidence, Failure, Refused, Run, RunId};
use serde_json::Value;

use super::key;
use crate::handle::Engine;
use crate::handle::control::{Control, ControlError};

impl Engine {
    /// Undoes every run that was begun for the calls that an undo names, in that order. One that is undone already, or of which
    /// nothing is left to undo, is done: the same call may come again after a crash.
    pub(super) async fn undo_children(&self, call: &Call) -> Answer {
        for of in call.arguments["calls"].as_array().into_iter().flatten().filter_map(Value::as_str) {
            let started = match self.journal().started_by(&key(of)).await {
                Ok(started) => started,
                Err(error) => return failed(&error.to_string(), ""),
            };
            // A call for which none was begun has nothing to undo.
            let Some((record, _)) = started else { continue };
            if let Err(answer) = self.undo_child(&record.id).await {
                return answer;
            }
        }
        let evidence = Evidence { peer: "hub".to_owned(), ..Evidence::default() };
        Answer::Succeeded { value: Value::Null, evidence }
    }

    async fn undo_child(&self, child: &RunId) -> Result<(), Answer> {
        let run = self.ended(child).await.map_err(|error| failed(&error, ""))?;
        if run.state() == State::Stuck {
            return Err(stuck(&run));
        }
        match self.control(child.as_str(), Control::Rollback { to: None }, "hub").await {
            Ok(_) => {}
            Err(ControlError::Refused { refused: Refused::NothingToUndo, .. }) => return Ok(()),
            // Somebody else has just had it undone.
            Err(ControlError::Refused {
                refused: Refused::Unfit { state: State::RollingBack, .. }, ..
            }) => {}
            // Who asks sleeps as well, and asks again at the next start.
            Err(ControlError::Deaf(_)) => return std::future::pending().await,
            Err(error) => return Err(failed(&error.to_string(), "")),
        }
        let run = self.ended(child).await.map_err(|error| failed(&error, ""))?;
        if run.state() == State::RolledBack { Ok(()) } else { Err(stuck(&run)) }
    }
}

fn stuck(run: &Run) -> Answer {
    let message =
        format!("run {} of plan `{}` is {}: {}", run.id(), run.plan().id(), run.state(), run.reason());
    let hint = format!("op-dbus resolve {} and then the run that ran it", run.id());
    failed(&message, &hint)
}

fn failed(message: &str, hint: &str) -> Answer {
    let failure = Failure::new(FailureKind::Failed, "not_undone", message).hint(hint);
    Answer::Failed { failure, evidence: Evidence { peer: "hub".to_owned(), ..Evidence::default() } }
}
