//! What boxes say, and which arrows could lead into them.

use super::super::sketch::{Kind, Sketch, Way};
use super::super::{cut, plain};
use super::{FRAME, Style};

/// Most columns of text in a box.
const MAX_TEXT: usize = 45;

/// Fewest columns of text in a box, however narrow the terminal.
const MIN_TEXT: usize = 7;

/// Most nodes that a box says it waits for.
const MAX_NAMES: usize = 12;

/// A sketch, with what its boxes say and which arrows could lead into them.
pub(super) struct Sheet<'a> {
    sketch: &'a Sketch<'a>,
    pub(super) style: Style,
    /// For each node, those that it waits for or that a machine always goes to it from.
    before: Vec<Vec<usize>>,
    /// For each node, the ways of a machine that no arrow can show.
    written: Vec<Vec<&'a Way>>,
}

impl<'a> Sheet<'a> {
    pub(super) fn new(sketch: &'a Sketch<'a>, depths: &[usize], style: Style) -> Self {
        let mut before = vec![Vec::new(); sketch.nodes.len()];
        let mut written = vec![Vec::new(); sketch.nodes.len()];
        for way in &sketch.ways {
            let is_next = depths[way.to] == depths[way.from] + 1;
            if way.kind == Kind::Before || way.kind == Kind::Success && is_next {
                before[way.to].push(way.from);
            } else {
                written[way.from].push(way);
            }
        }
        Self { sketch, style, before, written }
    }

    /// Nodes that an arrow could lead to this one from.
    pub(super) fn before(&self, node: usize) -> &[usize] {
        &self.before[node]
    }

    pub(super) fn is_round(&self, node: usize) -> bool {
        self.sketch.nodes[node].is_end
    }

    /// What a box says: its name, what it comes after unless an arrow shows that, what it does, and where it leads.
    pub(super) fn text(&self, node: usize, drawn: &[usize]) -> Vec<String> {
        let said = &self.sketch.nodes[node];
        let mut text = vec![said.title(self.style.ascii)];
        text.extend(said.mark.map(|mark| mark.word.to_owned()));
        let undrawn = self.before[node].iter().filter(|at| !drawn.contains(at)).take(MAX_NAMES);
        let undrawn: Vec<_> = undrawn.map(|at| self.name(*at)).collect();
        if !undrawn.is_empty() {
            text.push(format!("after {}", undrawn.join(", ")));
        }
        text.extend(said.lines.iter().cloned());
        let ways = self.written[node].iter();
        text.extend(ways.map(|way| format!("on {} -> {}", way.label, self.name(way.to))));
        let room = (self.style.width.saturating_sub(FRAME + 1) | 1).clamp(MIN_TEXT, MAX_TEXT);
        let mark = if self.style.ascii { "..." } else { "…" };
        text.into_iter().map(|line| cut(&plain(&line), room, mark)).collect()
    }

    fn name(&self, node: usize) -> &'a str {
        &self.sketch.nodes[node].name
    }
}
