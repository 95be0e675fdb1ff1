//! A plan of 10,000 steps, and 10,000 calls at once.

use std::fmt::Write as _;

use futures::StreamExt as _;
use op_proto::v1::RunState;
use op_tests::support::client::state;
use op_tests::support::scripted::{Behaviour, Wire};
use op_tests::support::{Daemon, Place, Scripted};
use serde_json::json;

/// How many of each.
const MANY: usize = 10_000;

/// Phases of the large plan.
const PHASES: usize = 100;

/// Memory that a daemon stays under.
const BOUND: u64 = 300 << 20;

fn puppet(place: &Place, more: &str) -> Scripted {
    let socket = place.at("puppet.sock");
    place.configure(
        "agents.toml",
        &format!("{more}\n[agents.puppet]\naddress = \"unix:{}\"", socket.display()),
    );
    Scripted::serve(&socket, Wire::Session, Behaviour::Echo)
}

fn large() -> String {
    let mut text = "[workstacks.large]\n".to_owned();
    for phase in 0..PHASES {
        let agents = (0..MANY / PHASES)
            .map(|step| format!("{{ agent = \"puppet\", operation = \"do\", args = {{ n = {step} }} }}"));
        let agents = agents.collect::<Vec<_>>().join(", ");
        writeln!(
            text,
            "[[workstacks.large.phases]]\nid = \"p{phase}\"\nparallel = true\nagents = [{agents}]"
        )
        .expect("text");
    }
    text
}

#[tokio::test]
async fn a_plan_of_10_000_steps_is_checked_and_run_in_bounded_memory() {
    let place = Place::new();
    let puppet = puppet(&place, "");
    let file = place.write("config/plans.d/large.toml", &large());
    place.op(&["check", file.to_str().expect("text")]).await.code(0);
    let daemon = Daemon::start(&place).await;
    let run = daemon.client().start("large", &json!({})).await;
    let events = daemon.client().events(&run).await;
    let sequences: Vec<_> = events.iter().map(|event| event.sequence).collect();
    assert_eq!(sequences, (1..=events.len() as u64).collect::<Vec<_>>());
    let succeeded = events.iter().filter(|event| event.kind == "step_succeeded").count();
    assert_eq!((succeeded, puppet.asked().len()), (MANY, MANY));
    assert_eq!(state(&daemon.client().run(&run).await), RunState::Completed);
    assert!(daemon.peak_memory() < BOUND, "{} MiB", daemon.peak_memory() >> 20);
}

#[tokio::test]
async fn a_chain_of_10_000_phases_is_checked_without_a_deep_stack() {
    let place = Place::new();
    let mut text = "[workstacks.chain]\n".to_owned();
    for phase in 0..MANY {
        writeln!(
            text,
            "[[workstacks.chain.phases]]\nid = \"p{phase}\"\ntools = [{{ tool = \"ovs_list_bridges\" }}]"
        )
        .expect("text");
    }
    let file = place.write("chain.toml", &text);
    place.op(&["check", file.to_str().expect("text")]).await.code(0).has_not_panicked();
}

#[tokio::test]
async fn each_of_10_000_calls_is_answered_and_none_falsely() {
    let place = Place::new();
    let puppet = puppet(&place, "[pool]\nqueue = 500");
    let daemon = Daemon::start(&place).await;
    let client = daemon.client();
    let calls = futures::stream::iter(0..MANY)
        .map(|n| async move { (n, client.call("puppet.do", &json!({ "n": n })).await) });
    let answers: Vec<_> = calls.buffer_unordered(MANY).collect().await;
    assert_eq!(answers.len(), MANY);
    let mut succeeded = 0;
    for (n, answer) in answers {
        match answer {
            Ok(value) => {
                assert_eq!(value, json!({ "n": n }));
                succeeded += 1;
            }
            Err(failure) => assert_eq!(failure.kind, "unavailable", "{failure:#?}"),
        }
    }
    assert_eq!(
        puppet.asked().len(),
        succeeded,
        "what was refused was not made, and what was made was answered"
    );
    assert!((500..MANY).contains(&succeeded), "{succeeded}");
    assert!(daemon.peak_memory() < BOUND, "{} MiB", daemon.peak_memory() >> 20);
}
