//! Casts by name, and others that take over parts while a run is under way.

use std::collections::BTreeMap;

use op_engine::Library;
use op_engine::handle::control::{Control, ControlError};
use op_engine::start::{StartError, StartRequest};
use op_plan::Casting;
use op_run::run::State;

use crate::support::{World, end, plans, request, scripted, settle, signal, steer};

const PLAN: &str = "
[workstacks.p]
[[workstacks.p.phases]]
id = 'a'
signal = 'go'
agents = [{ role = 'coder' }]
[[workstacks.p.phases]]
id = 'b'
agents = [{ role = 'coder' }]
";

fn parts(of: &[(&str, &str)]) -> BTreeMap<String, String> {
    of.iter().map(|(part, who)| ((*part).to_owned(), (*who).to_owned())).collect()
}

fn casting(plan: Option<&str>, of: &[(&str, &str)]) -> Casting {
    Casting { description: String::new(), plan: plan.map(str::to_owned), parts: parts(of) }
}

fn world() -> World {
    let world = World::new(PLAN, scripted());
    let casts = BTreeMap::from([
        ("fast".to_owned(), casting(None, &[("coder", "rust_pro.check")])),
        ("slow".to_owned(), casting(Some("p"), &[("coder", "rust_pro.test"), ("b", "w.flaky")])),
        ("other".to_owned(), casting(Some("q"), &[("coder", "rust_pro.test")])),
        ("astray".to_owned(), casting(None, &[("painter", "rust_pro.test")])),
    ]);
    world.engine.set_library(Library { casts, ..Library::from(plans(PLAN)) });
    world
}

fn with(casts: &[&str], cast: &[(&str, &str)]) -> StartRequest {
    let casts = casts.iter().map(|name| (*name).to_owned()).collect();
    StartRequest { casts, cast: parts(cast), ..request("p") }
}

fn performers(run: &op_run::Run) -> Vec<String> {
    let cast = &run.origin().expect("started").cast;
    cast.iter().map(|players| players[0].performer.to_string()).collect()
}

#[tokio::test(start_paused = true)]
async fn casts_count_in_the_order_in_which_they_are_named_after_the_words_of_the_request() {
    let world = world();
    for (request, expected) in [
        (with(&["fast"], &[]), ["rust_pro.check", "rust_pro.check"]),
        (with(&["slow", "fast"], &[]), ["rust_pro.test", "w.flaky"]),
        (with(&["fast", "slow"], &[("a", "w.step")]), ["w.step", "rust_pro.check"]),
    ] {
        let run = world.engine.start(request).await.expect("started").run;
        let run = world.engine.get(run.as_str()).await.expect("known");
        assert_eq!(performers(&run), expected);
    }
}

#[tokio::test(start_paused = true)]
async fn a_cast_that_is_unknown_or_does_not_fit_is_refused() {
    let world = world();
    for (name, message) in [
        ("fats", "no cast is called `fats`; did you mean `fast`?"),
        ("other", "cast `other` does not fit plan `p`: it is for plan `q`"),
        ("astray", "cast `astray` does not fit plan `p`: it assigns no step and no role of it"),
    ] {
        let refused = world.engine.start(with(&[name], &[])).await.expect_err("refused");
        assert_eq!(refused.to_string(), message);
    }
    assert_eq!(world.journal.appends(), 0);
}

#[tokio::test(start_paused = true)]
async fn others_play_what_has_not_begun() {
    let world = world();
    let run = world.start().await;
    settle().await;
    let recast = |part: &str, who: &str| Control::Recast(parts(&[(part, who)]));
    assert_eq!(steer(&world, &run, recast("b", "rust_pro.test")).await, Ok(State::Waiting));
    let begun = steer(&world, &run, recast("a", "rust_pro.test")).await;
    assert!(matches!(begun, Err(ControlError::Refused { .. })), "{begun:?}");
    for (part, who) in [("zz", "w.step"), ("b", "rust_por.test"), ("b", "rust_pro.tset")] {
        let refused = steer(&world, &run, recast(part, who)).await;
        assert!(
            matches!(
                refused,
                Err(ControlError::Cast(
                    StartError::Part { .. } | StartError::Name(_) | StartError::Uncast { .. }
                ))
            ),
            "{refused:?}"
        );
    }
    steer(&world, &run, signal("go")).await.expect("it waits");
    assert_eq!(end(&world.engine, &run).await.state(), State::Completed);
    let asked: Vec<_> = world.perform.asked().iter().map(|asked| asked.performer.to_string()).collect();
    assert_eq!(asked, ["w.step", "rust_pro.test"]);
}
