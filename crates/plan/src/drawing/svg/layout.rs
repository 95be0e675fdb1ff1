//! Where everything stands: layers from top to bottom, ways through gaps between boxes, labels beside each other.
//!
//! The steps are those of Sugiyama, Tagawa and Toda: long ways are cut at every layer they cross, each layer is put in order by
//! where its neighbours stand, and then moved towards them. <https://doi.org/10.1109/TSMC.1981.4308636>

use unicode_width::UnicodeWidthStr as _;

use super::order;
use super::places;
use crate::drawing::sketch::{Kind, Sketch};
use crate::drawing::{cut, plain};

/// Width of a column of text, and height of a line, in a monospace font of 13 pixels.
pub(super) const COLUMN: f64 = 7.85;
pub(super) const LINE: f64 = 18.0;

/// Space in a box around its text.
pub(super) const PADDING: f64 = 12.0;

/// Space around the drawing.
pub(super) const MARGIN: f64 = 16.0;

/// Most columns of a line of text; the whole of it stands in the title of the box.
const MAX_TEXT: usize = 44;

/// Most columns of a label.
const MAX_LABEL: usize = 32;

/// Space between layers, without labels.
const GAP: f64 = 44.0;

/// Most places at which long ways are cut; beyond that they are drawn straight.
const MAX_CUTS: usize = 50_000;

/// Most rows of labels in a gap; beyond that they lie on each other.
const MAX_ROWS: usize = 20;

/// Space between two ways that leave a box at the same side.
const PORT: f64 = 26.0;

/// A box, or the place where a way crosses a layer.
pub(super) struct Item {
    /// The middle.
    pub(super) x: f64,
    /// The upper edge.
    pub(super) y: f64,
    pub(super) width: f64,
    pub(super) height: f64,
    /// What stands in it; nothing where a way only passes.
    pub(super) text: Vec<String>,
}

/// A way from its upper to its lower end.
pub(super) struct Line {
    pub(super) kind: Kind,
    /// Whether it leads up: it closes a loop.
    pub(super) is_up: bool,
    /// The items it passes, from the upper end to the lower.
    pub(super) items: Vec<usize>,
    /// Horizontal places where it leaves each item but the last, and where it enters each but the first.
    pub(super) leaves: Vec<f64>,
    pub(super) enters: Vec<f64>,
    /// What it is taken for, cut to its room.
    pub(super) label: String,
    /// The whole of that.
    pub(super) whole: String,
    /// The middle of its label.
    pub(super) at: (f64, f64),
    /// In which row of the gap its label stands.
    row: usize,
}

impl Line {
    /// The piece that the label stands at, which begins where the way does.
    fn labelled(&self) -> usize {
        if self.is_up { self.leaves.len() - 1 } else { 0 }
    }
}

pub(super) struct Layout {
    /// The nodes of the sketch, then the places where ways pass.
    pub(super) items: Vec<Item>,
    pub(super) lines: Vec<Line>,
    pub(super) width: f64,
    pub(super) height: f64,
    rows: Vec<Vec<usize>>,
}

impl Layout {
    pub(super) fn new(sketch: &Sketch<'_>, depths: &[usize]) -> Self {
        let mut layout = Self {
            items: sketch.nodes.iter().enumerate().map(|(at, _)| boxed(sketch, at)).collect(),
            lines: Vec::new(),
            width: 0.0,
            height: 0.0,
            rows: crate::drawing::layers::rows(depths),
        };
        layout.add_lines(sketch, depths);
        let pairs = layout.pairs();
        order::settle(&mut layout.rows, &pairs, layout.items.len());
        places::settle(&mut layout.items, &layout.rows, &pairs);
        layout.add_ports(sketch);
        let gaps = layout.add_rows(depths);
        layout.stand(&gaps);
        layout.add_labels();
        layout.fit();
        layout
    }

