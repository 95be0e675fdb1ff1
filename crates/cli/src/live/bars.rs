//! One line for each phase, drawn again and again on a terminal.

use console::measure_text_width;
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use jiff::Timestamp;
use op_proto::v1::{Event, Progress};

use super::board::Board;
use super::invite::Invite;
use crate::render::text::one_line;
use crate::terminal::Paint;

/// Rows of the terminal that stay free: the total, the prompt and what stands above.
const FREE: usize = 3;

/// Widest that the column of names gets.
const NAMES: usize = 32;

/// The phases of a run, one line each as far as they fit.
pub(crate) struct Bars {
    board: Board,
    multi: MultiProgress,
    lines: Vec<ProgressBar>,
    width: usize,
    columns: usize,
    frame: usize,
    invite: Option<Invite>,
    paint: Paint,
}

impl Bars {
    /// Makes room on a stage of so many rows and columns.
    pub(crate) fn new(
        board: Board,
        invite: Option<Invite>,
        (rows, columns): (usize, usize),
        paint: Paint,
    ) -> Self {
        let multi = MultiProgress::with_draw_target(ProgressDrawTarget::stderr());
        let room = board.phases.len().min(rows.saturating_sub(FREE)).max(1);
        let style = ProgressStyle::with_template("{msg}").expect("the template is right");
        let line = |_| multi.add(ProgressBar::no_length().with_style(style.clone()));
        let lines = (0..=room).map(line).collect();
        let width = board.phases.iter().map(|row| measure_text_width(&row.id)).max().unwrap_or(0).min(NAMES);
        Self { board, multi, lines, width, columns, frame: 0, invite, paint }
    }

    /// Takes a fact in; it is seen at the next drawing. What a person can do about it stands above.
    pub(crate) fn event(&mut self, event: &Event) {
        self.board.event(event);
        if let Some(way) = self.invite.as_ref().and_then(|invite| invite.to(event)) {
            self.say(&format!("{}: {way}", one_line(&event.message)));
        }
    }

    /// Takes progress in; it is seen at the next drawing.
    pub(crate) fn progress(&mut self, progress: &Progress) {
        self.board.progress(progress);
    }

    /// Draws the lines as they stand.
    pub(crate) fn draw(&mut self, now: Timestamp) {
        self.frame += 1;
        let room = self.lines.len() - 1;
        let fit = (self.width, self.columns.saturating_sub(1));
        let texts =
            self.board.visible(room).into_iter().map(|row| row.line(now, self.frame, fit, self.paint));
        for (line, text) in self.lines.iter().zip(texts.chain([self.total(room)])) {
            // Every change draws all lines again.
            if line.message() != text {
                line.set_message(text);
            }
        }
    }

    fn total(&self, room: usize) -> String {
        let (settled, all) = (self.board.settled(), self.board.phases.len());
        if all > room {
            self.paint.dim(format!("  {settled} of {all} phases have ended"))
        } else {
            String::new()
        }
    }

    /// Writes a line above the others.
    pub(crate) fn say(&self, text: &str) {
        // A terminal that is gone has nobody to tell.
        let _ = self.multi.println(text);
    }

    /// Takes the last look; what was drawn is left standing or wiped away.
    pub(crate) fn close(&mut self, leave: bool, now: Timestamp) {
        self.draw(now);
        if leave {
            self.lines.iter().for_each(ProgressBar::abandon);
        } else {
            let _ = self.multi.clear();
        }
    }
}
