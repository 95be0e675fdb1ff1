//! What the terminal can show: width, height and colour of each stream.

use std::env;
use std::fmt::Display;
use std::io::{IsTerminal as _, stderr, stdout};

use console::{Style, Term};

use crate::options::{Globals, When};

/// Width of what is not shown on a terminal.
const WIDTH: usize = 100;

/// Widest text that is still easy to read.
const WIDEST: usize = 120;

/// Height of a terminal that does not tell its own.
const HEIGHT: usize = 24;

/// What the terminal can show.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Terminal {
    /// Programs read standard output.
    pub(crate) json: bool,
    /// Colour of standard output.
    pub(crate) paint: Paint,
    /// Colour of standard error.
    pub(crate) aside: Paint,
    /// Columns that text is wrapped to.
    pub(crate) width: usize,
    /// Columns that a line must fit in; none when standard output is no terminal.
    pub(crate) columns: Option<usize>,
    /// Rows and columns of standard error when it is a terminal that can be drawn on.
    pub(crate) stage: Option<(usize, usize)>,
}

impl Terminal {
    /// Looks at the streams of this process.
    pub(crate) fn look(globals: &Globals) -> Self {
        let columns = Term::stdout().size_checked().map(|(_, columns)| usize::from(columns).max(20));
        let is_dumb = env::var("TERM").is_ok_and(|name| name == "dumb");
        let wants = |is_terminal: bool| match globals.color {
            When::Always => true,
            When::Never => false,
            When::Auto => {
                is_terminal && !is_dumb && env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
            }
        };
        let stage = Term::stderr().size_checked().filter(|_| stderr().is_terminal() && !is_dumb);
        Self {
            json: globals.json,
            paint: Paint(wants(stdout().is_terminal())),
            aside: Paint(wants(stderr().is_terminal())),
            width: columns.unwrap_or(WIDTH).min(WIDEST),
            columns,
            stage: stage.map(|(rows, columns)| (rows_of(rows), usize::from(columns).max(20))),
        }
    }
}

fn rows_of(rows: u16) -> usize {
    if rows == 0 { HEIGHT } else { usize::from(rows) }
}

/// Colours text, or leaves it as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Paint(bool);

impl Paint {
    /// Leaves text as it is.
    #[cfg(test)]
    pub(crate) fn plain() -> Self {
        Self(false)
    }

    /// Colours text.
    #[cfg(test)]
    pub(crate) fn full() -> Self {
        Self(true)
    }

    /// Whether it colours.
    pub(crate) fn is_on(self) -> bool {
        self.0
    }

    /// What went wrong.
    pub(crate) fn red(self, text: impl Display) -> String {
        self.apply(Style::new().red().bold(), text)
    }

    /// What deserves attention.
    pub(crate) fn yellow(self, text: impl Display) -> String {
        self.apply(Style::new().yellow(), text)
    }

    /// What went well.
    pub(crate) fn green(self, text: impl Display) -> String {
        self.apply(Style::new().green(), text)
    }

    /// What goes on, and names.
    pub(crate) fn cyan(self, text: impl Display) -> String {
        self.apply(Style::new().cyan(), text)
    }

    /// Titles.
    pub(crate) fn bold(self, text: impl Display) -> String {
        self.apply(Style::new().bold(), text)
    }

    /// What may be skipped.
    pub(crate) fn dim(self, text: impl Display) -> String {
        self.apply(Style::new().dim(), text)
    }

    fn apply(self, style: Style, text: impl Display) -> String {
        style.force_styling(self.0).apply_to(text).to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paint_that_is_off_changes_nothing() {
        assert_eq!(Paint::plain().red("x"), "x");
        assert_ne!(Paint(true).red("x"), "x");
    }
}
