//! Colour in a drawing of boxes.

use op_proto::v1::{PhaseState, StepState};

use super::state::Told;
use crate::terminal::Paint;

/// What stands between a box and its text.
const FRAME: char = '│';

/// A run drawn in boxes, with the word for the state of each phase in its colour.
pub(crate) fn painted(text: &str, paint: Paint) -> String {
    if !paint.is_on() {
        return text.to_owned();
    }
    text.lines().map(|line| format!("{}\n", painted_line(line, paint))).collect()
}

fn painted_line(line: &str, paint: Paint) -> String {
    let cells: Vec<_> = line.split(FRAME).map(|cell| painted_cell(cell, paint)).collect();
    cells.join(&FRAME.to_string())
}

/// A cell that is nothing but the word for a state.
fn painted_cell(cell: &str, paint: Paint) -> String {
    let word = cell.trim();
    match coloured(word, paint) {
        Some(coloured) if !word.is_empty() => cell.replacen(word, &coloured, 1),
        Some(_) | None => cell.to_owned(),
    }
}

fn coloured(word: &str, paint: Paint) -> Option<String> {
    if word == StepState::Waiting.word() {
        return Some(paint.yellow(word));
    }
    let states = (0..).map_while(|number| PhaseState::try_from(number).ok());
    states.into_iter().find(|state| state.word() == word).map(|state| state.tone().paint(paint, word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_cell_that_is_the_word_for_a_state_is_coloured() {
        let text = "│ ✓ succeeded │  │ · look  │\n│ succeeded   │  │ waiting │";
        let seen = painted(text, Paint::full());
        let lines: Vec<_> = seen.lines().collect();
        assert_eq!(lines[0], "│ ✓ succeeded │  │ · look  │");
        assert!(lines[1].contains("\u{1b}[32msucceeded\u{1b}[0m   │"), "{:?}", lines[1]);
        assert!(lines[1].contains("\u{1b}[33mwaiting\u{1b}[0m │"), "{:?}", lines[1]);
        assert_eq!(painted(text, Paint::plain()), text);
    }
}
