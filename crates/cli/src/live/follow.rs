//! Follows a run to its end, or until the user leaves.

use std::time::Duration;

use jiff::Timestamp;
use op_proto::v1::watch_response::Seen;
use op_proto::v1::{CancelRequest, GetRequest, Run, RunState, RunSummary, Step, StepState, WatchResponse};
use tokio::task::{JoinError, JoinSet};
use tokio::time::{Interval, MissedTickBehavior, interval};
use tokio_stream::{Stream, StreamExt as _};
use tonic::Status;

use super::View;
use super::board::Board;
use super::invite::Invite;
use crate::client::Client;
use crate::failure::Failure;
use crate::interrupt::{Interrupt, Interrupts};
use crate::render::gate::Wait;
use crate::render::state::has_ended;
use crate::terminal::Terminal;

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

/// How far a run is followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Until {
    /// To its end.
    End,
    /// To its last event, where that is known beforehand.
    Event(u64),
    /// Until it does not go on by itself any more: it ended, or a person must do something.
    Rest,
}

/// Whether a run does not go on by itself: it ended, it is held, or nothing is left but to wait for people and signals.
pub(crate) fn is_at_rest(run: &Run) -> bool {
    let state = run.summary.as_ref().map_or(RunState::Unspecified, RunSummary::state);
    let mut steps = run.phases.iter().flat_map(|phase| &phase.steps);
    // A step that waits and is at no gate waits for its next attempt.
    let goes_on = |step: &Step| {
        step.state() == StepState::Waiting
            && step.gate.as_ref().is_none_or(|gate| Wait::of(gate) == Wait::Delay)
    };
    match state {
        RunState::Waiting => !steps.any(goes_on),
        RunState::Paused => true,
        state => has_ended(state),
    }
}

/// Shows what a stream tells of a run.
pub(crate) struct Follow<'a> {
    pub(crate) client: &'a Client,
    pub(crate) terminal: &'a Terminal,
    pub(crate) interrupts: &'a mut Interrupts,
    pub(crate) on_stop: OnStop,
    /// Write nothing but what `each` writes.
    pub(crate) quiet: bool,
    /// The first event that the stream tells; what was before is asked for.
    pub(crate) from: u64,
    /// How far it is followed.
    pub(crate) until: Until,
    /// How another process reaches the daemon, so that what waits can be told how to go on; none when nobody could in time.
    pub(crate) program: Option<String>,
}

impl Follow<'_> {
    /// Follows the stream until it ends or the user leaves; `each` sees everything first.
    pub(crate) async fn watch(
        self,
        stream: impl Stream<Item = Result<WatchResponse, Status>>,
        mut each: impl FnMut(&WatchResponse) -> Result<(), Failure>,
    ) -> Result<Watched, Failure> {
        tokio::pin!(stream);
        let (mut watch, mut ticks) = (Watch::new(self), ticks());
        loop {
            tokio::select! {
                seen = stream.next() => match seen {
                    Some(Ok(seen)) => {
                        each(&seen)?;
                        watch.take(&seen).await?;
                    }
                    Some(Err(status)) => return Err(watch.lost(status)),
                    None => return watch.ended(),
                },
                interrupt = watch.follow.interrupts.next() => {
                    if !watch.stop(interrupt) {
                        return Ok(watch.left());
                    }
                }
                Some(cancelled) = watch.cancels.join_next() => watch.answered(cancelled),
                _ = ticks.tick() => {
                    watch.view.draw(Timestamp::now());
                    if watch.has_come_to_rest().await? {
                        return watch.ended();
                    }
                }
            }
            if watch.has_seen_all() {
                return watch.ended();
            }
        }
    }
}

fn ticks() -> Interval {
    let mut ticks = interval(TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    ticks
}

/// Where in which run we are.
struct Watch<'a> {
    follow: Follow<'a>,
    view: View,
    run: Option<String>,
    sequence: u64,
    /// The event after which it was last asked whether the run rests.
    asked: u64,
    is_stopping: bool,
    /// The request to cancel, until it is answered; it ends with the watch.
    cancels: JoinSet<Result<(), Status>>,
}

