//! Which phases have run before a phase starts. Asked only for pairs that a reference makes, since all of them would
//! not fit in memory for a large plan.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use super::ways;
use crate::plan::{Draft, Flow, Phase};

/// Pairs of phases of which the second has run, or can have run, when the first starts.
pub(super) struct Before {
    /// How many phases stand before a phase on the longest way to it; empty for a machine.
    depth: Vec<usize>,
    /// Where a machine begins.
    initial: Option<usize>,
    pairs: HashSet<(usize, usize)>,
    /// Pairs of a machine of which the second need not have run.
    missable: HashSet<(usize, usize)>,
}

impl Before {
    /// For phases whose dependencies have no cycle.
    pub(super) fn new(draft: &Draft) -> Self {
        let (depth, initial) = match draft.flow {
            Flow::Graph => (depths(&draft.phases), None),
            Flow::Machine { initial, .. } => (Vec::new(), Some(initial)),
        };
        Self { depth, initial, pairs: HashSet::new(), missable: HashSet::new() }
    }

    /// Answers for some pairs, all of one phase in one walk.
    pub(super) fn find(&mut self, phases: &[Phase], pairs: &[(usize, usize)]) {
        if let Some(initial) = self.initial {
            let found = ways::find(phases, initial, pairs);
            self.pairs.extend(found.before);
            self.missable.extend(found.missable);
            return;
        }
        let mut wanted: BTreeMap<usize, BTreeSet<usize>> = BTreeMap::new();
        for (phase, target) in pairs {
            wanted.entry(*phase).or_default().insert(*target);
        }
        let mut seen = vec![usize::MAX; phases.len()];
        for (phase, mut targets) in wanted {
            let least = targets.iter().map(|target| self.depth[*target]).min().unwrap_or(0);
            let mut open = vec![phase];
            while let (Some(at), false) = (open.pop(), targets.is_empty()) {
                for next in &phases[at].depends_on {
                    if seen[*next] != phase && self.depth[*next] >= least {
                        seen[*next] = phase;
                        open.push(*next);
                        if targets.remove(next) {
                            self.pairs.insert((phase, *next));
                        }
                    }
                }
            }
        }
    }

    pub(super) fn may_miss(&self, phase: usize, earlier: usize) -> bool {
        self.missable.contains(&(phase, earlier))
    }

    pub(super) fn holds(&self, phase: usize, earlier: usize) -> bool {
        self.pairs.contains(&(phase, earlier))
    }

    /// Whether a phase waits for another, for a pair that was not asked for before.
    pub(super) fn reaches(&self, phases: &[Phase], phase: usize, earlier: usize) -> bool {
        let mut single = Self {
            depth: self.depth.clone(),
            initial: self.initial,
            pairs: HashSet::new(),
            missable: HashSet::new(),
        };
        single.find(phases, &[(phase, earlier)]);
        single.holds(phase, earlier)
    }
}

fn depths(phases: &[Phase]) -> Vec<usize> {
    let mut waits: Vec<_> = phases.iter().map(|phase| phase.depends_on.len()).collect();
    let mut dependents = vec![Vec::new(); phases.len()];
    for (at, phase) in phases.iter().enumerate() {
        phase.depends_on.iter().for_each(|dependency| dependents[*dependency].push(at));
    }
    let mut depth = vec![0; phases.len()];
    let mut free: Vec<_> = (0..phases.len()).filter(|at| waits[*at] == 0).collect();
    while let Some(at) = free.pop() {
        for dependent in &dependents[at] {
            depth[*dependent] = depth[*dependent].max(depth[at] + 1);
            waits[*dependent] -= 1;
            if waits[*dependent] == 0 {
                free.push(*dependent);
            }
        }
    }
    depth
}