    /// Cuts each way at every layer it crosses.
    fn add_lines(&mut self, sketch: &Sketch<'_>, depths: &[usize]) {
        let long = |from: usize, to: usize| depths[from].abs_diff(depths[to]).saturating_sub(1);
        let cuts: usize = sketch.ways.iter().map(|way| long(way.from, way.to)).sum();
        for way in sketch.ways.iter().filter(|way| way.from != way.to) {
            let is_up = depths[way.from] > depths[way.to];
            let (upper, lower) = if is_up { (way.to, way.from) } else { (way.from, way.to) };
            let mut items = vec![upper];
            if cuts <= MAX_CUTS {
                for depth in depths[upper] + 1..depths[lower] {
                    items.push(self.items.len());
                    self.rows[depth].push(self.items.len());
                    self.items.push(Item { x: 0.0, y: 0.0, width: 6.0, height: 0.0, text: Vec::new() });
                }
            }
            items.push(lower);
            let label = cut(&plain(&way.label), MAX_LABEL, "…");
            self.lines.push(Line {
                kind: way.kind,
                is_up,
                items,
                leaves: Vec::new(),
                enters: Vec::new(),
                label,
                whole: way.label.clone(),
                at: (0.0, 0.0),
                row: 0,
            });
        }
    }

    /// Items that are joined, the upper one first.
    fn pairs(&self) -> Vec<(usize, usize)> {
        let pairs = self.lines.iter().flat_map(|line| line.items.windows(2).map(|pair| (pair[0], pair[1])));
        pairs.collect()
    }

    /// Ways of a machine leave and enter a box side by side, so that one there and one back can be told apart.
    fn add_ports(&mut self, sketch: &Sketch<'_>) {
        let mut below: Vec<Vec<(usize, usize)>> = vec![Vec::new(); self.items.len()];
        let mut above = below.clone();
        for (at, line) in self.lines.iter_mut().enumerate() {
            let ends = line.items.len() - 1;
            (line.leaves, line.enters) = (vec![0.0; ends], vec![0.0; ends]);
            for piece in 0..ends {
                below[line.items[piece]].push((at, piece));
                above[line.items[piece + 1]].push((at, piece));
            }
        }
        let is_spread = sketch.ways.iter().any(|way| way.kind != Kind::Before);
        for (item, (below, above)) in below.into_iter().zip(above).enumerate() {
            for (place, (line, piece)) in self.ports(item, below, 1, is_spread) {
                self.lines[line].leaves[piece] = place;
            }
            for (place, (line, piece)) in self.ports(item, above, 0, is_spread) {
                self.lines[line].enters[piece] = place;
            }
        }
    }

    /// Places at one side of an item for pieces of ways, in the order of where these come from or go to.
    fn ports(
        &self,
        item: usize,
        mut pieces: Vec<(usize, usize)>,
        other: usize,
        is_spread: bool,
    ) -> Vec<(f64, (usize, usize))> {
        let far = |(line, piece): &(usize, usize)| self.items[self.lines[*line].items[piece + other]].x;
        pieces.sort_by(|a, b| far(a).total_cmp(&far(b)));
        let item = &self.items[item];
        let count = number(pieces.len());
        let step =
            if is_spread { PORT.min((item.width - 2.0 * PADDING).max(0.0) / count.max(1.0)) } else { 0.0 };
        let first = item.x - step * (count - 1.0) / 2.0;
        pieces.into_iter().enumerate().map(|(at, piece)| (first + step * number(at), piece)).collect()
    }

    /// Puts labels that would touch into different rows of their gap; how many rows each gap has then.
    fn add_rows(&mut self, depths: &[usize]) -> Vec<usize> {
        let mut taken: Vec<Vec<Vec<(f64, f64)>>> = vec![Vec::new(); self.rows.len()];
        for line in self.lines.iter_mut().filter(|line| !line.label.is_empty()) {
            let piece = line.labelled();
            let (from, to) = (line.leaves[piece], line.enters[piece]);
            let half = label_width(&line.label) / 2.0 + 4.0;
            let (least, most) = (from.min(to) - half, from.max(to) + half);
            let gap = &mut taken[depths[line.items[0]] + piece];
            let is_free = |row: &Vec<(f64, f64)>| row.iter().all(|(from, to)| most < *from || *to < least);
            line.row = gap.iter().position(is_free).unwrap_or(gap.len().min(MAX_ROWS - 1));
            if line.row == gap.len() {
                gap.push(Vec::new());
            }
            gap[line.row].push((least, most));
        }
        taken.into_iter().map(|rows| rows.len()).collect()
    }

