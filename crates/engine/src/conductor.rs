//! The task of a run: decide, commit, act.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use op_plan::input::InputType;
use op_plan::{Effects, Performer};
use op_run::input::Happening;
use op_run::{Command, Event, Fact, Input, Refused, Run, Timestamp, Work, hold, next, outstanding};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::audit::Audit;
use crate::beat::Beat;
use crate::calls::{Calls, Sake};
use crate::feed::Feed;
use crate::guard::cache;
use crate::handle::Engine;
use crate::output::Output;
use crate::ports::{AppendError, Clock, Entry, Journal, Keep, KeptResult, Perform, Results, RunRecord};
use crate::session;

mod batch;

pub(crate) use batch::Message;
use batch::{Batch, Taken};

/// Messages that may wait for a run.
pub(crate) const INBOX: usize = 64;

/// Inputs that are decided together, with one append for all.
const BATCH: usize = 128;

/// A run that waits for longer than this needs no memory meanwhile.
const WORTH_MEMORY: Duration = Duration::from_mins(1);

/// How long a run that only waits is kept in memory all the same, for those who just look at it.
const LINGER: Duration = Duration::from_secs(5);

/// Wait before the journal is asked again after it had no room.
const JOURNAL_RETRY: Duration = Duration::from_secs(1);

/// What the conductor needs of the world.
#[derive(Clone)]
pub(crate) struct World {
    pub(crate) journal: Arc<dyn Journal>,
    pub(crate) perform: Arc<dyn Perform>,
    pub(crate) results: Arc<dyn Results>,
    /// Runs the plans of steps, and keeps runs that only wait.
    pub(crate) engine: Engine,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) audit: Audit,
    /// Cancelled when the daemon goes down.
    pub(crate) shutdown: CancellationToken,
    /// Time that calls in flight get then.
    pub(crate) drain: Duration,
    /// Bytes of output kept of each attempt.
    pub(crate) output_limit: usize,
}

/// How a conductor left its run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Left {
    /// It is over.
    Over,
    /// It sleeps in the journal.
    Asleep,
    /// It only waits, and is out of memory meanwhile.
    Idle,
    /// The journal does not take its events any more.
    Broken(AppendError),
}

pub(crate) struct Conductor {
    world: World,
    run: Run,
    feed: Arc<Feed>,
    inbox: mpsc::Receiver<Message>,
    beat: Arc<Beat>,
    calls: Calls,
    /// Calls that the journal already knew when the run was recovered: they may have been sent before.
    repeats: HashSet<Work>,
    secrets: Vec<String>,
}

impl Conductor {
    /// Takes over a run whose events so far are all on disk.
    pub(crate) fn new(
        world: World,
        feed: Arc<Feed>,
        inbox: mpsc::Receiver<Message>,
        beat: Arc<Beat>,
        is_recovered: bool,
    ) -> Self {
        let run = Run::clone(&feed.run());
        let repeats = if is_recovered { calls_of(&run).collect() } else { HashSet::new() };
        let session = session::of_run(&run).to_owned();
        let calls = Calls::new(Arc::clone(&world.perform), Arc::new(world.engine.clone()), session);
        let secrets = secrets_of(&run);
        Self { world, run, feed, inbox, beat, calls, repeats, secrets }
    }

    /// Conducts the run until it is over or the daemon goes down.
    pub(crate) async fn conduct(mut self) -> Left {
        // What was decided before a restart but held back catches up now.
        if let Err(error) = self.take(vec![Taken::from(Happening::Tick)], next).await {
            return Left::Broken(error);
        }
        loop {
            if self.run.state().is_over() {
                let Ok(message) = self.inbox.try_recv() else {
                    // What comes to the inbox after it left is not answered, and its sender finds that it left.
                    self.world.engine.leave_over(&self.run);
                    return Left::Over;
                };
                match self.take(vec![Taken::from(message)], next).await {
                    Ok(()) => continue,
                    Err(error) => return Left::Broken(error),
                }
            }
            // What was decided while the daemon began to go down is begun at the next start.
            if self.world.shutdown.is_cancelled() {
                return self.sleep().await;
            }
            let wake = self.act();
            let taken = match self.next(wake).await {
                Next::Taken(taken) => taken,
                Next::Down => return self.sleep().await,
                Next::Idle if self.world.engine.leave_idle(self.run.id(), wake) => return Left::Idle,
                Next::Idle => continue,
            };
            if let Err(error) = self.take(taken, next).await {
                return Left::Broken(error);
            }
        }
    }

