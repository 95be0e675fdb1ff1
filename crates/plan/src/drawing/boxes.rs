//! A plan as boxes for a terminal: phases from top to bottom, those that may run together side by side.
//!
//! An arrow is drawn where it can say nothing wrong: between neighbouring rows, where no two lines cross. Every other
//! dependency is written into the box of the phase that waits.

use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

use super::canvas::Canvas;
use super::layers::layers;
use super::lines;
use crate::plan::Plan;

/// Blanks between two boxes.
const GAP: usize = 2;

/// Columns of a box besides its text.
const FRAME: usize = 4;

/// Most columns of text in a box.
const MAX_TEXT: usize = 45;

/// Fewest columns of text in a box, however narrow the terminal.
const MIN_TEXT: usize = 7;

/// Most phases that a box says it waits for.
const MAX_NAMES: usize = 12;

/// How to draw.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Style {
    /// Columns of the terminal.
    pub width: usize,
    /// Whether to use nothing but ASCII.
    pub ascii: bool,
}

/// The plan as boxes, with no line wider than the style says (but for terminals too narrow for any box).
pub fn boxes(plan: &Plan, style: Style) -> String {
    let mut canvas = Canvas::new(style.ascii);
    let mut above: Vec<Placed> = Vec::new();
    for mut layer in layers(plan) {
        sort(plan, &mut layer, &above);
        let mut rest = layer.as_slice();
        while !rest.is_empty() {
            let row = Row::lay(plan, rest, &above, style);
            rest = &rest[row.boxes.len()..];
            row.draw(&mut canvas, &above);
            above = row.boxes;
        }
    }
    canvas.finish()
}

/// Puts phases below those they wait for, as far as possible.
fn sort(plan: &Plan, layer: &mut [usize], above: &[Placed]) {
    layer.sort_by_cached_key(|phase| {
        let parents = parents(plan, *phase, above);
        let middles: usize = parents.iter().map(|at| above[*at].middle()).sum();
        middles.checked_div(parents.len()).unwrap_or(usize::MAX)
    });
}

/// Boxes above, by position, that a phase waits for.
fn parents(plan: &Plan, phase: usize, above: &[Placed]) -> Vec<usize> {
    let depends_on = &plan.phases()[phase].depends_on;
    (0..above.len()).filter(|at| depends_on.contains(&above[*at].phase)).collect()
}

/// A box of a row.
struct Placed {
    phase: usize,
    column: usize,
    text: Vec<String>,
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
    /// Lays out as many of the phases as fit beside each other, one at least.
    fn lay(plan: &Plan, phases: &[usize], above: &[Placed], style: Style) -> Self {
        let most = style.width / (1 + FRAME + GAP) + 1;
        let mut phases = &phases[..most.min(phases.len())];
        loop {
            let row = Self::settle(plan, phases, above, style);
            let fit = row.fit(style);
            if fit == phases.len() {
                return row;
            }
            phases = &phases[..fit];
        }
    }

    /// Draws the arrows that do not cross and writes the other dependencies; as that moves boxes, until it is settled.
    fn settle(plan: &Plan, phases: &[usize], above: &[Placed], style: Style) -> Self {
        let mut buses = buses(plan, phases, above);
        loop {
            let boxes = place(plan, phases, above, &buses, style);
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
            for (at, line) in placed.text.iter().enumerate() {
                canvas.text(top + 1 + at, placed.column + 2, line);
            }
        }
    }
}

/// Every set of boxes above that phases wait for, with these phases.
fn buses(plan: &Plan, phases: &[usize], above: &[Placed]) -> Vec<Bus> {
    let mut buses: Vec<Bus> = Vec::new();
    for (child, phase) in phases.iter().enumerate() {
        let parents = parents(plan, *phase, above);
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
fn place(plan: &Plan, phases: &[usize], above: &[Placed], buses: &[Bus], style: Style) -> Vec<Placed> {
    let texts = phases.iter().enumerate().map(|(child, phase)| {
        let bus = buses.iter().find(|bus| bus.children.contains(&child));
        let drawn: Vec<_> = bus.iter().flat_map(|bus| &bus.parents).map(|at| above[*at].phase).collect();
        text(plan, *phase, &drawn, style)
    });
    let texts: Vec<_> = texts.collect();
    let total = texts.iter().map(|text| outer(text) + GAP).sum::<usize>().saturating_sub(GAP);
    let mut column = style.width.saturating_sub(total) / 2;
    let boxes = phases.iter().zip(texts).map(|(phase, text)| {
        let placed = Placed { phase: *phase, column, text };
        column += placed.width() + GAP;
        placed
    });
    boxes.collect()
}

/// What a box says: its name, what it waits for unless an arrow shows that, and what it does.
fn text(plan: &Plan, phase: usize, drawn: &[usize], style: Style) -> Vec<String> {
    let phase = &plan.phases()[phase];
    let written = phase.depends_on.iter().filter(|at| !drawn.contains(at)).take(MAX_NAMES);
    let written: Vec<_> = written.map(|at| plan.phases()[*at].name.as_str()).collect();
    let mut text = vec![phase.name.clone()];
    if !written.is_empty() {
        text.push(format!("after {}", written.join(", ")));
    }
    text.extend(lines(phase));
    let room = (style.width.saturating_sub(FRAME + 1) | 1).clamp(MIN_TEXT, MAX_TEXT);
    text.into_iter().map(|line| cut(&line, room, style.ascii)).collect()
}

/// Columns of a box; always odd, so that each has a middle and boxes above each other share it.
fn outer(text: &[String]) -> usize {
    (text.iter().map(|line| line.width()).max().unwrap_or(0) + FRAME) | 1
}

/// Cuts a line to a width, and takes out of it what would move the cursor.
fn cut(line: &str, room: usize, ascii: bool) -> String {
    let line: String = line.chars().map(|c| if c.width().is_none() { ' ' } else { c }).collect();
    if line.width() <= room {
        return line;
    }
    let mark = if ascii { "..." } else { "…" };
    let mut cut = String::new();
    let mut left = room - mark.width();
    for c in line.chars() {
        match left.checked_sub(c.width().unwrap_or(0)) {
            Some(rest) => left = rest,
            None => break,
        }
        cut.push(c);
    }
    cut + mark
}
