//! Plans as drawings: mermaid, dot, svg, and boxes.
//!
//! Each draws phases with what they do, and an arrow from each phase to those that wait for it. Of a machine the arrows are its
//! ways, with what they are taken for, and its ends are round. A drawing can be marked with the states of a run: each in colour
//! and in words, since not everybody sees colours and not every terminal has them.
//!
//! ```text
//! Plan ── sketch ──▶ nodes and ways ──▶ mermaid, dot
//!                          └─ layers ──▶ boxes, svg
//! ```

mod boxes;
mod canvas;
mod dot;
mod layers;
mod lines;
mod mark;
mod mermaid;
mod sketch;
mod svg;

pub use boxes::{Style, boxes};
pub use dot::dot;
pub use mark::{Mark, Tint};
pub use mermaid::mermaid;
pub use svg::svg;

/// A line without what would break it or move a cursor.
fn plain(line: &str) -> String {
    line.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// A line cut to a width in columns.
fn cut(line: &str, room: usize, mark: &str) -> String {
    use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};
    if line.width() <= room {
        return line.to_owned();
    }
    let mut cut = String::new();
    let mut left = room.saturating_sub(mark.width());
    for c in line.chars() {
        match left.checked_sub(c.width().unwrap_or(0)) {
            Some(rest) => left = rest,
            None => break,
        }
        cut.push(c);
    }
    cut + mark
}