    /// Compares what is outstanding with what is under way, and begins what is missing. Tells when to look at the time.
    fn act(&mut self) -> Option<Timestamp> {
        let mut wake = None;
        for command in outstanding(&self.run) {
            match command {
                Command::Call(call) if self.calls.is_under_way(call.work) => {}
                Command::Call(call) => {
                    let output = Output::new(&call.key.step, Arc::clone(&self.feed), self.world.output_limit);
                    let repeat = self.repeats.remove(&call.work);
                    let approved = call.work.step().is_some_and(|step| self.run.plan().is_approved(step));
                    let keep = cache::keep(&self.run, &call, repeat);
                    let sake = Sake {
                        secrets: self.secrets.clone(),
                        approved,
                        keep,
                        engine: self.world.engine.clone(),
                        inbox: self.world.engine.inbox(self.run.id()),
                        asked: self.run.trial(call.work).map_or(0, |trial| trial.asked),
                    };
                    self.calls.begin(call, sake, repeat, output);
                }
                Command::Stop { work, .. } => self.calls.stop(work),
                Command::Wake(at) => wake = Some(at),
                // Who has something for the run comes by itself.
                Command::Await(_) => {}
            }
        }
        wake
    }

    /// Whether the run only waits, for longer than it is worth its memory.
    fn may_leave(&self, wake: Option<Timestamp>) -> bool {
        let is_far = wake.is_none_or(|at| at.since(self.world.clock.now()) > WORTH_MEMORY);
        is_far && self.calls.is_empty()
    }

    /// The next things that happened, all that are there by now.
    async fn next(&mut self, wake: Option<Timestamp>) -> Next {
        let may_leave = self.may_leave(wake);
        let clock = Arc::clone(&self.world.clock);
        let first = tokio::select! {
            biased;
            () = self.world.shutdown.cancelled() => return Next::Down,
            Some(message) = self.inbox.recv() => Taken::from(message),
            ended = self.calls.ended() => Taken::from(ended),
            () = clock.sleep_until(wake.unwrap_or_default()), if wake.is_some() => Taken::from(Happening::Tick),
            () = tokio::time::sleep(LINGER), if may_leave => return Next::Idle,
        };
        let mut taken = vec![first];
        while taken.len() < BATCH {
            let Some(ended) = self.calls.try_ended() else { break };
            taken.push(Taken::from(ended));
        }
        Next::Taken(taken)
    }

    /// Deals with what happened, and shows how long that takes.
    async fn take(&mut self, taken: Vec<Taken>, decide: Decide) -> Result<(), AppendError> {
        let at = self.world.clock.now();
        self.beat.begin(at);
        let dealt = self.deal(at, taken, decide).await;
        self.beat.rest();
        dealt
    }

    /// Decides, commits, publishes. When this returns an error, nothing happened.
    async fn deal(&mut self, at: Timestamp, taken: Vec<Taken>, decide: Decide) -> Result<(), AppendError> {
        let mut next = self.run.clone();
        let mut batch = Batch::default();
        for taken in taken {
            let Taken { happening, output, answered, keep, reply } = taken;
            let decided = decide(&next, &Input { at, happening }).map(|(after, events)| {
                next = after;
                events
            });
            let ended = keep.zip(answered.as_ref()).zip(decided.as_ref().ok());
            batch
                .results
                .extend(ended.and_then(|((keep, (who, _)), events)| self.result(who, &keep, events)));
            batch.answered.extend(answered);
            batch.add(decided, output, reply);
        }
        if !batch.events.is_empty() {
            self.commit(&batch, &next).await?;
            for (performer, key) in &batch.answered {
                self.world.perform.acknowledge(performer, key);
            }
            batch.results.into_iter().for_each(|result| self.world.results.put(result));
            log(&next, &batch.events);
            let first = self.run.sequence() + 1;
            self.world.audit.publish(&next, first, &batch.events);
            self.feed.publish(first, batch.events, next.clone());
            let was_over = self.run.state().is_over();
            self.run = next;
            if was_over && !self.run.state().is_over() {
                self.world.engine.take_place_again(&self.run);
            }
        }
        for (reply, result) in batch.replies {
            // Who asked may be gone.
            drop(reply.send(result.map(|()| self.run.state())));
        }
        Ok(())
    }

