//! Lists that are retried: calls are counted where they arrive.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use op_engine::fakes::ScriptedPerform;
use op_engine::handle::control::Control;
use op_plan::plan::FailureKind;
use op_run::run::State;
use serde_json::json;

use crate::support::{World, after_a_restart, did, end, fail, steer};

const LIST: &str = "
[workstacks.p]
[[workstacks.p.phases]]
id = 'made'
agents = ['w.list']
[[workstacks.p.phases]]
id = 'each'
depends_on = ['made']
for_each = '${steps.made.output}'
agents = [{ agent = 'w', operation = 'odd', args = { of = '${item}' } }]
";

/// A list of six of which the even ones fail for as long as it is said.
fn failing() -> (ScriptedPerform, Arc<AtomicBool>) {
    let fails = Arc::new(AtomicBool::new(true));
    let asked = Arc::clone(&fails);
    let perform = ScriptedPerform::default()
        .on("w.list", |_, _, _| async { op_engine::fakes::succeed(json!([1, 2, 3, 4, 5, 6])) })
        .on("w.odd", move |request, _, _| {
            let is_even = request.arguments["of"].as_u64().is_some_and(|of| of % 2 == 0);
            let fails = asked.load(Ordering::Relaxed) && is_even;
            async move { if fails { fail(FailureKind::Failed) } else { did(&request) } }
        });
    (perform, fails)
}

#[tokio::test(start_paused = true)]
async fn a_retried_list_calls_nobody_twice_who_succeeded_also_over_a_restart() {
    let (perform, fails) = failing();
    let world = World::new(LIST, perform);
    let run = world.run().await.id().clone();
    let first = world.called();
    let world = after_a_restart(world, LIST).await;
    fails.store(false, Ordering::Relaxed);
    steer(&world, &run, Control::Retry { from: None }).await.expect("it failed");
    let run = end(&world.engine, &run).await;
    let outputs = (0..6).map(|item| json!({ "did": format!("each[{item}]") })).collect();
    assert_eq!((run.state(), run.output()), (State::Completed, Some(&outputs)));
    let again = world.called()[first.len()..].to_vec();
    assert!(first.contains(&"each[0]".to_owned()) && !again.contains(&"each[0]".to_owned()), "{again:?}");
    let keys: Vec<_> = world.perform.asked().iter().map(|asked| asked.key.clone()).collect();
    let done = |item: usize| keys.iter().filter(|key| key.contains(&format!("/each[{item}]/"))).count();
    assert_eq!((0..6).map(done).collect::<Vec<_>>()[..4], [1, 2, 1, 2], "{keys:?}");
    assert!(keys.contains(&format!("{}/each[1]/2/1", run.id())), "{keys:?}");
}

#[tokio::test(start_paused = true)]
async fn a_list_that_is_made_again_is_gone_over_as_a_whole() {
    let (perform, fails) = failing();
    let world = World::new(LIST, perform);
    let run = world.run().await.id().clone();
    let first = world.called().len();
    fails.store(false, Ordering::Relaxed);
    let from = Some("made".to_owned());
    steer(&world, &run, Control::Retry { from }).await.expect("it failed");
    assert_eq!(end(&world.engine, &run).await.state(), State::Completed);
    assert_eq!(world.called().len() - first, 7);
}
