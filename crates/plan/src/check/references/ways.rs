//! Which steps of a machine can have run before another, and which need not have. What stands on every way from the beginning
//! (a dominator) has always run; for the rest one walk for each step that is referred to, which ends as soon as it can.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use petgraph::algo::{dominators, kosaraju_scc};
use petgraph::graph::{DiGraph, NodeIndex};

use crate::plan::{Phase, Target};

/// Pairs of phases, the second of which was asked for by the first.
#[derive(Default)]
pub(super) struct Found {
    /// The second can have run before the first.
    pub(super) before: HashSet<(usize, usize)>,
    /// The second need not have run before the first.
    pub(super) missable: HashSet<(usize, usize)>,
}

/// Answers for some pairs.
pub(super) fn find(phases: &[Phase], initial: usize, pairs: &[(usize, usize)]) -> Found {
    let graph = graph(phases);
    let (spans, groups) = (Spans::new(&graph, initial), Groups::new(&graph));
    let mut found = Found::default();
    let mut open: BTreeMap<usize, BTreeSet<usize>> = BTreeMap::new();
    for (phase, target) in pairs {
        let always = spans.contains(*target, *phase);
        if always == Some(false) {
            found.missable.insert((*phase, *target));
        }
        if groups.is_loop(*phase, *target) || (always == Some(true) && phase != target) {
            found.before.insert((*phase, *target));
        } else if groups.of[*target] > groups.of[*phase] {
            open.entry(*target).or_default().insert(*phase);
        }
    }
    let mut seen = vec![usize::MAX; phases.len()];
    for (target, mut wanted) in open {
        let least = wanted.iter().map(|phase| groups.of[*phase]).min().unwrap_or(0);
        let mut open = vec![target];
        while let (Some(at), false) = (open.pop(), wanted.is_empty()) {
            for next in nexts(&phases[at]).filter(|next| groups.of[*next] >= least) {
                if std::mem::replace(&mut seen[next], target) != target {
                    open.push(next);
                    if wanted.remove(&next) {
                        found.before.insert((next, target));
                    }
                }
            }
        }
    }
    found
}

fn graph(phases: &[Phase]) -> DiGraph<(), ()> {
    let mut graph = DiGraph::with_capacity(phases.len(), phases.len());
    for _ in phases {
        graph.add_node(());
    }
    for (at, phase) in phases.iter().enumerate() {
        for next in nexts(phase) {
            graph.add_edge(NodeIndex::new(at), NodeIndex::new(next), ());
        }
    }
    graph
}

fn nexts(phase: &Phase) -> impl Iterator<Item = usize> {
    phase.next.iter().filter_map(|way| match way.to {
        Target::Phase(phase) => Some(phase),
        Target::End(_) => None,
    })
}

/// The tree of dominators, as when each phase is entered and left on a walk around it; `None` for those that are never
/// reached.
struct Spans(Vec<Option<(usize, usize)>>);

impl Spans {
    fn new(graph: &DiGraph<(), ()>, initial: usize) -> Self {
        let tree = dominators::simple_fast(graph, NodeIndex::new(initial));
        let mut below = vec![Vec::new(); graph.node_count()];
        for at in graph.node_indices() {
            if let Some(above) = tree.immediate_dominator(at) {
                below[above.index()].push(at.index());
            }
        }
        let mut spans = vec![None; graph.node_count()];
        let mut time = 0;
        let mut open = vec![(initial, true)];
        while let Some((at, is_entered)) = open.pop() {
            time += 1;
            if is_entered {
                spans[at] = Some((time, time));
                open.push((at, false));
                open.extend(below[at].iter().map(|below| (*below, true)));
            } else if let Some((_, left)) = &mut spans[at] {
                *left = time;
            }
        }
        Self(spans)
    }

    /// Whether every way to a phase leads through another; `None` when none of the two is ever reached.
    fn contains(&self, outer: usize, inner: usize) -> Option<bool> {
        let inner = self.0[inner]?;
        Some(self.0[outer].is_some_and(|outer| outer.0 <= inner.0 && inner.1 <= outer.1))
    }
}

/// Groups of phases that lead to each other; a way from one group to another goes to the lower number.
struct Groups {
    of: Vec<usize>,
    has_way_back: Vec<bool>,
}

impl Groups {
    fn new(graph: &DiGraph<(), ()>) -> Self {
        let mut groups = Self { of: vec![0; graph.node_count()], has_way_back: Vec::new() };
        for (number, group) in kosaraju_scc(graph).into_iter().enumerate() {
            let first = group[0];
            groups.has_way_back.push(group.len() > 1 || graph.contains_edge(first, first));
            group.iter().for_each(|at| groups.of[at.index()] = number);
        }
        groups
    }

    fn is_loop(&self, one: usize, other: usize) -> bool {
        self.of[one] == self.of[other] && self.has_way_back[self.of[one]]
    }
}
