//! Columns that line up.

use console::measure_text_width;

use super::text::cut;

/// Space between two columns.
const GAP: usize = 2;

/// Rows under a head.
pub(crate) struct Table {
    head: Vec<String>,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// A table without rows.
    pub(crate) fn new<'h>(head: impl IntoIterator<Item = &'h str>) -> Self {
        Self { head: head.into_iter().map(str::to_owned).collect(), rows: Vec::new() }
    }

    /// Adds a row; cells may be coloured.
    pub(crate) fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        self.rows.push(cells.into_iter().collect());
    }

    /// The table as text; lines are cut to `columns` where there is a limit. Columns that are empty throughout are left out.
    pub(crate) fn render(&self, columns: Option<usize>) -> String {
        let widths: Vec<_> = (0..self.head.len()).map(|at| self.width(at)).collect();
        let mut text = String::new();
        for row in std::iter::once(&self.head).chain(&self.rows) {
            let line = line(row, &widths);
            text += &columns.map_or_else(|| line.clone(), |columns| cut(&line, columns));
            text.push('\n');
        }
        text
    }

    /// Width of a column; none when it has nothing to show.
    fn width(&self, at: usize) -> Option<usize> {
        let widest =
            self.rows.iter().filter_map(|row| row.get(at)).map(|cell| measure_text_width(cell)).max();
        widest.filter(|width| *width > 0).map(|width| width.max(measure_text_width(&self.head[at])))
    }
}

fn line(row: &[String], widths: &[Option<usize>]) -> String {
    let mut line = String::new();
    for (cell, width) in row.iter().zip(widths) {
        let Some(width) = width else { continue };
        line += cell;
        line += &" ".repeat(width + GAP - measure_text_width(cell).min(*width));
    }
    line.trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Table {
        let mut table = Table::new(["NAME", "REASON", "STATE"]);
        table.row(["a".into(), String::new(), "\u{1b}[31mready\u{1b}[0m".into()]);
        table.row(["漢字漢字".into(), String::new(), "idle for a long while".into()]);
        table
    }

    #[test]
    fn columns_line_up_whatever_is_in_them_and_empty_ones_are_left_out() {
        let text = table().render(None);
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(lines[0], "NAME      STATE");
        assert_eq!(lines[1], "a         \u{1b}[31mready\u{1b}[0m");
        assert_eq!(lines[2], "漢字漢字  idle for a long while");
    }

    #[test]
    fn a_line_is_cut_to_the_terminal() {
        let text = table().render(Some(20));
        assert!(text.lines().all(|line| measure_text_width(line) <= 20), "{text}");
        assert!(text.contains('…'));
    }
}
