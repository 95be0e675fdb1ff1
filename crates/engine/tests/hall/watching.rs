//! Law 4: facts are journalled and never dropped, progress is not and may be folded.

use std::fmt::Write as _;
use std::sync::Arc;

use futures::StreamExt as _;
use op_engine::fakes::ScriptedPerform;
use op_engine::ports::Progress;
use op_engine::watch::{Seen, Watch};
use op_run::run::State;
use tokio::sync::Notify;

use crate::support::{LINE, ONE, World, did, facts, output, scripted, settle, step_of};

/// Performs at once, but goes on with one step until it is told to end.
fn held_at(step: &'static str) -> (ScriptedPerform, Arc<Notify>) {
    let release = Arc::new(Notify::new());
    let told = Arc::clone(&release);
    let perform = ScriptedPerform::default().on("w.step", move |request, _, _| {
        let told = Arc::clone(&told);
        async move {
            if step_of(&request) == step {
                told.notified().await;
            }
            did(&request)
        }
    });
    (perform, release)
}

fn sequence(seen: &Seen) -> Option<u64> {
    match seen {
        Seen::Event(recorded) => Some(recorded.sequence),
        Seen::Progress { .. } => None,
    }
}

async fn sequences(watch: Watch) -> Vec<u64> {
    watch.filter_map(|seen| std::future::ready(sequence(&seen.expect("read")))).collect().await
}

#[tokio::test(start_paused = true)]
async fn a_watcher_sees_every_fact_once_from_any_sequence_while_the_run_goes_on_and_afterwards() {
    let (perform, release) = held_at("b");
    let world = World::new(LINE, perform);
    let run = world.start().await;
    world.perform.was_asked(2).await;
    let mut watchers = Vec::new();
    for from in 0..40 {
        let (_, watch) = world.engine.watch(run.as_str(), from, true).await.expect("known");
        watchers.push((from, tokio::spawn(sequences(watch))));
    }
    settle().await;
    release.notify_one();
    let all = facts(&world.engine, &run, 1).await;
    let last = all.last().expect("facts").sequence;
    assert_eq!(all.last().expect("facts").event.fact.kind(), "run_completed");
    for (from, seen) in watchers {
        let expected: Vec<_> = (from.max(1)..=last).collect();
        assert_eq!(seen.await.expect("ends"), expected);
        let afterwards = facts(&world.engine, &run, from).await;
        assert_eq!(afterwards.iter().map(|fact| fact.sequence).collect::<Vec<_>>(), expected);
    }
    settle().await;
    assert_eq!(facts(&world.engine, &run, 1).await, all);
}

/// So many phases that nobody keeps their facts in memory, and one that can be held.
fn long(phases: usize) -> String {
    (0..phases).fold("[workstacks.p]\n".to_owned(), |mut text, at| {
        write!(text, "[[workstacks.p.phases]]\nid = 's{at}'\nagents = ['w.step']\n").expect("text");
        text
    })
}

#[tokio::test(start_paused = true)]
async fn a_watcher_far_behind_reads_the_journal_and_misses_nothing() {
    let (perform, release) = held_at("s199");
    let world = World::new(&long(200), perform);
    let run = world.start().await;
    let (_, idle) = world.engine.watch(run.as_str(), 1, true).await.expect("known");
    world.perform.was_asked(200).await;
    settle().await;
    // It looks for the first time, 800 facts behind a run that goes on.
    let (_, fresh) = world.engine.watch(run.as_str(), 1, true).await.expect("known");
    let fresh = tokio::spawn(sequences(fresh));
    settle().await;
    release.notify_one();
    let seen = sequences(idle).await;
    assert_eq!(seen, (1..=seen.len() as u64).collect::<Vec<_>>());
    assert!(seen.len() > 3 * 256, "{}", seen.len());
    assert_eq!(fresh.await.expect("ends"), seen);
}

