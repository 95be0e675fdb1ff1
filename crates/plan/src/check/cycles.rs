//! Phases that wait for each other.

use std::collections::{HashMap, VecDeque};

use petgraph::algo::kosaraju_scc;
use petgraph::graph::{DiGraph, NodeIndex};

use crate::diagnostic::Report;
use crate::document::Place;

/// Most names of a cycle that are written out.
const MAX_NAMES: usize = 20;

/// A phase, as far as its order goes.
pub(crate) struct Waits<'a> {
    pub(crate) id: &'a str,
    pub(crate) place: Place,
    /// What it waits for, and where that is written.
    pub(crate) for_: &'a [(usize, Place)],
}

/// What waits for each other, for messages.
pub(crate) struct Words {
    /// Its name, in the plural.
    pub(crate) what: &'static str,
    /// What to do about a cycle.
    pub(crate) hint: &'static str,
}

/// Words for phases that say what they wait for.
const PHASES: Words = Words { what: "phases", hint: "take one of these out of `depends_on`" };

/// Reports every group of phases that wait for each other, with the whole path; true when there is none.
pub(crate) fn check(report: &mut Report<'_>, nodes: &[Waits<'_>]) -> bool {
    check_in(&PHASES, report, nodes)
}

/// As [`check`], in other words.
pub(crate) fn check_in(words: &Words, report: &mut Report<'_>, nodes: &[Waits<'_>]) -> bool {
    let mut graph = DiGraph::<(), ()>::with_capacity(nodes.len(), nodes.len());
    for _ in nodes {
        graph.add_node(());
    }
    for (at, node) in nodes.iter().enumerate() {
        for (dependency, _) in node.for_ {
            graph.add_edge(NodeIndex::new(at), NodeIndex::new(*dependency), ());
        }
    }
    let mut is_free = true;
    for group in kosaraju_scc(&graph) {
        let first = group.iter().map(|node| node.index()).min().unwrap_or_default();
        if group.len() > 1 || nodes[first].for_.iter().any(|(dependency, _)| *dependency == first) {
            report_cycle(words, report, nodes, &shortest(nodes, first));
            is_free = false;
        }
    }
    is_free
}

/// The shortest way from a phase along what it waits for, back to itself.
fn shortest(nodes: &[Waits<'_>], first: usize) -> Vec<usize> {
    let mut from = HashMap::new();
    let mut open = VecDeque::from([first]);
    while let Some(at) = open.pop_front() {
        for (dependency, _) in nodes[at].for_ {
            if *dependency == first {
                let back = std::iter::successors(Some(at), |at| from.get(at).copied());
                let mut path: Vec<_> = back.collect();
                path.reverse();
                return path;
            }
            from.entry(*dependency).or_insert_with(|| {
                open.push_back(*dependency);
                at
            });
        }
    }
    vec![first]
}

fn report_cycle(words: &Words, report: &mut Report<'_>, nodes: &[Waits<'_>], path: &[usize]) {
    let edge = |at: usize| {
        let (node, next) = (&nodes[path[at]], path[(at + 1) % path.len()]);
        node.for_.iter().find(|(dependency, _)| *dependency == next).map_or(node.place, |(_, place)| *place)
    };
    let mut names: Vec<_> = path.iter().take(MAX_NAMES).map(|at| nodes[*at].id).collect();
    if path.len() > MAX_NAMES {
        names.push("...");
    }
    names.push(nodes[path[0]].id);
    let message = format!("{} wait for each other: {}", words.what, names.join(" -> "));
    let finding = report.error(edge(0), message);
    finding.hint(words.hint);
    for (at, node) in path.iter().enumerate().skip(1).take(8) {
        let next = nodes[path[(at + 1) % path.len()]].id;
        finding.note(edge(at), format!("`{}` waits for `{next}`", nodes[*node].id));
    }
}
