//! Steering runs over gRPC.

use std::collections::HashMap;

use op_proto::v1::{
    ApproveRequest, CancelRequest, Gate, PauseRequest, RecastRequest, Resolution, ResolveRequest,
    ResumeRequest, RetryRequest, RollbackRequest, RollbackResponse, RunState, SignalRequest, StartRequest,
};
use serde_json::Value;
use tonic::Status;

use super::Client;
use super::client::step;

/// The state of a run after it was steered, or why it was not.
pub type Steered = Result<RunState, Status>;

impl Client {
    /// Starts a run whose steps and roles are played by these, and returns its id.
    ///
    /// # Panics
    /// When it is refused.
    pub async fn start_cast(&self, plan: &str, inputs: &Value, cast: &[(&str, &str)]) -> String {
        let cast = cast.iter().map(|(part, player)| ((*part).to_owned(), (*player).to_owned())).collect();
        let (plan, inputs) = (plan.to_owned(), inputs.to_string());
        let request = StartRequest { plan, inputs, cast, ..StartRequest::default() };
        self.runs().start(request).await.expect("the run starts").into_inner().run
    }

    /// What a step waits for, once it does.
    ///
    /// # Panics
    /// When the run ends before.
    pub async fn gate(&self, run: &str, id: &str) -> Gate {
        self.until(run, |event| event.kind == "step_waiting" && event.step == id).await;
        step(&self.run(run).await, id).gate.clone().expect("a step that waits says for what")
    }

    /// Sends a signal.
    ///
    /// # Errors
    /// When it is refused.
    pub async fn signal(&self, run: &str, signal: &str, data: &Value) -> Steered {
        let (run, signal, data) = (run.to_owned(), signal.to_owned(), data.to_string());
        let answer = self.runs().signal(SignalRequest { run, signal, data }).await?;
        Ok(answer.into_inner().state())
    }

    /// Answers a question.
    ///
    /// # Errors
    /// When it is refused.
    pub async fn approve(&self, run: &str, digest: &str, approved: bool) -> Steered {
        let (run, digest) = (run.to_owned(), digest.to_owned());
        let request = ApproveRequest { run, digest, approved, ..ApproveRequest::default() };
        Ok(self.runs().approve(request).await?.into_inner().state())
    }

    /// Holds a run.
    ///
    /// # Errors
    /// When it is refused.
    pub async fn pause(&self, run: &str) -> Steered {
        let request = PauseRequest { run: run.to_owned(), reason: "a test".into() };
        Ok(self.runs().pause(request).await?.into_inner().state())
    }

    /// Lets a run that is held go on.
    ///
    /// # Errors
    /// When it is refused.
    pub async fn resume(&self, run: &str) -> Steered {
        Ok(self.runs().resume(ResumeRequest { run: run.to_owned() }).await?.into_inner().state())
    }

    /// Cancels a run.
    ///
    /// # Errors
    /// When it is refused.
    pub async fn cancel(&self, run: &str) -> Steered {
        let request = CancelRequest { run: run.to_owned(), rollback: false, reason: "a test".into() };
        Ok(self.runs().cancel(request).await?.into_inner().state())
    }

    /// Lets a run go on after its end; from what failed when `from` is empty.
    ///
    /// # Errors
    /// When it is refused.
    pub async fn retry(&self, run: &str, from: &str) -> Steered {
        let request = RetryRequest { run: run.to_owned(), from: from.to_owned() };
        Ok(self.runs().retry(request).await?.into_inner().state())
    }

    /// Undoes a run down to a phase, or says what that would be.
    ///
    /// # Errors
    /// When it is refused.
    pub async fn rollback(&self, run: &str, to: &str, dry_run: bool) -> Result<RollbackResponse, Status> {
        let request = RollbackRequest { run: run.to_owned(), to: to.to_owned(), dry_run };
        Ok(self.runs().rollback(request).await?.into_inner())
    }

    /// Says how a stuck run goes on.
    ///
    /// # Errors
    /// When it is refused.
    pub async fn resolve(&self, run: &str, resolution: Resolution) -> Steered {
        let request = ResolveRequest { run: run.to_owned(), resolution: resolution.into() };
        Ok(self.runs().resolve(request).await?.into_inner().state())
    }

    /// Casts somebody else.
    ///
    /// # Errors
    /// When it is refused.
    pub async fn recast(&self, run: &str, part: &str, player: &str) -> Steered {
        let cast = HashMap::from([(part.to_owned(), player.to_owned())]);
        Ok(self.runs().recast(RecastRequest { run: run.to_owned(), cast }).await?.into_inner().state())
    }
}
