//! Each test asks this program again, in a process of its own: an agent with a lifeline.

use std::env;
use std::path::PathBuf;
use std::process::{Child, Stdio};

use op_agent::Listener;
use op_agents::{Settings, lifeline};
use op_proto::Address;
use serde_json::json;
use tempfile::TempDir;

use crate::support::{PATIENCE, begin, ends, other_side, piece, reach};

fn agent(place: &TempDir, side: &str) -> Child {
    other_side(side)
        .env("OP_AGENTS_PLACE", place.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap()
}

fn place() -> PathBuf {
    env::var_os("OP_AGENTS_PLACE").expect("another test sets it").into()
}

#[test]
#[ignore = "the other side of a test below"]
fn an_agent() {
    let settings = Settings { roots: vec![place()], ..Settings::default() };
    let cut = lifeline::watch();
    tokio::runtime::Runtime::new().unwrap().block_on(async {
        let listener = Listener::bind(&Address::Unix(place().join("agent.sock"))).await.unwrap();
        op_agents::build("tools", &settings).unwrap().serve(listener, cut).await.unwrap();
    });
    std::process::exit(7);
}

#[test]
#[ignore = "the other side of a test below"]
fn an_agent_that_does_not_drain() {
    let _never_asked = lifeline::watch();
    loop {
        std::thread::park();
    }
}

/// Waits for a program without holding up the runtime.
async fn code(mut agent: Child) -> Option<i32> {
    let ended = tokio::task::spawn_blocking(move || agent.wait().unwrap().code());
    tokio::time::timeout(PATIENCE, ended).await.expect("the agent ends").unwrap()
}

#[tokio::test]
async fn an_agent_and_its_programs_end_when_the_lifeline_is_cut() {
    let place = tempfile::tempdir().unwrap();
    let mut agent = agent(&place, "lifeline::an_agent");
    let socket = place.path().join("agent.sock");
    let script = "trap '' TERM; sleep 1000 & echo $$ $!; while :; do sleep 1; done";
    let arguments = json!({ "program": "sh", "args": ["-c", script] });
    let mut events = begin(reach(&socket).await, "command", &arguments, None).await;
    let pids: Vec<i32> =
        piece(&mut events).await.split_whitespace().map(|pid| pid.parse().unwrap()).collect();
    assert_eq!(pids.len(), 2);

    drop(agent.stdin.take());
    for pid in pids {
        ends(pid).await;
    }
    assert_eq!(code(agent).await, Some(7), "it drained by itself");
}

#[tokio::test]
async fn an_agent_that_does_not_drain_is_ended_all_the_same() {
    let place = tempfile::tempdir().unwrap();
    let mut agent = agent(&place, "lifeline::an_agent_that_does_not_drain");
    drop(agent.stdin.take());
    assert_eq!(code(agent).await, Some(lifeline::CUT));
}
