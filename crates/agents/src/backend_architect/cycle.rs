//! Cycles in a graph of numbered nodes.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use petgraph::algo::kosaraju_scc;
use petgraph::graphmap::DiGraphMap;

/// The edges of a graph, each with what shows it.
pub(super) type Edges<E> = BTreeMap<(usize, usize), E>;

/// The groups of nodes that all reach each other, two or more in each, in order.
pub(super) fn knots<E>(edges: &Edges<E>) -> Vec<Vec<usize>> {
    let graph: DiGraphMap<usize, ()> = DiGraphMap::from_edges(edges.keys());
    let mut knots: Vec<Vec<usize>> = kosaraju_scc(&graph).into_iter().filter(|knot| knot.len() > 1).collect();
    for knot in &mut knots {
        knot.sort_unstable();
    }
    knots.sort();
    knots
}

/// A shortest way from the first node of `knot` through the knot back to it; the first node is named once.
pub(super) fn round<E>(knot: &[usize], edges: &Edges<E>) -> Vec<usize> {
    let Some(&start) = knot.first() else { return Vec::new() };
    let members: BTreeSet<usize> = knot.iter().copied().collect();
    let mut came_from = BTreeMap::new();
    let mut open = VecDeque::from([start]);
    while let Some(node) = open.pop_front() {
        for (&(_, next), _) in edges.range((node, 0)..=(node, usize::MAX)) {
            if next == start {
                return way(node, start, &came_from);
            }
            if members.contains(&next) && !came_from.contains_key(&next) {
                came_from.insert(next, node);
                open.push_back(next);
            }
        }
    }
    Vec::new()
}

fn way(last: usize, start: usize, came_from: &BTreeMap<usize, usize>) -> Vec<usize> {
    let mut nodes = vec![last];
    let mut node = last;
    while node != start {
        let Some(&before) = came_from.get(&node) else { break };
        nodes.push(before);
        node = before;
    }
    nodes.reverse();
    nodes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edges(pairs: &[(usize, usize)]) -> Edges<u8> {
        pairs.iter().map(|pair| (*pair, 0)).collect()
    }

    #[test]
    fn a_graph_without_cycles_has_no_knots() {
        assert_eq!(knots(&edges(&[(0, 1), (1, 2), (0, 2)])), Vec::<Vec<usize>>::new());
    }

    #[test]
    fn knots_are_found_apart_and_in_order() {
        let edges = edges(&[(5, 4), (4, 5), (0, 1), (1, 2), (2, 0), (2, 4)]);
        assert_eq!(knots(&edges), [vec![0, 1, 2], vec![4, 5]]);
    }

    #[test]
    fn the_round_is_a_shortest_one() {
        let edges = edges(&[(0, 1), (1, 2), (2, 3), (3, 0), (2, 0)]);
        assert_eq!(round(&[0, 1, 2, 3], &edges), [0, 1, 2]);
    }
}
