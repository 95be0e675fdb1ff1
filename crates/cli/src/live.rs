//! A run as it goes on: bars on a terminal, lines elsewhere; always on standard error.

mod bars;
mod board;
mod follow;
mod invite;
mod lines;

use jiff::Timestamp;
use op_proto::v1::{Event, Progress};

use crate::print;
use crate::terminal::Terminal;
use bars::Bars;
use board::Board;
use invite::Invite;
use lines::Lines;

pub(crate) use follow::{Follow, OnStop, Until, Watched, is_at_rest};

/// How a run is shown.
enum View {
    /// Nothing is known yet, or nothing is to be shown.
    Waiting,
    Bars(Bars),
    Lines(Lines),
}

impl View {
    fn open(board: Board, invite: Option<Invite>, terminal: &Terminal) -> Self {
        match terminal.stage {
            Some(stage) => Self::Bars(Bars::new(board, invite, stage, terminal.aside)),
            None => Self::Lines(Lines::new(board, invite, terminal.aside)),
        }
    }

    fn event(&mut self, event: &Event) {
        match self {
            Self::Waiting => {}
            Self::Bars(bars) => bars.event(event),
            Self::Lines(lines) => lines.event(event),
        }
    }

    fn progress(&mut self, progress: &Progress) {
        match self {
            // Lines tell facts only.
            Self::Waiting | Self::Lines(_) => {}
            Self::Bars(bars) => bars.progress(progress),
        }
    }

    fn draw(&mut self, now: Timestamp) {
        match self {
            Self::Waiting | Self::Lines(_) => {}
            Self::Bars(bars) => bars.draw(now),
        }
    }

    fn say(&self, text: &str) {
        match self {
            Self::Waiting | Self::Lines(_) => print::note(text),
            Self::Bars(bars) => bars.say(text),
        }
    }

    /// Takes the last look; what was drawn is left standing or wiped away.
    fn close(&mut self, leave: bool) {
        match self {
            Self::Waiting | Self::Lines(_) => {}
            Self::Bars(bars) => bars.close(leave, Timestamp::now()),
        }
    }
}
