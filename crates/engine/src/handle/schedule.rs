//! Plans that start by themselves.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Local, TimeZone as _};
use op_plan::Plan;
use op_plan::plan::{Missed, Schedule};
use op_run::Timestamp;

use super::Engine;
use crate::ports::{AppendError, ReadError, ScheduleMark};
use crate::start::{StartError, StartRequest, Started};

/// Most missed times that are made up for.
const MAX_MISSED: usize = 100;

/// Wait before what could not be started for now is tried again.
const AGAIN: Duration = Duration::from_mins(1);

/// Who starts runs of schedules.
const USER: &str = "schedule";

/// The schedule of a plan as it stands.
#[derive(Debug, Clone, PartialEq)]
pub struct ScheduleStatus {
    /// Plan by id.
    pub plan: String,
    /// What is written.
    pub schedule: Schedule,
    /// Whether a person holds it.
    pub paused: bool,
    /// The last of its times that was dealt with.
    pub last: Option<Timestamp>,
    /// When it starts a run next; never while it is held.
    pub next: Option<Timestamp>,
}

/// Why a schedule is not steered.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum ScheduleError {
    /// The plan has no schedule.
    #[error("plan `{0}` has no schedule")]
    None(String),
    /// The journal does not take it.
    #[error("the schedule could not be changed: {0}")]
    Append(#[from] AppendError),
    /// The journal cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The plan does not exist, or cannot be started.
    #[error(transparent)]
    Start(#[from] StartError),
}

impl Engine {
    /// Every schedule, in the order of the plans.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub async fn schedules(&self) -> Result<Vec<ScheduleStatus>, ReadError> {
        let marks = self.marks().await?;
        let now = self.hall.ports.clock.now();
        let scheduled = scheduled(&self.library().plans);
        Ok(scheduled.into_iter().map(|(plan, schedule)| status(&plan, schedule, &marks, now)).collect())
    }

    /// Holds the schedule of a plan, or lets it go on. What falls into the time it is held is let go.
    ///
    /// # Errors
    /// When the plan has no schedule or the journal does not take it.
    pub async fn pause_schedule(&self, plan: &str, paused: bool) -> Result<ScheduleStatus, ScheduleError> {
        let (plan, schedule) = self.find_schedule(plan)?;
        let _held = self.hall.schedules.lock().await;
        let now = self.hall.ports.clock.now();
        let mark = ScheduleMark { plan: plan.id().to_owned(), last: Some(now), paused };
        self.journal().mark(mark).await?;
        self.hall.renewed.notify_waiters();
        Ok(status(&plan, schedule, &self.marks().await?, now))
    }

    /// Starts a run as the schedule of the plan would, now.
    ///
    /// # Errors
    /// When the plan has no schedule or the run cannot be started.
    pub async fn run_schedule_now(&self, plan: &str, user: &str) -> Result<Started, ScheduleError> {
        let (plan, schedule) = self.find_schedule(plan)?;
        let request = StartRequest { user: user.to_owned(), ..request(&plan, &schedule, None) };
        Ok(self.start(request).await?)
    }

    /// Keeps schedules until the engine shuts down: makes up for what was missed as the plans say, and starts runs at their
    /// times. Each time starts one run at most, also over restarts.
    pub fn keep_schedules(&self) {
        let engine = self.clone();
        self.hall.tasks.spawn(async move {
            while !engine.hall.shutdown.is_cancelled() {
                let renewed = engine.hall.renewed.notified();
                let wake = match engine.start_due().await {
                    Ok(next) => next,
                    Err(error) => {
                        tracing::error!(%error, "schedules cannot be kept now");
                        Some(engine.hall.ports.clock.now().after(AGAIN))
                    }
                };
                let clock = &engine.hall.ports.clock;
                tokio::select! {
                    () = engine.hall.shutdown.cancelled() => {}
                    () = renewed => {}
                    () = clock.sleep_until(wake.unwrap_or_default()), if wake.is_some() => {}
                }
            }
        });
    }

    /// Starts what is due, and tells when something is next.
    async fn start_due(&self) -> Result<Option<Timestamp>, ScheduleError> {
        let _held = self.hall.schedules.lock().await;
        let marks = self.marks().await?;
        let mut wake: Option<Timestamp> = None;
        for (plan, schedule) in scheduled(&self.library().plans) {
            let now = self.hall.ports.clock.now();
            let mark = marks.get(plan.id());
            if mark.is_some_and(|mark| mark.paused) {
                continue;
            }
            let again = match mark.and_then(|mark| mark.last) {
                // A schedule that is new has missed nothing.
                None => self.mark(&plan, now).await.map(|()| None)?,
                Some(last) => self.start_between(&plan, &schedule, last, now).await?,
            };
            wake = wake.into_iter().chain(again).chain(next(&schedule, now)).min();
        }
        Ok(wake)
    }

    /// Starts a run for each time that is due, and tells when to try again if one could not be started for now: it stays due, and
    /// so do those after it.
    async fn start_between(
        &self,
        plan: &Arc<Plan>,
        schedule: &Schedule,
        last: Timestamp,
        now: Timestamp,
    ) -> Result<Option<Timestamp>, ScheduleError> {
        let mut dealt_with = last;
        for at in due(schedule, last, now, self.was_there()) {
            match self.start(request(plan, schedule, Some(at))).await {
                Ok(started) => {
                    tracing::info!(run = %started.run, plan = plan.id(), %at, "started by its schedule");
                }
                Err(error) if passes(&error) => {
                    tracing::warn!(plan = plan.id(), %at, %error, "the schedule tries this time again");
                    if dealt_with > last {
                        self.mark(plan, dealt_with).await?;
                    }
                    return Ok(Some(now.after(AGAIN)));
                }
                Err(error) => {
                    tracing::error!(plan = plan.id(), %at, %error, "the schedule could not start a run");
                }
            }
            dealt_with = at;
        }
        self.mark(plan, now).await?;
        Ok(None)
    }

    async fn mark(&self, plan: &Plan, last: Timestamp) -> Result<(), ScheduleError> {
        let mark = ScheduleMark { plan: plan.id().to_owned(), last: Some(last), paused: false };
        Ok(self.journal().mark(mark).await?)
    }

    /// Since when this daemon is there; what was due before was missed.
    fn was_there(&self) -> Timestamp {
        self.hall.began
    }

    async fn marks(&self) -> Result<BTreeMap<String, ScheduleMark>, ReadError> {
        let marks = self.journal().marks().await?;
        Ok(marks.into_iter().map(|mark| (mark.plan.clone(), mark)).collect())
    }

    fn find_schedule(&self, plan: &str) -> Result<(Arc<Plan>, Schedule), ScheduleError> {
        let plan = self.find_plan(plan).map_err(StartError::from)?;
        let schedule = plan.draft().schedule.clone();
        let schedule = schedule.ok_or_else(|| ScheduleError::None(plan.id().to_owned()))?;
        Ok((plan, schedule))
    }
}

