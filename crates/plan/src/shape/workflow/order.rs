//! What each node waits for.

use std::collections::{HashMap, HashSet};

use indexmap::IndexMap;

use super::node::Written;
use crate::check::cycles::{self, Waits, Words};
use crate::document::Place;
use crate::expression::Reference;
use crate::plan::{Draft, Step};
use crate::shape::{Lowering, User};

/// Words for nodes, which wait for what they refer to as well.
const NODES: Words = Words {
    what: "nodes",
    hint: "take one of these out: of `depends_on`, of `edges`, or of what refers to it",
};

/// Positions of nodes by id; reports ids that stand twice.
pub(super) fn positions(ctx: &mut Lowering<'_, '_, '_>, written: &[Written<'_>]) -> IndexMap<String, usize> {
    let mut positions = IndexMap::new();
    for (at, node) in written.iter().enumerate() {
        if let Some(first) = positions.get(&node.head.id) {
            let first: &Written<'_> = &written[*first];
            let finding =
                ctx.report.error(node.head.place, format!("two nodes have the id `{}`", node.head.id));
            finding.note(first.head.place, "the other one");
        } else if !node.head.is_nameless() {
            positions.insert(node.head.id.clone(), at);
        }
    }
    positions
}

/// The dependencies of every node by position; `None` when they are wrong, which was reported.
pub(super) fn resolve(
    ctx: &mut Lowering<'_, '_, '_>,
    draft: &Draft,
    written: &[Written<'_>],
    positions: &IndexMap<String, usize>,
) -> Option<Vec<Vec<usize>>> {
    let before = ctx.report.errors();
    let mut order: Vec<_> = written.iter().map(|node| named(ctx, node, positions)).collect();
    let names = Names::new(draft, positions);
    for used in &ctx.uses {
        let (User::Step(at, _) | User::When(at)) = used.by else { continue };
        order[at].extend(names.find(&used.reference).map(|node| (node, used.place)));
    }
    for waits in &mut order {
        let mut seen = HashSet::new();
        waits.retain(|(node, _)| seen.insert(*node));
    }
    let nodes = order.iter().zip(written);
    let nodes = nodes.map(|(for_, node)| Waits { id: &node.head.id, place: node.head.place, for_ });
    cycles::check_in(&NODES, ctx.report, &nodes.collect::<Vec<_>>());
    let order = order.into_iter().map(|waits| waits.into_iter().map(|(node, _)| node).collect());
    (ctx.report.errors() == before).then(|| order.collect())
}

/// What a node names under `depends_on`.
fn named(
    ctx: &mut Lowering<'_, '_, '_>,
    node: &Written<'_>,
    positions: &IndexMap<String, usize>,
) -> Vec<(usize, Place)> {
    let mut seen = HashMap::new();
    let mut found = Vec::new();
    for (name, place) in &node.depends_on {
        if let Some(other) = seen.insert(*name, *place) {
            let finding = ctx.report.error(*place, format!("`{name}` stands twice in `depends_on`"));
            finding.note(other, "the other one");
        }
        if let Some(at) = positions.get(*name) {
            found.push((*at, *place));
        } else {
            let finding = ctx.report.error(*place, format!("unknown node `{name}`"));
            finding.meant(name, positions.keys().map(String::as_str));
        }
    }
    found
}

/// Nodes by every name that something refers to them by.
pub(super) struct Names<'a> {
    draft: &'a Draft,
    positions: &'a IndexMap<String, usize>,
    variables: HashMap<&'a str, usize>,
    titles: HashMap<&'a str, usize>,
}

impl<'a> Names<'a> {
    pub(super) fn new(draft: &'a Draft, positions: &'a IndexMap<String, usize>) -> Self {
        let phases = || draft.phases.iter().enumerate();
        let stored = phases()
            .flat_map(|(at, phase)| phase.steps.iter().flat_map(Step::variables).map(move |name| (name, at)));
        let titles = phases().map(|(at, phase)| (phase.name.as_str(), at));
        Self { draft, positions, variables: stored.collect(), titles: titles.collect() }
    }

    /// The node that a reference is to.
    pub(super) fn find(&self, reference: &Reference) -> Option<usize> {
        match reference {
            Reference::Variable(name) if self.draft.inputs.contains_key(name) => None,
            Reference::Variable(name) => self.variables.get(name.as_str()).copied(),
            Reference::Step { id, .. } | Reference::Phase { id, .. } => self.positions.get(id).copied(),
            Reference::Context(name) => {
                let found = self.positions.get(name).or_else(|| self.titles.get(name.as_str()));
                found.or_else(|| self.variables.get(name.as_str())).copied()
            }
            Reference::Input(_) | Reference::Run(_) | Reference::LastOutput(_) => None,
        }
    }
}
