//! A plan as boxes for a terminal: phases from top to bottom, those that may run together side by side.
//!
//! An arrow is drawn where it can say nothing wrong: between neighbouring rows, where no two lines cross. Every other
//! dependency is written into the box of the phase that waits. An arrow of a machine is the way that is always taken after
//! success; every other way is written into the box that it leads from.

mod sheet;

use unicode_width::UnicodeWidthStr as _;

use super::canvas::Canvas;
use super::layers::{depths, rows};
use super::mark::Mark;
use super::sketch::Sketch;
use crate::plan::Plan;
use sheet::Sheet;

/// Blanks between two boxes.
const GAP: usize = 2;

/// Columns of a box besides its text.
const FRAME: usize = 4;

/// How to draw.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Style {
    /// Columns of the terminal.
    pub width: usize,
    /// Whether to use nothing but ASCII.
    pub ascii: bool,
}

/// The plan as boxes, with no line wider than the style says (but for terminals too narrow for any box). `marks` are those of
/// its phases, by position; none leaves it plain.
pub fn boxes(plan: &Plan, style: Style, marks: &[Mark<'_>]) -> String {
    let sketch = Sketch::new(plan, marks);
    let depths = depths(&sketch);
    let sheet = Sheet::new(&sketch, &depths, style);
    let mut canvas = Canvas::new(style.ascii);
    let mut above: Vec<Placed> = Vec::new();
    for mut layer in rows(&depths) {
        sort(&sheet, &mut layer, &above);
        let mut rest = layer.as_slice();
        while !rest.is_empty() {
            let row = Row::lay(&sheet, rest, &above);
            rest = &rest[row.boxes.len()..];
            row.draw(&mut canvas, &above);
            above = row.boxes;
        }
    }
    canvas.finish()
}

/// Puts nodes below those that arrows lead from, as far as possible.
fn sort(sheet: &Sheet<'_>, layer: &mut [usize], above: &[Placed]) {
    layer.sort_by_cached_key(|node| {
        let parents = parents(sheet, *node, above);
        let middles: usize = parents.iter().map(|at| above[*at].middle()).sum();
        middles.checked_div(parents.len()).unwrap_or(usize::MAX)
    });
}

/// Boxes above, by position, that an arrow could lead from.
fn parents(sheet: &Sheet<'_>, node: usize, above: &[Placed]) -> Vec<usize> {
    (0..above.len()).filter(|at| sheet.before(node).contains(&above[*at].node)).collect()
}

/// A box of a row.
struct Placed {
    node: usize,
    column: usize,
    text: Vec<String>,
    is_round: bool,
}

impl Placed {
    fn width(&self) -> usize {
        outer(&self.text)
    }

    fn middle(&self) -> usize {
        self.column + self.width() / 2
    }
}

/// Boxes that wait for the same boxes of the row above, all by position.
struct Bus {
    parents: Vec<usize>,
    children: Vec<usize>,
}

impl Bus {
    /// The columns it covers.
    fn reach(&self, above: &[Placed], boxes: &[Placed]) -> (usize, usize) {
        let parents = self.parents.iter().map(|at| above[*at].middle());
        let columns = parents.chain(self.children.iter().map(|at| boxes[*at].middle()));
        columns.fold((usize::MAX, 0), |(least, most), column| (least.min(column), most.max(column)))
    }
}

struct Row {
    boxes: Vec<Placed>,
    buses: Vec<Bus>,
}

impl Row {
    /// Lays out as many of the nodes as fit beside each other, one at least.
    fn lay(sheet: &Sheet<'_>, nodes: &[usize], above: &[Placed]) -> Self {
        let most = sheet.style.width / (1 + FRAME + GAP) + 1;
        let mut nodes = &nodes[..most.min(nodes.len())];
        loop {
            let row = Self::settle(sheet, nodes, above);
            let fit = row.fit(sheet.style);
            if fit == nodes.len() {
                return row;
            }
            nodes = &nodes[..fit];
        }
    }

    /// Draws the arrows that do not cross and writes the others; as that moves boxes, until it is settled.
    fn settle(sheet: &Sheet<'_>, nodes: &[usize], above: &[Placed]) -> Self {
        let mut buses = buses(sheet, nodes, above);
        loop {
            let boxes = place(sheet, nodes, above, &buses);
            let before = buses.len();
            buses = apart(buses, above, &boxes);
            if buses.len() == before {
                return Self { boxes, buses };
            }
        }
    }

    fn fit(&self, style: Style) -> usize {
        let ends = self.boxes.iter().scan(0, |end, placed| {
            *end += placed.width() + GAP;
            Some(*end - GAP)
        });
        ends.take_while(|end| *end <= style.width).count().max(1)
    }

    fn draw(&self, canvas: &mut Canvas, above: &[Placed]) {
        let bottom = canvas.height().saturating_sub(1);
        for bus in &self.buses {
            let (least, most) = bus.reach(above, &self.boxes);
            canvas.across(bottom + 1, least, most);
            for parent in &bus.parents {
                canvas.down(above[*parent].middle(), bottom, bottom + 1);
            }
            for child in &bus.children {
                let column = self.boxes[*child].middle();
                canvas.down(column, bottom + 1, bottom + 2);
                canvas.arrow(bottom + 2, column);
            }
        }
        let top = if above.is_empty() { 0 } else { bottom + 2 + usize::from(!self.buses.is_empty()) };
        let height = self.boxes.iter().map(|placed| placed.text.len()).max().unwrap_or(0);
        for placed in &self.boxes {
            canvas.frame(top, placed.column, height + 2, placed.width());
            if placed.is_round {
                canvas.round(top, placed.column, height + 2, placed.width());
            }
            for (at, line) in placed.text.iter().enumerate() {
                canvas.text(top + 1 + at, placed.column + 2, line);
            }
        }
    }
}

/// Every set of boxes above that arrows could lead from, with the nodes that they lead to.
fn buses(sheet: &Sheet<'_>, nodes: &[usize], above: &[Placed]) -> Vec<Bus> {
    let mut buses: Vec<Bus> = Vec::new();
    for (child, node) in nodes.iter().enumerate() {
        let parents = parents(sheet, *node, above);
        match buses.iter_mut().find(|bus| bus.parents == parents) {
            _ if parents.is_empty() => {}
            Some(bus) => bus.children.push(child),
            None => buses.push(Bus { parents, children: vec![child] }),
        }
    }
    buses
}

/// Those that touch none of the ones before them.
fn apart(buses: Vec<Bus>, above: &[Placed], boxes: &[Placed]) -> Vec<Bus> {
    let mut kept: Vec<Bus> = Vec::new();
    for bus in buses {
        let (least, most) = bus.reach(above, boxes);
        let touches = kept.iter().any(|other| {
            let (from, to) = other.reach(above, boxes);
            least <= to + 1 && from <= most + 1
        });
        if !touches {
            kept.push(bus);
        }
    }
    kept
}

/// Boxes side by side in the middle of the sheet.
fn place(sheet: &Sheet<'_>, nodes: &[usize], above: &[Placed], buses: &[Bus]) -> Vec<Placed> {
    let texts = nodes.iter().enumerate().map(|(child, node)| {
        let bus = buses.iter().find(|bus| bus.children.contains(&child));
        let drawn: Vec<_> = bus.iter().flat_map(|bus| &bus.parents).map(|at| above[*at].node).collect();
        sheet.text(*node, &drawn)
    });
    let texts: Vec<_> = texts.collect();
    let total = texts.iter().map(|text| outer(text) + GAP).sum::<usize>().saturating_sub(GAP);
    let mut column = sheet.style.width.saturating_sub(total) / 2;
    let boxes = nodes.iter().zip(texts).map(|(node, text)| {
        let placed = Placed { node: *node, column, text, is_round: sheet.is_round(*node) };
        column += placed.width() + GAP;
        placed
    });
    boxes.collect()
}

/// Columns of a box; always odd, so that each has a middle and boxes above each other share it.
fn outer(text: &[String]) -> usize {
    (text.iter().map(|line| line.width()).max().unwrap_or(0) + FRAME) | 1
}
