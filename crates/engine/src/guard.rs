//! Switchable wrappers around calls. A guard may change a request, refuse it, or look at what comes back; the innermost one
//! hands it to the performer. A guard performs itself, so guards nest like coats.

use std::sync::Arc;

use op_plan::plan::FailureKind;
use op_run::{Answer, Evidence, Failure};

use crate::ports::Perform;

pub mod cache;
pub mod rate;
pub mod secret;
pub mod size;
pub(crate) mod skill;

/// Puts a guard around a performer.
pub type Guard = Box<dyn FnOnce(Arc<dyn Perform>) -> Arc<dyn Perform> + Send>;

/// Puts guards around a performer; the first one sees a request first.
pub fn chain(guards: Vec<Guard>, performer: Arc<dyn Perform>) -> Arc<dyn Perform> {
    guards.into_iter().rev().fold(performer, |inner, guard| guard(inner))
}

/// The answer of a guard that does not let a call through.
fn refuse(reason: &str, message: String, hint: &str) -> Answer {
    Answer::Failed {
        failure: Failure::new(FailureKind::Refused, reason, message).hint(hint),
        evidence: Evidence { peer: "hub".to_owned(), ..Evidence::default() },
    }
}