impl<'a> Watch<'a> {
    fn new(follow: Follow<'a>) -> Self {
        Self {
            follow,
            view: View::Waiting,
            run: None,
            sequence: 0,
            asked: 0,
            is_stopping: false,
            cancels: JoinSet::new(),
        }
    }

    async fn take(&mut self, seen: &WatchResponse) -> Result<(), Failure> {
        if self.run.is_none() {
            self.run = Some(seen.run.clone());
            self.open(&seen.run).await?;
        }
        match &seen.seen {
            Some(Seen::Event(event)) => {
                self.sequence = event.sequence;
                self.view.event(event);
            }
            Some(Seen::Progress(progress)) => self.view.progress(progress),
            None => {}
        }
        Ok(())
    }

    /// Learns the phases of the run, which the stream calls by their ids.
    async fn open(&mut self, run: &str) -> Result<(), Failure> {
        if self.follow.quiet {
            return Ok(());
        }
        let answer = self.follow.client.runs().get(GetRequest { run: run.to_owned() }).await?;
        let run = answer.into_inner().run.unwrap_or_default();
        let board = if self.follow.from > 1 { Board::resumed(&run) } else { Board::new(&run) };
        let id = run.summary.unwrap_or_default().id;
        let invite = self.follow.program.clone().map(|program| Invite { program, run: id });
        self.view = View::open(board, invite, self.follow.terminal);
        Ok(())
    }

    /// Does what an interrupt asks for; says whether to go on watching.
    fn stop(&mut self, interrupt: Interrupt) -> bool {
        let is_first = !std::mem::replace(&mut self.is_stopping, true);
        let (Interrupt::Stop, OnStop::Cancel, true, Some(run)) =
            (interrupt, self.follow.on_stop, is_first, &self.run)
        else {
            return false;
        };
        self.view.say("cancelling the run; Ctrl-C again leaves it");
        let request =
            CancelRequest { run: run.clone(), rollback: false, reason: "interrupted by Ctrl-C".to_owned() };
        let mut runs = self.follow.client.runs();
        self.cancels.spawn(async move { runs.cancel(request).await.map(drop) });
        true
    }

    /// What became of the request to cancel. That it was granted is seen in the stream.
    fn answered(&self, cancelled: Result<Result<(), Status>, JoinError>) {
        if let Ok(Err(status)) = cancelled {
            let failure = Failure::from(status).during("cannot cancel the run");
            self.view.say(failure.render(self.follow.terminal.aside).trim_end());
        }
    }

    fn has_seen_all(&self) -> bool {
        match self.follow.until {
            Until::Event(last) => last <= self.sequence,
            Until::End | Until::Rest => false,
        }
    }

    /// Whether the run waits for a person now. It is asked for only after something happened in it.
    async fn has_come_to_rest(&mut self) -> Result<bool, Failure> {
        let (Until::Rest, Some(run)) = (self.follow.until, self.run.clone()) else { return Ok(false) };
        if self.asked == self.sequence {
            return Ok(false);
        }
        self.asked = self.sequence;
        let answer = self.follow.client.runs().get(GetRequest { run }).await?;
        let run = answer.into_inner().run.unwrap_or_default();
        // What it ended with is still to be seen.
        Ok(is_at_rest(&run) && run.sequence <= self.sequence)
    }

    fn ended(mut self) -> Result<Watched, Failure> {
        // On a terminal that shows the result too, the result tells the phases once more.
        let terminal = self.follow.terminal;
        self.view.close(terminal.columns.is_none() || terminal.json);
        let run = self.run.ok_or_else(|| Failure::broken("the daemon told nothing of the run"))?;
        Ok(Watched::Ended { run })
    }

    fn left(mut self) -> Watched {
        self.view.close(true);
        Watched::Left { run: self.run }
    }

    /// The stream broke: the run goes on, or sleeps.
    fn lost(mut self, status: Status) -> Failure {
        self.view.close(true);
        let failure = Failure::from(status);
        match self.run {
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
