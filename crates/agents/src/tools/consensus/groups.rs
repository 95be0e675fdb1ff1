//! Who holds the same position.

use std::collections::BTreeMap;

use super::Stance;

/// A forest in which each participant points to another of the same group; who points to itself stands for the group.
struct Forest(Vec<usize>);

impl Forest {
    fn root(&self, mut at: usize) -> usize {
        while self.0[at] != at {
            at = self.0[at];
        }
        at
    }

    fn join(&mut self, a: usize, b: usize) {
        let (a, b) = (self.root(a), self.root(b));
        self.0[a.max(b)] = a.min(b);
    }
}

/// The groups, as indices into what was said; in each the indices ascend.
pub(super) fn groups<'a>(said: impl Iterator<Item = &'a Stance>) -> Vec<Vec<usize>> {
    let said: Vec<&Stance> = said.collect();
    let mut forest = Forest((0..said.len()).collect());
    let mut texts = BTreeMap::new();
    let names: BTreeMap<_, _> =
        (0..).zip(&said).map(|(index, one)| (one.participant.as_str(), index)).collect();
    for (index, one) in said.iter().enumerate() {
        let first = *texts.entry(plain(&one.position)).or_insert(index);
        forest.join(index, first);
        for other in one.agrees_with.iter().filter_map(|name| names.get(name.as_str())) {
            forest.join(index, *other);
        }
    }
    let mut groups: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for index in 0..said.len() {
        groups.entry(forest.root(index)).or_default().push(index);
    }
    groups.into_values().collect()
}

/// A position without what does not make it another one: case and white space.
pub(super) fn plain(position: &str) -> String {
    position.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase()
}
