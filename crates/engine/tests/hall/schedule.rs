//! Plans that start by themselves.

use std::sync::Arc;
use std::time::Duration;

use op_engine::fakes::{FixedAgents, HandClock, MemoryJournal};
use op_engine::handle::schedule::ScheduleError;
use op_engine::ports::AppendError;
use op_engine::{Engine, Limits, Ports};
use op_run::Timestamp;

use crate::support::{catalogue, plans, runs_of, scripted, settle};

const MINUTELY: &str = "
[workstacks.p]
schedule = { cron = '* * * * *', missed = 'skip' }
[[workstacks.p.phases]]
id = 'a'
agents = ['w.step']
";

/// A host whose time is moved by hand, and the disk of it.
struct Host {
    journal: Arc<MemoryJournal>,
    clock: Arc<HandClock>,
}

impl Host {
    fn new() -> Self {
        let clock = Arc::new(HandClock::at(Timestamp::from_millis(600_030_000)));
        Self { journal: Arc::default(), clock }
    }

    /// A daemon that keeps the schedules of these plans.
    async fn boot(&self, text: &str) -> Engine {
        self.boot_limited(text, Limits::default()).await
    }

    async fn boot_limited(&self, text: &str, limits: Limits) -> Engine {
        let ports = Ports {
            journal: self.journal.clone(),
            perform: Arc::new(scripted()),
            results: self.journal.clone(),
            agents: Arc::new(FixedAgents::of(catalogue())),
            clock: self.clock.clone(),
        };
        let engine = Engine::new(ports, plans(text), limits);
        engine.keep_schedules();
        settle().await;
        engine
    }

    async fn pass(&self, minutes: u64) {
        for _ in 0..minutes {
            self.clock.move_on(Duration::from_mins(1));
            settle().await;
        }
    }
}

async fn started(engine: &Engine, plan: &str) -> Vec<String> {
    let runs = runs_of(engine, plan).await;
    runs.into_iter().map(|run| run.labels.get("schedule").cloned().unwrap_or_default()).collect()
}

async fn count(engine: &Engine) -> usize {
    started(engine, "p").await.len()
}

