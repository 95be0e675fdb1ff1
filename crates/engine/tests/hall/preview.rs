//! What would happen, without anything happening.

use op_engine::handle::control::{Control, ControlError};
use op_engine::start::{StartError, StartRequest};
use op_run::Refused;
use op_run::run::State;
use serde_json::{Map, json};

use crate::support::{LINE, World, end, request, scripted, steer};

const PLAN: &str = "
[workstacks.p]
[workstacks.p.inputs]
count = { type = 'integer', required = true }
[[workstacks.p.phases]]
id = 'a'
agents = [{ role = 'coder', args = { count = '${count}' }, store_as = 'made' }]
[[workstacks.p.phases]]
id = 'b'
approval = 'Sure, ${count} times?'
agents = [{ agent = 'w', operation = 'step', args = { of = '${made.did}', count = '${count + 1}' } }]
[[workstacks.p.phases]]
id = 'c'
plan = 'q'
[workstacks.q]
[[workstacks.q.phases]]
id = 'x'
agents = ['w.step']
";

fn counting(count: i64) -> StartRequest {
    StartRequest { inputs: Map::from_iter([("count".to_owned(), json!(count))]), ..request("p") }
}

#[tokio::test(start_paused = true)]
async fn a_dry_run_resolves_what_is_known_and_starts_nothing() {
    let world = World::new(PLAN, scripted());
    let cast = [("coder".to_owned(), "rust_pro.check".to_owned())].into();
    let dry = world.engine.dry_run(&StartRequest { cast, ..counting(3) }).expect("it could be started");
    let steps: Vec<_> = dry
        .steps
        .iter()
        .map(|step| {
            let players: Vec<_> = step.performers.iter().map(ToString::to_string).collect();
            (step.phase.as_str(), players.join(","), step.waits_for.as_str())
        })
        .collect();
    let told = |of: &str| of.to_owned();
    assert_eq!(
        steps,
        [
            ("a", told("rust_pro.check"), ""),
            ("b", told("w.step"), "the approval of a person: Sure, 3 times?"),
            ("c", told("plan.q"), "")
        ]
    );
    assert_eq!(dry.steps[0].arguments["count"], json!(3));
    assert_eq!(dry.steps[1].arguments["count"], json!(4));
    assert_eq!((world.journal.appends(), world.engine.live_runs(), world.perform.asked().len()), (0, 0, 0));
    assert!(matches!(world.engine.dry_run(&request("p")), Err(StartError::Inputs { .. })));
    assert!(matches!(world.engine.dry_run(&request("pp")), Err(StartError::Name(_))));
}

#[tokio::test(start_paused = true)]
async fn a_dry_run_warns_of_steps_that_fall_back() {
    let template = "
[templates.t]
name = 'Code Review'
[[templates.t.steps]]
name = 'Analyze Code'
order = 0
";
    let world = World::new(template, scripted());
    let dry = world.engine.dry_run(&request("t")).expect("it could be started");
    assert_eq!(dry.start.fallbacks.len(), 1);
    assert_eq!(dry.steps[0].performers.len(), 1);
    let run = world.engine.start(request("t")).await.expect("started").run;
    let facts = crate::support::facts(&world.engine, &run, 1).await;
    let warned = facts.iter().filter(|recorded| recorded.event.fact.kind() == "cast_fell_back").count();
    assert_eq!(warned, 1);
}

#[tokio::test(start_paused = true)]
async fn what_a_rollback_would_undo_is_what_it_undoes() {
    for to in [None, Some("a"), Some("b")] {
        let world = World::new(LINE, scripted());
        let run = world.run().await.id().clone();
        let preview = world.engine.preview_rollback(run.as_str(), to).await.expect("there is something");
        let before = world.called().len();
        steer(&world, &run, Control::Rollback { to: to.map(str::to_owned) }).await.expect("it completed");
        assert_eq!(end(&world.engine, &run).await.state(), State::RolledBack);
        let told: Vec<_> = preview.iter().map(|undo| format!("undo:{}:1", undo.phase)).collect();
        assert_eq!(world.called()[before..], told);
        assert!(preview.iter().all(|undo| undo.calls.len() == 1 && undo.calls[0].to_string() == "w.undo"));
    }
}

#[tokio::test(start_paused = true)]
async fn a_preview_is_refused_where_the_rollback_is() {
    let world = World::new(LINE, scripted());
    let run = world.run().await.id().clone();
    let nothing = world.engine.preview_rollback(run.as_str(), Some("c")).await;
    assert!(matches!(nothing, Err(ControlError::Refused { refused: Refused::NothingToUndo, .. })));
    let unknown = world.engine.preview_rollback(run.as_str(), Some("zz")).await;
    assert!(matches!(unknown, Err(ControlError::Refused { refused: Refused::Unknown(_), .. })));
}