#[tokio::test(start_paused = true)]
async fn a_slow_watcher_loses_progress_and_is_told_how_much_and_loses_no_fact() {
    let (begin, release) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (begun, told) = (Arc::clone(&begin), Arc::clone(&release));
    let perform = ScriptedPerform::default().on("w.step", move |request, sink, _| {
        let (begun, told) = (Arc::clone(&begun), Arc::clone(&told));
        async move {
            begun.notified().await;
            for line in 0..2000 {
                sink.take(output(&format!("line {line}\n")));
            }
            told.notified().await;
            did(&request)
        }
    });
    let world = World::new(ONE, perform);
    let run = world.start().await;
    let (_, mut watch) = world.engine.watch(run.as_str(), 1, true).await.expect("known");
    begin.notify_one();
    settle().await;
    let (mut facts, mut pieces, mut folded_away) = (Vec::new(), 0, 0);
    while let Some(seen) = watch.next().await {
        match seen.expect("read") {
            Seen::Event(recorded) => facts.push(recorded.sequence),
            Seen::Progress { progress, folded } => {
                assert_eq!(&*progress.step, "a");
                assert!(matches!(progress.progress, Progress::Output(_)));
                pieces += 1;
                folded_away += folded;
                if pieces == 512 {
                    release.notify_one();
                }
            }
        }
    }
    assert_eq!((pieces, folded_away), (512, 2000 - 512));
    assert_eq!(facts, (1..=facts.len() as u64).collect::<Vec<_>>());
    assert_eq!(world.engine.get(run.as_str()).await.expect("known").state(), State::Completed);
}

#[tokio::test(start_paused = true)]
async fn a_watcher_of_events_only_is_told_no_progress() {
    let perform = ScriptedPerform::default().on("w.step", |request, sink, _| {
        sink.take(output("noise"));
        std::future::ready(did(&request))
    });
    let world = World::new(LINE, perform);
    let run = world.start().await;
    let (_, watch) = world.engine.watch(run.as_str(), 1, false).await.expect("known");
    let seen: Vec<_> = watch.map(|seen| sequence(&seen.expect("read"))).collect().await;
    assert!(seen.iter().all(Option::is_some));
}

#[tokio::test(start_paused = true)]
async fn a_watcher_that_nobody_reads_costs_the_run_nothing() {
    let perform = ScriptedPerform::default().on("w.step", |request, sink, _| {
        (0..100_000).for_each(|_| sink.take(output("noise")));
        std::future::ready(did(&request))
    });
    let world = World::new(LINE, perform);
    let run = world.start().await;
    let (_, unread) = world.engine.watch(run.as_str(), 1, true).await.expect("known");
    assert_eq!(crate::support::end(&world.engine, &run).await.state(), State::Completed);
    drop(unread);
}

#[tokio::test(start_paused = true)]
async fn whoever_watches_a_run_that_nobody_has_is_told() {
    let world = World::new(ONE, scripted());
    assert!(world.engine.watch("nobody", 1, true).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn what_a_step_says_is_seen_after_its_start_and_before_its_end_also_when_it_ends_at_once() {
    let begin = Arc::new(Notify::new());
    let begun = Arc::clone(&begin);
    let perform = ScriptedPerform::default().on("w.step", move |request, sink, _| {
        let begun = Arc::clone(&begun);
        async move {
            if step_of(&request) == "a" {
                begun.notified().await;
            }
            (0..3).for_each(|_| sink.take(output("last words")));
            did(&request)
        }
    });
    let world = World::new(LINE, perform);
    let run = world.start().await;
    let (_, watch) = world.engine.watch(run.as_str(), 1, true).await.expect("known");
    begin.notify_one();
    // It looks only when all is over.
    settle().await;
    let seen: Vec<_> = watch.map(|seen| seen.expect("read")).collect().await;
    let words: Vec<_> = seen
        .iter()
        .filter_map(|seen| match seen {
            Seen::Event(recorded) => Some(recorded.event.fact.kind()).filter(|kind| kind.starts_with("step")),
            Seen::Progress { .. } => Some("progress"),
        })
        .collect();
    assert_eq!(words.iter().filter(|word| **word == "progress").count(), 9);
    assert_eq!(words[..5], ["step_started", "progress", "progress", "progress", "progress"]);
    assert_eq!(*words.last().expect("words"), "step_succeeded");
}
