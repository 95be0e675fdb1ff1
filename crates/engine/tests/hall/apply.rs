//! Steering every run that matches.

use op_engine::handle::control::Control;
use op_engine::ports::RunFilter;
use op_run::run::State;

use crate::support::{World, end, request, runs_of, scripted, settle, signal};

const WAITING: &str = "
[workstacks.p]
[[workstacks.p.phases]]
id = 'a'
signal = 'go'
agents = ['w.step']
";

fn all(limit: usize) -> RunFilter {
    RunFilter { limit, ..RunFilter::default() }
}

fn cancel() -> Control {
    Control::Cancel { rollback: false, reason: "enough".to_owned() }
}

async fn started(many: usize) -> World {
    let world = World::new(WAITING, scripted());
    for _ in 0..many {
        world.engine.start(request("p")).await.expect("started");
    }
    settle().await;
    world
}

#[tokio::test(start_paused = true)]
async fn every_run_that_matches_is_steered_over_many_pages_and_who_refuses_is_told() {
    let world = started(450).await;
    let first = runs_of(&world.engine, "p").await.remove(0).id;
    world.engine.control(first.as_str(), signal("go"), "tester").await.expect("it waits");
    end(&world.engine, &first).await;
    let applied = world.engine.apply(all(usize::MAX), cancel(), "tester").await.expect("read");
    assert_eq!((applied.matched, applied.steered), (450, 449));
    assert_eq!(applied.refused.len(), 1);
    assert_eq!((&applied.refused[0].0, applied.last.as_ref()), (&first, Some(&first)));
    assert!(applied.refused[0].1.contains("completed"), "{:?}", applied.refused);
    let states = RunFilter { states: vec![State::Cancelled], ..all(1000) };
    assert_eq!(world.engine.list(&states).await.expect("read").len(), 449);
}

#[tokio::test(start_paused = true)]
async fn no_more_than_asked_for_are_steered_and_it_can_go_on_after_the_last() {
    let world = started(5).await;
    let newest = runs_of(&world.engine, "p").await.pop().expect("five").id;
    let applied = world.engine.apply(all(2), cancel(), "tester").await.expect("read");
    assert_eq!((applied.matched, applied.steered), (2, 2));
    assert_eq!(crate::support::state(&world, &newest).await, State::Cancelled);
    let rest = RunFilter { after: applied.last, ..all(usize::MAX) };
    let applied = world.engine.apply(rest, cancel(), "tester").await.expect("read");
    assert_eq!((applied.matched, applied.steered), (3, 3));
}

#[tokio::test(start_paused = true)]
async fn of_very_many_refusals_the_first_hundred_are_told() {
    let world = started(150).await;
    let applied = world.engine.apply(all(usize::MAX), Control::Resume, "tester").await.expect("read");
    assert_eq!((applied.matched, applied.steered, applied.refused.len()), (150, 0, 100));
}

#[tokio::test(start_paused = true)]
async fn it_is_done_to_the_end_also_when_who_asked_goes_away() {
    let world = started(50).await;
    let mut asking = Box::pin(world.engine.apply(all(usize::MAX), cancel(), "tester"));
    assert!(futures::poll!(&mut asking).is_pending());
    drop(asking);
    settle().await;
    let states = RunFilter { states: vec![State::Cancelled], ..all(1000) };
    assert_eq!(world.engine.list(&states).await.expect("read").len(), 50);
}