/// Whether a start that failed may succeed later as it is.
fn passes(error: &StartError) -> bool {
    match error {
        StartError::TooMany(_)
        | StartError::Draining
        | StartError::GoingDown
        | StartError::Append(_)
        | StartError::Read(_) => true,
        StartError::Name(_)
        | StartError::Inputs { .. }
        | StartError::Part { .. }
        | StartError::CastUnknown { .. }
        | StartError::CastUnfit { .. }
        | StartError::Uncast { .. }
        | StartError::Key { .. }
        | StartError::Busy { .. }
        | StartError::Label(_)
        | StartError::Session(_)
        | StartError::KeyReused { .. } => false,
    }
}

fn scheduled(plans: &crate::names::Plans) -> Vec<(Arc<Plan>, Schedule)> {
    let plans = plans.values().filter_map(|plan| Some((Arc::clone(plan), plan.draft().schedule.clone()?)));
    plans.collect()
}

fn status(
    plan: &Plan,
    schedule: Schedule,
    marks: &BTreeMap<String, ScheduleMark>,
    now: Timestamp,
) -> ScheduleStatus {
    let mark = marks.get(plan.id());
    let paused = mark.is_some_and(|mark| mark.paused);
    ScheduleStatus {
        plan: plan.id().to_owned(),
        paused,
        last: mark.and_then(|mark| mark.last),
        next: next(&schedule, now).filter(|_| !paused),
        schedule,
    }
}

fn request(plan: &Plan, schedule: &Schedule, at: Option<Timestamp>) -> StartRequest {
    let label = at.map_or_else(|| "by hand".to_owned(), |at| at.to_string());
    StartRequest {
        plan: plan.id().to_owned(),
        inputs: schedule.inputs.clone(),
        user: USER.to_owned(),
        idempotency_key: at.map(|at| format!("schedule:{}:{}", plan.id(), at.as_millis())),
        labels: BTreeMap::from([("schedule".to_owned(), label)]),
        ..StartRequest::default()
    }
}