    /// What is to be kept of a call that ended with these events. Who it is that answered is known by now, also who was not
    /// connected before.
    fn result(&self, performer: &Performer, keep: &Keep, events: &[Event]) -> Option<KeptResult> {
        let effects = self.world.engine.agents().effects(performer);
        effects.filter(|effects| *effects == Effects::Read)?;
        cache::result(&self.run, keep, events)
    }

    /// Returns once the events are on disk. A full disk is waited for: what was answered must not get lost.
    async fn commit(&self, batch: &Batch, next: &Run) -> Result<(), AppendError> {
        loop {
            let entry = Entry {
                first: self.run.sequence() + 1,
                events: batch.events.clone(),
                record: RunRecord::of(next),
                plan: None,
                idempotency: None,
                outputs: batch.outputs.clone(),
            };
            match self.world.journal.append(entry).await {
                Ok(()) => return Ok(()),
                Err(error @ AppendError::Full(_)) => {
                    tracing::error!(run = %self.run.id(), %error, "the run waits for room");
                    self.beat.rest();
                    tokio::select! {
                        () = tokio::time::sleep(JOURNAL_RETRY) => self.beat.begin(self.world.clock.now()),
                        () = self.world.shutdown.cancelled() => return Err(error),
                    }
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Nothing new starts; calls in flight get their time, with what they ask for, and what they answer is kept for the next start.
    /// Whoever wants anything else of the run finds that it sleeps.
    async fn sleep(mut self) -> Left {
        let deadline = tokio::time::sleep(self.world.drain);
        tokio::pin!(deadline);
        while self.calls.has_performers() {
            let taken = tokio::select! {
                ended = self.calls.ended() => Taken::from(ended),
                Some(message) = self.inbox.recv() => match message.happening {
                    Happening::HostCalled { .. } | Happening::HostAnswered { .. } => Taken::from(message),
                    _ => continue,
                },
                () = &mut deadline => break,
            };
            if let Err(error) = self.take(vec![taken], hold).await {
                return Left::Broken(error);
            }
        }
        tracing::info!(run = %self.run.id(), "the run sleeps");
        Left::Asleep
    }
}

/// What comes next.
enum Next {
    /// Things happened.
    Taken(Vec<Taken>),
    /// The daemon goes down.
    Down,
    /// Nothing did for a while, and nothing will for long.
    Idle,
}

type Decide = fn(&Run, &Input) -> Result<(Run, Vec<Event>), Refused>;

fn calls_of(run: &Run) -> impl Iterator<Item = Work> {
    outstanding(run).into_iter().filter_map(|command| match command {
        Command::Call(call) => Some(call.work),
        Command::Stop { .. } | Command::Wake(_) | Command::Await(_) => None,
    })
}

/// Credentials that the calls of a run may name: the values of its secret inputs.
fn secrets_of(run: &Run) -> Vec<String> {
    let inputs = &run.plan().draft().inputs;
    let given = run.origin().map(|origin| origin.inputs.iter()).into_iter().flatten();
    given
        .filter(|(name, _)| inputs.get(*name).is_some_and(|input| input.kind == InputType::Secret))
        .filter_map(|(_, value)| value.as_str().map(str::to_owned))
        .collect()
}

/// One entry per transition, with the run, step, phase and agent as fields by which the journal of a host finds it.
fn log(run: &Run, events: &[Event]) {
    let id = run.id();
    for Event { fact, .. } in events {
        let (step, phase) = (fact.step(), fact.phase());
        tracing::debug!(run = %id, step, phase, "{}", fact.kind());
        if let Fact::StepFailed { step, failure, evidence } = fact {
            let agent = evidence.as_ref().and_then(|evidence| evidence.peer.split('@').next());
            tracing::warn!(run = %id, step, agent, reason = failure.reason, "a step failed");
        }
    }
    if run.state().is_over() {
        tracing::info!(run = %id, plan = run.plan().id(), state = %run.state(), reason = run.reason(), "over");
    }
}
