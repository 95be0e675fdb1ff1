//! Starting: names, inputs, casts, idempotency, limits.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use op_engine::Limits;
use op_engine::fakes::{MemoryJournal, ScriptedPerform};
use op_engine::ports::RunFilter;
use op_engine::start::{StartError, StartRequest, Started};
use op_plan::plan::FailureKind;
use op_run::run::State;
use serde_json::{Value, json};

use crate::support::{LINE, ONE, World, end, engine, limited, request, scripted, settle};

const WITH_INPUTS: &str = "
[workstacks.p]
[workstacks.p.inputs]
count = { type = 'integer', required = true }
name = { type = 'string', default = 'ada' }
[[workstacks.p.phases]]
id = 'a'
agents = [{ agent = 'w', operation = 'step', args = { count = '${count}', name = '${name}' } }]
";

fn inputs(value: Value) -> StartRequest {
    let Value::Object(inputs) = value else { panic!("inputs are an object") };
    StartRequest { inputs, ..request("p") }
}

fn cast(pairs: &[(&str, &str)]) -> StartRequest {
    let cast = pairs.iter().map(|(part, who)| ((*part).to_owned(), (*who).to_owned())).collect();
    StartRequest { cast, ..request("p") }
}

fn keyed(key: &str) -> StartRequest {
    StartRequest { idempotency_key: Some(key.to_owned()), ..request("p") }
}

#[tokio::test(start_paused = true)]
async fn inputs_are_checked_completed_and_handed_on() {
    let world = World::new(WITH_INPUTS, scripted());
    let run = world.engine.start(inputs(json!({ "count": 3 }))).await.expect("started").run;
    end(&world.engine, &run).await;
    assert_eq!(*world.perform.asked()[0].arguments, json!({ "count": 3, "name": "ada" }));
    for wrong in [json!({}), json!({ "count": "three" }), json!({ "count": 3, "cuont": 4 })] {
        let refused = world.engine.start(inputs(wrong.clone())).await;
        assert!(
            matches!(&refused, Err(StartError::Inputs { plan, errors }) if plan == "p" && errors.len() == 1),
            "{wrong}"
        );
    }
    // Everything that is wrong is said at once.
    match world.engine.start(inputs(json!({ "cuont": 4, "name": 5 }))).await {
        Err(StartError::Inputs { errors, .. }) => assert_eq!(errors.len(), 3),
        other => panic!("{other:?}"),
    }
    assert_eq!(world.perform.asked().len(), 1);
}

const WITH_ROLE: &str = "
[workstacks.p]
[[workstacks.p.phases]]
id = 'a'
agents = [{ role = 'coder' }]
[[workstacks.p.phases]]
id = 'b'
agents = [{ role = 'coder' }]
[[workstacks.p.phases]]
id = 'c'
agents = ['w.step']
";

