//! Takes what a step returned before instead of calling again, for steps whose plan says for how long that is the same.
//!
//! A result is kept once the run that made the call counts it as success and has that on disk. It says so for ever after whose
//! result it was: what is taken is evidence of the call that was made, never of one that was not.

use std::sync::Arc;

use async_trait::async_trait;
use op_plan::plan::digest;
use op_plan::{Effects, Performer};
use op_run::command::Call;
use op_run::{Answer, Event, Evidence, Fact, Kept, Run};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::Guard;
use super::secret::names_secret;
use super::skill::teach;
use crate::ports::{Agents, Clock, Keep, KeptResult, Perform, Request, Results, Sink};

/// A guard that answers with what is kept. It stands outside of the one for secrets.
pub fn cache(results: Arc<dyn Results>, agents: Arc<dyn Agents>, clock: Arc<dyn Clock>) -> Guard {
    Box::new(move |inner| Arc::new(Cache { results, agents, clock, inner }))
}

struct Cache {
    results: Arc<dyn Results>,
    agents: Arc<dyn Agents>,
    clock: Arc<dyn Clock>,
    inner: Arc<dyn Perform>,
}

#[async_trait]
impl Perform for Cache {
    async fn perform(&self, request: Request, sink: Arc<dyn Sink>, stop: CancellationToken) -> Answer {
        match self.find(&request).await {
            Some(answer) => answer,
            None => self.inner.perform(request, sink, stop).await,
        }
    }

    fn acknowledge(&self, performer: &Performer, key: &str) {
        self.inner.acknowledge(performer, key);
    }
}

impl Cache {
    /// What stands for a call, where something does. Where that cannot be found out, the call is made.
    async fn find(&self, request: &Request) -> Option<Answer> {
        let keep = request.keep.as_ref().filter(|keep| keep.takes)?;
        // What only read when it was kept may have been replaced since by what does more.
        if self.agents.effects(&request.performer).is_some_and(|effects| effects != Effects::Read) {
            return None;
        }
        let began = Instant::now();
        let found = self.results.get(&keep.key, self.clock.now()).await.unwrap_or_else(|error| {
            tracing::warn!(key = request.key, %error, "what is kept of earlier calls cannot be read");
            None
        });
        let KeptResult { run, at, evidence, value, .. } = found?;
        tracing::debug!(key = request.key, performer = %request.performer, from = %run, "a kept result stands for a call");
        let kept = Some(Box::new(Kept { run, at }));
        let evidence = Evidence { duration: began.elapsed(), bytes: 0, kept, ..evidence };
        Some(Answer::Succeeded { value, evidence })
    }
}

/// How what a call of a run returns is kept; not at all where its plan does not say so, or it is given secrets. The same step of
/// another plan, another user or another performer has results of its own.
///
/// That a person approved of the step changes nothing: what only reads is spared, and nothing else is done.
///
/// A later visit asks anew: who comes back to a step wants something else of it than the last time. So does a call that may
/// have been sent already, which its performer answers.
pub(crate) fn keep(run: &Run, call: &Call, is_repeat: bool) -> Option<Arc<Keep>> {
    let (lasts, step) = (call.cache?, call.work.step()?);
    let arguments = teach(&call.arguments, &call.skills);
    if names_secret(&arguments) {
        return None;
    }
    let (plan, user) = (run.plan(), run.origin().map(|origin| origin.user.as_str()));
    let step = &plan.step(step).id;
    let key = digest(&(plan.id(), plan.digest(), step, user, &call.performer, &arguments));
    let takes = call.key.visit == 1 && !is_repeat;
    Some(Arc::new(Keep { key, step: step.clone(), lasts, takes }))
}

/// What is to be kept of a call that ended, of which a run made these events.
pub(crate) fn result(run: &Run, keep: &Keep, events: &[Event]) -> Option<KeptResult> {
    events.iter().find_map(|event| match &event.fact {
        Fact::StepSucceeded { step: of, output, evidence, .. }
        | Fact::ItemSucceeded { step: of, output, evidence, .. }
            // What was taken is as old as it is: it is not kept once more.
            if *of == keep.step && evidence.kept.is_none() =>
        {
            Some(KeptResult {
                key: keep.key.clone(),
                run: run.id().clone(),
                at: event.at,
                until: event.at.after(keep.lasts),
                evidence: evidence.clone(),
                value: output.clone(),
            })
        }
        _ => None,
    })
}
