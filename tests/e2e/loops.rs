//! kill -9 in the middle of a loop and of a list: nothing is done twice, and nothing is left out.

use std::collections::BTreeSet;

use op_proto::v1::RunState;
use op_tests::support::client::{payload, phase, state, step};
use op_tests::support::scripted::{Asked, Behaviour};
use op_tests::support::{Daemon, Place, Scripted, until};
use serde_json::{Value, json};

use crate::crash::puppet;
use crate::plans::{gate, is_waiting, plan};

/// Rounds of the loop, and items of the list.
const COUNTS: (usize, usize) = (10, 20);

/// Works, and counts in a file whether that was often enough.
const LOOP: &str = r#"[machines.loop]
initial = "work"
[[machines.loop.steps]]
id = "work"
agent = "puppet"
operation = "do"
on_success = "count"
on_failure = "failed"
max_visits = 20
[[machines.loop.steps]]
id = "count"
tool = "command"
args = { program = "sh", args = ["-c", "echo x >> rounds; test $(wc -l < rounds) -ge 10"] }
on_success = "completed"
on_failure = "work"
max_visits = 20
"#;

/// Holds that so many different calls were made, and none of them twice as if it were new.
#[track_caller]
fn nothing_twice(puppet: &Scripted, wanted: usize) {
    let (again, first): (Vec<_>, Vec<_>) = puppet.asked().into_iter().partition(|asked| asked.repeat);
    let ids = |asked: &[Asked]| asked.iter().map(|asked| asked.id.clone()).collect::<BTreeSet<_>>();
    assert_eq!(ids(&first).len(), first.len(), "{first:#?}");
    assert_eq!(ids(&[first, again.clone()].concat()).len(), wanted, "{again:#?}");
    assert!(!again.is_empty(), "the one that hung is asked for again");
}

#[tokio::test]
async fn a_loop_goes_on_after_kill_9_in_the_round_it_was_in() {
    let place = Place::new();
    let puppet = puppet(&place, Behaviour::HangAt(COUNTS.0 / 2));
    place.write("config/plans.d/loop.toml", LOOP);
    let daemon = Daemon::start(&place).await;
    let run = daemon.client().start("loop", &json!({})).await;
    until("the round that hangs", async || (puppet.asked().len() == COUNTS.0 / 2).then_some(())).await;
    let before = daemon.client().run(&run).await;
    assert_eq!(phase(&before, "work").visit, 5, "{before:#?}");
    daemon.kill().await;
    place.is_quiet().await;

    let daemon = Daemon::start(&place).await;
    let ended = daemon.client().end(&run).await;
    assert_eq!(state(&ended), RunState::Completed, "{ended:#?}");
    assert_eq!((phase(&ended, "work").visit, phase(&ended, "count").visit), (10, 10));
    nothing_twice(&puppet, COUNTS.0);
    assert_eq!(place.read("work/rounds").lines().count(), COUNTS.0);
}

/// A plan that goes over a list with this entry.
fn list(place: &Place, entry: &str) {
    let numbers: Vec<usize> = (0..COUNTS.1).collect();
    let keys = format!(
        "output = \"${{steps.all.output}}\"\ninputs = {{ list = {{ type = \"list\", default = {numbers:?} }} }}"
    );
    plan(place, "list", &keys, &[&format!("id = \"all\"\nfor_each = \"${{list}}\"\n{entry}")]);
}

#[tokio::test]
async fn a_list_goes_on_after_kill_9_and_answers_in_its_order() {
    let place = Place::new();
    let puppet = puppet(&place, Behaviour::HangAt(COUNTS.1 / 2));
    let agents = "agents = [{ agent = \"puppet\", operation = \"do\", args = { n = \"${item}\" } }]";
    list(&place, &format!("max_parallel = 4\n{agents}"));
    let daemon = Daemon::start(&place).await;
    let run = daemon.client().start("list", &json!({})).await;
    until("the item that hangs", async || (puppet.asked().len() >= COUNTS.1 / 2).then_some(())).await;
    daemon.kill().await;
    place.is_quiet().await;

    let daemon = Daemon::start(&place).await;
    let ended = daemon.client().end(&run).await;
    assert_eq!(state(&ended), RunState::Completed, "{ended:#?}");
    let wanted: Vec<Value> = (0..COUNTS.1).map(|n| json!({ "n": n })).collect();
    assert_eq!(payload(ended.output.as_ref()), Value::Array(wanted));
    nothing_twice(&puppet, COUNTS.1);
    let items = step(&ended, "all").items.expect("it goes over a list");
    assert_eq!((items.total, items.done), (20, 20));
}

#[tokio::test]
async fn an_item_of_which_nobody_knows_what_became_is_not_done_again() {
    let place = Place::new();
    let _gate = gate(&place);
    let script = "echo $0 >> marks; if [ $0 = n7 ]; then cat gate; fi";
    let command = format!("{{ program = \"sh\", args = [\"-c\", \"{script}\", \"n${{item}}\"] }}");
    list(&place, &format!("max_parallel = 1\ntools = [{{ tool = \"command\", args = {command} }}]"));
    let daemon = Daemon::start(&place).await;
    let run = daemon.client().start("list", &json!({})).await;
    is_waiting(&place).await;
    daemon.kill().await;
    place.is_quiet().await;

    let daemon = Daemon::start(&place).await;
    let ended = daemon.client().end(&run).await;
    assert_eq!(state(&ended), RunState::Failed, "{ended:#?}");
    let failure = step(&ended, "all").failure.clone().expect("it says why");
    assert!(["lost", "rejected"].contains(&failure.kind.as_str()), "{failure:#?}");
    assert_eq!(place.read("work/marks"), (0..=7).map(|n| format!("n{n}\n")).collect::<String>());
}