#[tokio::test(start_paused = true)]
async fn the_cast_says_who_performs_a_step_or_plays_a_role() {
    let world = World::new(WITH_ROLE, scripted());
    for (given, performers) in [
        (vec![], ["w.step", "w.step", "w.step"]),
        (vec![("coder", "rust_pro.check")], ["rust_pro.check", "rust_pro.check", "w.step"]),
        (
            vec![("coder", "rust_pro.check"), ("b", "rust_pro.test")],
            ["rust_pro.check", "rust_pro.test", "w.step"],
        ),
        (vec![("c", "w.flaky")], ["w.step", "w.step", "w.flaky"]),
    ] {
        let run = world.engine.start(cast(&given)).await.expect("started").run;
        let frozen = world.engine.get(run.as_str()).await.expect("known");
        let cast: Vec<_> = frozen
            .origin()
            .expect("started")
            .cast
            .iter()
            .map(|players| players[0].performer.to_string())
            .collect();
        assert_eq!(cast, performers);
        let before = world.perform.asked().len();
        end(&world.engine, &run).await;
        let asked = world.perform.asked();
        let asked: Vec<_> = asked[before..].iter().map(|asked| asked.performer.to_string()).collect();
        assert!(asked.iter().zip(performers).all(|(asked, cast)| asked == cast), "{asked:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_cast_that_fits_nothing_is_refused_with_the_nearest_that_does() {
    let world = World::new(WITH_ROLE, scripted());
    for (given, message) in [
        (("codr", "w"), "plan `p` has no step or role `codr`; did you mean `coder`?"),
        (("zzz", "w"), "plan `p` has no step or role `zzz`"),
        (("coder", "rust_por.check"), "no agent is called `rust_por`; did you mean `rust_pro`?"),
        (("coder", "rust_pro.tset"), "agent `rust_pro` has no operation `tset`; it has check, test"),
        (("coder", "rust_pro"), "agent `rust_pro` has no operation `step`; it has check, test"),
    ] {
        let refused = world.engine.start(cast(&[given])).await.expect_err("refused");
        assert_eq!(refused.to_string(), message);
    }
    assert_eq!(world.journal.appends(), 0);
}

#[tokio::test(start_paused = true)]
async fn the_same_request_under_the_same_key_is_the_same_run_also_after_a_restart() {
    let world = World::new(ONE, scripted());
    let first = world.engine.start(keyed("k")).await.expect("started");
    assert!(!first.existing);
    let again = Ok(Started { existing: true, ..first.clone() });
    assert_eq!(world.engine.start(keyed("k")).await, again);
    end(&world.engine, &first.run).await;
    assert_eq!(world.engine.start(keyed("k")).await, again);
    world.engine.shutdown().await;
    let second = engine(ONE, world.journal.clone(), world.perform.clone());
    assert_eq!(second.start(keyed("k")).await, again);
    // Another key is another run, and so is none.
    for request in [keyed("l"), request("p"), request("p")] {
        assert_ne!(second.start(request).await.expect("started").run, first.run);
    }
}

#[tokio::test(start_paused = true)]
async fn another_request_under_the_same_key_is_refused_whatever_differs() {
    let world =
        World::new(&format!("{WITH_INPUTS}{}", ONE.replace("workstacks.p", "workstacks.q")), scripted());
    let first = StartRequest { idempotency_key: Some("k".to_owned()), ..inputs(json!({ "count": 1 })) };
    let run = world.engine.start(first.clone()).await.expect("started").run;
    let others = [
        StartRequest { inputs: inputs(json!({ "count": 2 })).inputs, ..first.clone() },
        StartRequest { plan: "q".to_owned(), ..first.clone() },
        StartRequest { user: "somebody".to_owned(), ..first.clone() },
        StartRequest { cast: cast(&[("a", "w.flaky")]).cast, ..first.clone() },
        StartRequest { labels: BTreeMap::from([("x".to_owned(), "y".to_owned())]), ..first.clone() },
        StartRequest { timeout: Some(Duration::from_secs(1)), ..first.clone() },
    ];
    for other in others {
        let refused = world.engine.start(other).await;
        assert_eq!(refused, Err(StartError::KeyReused { key: "k".to_owned(), run: run.clone() }));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_starts_at_once_under_one_key_one_starts_and_all_can_follow_it_to_its_end() {
    for _ in 0..20 {
        let world = Arc::new(World::new(LINE, scripted()));
        let starts = (0..32).map(|_| {
            let world = Arc::clone(&world);
            tokio::spawn(async move {
                let started = world.engine.start(keyed("k")).await.expect("started");
                // Whoever is told of the run finds it, and sees it end.
                (started.existing, end(&world.engine, &started.run).await.state(), started.run)
            })
        });
        let mut seen = Vec::new();
        for start in starts.collect::<Vec<_>>() {
            seen.push(start.await.expect("ends"));
        }
        assert_eq!(seen.iter().filter(|(existing, ..)| !existing).count(), 1);
        assert!(seen.iter().all(|(_, state, run)| *state == State::Completed && *run == seen[0].2));
        assert_eq!(world.called(), ["a", "b", "c"]);
    }
}

#[tokio::test(start_paused = true)]
async fn no_more_runs_than_allowed_are_under_way_also_when_many_start_at_once() {
    let perform = Arc::new(scripted());
    let limits = Limits { runs: 3, ..Limits::default() };
    let plan = ONE.replace("w.step", "w.hang");
    let engine = limited(&plan, Arc::new(MemoryJournal::new()), perform.clone(), limits);
    let starts = futures::future::join_all((0..10).map(|_| engine.start(request("p")))).await;
    let (started, refused): (Vec<_>, Vec<_>) = starts.into_iter().partition(Result::is_ok);
    assert_eq!((started.len(), engine.live_runs()), (3, 3));
    assert!(refused.iter().all(|refused| *refused == Err(StartError::TooMany(3))));
    let run = started[0].clone().expect("started").run;
    engine.cancel(run.as_str(), false, "", "tester").await.expect("it runs");
    end(&engine, &run).await;
    settle().await;
    engine.start(request("p")).await.expect("there is room again");
}

#[tokio::test(start_paused = true)]
async fn a_plan_that_does_not_exist_is_refused_with_the_nearest_that_does() {
    let world = World::new(&ONE.replace("workstacks.p", "workstacks.code_review"), scripted());
    for name in ["code_review", "workstack_code_review"] {
        world.engine.start(request(name)).await.expect("started");
    }
    for (name, message) in [
        ("code_reveiw", "no plan is called `code_reveiw`; did you mean `code_review`?"),
        ("workstack_code_reveiw", "no plan is called `code_reveiw`; did you mean `code_review`?"),
        ("zzz", "no plan is called `zzz`"),
    ] {
        assert_eq!(world.engine.start(request(name)).await.expect_err("refused").to_string(), message);
    }
}

#[tokio::test(start_paused = true)]
async fn the_time_limit_of_a_request_stops_the_run() {
    let world = World::new(&ONE.replace("w.step", "w.hang"), scripted());
    let limited = StartRequest { timeout: Some(Duration::from_secs(90)), ..request("p") };
    let run = world.engine.start(limited).await.expect("started").run;
    let run = end(&world.engine, &run).await;
    assert_eq!((run.state(), run.reason()), (State::Failed, "the time limit of the run passed"));
    let failure = run.step(0).trial.failure.as_ref().expect("stopped");
    assert_eq!(failure.kind, FailureKind::TimedOut);
    let took = run.ended_at().expect("over").since(run.origin().expect("started").at);
    assert_eq!(took.as_secs(), 90);
}

async fn listed(world: &World, filter: RunFilter) -> Vec<op_run::RunId> {
    let found = world.engine.list(&filter).await.expect("read");
    found.into_iter().map(|record| record.id).collect()
}

#[tokio::test(start_paused = true)]
async fn runs_are_listed_by_state_and_plan_the_newest_first() {
    let plans = format!("{ONE}{}", ONE.replace("workstacks.p", "workstacks.q").replace("w.step", "w.fail"));
    let world = World::new(
        &plans,
        ScriptedPerform::default()
            .on("w.fail", |_, _, _| async { crate::support::fail(FailureKind::Failed) }),
    );
    let mut runs = Vec::new();
    for plan in ["p", "q", "p"] {
        let run = world.engine.start(request(plan)).await.expect("started").run;
        end(&world.engine, &run).await;
        runs.push(run);
    }
    let all = RunFilter { limit: 10, ..RunFilter::default() };
    assert_eq!(listed(&world, all.clone()).await, [&runs[2], &runs[1], &runs[0]].map(Clone::clone));
    assert_eq!(
        listed(&world, RunFilter { plan: Some("q".to_owned()), ..all.clone() }).await,
        [runs[1].clone()]
    );
    assert_eq!(
        listed(&world, RunFilter { states: vec![State::Failed], ..all.clone() }).await,
        [runs[1].clone()]
    );
    assert_eq!(listed(&world, RunFilter { limit: 1, ..all }).await, [runs[2].clone()]);
}

#[tokio::test(start_paused = true)]
async fn a_run_keeps_the_plan_it_started_with() {
    let world = World::new(&ONE.replace("w.step", "w.hang"), scripted());
    let run = world.start().await;
    world.perform.was_asked(1).await;
    world.engine.set_library(crate::support::plans(LINE));
    world.engine.shutdown().await;
    let second = engine(LINE, world.journal.clone(), world.perform.clone());
    second.recover().await.expect("read");
    let plan = second.get(run.as_str()).await.expect("known").plan().clone();
    assert_eq!((plan.phases().len(), second.find_plan("p").expect("known").phases().len()), (1, 3));
}
