//! Phases by how many stand before them on the longest way.

use crate::plan::Plan;

/// Phases from top to bottom; each waits only for phases above it.
pub(super) fn layers(plan: &Plan) -> Vec<Vec<usize>> {
    let phases = plan.phases();
    let mut depth = vec![0_usize; phases.len()];
    let mut waits: Vec<_> = phases.iter().map(|phase| phase.depends_on.len()).collect();
    let mut free: Vec<_> = (0..phases.len()).filter(|at| waits[*at] == 0).collect();
    while let Some(at) = free.pop() {
        for dependent in plan.dependents_of(at) {
            depth[*dependent] = depth[*dependent].max(depth[at] + 1);
            waits[*dependent] -= 1;
            if waits[*dependent] == 0 {
                free.push(*dependent);
            }
        }
    }
    let mut layers = vec![Vec::new(); depth.iter().max().map_or(0, |deepest| deepest + 1)];
    for (at, depth) in depth.into_iter().enumerate() {
        layers[depth].push(at);
    }
    layers
}