    /// Puts each layer below the one before it.
    fn stand(&mut self, gaps: &[usize]) {
        let mut top = MARGIN;
        for (row, labels) in self.rows.iter().zip(gaps) {
            let height = row.iter().map(|item| self.items[*item].height).fold(0.0, f64::max);
            for item in row {
                let item = &mut self.items[*item];
                // A way crosses the whole layer; a box stands at its top.
                item.y = top;
                item.height = if item.text.is_empty() { height } else { item.height };
            }
            top += height + GAP + number(*labels) * (LINE + 4.0);
        }
        self.height = top - GAP + MARGIN;
    }

    fn add_labels(&mut self) {
        for line in self.lines.iter_mut().filter(|line| !line.label.is_empty()) {
            let piece = line.labelled();
            let upper = &self.items[line.items[piece]];
            let (top, bottom) = (upper.y + upper.height, self.items[line.items[piece + 1]].y);
            let lowest = bottom - GAP / 2.0 - LINE / 2.0;
            let y = (top + 22.0 + number(line.row) * (LINE + 4.0)).min(lowest.max(top + 22.0));
            line.at = (at_height(line.leaves[piece], line.enters[piece], (y - top) / (bottom - top)), y);
        }
    }

    /// Moves everything so that the drawing begins at its margin.
    fn fit(&mut self) {
        let labels = self.lines.iter().filter(|line| !line.label.is_empty());
        let labels = labels.map(|line| (line.at.0, label_width(&line.label)));
        let spans: Vec<_> = self.items.iter().map(|item| (item.x, item.width)).chain(labels).collect();
        let least = spans.iter().map(|(x, width)| x - width / 2.0).fold(f64::INFINITY, f64::min);
        let most = spans.iter().map(|(x, width)| x + width / 2.0).fold(f64::NEG_INFINITY, f64::max);
        let by = MARGIN - least;
        self.items.iter_mut().for_each(|item| item.x += by);
        for line in &mut self.lines {
            line.leaves.iter_mut().chain(&mut line.enters).for_each(|x| *x += by);
            line.at.0 += by;
        }
        self.width = most - least + 2.0 * MARGIN;
    }
}

fn boxed(sketch: &Sketch<'_>, at: usize) -> Item {
    let node = &sketch.nodes[at];
    let again = sketch.ways.iter().filter(|way| way.from == at && way.to == at);
    let again = again.map(|way| format!("on {} again", way.label));
    let text = std::iter::once(node.title(false)).chain(node.said().map(str::to_owned)).chain(again);
    let text: Vec<_> = text.map(|line| cut(&plain(&line), MAX_TEXT, "…")).collect();
    let columns = text.iter().map(|line| line.width()).max().unwrap_or(0);
    let width = number(columns) * COLUMN + 2.0 * PADDING;
    Item { x: 0.0, y: 0.0, width, height: number(text.len()) * LINE + PADDING, text }
}

pub(super) fn label_width(label: &str) -> f64 {
    number(label.width()) * COLUMN * 0.9 + 8.0
}

/// Where a curve that begins and ends upright is at a part of its height.
fn at_height(from: f64, to: f64, part: f64) -> f64 {
    let (mut least, mut most) = (0.0_f64, 1.0_f64);
    for _ in 0..20 {
        let t = f64::midpoint(least, most);
        let height = 1.5 * t * (1.0 - t) + t * t * t;
        if height < part { least = t } else { most = t }
    }
    from + (to - from) * (3.0 - 2.0 * least) * least * least
}

/// Counts are small enough for any number.
pub(super) fn number(count: usize) -> f64 {
    f64::from(u32::try_from(count).unwrap_or(u32::MAX))
}
