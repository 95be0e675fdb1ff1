//! What the way of a machine changes.

use std::sync::Arc;

use super::phase;
use crate::event::Destination;
use crate::run::{PhaseState, Run};

pub(super) fn moved(run: &mut Run, to: &Destination) {
    let has_succeeded =
        |from: usize| matches!(run.phases[from].state, PhaseState::Succeeded | PhaseState::Skipped);
    run.position.came = run.position.at.map(|from| (from, has_succeeded(from)));
    run.position.at = None;
    match to {
        Destination::End(terminal) => run.position.end = Some(terminal.clone()),
        Destination::Phase { phase, visit } => {
            let Some(at) = run.plan.find_phase(phase) else { return };
            if run.phases[at].state != PhaseState::Pending {
                phase::reset(run, at, *visit);
            }
            run.position.visits += 1;
            run.open.insert(at);
        }
    }
}

/// A machine that ended a phase is about to leave it.
pub(super) fn left(run: &mut Run, phase: usize) {
    if !Arc::clone(&run.plan).draft().flow.is_graph() {
        run.position.at = Some(phase);
    }
}
