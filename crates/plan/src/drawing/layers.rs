//! Nodes by how many stand before them on the longest way.

use super::sketch::Sketch;

/// How deep each node stands, from the top. Every way leads down but those that close a loop; all ends stand side by side.
pub(super) fn depths(sketch: &Sketch<'_>) -> Vec<usize> {
    let after = forward(sketch);
    let mut depth = vec![0_usize; after.len()];
    let mut waits = vec![0_usize; after.len()];
    after.iter().flatten().for_each(|to| waits[*to] += 1);
    let mut free: Vec<_> = (0..after.len()).filter(|at| waits[*at] == 0).collect();
    while let Some(at) = free.pop() {
        for to in &after[at] {
            depth[*to] = depth[*to].max(depth[at] + 1);
            waits[*to] -= 1;
            if waits[*to] == 0 {
                free.push(*to);
            }
        }
    }
    let ends = || (0..depth.len()).filter(|at| sketch.nodes[*at].is_end);
    if let Some(deepest) = ends().map(|at| depth[at]).max() {
        for at in ends().collect::<Vec<_>>() {
            depth[at] = deepest;
        }
    }
    depth
}

/// Nodes of each depth, in their order.
pub(super) fn rows(depths: &[usize]) -> Vec<Vec<usize>> {
    let mut rows = vec![Vec::new(); depths.iter().max().map_or(0, |deepest| deepest + 1)];
    for (at, depth) in depths.iter().enumerate() {
        rows[*depth].push(at);
    }
    rows
}

/// Where ways lead from each node, without those that lead back to where one came from: a walk in depth finds them.
fn forward(sketch: &Sketch<'_>) -> Vec<Vec<usize>> {
    let mut ways: Vec<Vec<usize>> = vec![Vec::new(); sketch.nodes.len()];
    let mut order: Vec<_> = (0..sketch.ways.len()).collect();
    order.sort_by_key(|way| sketch.ways[*way].kind);
    for way in order {
        let way = &sketch.ways[way];
        ways[way.from].push(way.to);
    }
    let mut forward = vec![Vec::new(); ways.len()];
    let mut state = vec![State::New; ways.len()];
    for start in 0..ways.len() {
        let mut path = if state[start] == State::New { vec![(start, 0)] } else { Vec::new() };
        while let Some((at, next)) = path.last_mut() {
            state[*at] = State::Open;
            let (from, way) = (*at, *next);
            *next += 1;
            match ways[from].get(way) {
                None => {
                    state[from] = State::Done;
                    path.pop();
                }
                Some(to) if state[*to] == State::Open => {}
                Some(to) => {
                    forward[from].push(*to);
                    if state[*to] == State::New {
                        path.push((*to, 0));
                    }
                }
            }
        }
    }
    forward
}

/// How far the walk is with a node.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    New,
    Open,
    Done,
}
