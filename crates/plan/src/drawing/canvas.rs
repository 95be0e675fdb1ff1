//! A sheet of cells on which lines that meet become the right corner, tee or cross.

use unicode_width::UnicodeWidthChar as _;

const UP: u8 = 1;
const DOWN: u8 = 2;
const LEFT: u8 = 4;
const RIGHT: u8 = 8;

#[derive(Clone, Copy, PartialEq)]
enum Cell {
    Empty,
    /// A line, by the directions it leaves in.
    Line(u8),
    Text(char),
    /// The right half of a wide character.
    Covered,
}

pub(super) struct Canvas {
    rows: Vec<Vec<Cell>>,
    ascii: bool,
}

impl Canvas {
    pub(super) fn new(ascii: bool) -> Self {
        Self { rows: Vec::new(), ascii }
    }

    /// How many rows were drawn on.
    pub(super) fn height(&self) -> usize {
        self.rows.len()
    }

    /// Writes text from a place on. What a plain terminal could not show becomes `?`.
    pub(super) fn text(&mut self, row: usize, column: usize, text: &str) {
        let mut column = column;
        for c in text.chars() {
            let c = if self.ascii && !c.is_ascii() { '?' } else { c };
            let width = c.width().unwrap_or(0);
            if width > 0 {
                *self.cell(row, column) = Cell::Text(c);
            }
            for covered in 1..width {
                *self.cell(row, column + covered) = Cell::Covered;
            }
            column += width;
        }
    }

    /// A box by its upper left corner.
    pub(super) fn frame(&mut self, row: usize, column: usize, height: usize, width: usize) {
        let (bottom, right) = (row + height - 1, column + width - 1);
        for at in [row, bottom] {
            self.across(at, column, right);
        }
        for at in [column, right] {
            self.down(at, row, bottom);
        }
    }

    /// Rounds the corners of a box.
    pub(super) fn round(&mut self, row: usize, column: usize, height: usize, width: usize) {
        let (bottom, right) = (row + height - 1, column + width - 1);
        let corners = if self.ascii { ['.', '.', '\'', '\''] } else { ['╭', '╮', '╰', '╯'] };
        let places = [(row, column), (row, right), (bottom, column), (bottom, right)];
        for ((row, column), corner) in places.into_iter().zip(corners) {
            *self.cell(row, column) = Cell::Text(corner);
        }
    }

    /// A line from left to right.
    pub(super) fn across(&mut self, row: usize, from: usize, to: usize) {
        for column in from..to {
            self.line(row, column, RIGHT);
            self.line(row, column + 1, LEFT);
        }
    }

    /// A line from top to bottom.
    pub(super) fn down(&mut self, column: usize, from: usize, to: usize) {
        for row in from..to {
            self.line(row, column, DOWN);
            self.line(row + 1, column, UP);
        }
    }

    /// The head of an arrow that points down.
    pub(super) fn arrow(&mut self, row: usize, column: usize) {
        *self.cell(row, column) = Cell::Text(if self.ascii { 'v' } else { '▼' });
    }

    fn line(&mut self, row: usize, column: usize, direction: u8) {
        let cell = self.cell(row, column);
        *cell = match *cell {
            Cell::Line(directions) => Cell::Line(directions | direction),
            Cell::Empty | Cell::Text(_) | Cell::Covered => Cell::Line(direction),
        };
    }

    fn cell(&mut self, row: usize, column: usize) -> &mut Cell {
        if self.rows.len() <= row {
            self.rows.resize(row + 1, Vec::new());
        }
        let cells = &mut self.rows[row];
        if cells.len() <= column {
            cells.resize(column + 1, Cell::Empty);
        }
        &mut cells[column]
    }

    /// The rows, without blanks at their ends.
    pub(super) fn finish(self) -> String {
        let ascii = self.ascii;
        let rows = self.rows.into_iter().map(|cells| {
            let row: String = cells.into_iter().filter_map(|cell| shown(cell, ascii)).collect();
            format!("{}\n", row.trim_end())
        });
        rows.collect()
    }
}

fn shown(cell: Cell, ascii: bool) -> Option<char> {
    match cell {
        Cell::Empty => Some(' '),
        Cell::Text(c) => Some(c),
        Cell::Covered => None,
        Cell::Line(directions) => Some(if ascii { plain(directions) } else { drawn(directions) }),
    }
}

fn plain(directions: u8) -> char {
    let (vertical, horizontal) = (directions & (UP | DOWN) != 0, directions & (LEFT | RIGHT) != 0);
    match (vertical, horizontal) {
        (true, true) => '+',
        (true, false) => '|',
        (false, _) => '-',
    }
}

fn drawn(directions: u8) -> char {
    const GLYPHS: [char; 16] =
        [' ', '│', '│', '│', '─', '┘', '┐', '┤', '─', '└', '┌', '├', '─', '┴', '┬', '┼'];
    GLYPHS[usize::from(directions & 15)]
}