#[tokio::test(start_paused = true)]
async fn a_plan_starts_at_each_of_its_times_once() {
    let host = Host::new();
    let engine = host.boot(MINUTELY).await;
    assert_eq!(count(&engine).await, 0, "a schedule that is new has missed nothing");
    host.pass(3).await;
    let mut labels = started(&engine, "p").await;
    assert_eq!(labels.len(), 3);
    labels.dedup();
    assert_eq!(labels.len(), 3, "{labels:?}");
    let run = runs_of(&engine, "p").await.remove(0);
    assert_eq!(run.user, "schedule");
    engine.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn several_times_that_came_at_once_start_a_run_each() {
    let host = Host::new();
    let engine = host.boot(MINUTELY).await;
    host.clock.move_on(Duration::from_mins(4));
    settle().await;
    assert_eq!(count(&engine).await, 4);
}

#[tokio::test(start_paused = true)]
async fn a_time_that_was_dealt_with_starts_nothing_after_a_restart() {
    let host = Host::new();
    for booted in 0..3 {
        let engine = host.boot(MINUTELY).await;
        assert_eq!(count(&engine).await, booted);
        host.pass(1).await;
        assert_eq!(count(&engine).await, booted + 1);
        engine.shutdown().await;
    }
}

#[tokio::test(start_paused = true)]
async fn times_that_nobody_was_there_for_are_made_up_for_as_the_plan_says() {
    for (missed, made_up) in [("skip", 0), ("once", 1), ("all", 5)] {
        let host = Host::new();
        let text = MINUTELY.replace("'skip'", &format!("'{missed}'"));
        host.boot(&text).await.shutdown().await;
        host.clock.move_on(Duration::from_mins(5));
        let engine = host.boot(&text).await;
        assert_eq!(count(&engine).await, made_up, "{missed}");
        engine.shutdown().await;
        let engine = host.boot(&text).await;
        assert_eq!(count(&engine).await, made_up, "{missed}");
        host.pass(1).await;
        assert_eq!(count(&engine).await, made_up + 1, "{missed}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_time_that_a_schedule_is_held_is_let_go_also_over_a_restart() {
    let host = Host::new();
    let text = MINUTELY.replace("'skip'", "'all'");
    let engine = host.boot(&text).await;
    let held = engine.pause_schedule("p", true).await.expect("it has one");
    assert!(held.paused && held.next.is_none());
    host.pass(3).await;
    engine.shutdown().await;
    let engine = host.boot(&text).await;
    host.pass(3).await;
    assert_eq!(count(&engine).await, 0);
    let status = engine.pause_schedule("workstack_p", false).await.expect("it has one");
    assert!(!status.paused && status.next > status.last && status.last.is_some());
    assert_eq!(engine.schedules().await.expect("read"), [status]);
    host.pass(2).await;
    assert_eq!(count(&engine).await, 2);
}

#[tokio::test(start_paused = true)]
async fn a_schedule_is_run_now_beside_its_times_and_only_where_there_is_one() {
    let host = Host::new();
    let engine = host
        .boot(&format!("{MINUTELY}{}", crate::support::ONE.replace("workstacks.p", "workstacks.q")))
        .await;
    engine.run_schedule_now("p", "ada").await.expect("it has one");
    host.pass(1).await;
    assert_eq!(started(&engine, "p").await[0], "by hand");
    assert_eq!((count(&engine).await, runs_of(&engine, "p").await[0].user.as_str()), (2, "ada"));
    assert_eq!(engine.run_schedule_now("q", "ada").await, Err(ScheduleError::None("q".to_owned())));
    assert_eq!(engine.pause_schedule("q", true).await, Err(ScheduleError::None("q".to_owned())));
    assert!(matches!(engine.pause_schedule("zz", true).await, Err(ScheduleError::Start(_))));
}

#[tokio::test(start_paused = true)]
async fn a_plan_that_is_new_in_the_library_starts_at_its_times_and_one_that_is_gone_does_not() {
    let host = Host::new();
    let engine = host.boot(MINUTELY).await;
    host.pass(1).await;
    engine.set_library(plans(&MINUTELY.replace("workstacks.p", "workstacks.q")));
    settle().await;
    host.pass(2).await;
    assert_eq!((count(&engine).await, started(&engine, "q").await.len()), (1, 2));
}

#[tokio::test(start_paused = true)]
async fn a_plan_that_cannot_start_does_not_keep_others_from_it() {
    let host = Host::new();
    let needy = "
[workstacks.a]
schedule = '* * * * *'
concurrency = { key = '${1 / n}', limit = 1 }
inputs = { n = { type = 'integer', default = 0 } }
[[workstacks.a.phases]]
id = 'a'
agents = ['w.step']
";
    let engine = host.boot(&format!("{needy}{MINUTELY}")).await;
    host.pass(2).await;
    assert_eq!((started(&engine, "a").await.len(), count(&engine).await), (0, 2));
}

#[tokio::test(start_paused = true)]
async fn a_shutdown_ends_the_keeping_of_schedules() {
    let host = Host::new();
    let engine = host.boot(MINUTELY).await;
    engine.shutdown().await;
    host.pass(3).await;
    assert_eq!(count(&engine).await, 0);
}

#[tokio::test(start_paused = true)]
async fn a_time_whose_start_does_not_get_to_the_disk_is_tried_again() {
    let host = Host::new();
    let engine = host.boot(MINUTELY).await;
    host.pass(1).await;
    // Of three times that come at once, the first one meets a full disk.
    let last = engine.schedules().await.expect("read")[0].last;
    host.clock.move_on(Duration::from_mins(3));
    host.journal.fail_next(AppendError::Full("no space".to_owned()));
    settle().await;
    assert_eq!(count(&engine).await, 1);
    assert_eq!(engine.schedules().await.expect("read")[0].last, last, "nothing was dealt with");
    host.pass(1).await;
    let mut labels = started(&engine, "p").await;
    labels.sort();
    labels.dedup();
    assert_eq!((labels.len(), count(&engine).await), (5, 5), "{labels:?}");
}

#[tokio::test(start_paused = true)]
async fn a_time_for_which_there_is_no_room_is_tried_again_and_those_before_it_are_not() {
    let host = Host::new();
    let text = MINUTELY.replace("'skip'", "'all'");
    let limits = Limits { runs: 1, ..Limits::default() };
    host.boot(&text).await.shutdown().await;
    host.clock.move_on(Duration::from_mins(3));
    // The first run is still under way when the second one is to begin.
    let hanging = text.replace("w.step", "w.hang");
    let engine = host.boot_limited(&hanging, limits).await;
    assert_eq!(count(&engine).await, 1);
    let first = runs_of(&engine, "p").await.remove(0).id;
    let dealt_with = engine.schedules().await.expect("read")[0].last;
    assert_eq!(dealt_with.map(|at| at.to_string()), started(&engine, "p").await.first().cloned());
    engine.cancel(first.as_str(), false, "", "tester").await.expect("it hangs");
    host.pass(1).await;
    assert_eq!(count(&engine).await, 2);
}
