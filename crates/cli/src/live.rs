//! A run as it goes on: bars on a terminal, lines elsewhere; always on standard error.

mod bars;
mod board;
mod lines;

use std::time::Duration;

use jiff::Timestamp;
use op_proto::v1::watch_response::Seen;
use op_proto::v1::{CancelRequest, Event, GetRequest, WatchResponse};
use tokio::time::{MissedTickBehavior, interval};
use tokio_stream::{Stream, StreamExt as _};
use tonic::Status;

use crate::client::Client;
use crate::failure::Failure;
use crate::interrupt::{Interrupt, Interrupts};
use crate::print;
use crate::terminal::Terminal;
use bars::Bars;
use board::Board;
use lines::Lines;

/// Time between two drawings.
const TICK: Duration = Duration::from_millis(100);

/// What Ctrl-C means the first time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OnStop {
    /// The run is cancelled and watched to its end.
    Cancel,
    /// The watcher leaves, the run goes on.
    Leave,
}

/// How watching ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Watched {
    /// The run ended, or there is no more to see of it.
    Ended {
        /// The run.
        run: String,
    },
    /// The user left before.
    Left {
        /// The run, if it had told its id.
        run: Option<String>,
    },
}

/// Shows what a stream tells of a run until it ends or the user leaves. `each` sees everything first.
pub(crate) struct Follow<'a> {
    pub(crate) client: &'a Client,
    pub(crate) terminal: &'a Terminal,
    pub(crate) interrupts: &'a mut Interrupts,
    pub(crate) on_stop: OnStop,
    /// Write nothing but what `each` writes.
    pub(crate) quiet: bool,
    /// The last event there will be, where that is known beforehand.
    pub(crate) until: Option<u64>,
}

impl Follow<'_> {
    /// Follows the stream.
    pub(crate) async fn watch(
        mut self,
        stream: impl Stream<Item = Result<WatchResponse, Status>>,
        mut each: impl FnMut(&WatchResponse) -> Result<(), Failure>,
    ) -> Result<Watched, Failure> {
        tokio::pin!(stream);
        let mut view = View::Waiting;
        let mut place = Place::default();
        let mut ticks = interval(TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
        loop {
            tokio::select! {
                seen = stream.next() => match seen {
                    Some(Ok(seen)) => {
                        each(&seen)?;
                        self.take(&mut view, &mut place, &seen).await?;
                        if self.until.is_some_and(|last| last <= place.sequence) {
                            break;
                        }
                    }
                    Some(Err(status)) => {
                        view.close(true);
                        return Err(place.lost(status));
                    }
                    None => break,
                },
                interrupt = self.interrupts.next() => {
                    if !self.stop(interrupt, &mut place, &view) {
                        view.close(true);
                        return Ok(Watched::Left { run: place.run });
                    }
                }
                _ = ticks.tick() => view.draw(Timestamp::now()),
            }
        }
        // On a terminal that shows the result too, the result tells the phases once more.
        view.close(self.terminal.columns.is_none() || self.terminal.json);
        place
            .run
            .map(|run| Watched::Ended { run })
            .ok_or_else(|| Failure::broken("the daemon told nothing of the run"))
    }

    async fn take(&self, view: &mut View, place: &mut Place, seen: &WatchResponse) -> Result<(), Failure> {
        if place.run.is_none() {
            place.run = Some(seen.run.clone());
            if !self.quiet {
                let answer = self.client.runs().get(GetRequest { run: seen.run.clone() }).await?;
                *view = View::open(Board::new(&answer.into_inner().run.unwrap_or_default()), self.terminal);
            }
        }
        match &seen.seen {
            Some(Seen::Event(event)) => {
                place.sequence = event.sequence;
                view.event(event);
            }
            Some(Seen::Progress(progress)) => view.board(|board| board.progress(progress)),
            None => {}
        }
        Ok(())
    }

    /// Does what an interrupt asks for; says whether to go on watching.
    fn stop(&mut self, interrupt: Interrupt, place: &mut Place, view: &View) -> bool {
        let (Interrupt::Stop, OnStop::Cancel, false, Some(run)) =
            (interrupt, self.on_stop, place.is_stopping, &place.run)
        else {
            return false;
        };
        place.is_stopping = true;
        view.say("cancelling the run; Ctrl-C again leaves it");
        let request =
            CancelRequest { run: run.clone(), rollback: false, reason: "interrupted by Ctrl-C".to_owned() };
        let client = self.client.clone();
        // Ends with the connection. What the daemon decides is seen in the stream; a run that has ended needs no cancelling.
        drop(tokio::spawn(async move { client.runs().cancel(request).await }));
        true
    }
}

/// Where in which run we are.
#[derive(Debug, Default)]
struct Place {
    run: Option<String>,
    sequence: u64,
    is_stopping: bool,
}

impl Place {
    /// The stream broke: the run goes on, or sleeps.
    fn lost(&self, status: Status) -> Failure {
        let failure = Failure::from(status);
        match &self.run {
            None => failure,
            Some(run) => {
                let next = self.sequence + 1;
                let hint = format!(
                    "the run is in the journal: `op-dbus watch {run} --from {next}` goes on from here"
                );
                failure.during(format!("lost sight of run {run}")).hint(hint)
            }
        }
    }
}

/// How it is shown.
enum View {
    /// Nothing is known yet, or nothing is to be shown.
    Waiting,
    Bars(Bars),
    Lines(Lines),
}

impl View {
    fn open(board: Board, terminal: &Terminal) -> Self {
        match terminal.stage {
            Some(stage) => Self::Bars(Bars::new(board, stage, terminal.aside)),
            None => Self::Lines(Lines::new(board, terminal.aside)),
        }
    }

    fn event(&mut self, event: &Event) {
        match self {
            Self::Waiting => {}
            Self::Bars(bars) => bars.event(event),
            Self::Lines(lines) => lines.event(event),
        }
    }

    fn board(&mut self, change: impl FnOnce(&mut Board)) {
        match self {
            Self::Waiting => {}
            Self::Bars(bars) => change(bars.board()),
            Self::Lines(lines) => change(lines.board()),
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