/// Times after one and up to another for which a run starts: those that came while the daemon was there, and of those that it
/// missed what the plan says.
fn due(schedule: &Schedule, last: Timestamp, now: Timestamp, there: Timestamp) -> Vec<Timestamp> {
    let Ok(cron) = Schedule::read(&schedule.cron) else { return Vec::new() };
    let made_up = match schedule.missed {
        Missed::Skip => 0,
        Missed::Once => 1,
        Missed::All => MAX_MISSED,
    };
    // The newest ones are wanted, however many there are.
    let earlier = |at: &DateTime<Local>| cron.find_previous_occurrence(at, false).ok();
    let missed = std::iter::successors(local(whole(there)), earlier).skip(1).map(|time| millis(&time));
    let missed = missed.take_while(|at| *at > last).filter(|at| *at <= now);
    let mut times: Vec<_> = missed.take(made_up).collect();
    times.reverse();
    let later = |at: &DateTime<Local>| cron.find_next_occurrence(at, false).ok();
    let from = whole(last.max(there)).as_millis().saturating_sub(1000);
    let came = std::iter::successors(local(Timestamp::from_millis(from)), later).skip(1);
    let came = came.map(|time| millis(&time)).skip_while(|at| *at <= last || *at < there);
    times.extend(came.take_while(|at| *at <= now));
    times
}

/// The first time after one.
fn next(schedule: &Schedule, after: Timestamp) -> Option<Timestamp> {
    let cron = Schedule::read(&schedule.cron).ok()?;
    cron.find_next_occurrence(&local(whole(after))?, false).ok().map(|time| millis(&time))
}

/// The second that an instant lies in: what is counted on from a part of a second falls on parts of seconds.
fn whole(at: Timestamp) -> Timestamp {
    Timestamp::from_millis(at.as_millis() / 1000 * 1000)
}

fn local(at: Timestamp) -> Option<DateTime<Local>> {
    Local.timestamp_millis_opt(i64::try_from(at.as_millis()).ok()?).single()
}

fn millis(time: &DateTime<Local>) -> Timestamp {
    Timestamp::from_millis(u64::try_from(time.timestamp_millis()).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hourly(missed: Missed) -> Schedule {
        Schedule { cron: "0 * * * *".to_owned(), inputs: serde_json::Map::new(), missed }
    }

    /// Hours after the epoch, which is the full hour in every time zone that is an hour apart from UTC.
    fn hour(hours: u64) -> Timestamp {
        Timestamp::from_millis(hours * 3_600_000)
    }

    #[test]
    fn what_was_missed_is_made_up_for_as_the_plan_says() {
        let due = |missed| due(&hourly(missed), hour(10), hour(15), hour(13));
        assert_eq!(due(Missed::Skip), [hour(13), hour(14), hour(15)]);
        assert_eq!(due(Missed::Once), [hour(12), hour(13), hour(14), hour(15)]);
        assert_eq!(due(Missed::All), [hour(11), hour(12), hour(13), hour(14), hour(15)]);
    }

    #[test]
    fn of_very_many_missed_times_the_newest_hundred_are_made_up_for() {
        let due = due(&hourly(Missed::All), hour(0), hour(500), hour(501));
        assert_eq!((due.len(), due[0], due[99]), (100, hour(401), hour(500)));
    }

    #[test]
    fn a_time_that_comes_after_very_many_missed_ones_starts_a_run() {
        let due = due(&hourly(Missed::Skip), hour(0), hour(9_000), hour(9_000));
        assert_eq!(due, [hour(9_000)]);
    }

    #[test]
    fn a_time_is_due_at_its_full_second_whatever_part_of_one_was_looked_at_last() {
        let (last, now) =
            (hour(3).after(Duration::from_millis(500)), hour(4).after(Duration::from_millis(2)));
        assert_eq!(due(&hourly(Missed::Skip), last, now, hour(1)), [hour(4)]);
        assert_eq!(next(&hourly(Missed::Skip), last), Some(hour(4)));
        let every_second = Schedule { cron: "* * * * * *".to_owned(), ..hourly(Missed::Skip) };
        let (last, now) =
            (hour(3).after(Duration::from_millis(2)), hour(3).after(Duration::from_millis(1001)));
        assert_eq!(due(&every_second, last, now, hour(1)), [hour(3).after(Duration::from_secs(1))]);
    }

    #[test]
    fn the_next_time_is_after_now() {
        assert_eq!(next(&hourly(Missed::Skip), hour(3)), Some(hour(4)));
    }
}
