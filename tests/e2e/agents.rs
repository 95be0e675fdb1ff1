//! Agents that misbehave: the run ends, says why, and the daemon stays small.

use op_proto::v1::{Run, RunState};
use op_tests::support::client::{state, step};
use op_tests::support::scripted::{Behaviour, Wire};
use op_tests::support::{Daemon, Place, Scripted};
use serde_json::json;

use crate::plans::plan;

/// Bytes that no message may bring.
const LOAD: usize = 100 << 20;

/// An agent that hangs is let go soon.
const GRACE: &str = "[pool]\ngrace = \"PT0.1S\"";

/// Memory that a daemon stays under, whatever it is sent.
const BOUND: u64 = 200 << 20;

/// A plan of one call to the agent `puppet`, with these keys of its phase.
fn puppet(place: &Place, keys: &str) -> std::path::PathBuf {
    let socket = place.at("puppet.sock");
    place.configure(
        "agents.toml",
        &format!("{GRACE}\n[agents.puppet]\naddress = \"unix:{}\"", socket.display()),
    );
    plan(place, "ask", "", &[&format!("id = \"ask\"\nagents = [\"puppet.do\"]\n{keys}")]);
    socket
}

/// What became of a run with an agent that behaves so, and how much memory the daemon needed for it.
async fn ask(wire: Wire, behaviour: Behaviour, keys: &str) -> (Run, u64) {
    let place = Place::new();
    let socket = puppet(&place, keys);
    let _puppet = Scripted::serve(&socket, wire, behaviour);
    let daemon = Daemon::start(&place).await;
    let run = daemon.client().start("ask", &json!({})).await;
    let run = daemon.client().end(&run).await;
    (run, daemon.peak_memory())
}

#[track_caller]
fn failed(run: &Run, kinds: &[&str]) -> String {
    assert_eq!(state(run), RunState::Failed, "{run:#?}");
    let failure = step(run, "ask").failure.clone().expect("a failed step says why");
    assert!(kinds.contains(&failure.kind.as_str()), "{failure:#?}");
    assert!(!failure.message.is_empty());
    failure.message
}

const BOTH: [Wire; 2] = [Wire::Session, Wire::Execute];

#[tokio::test]
async fn an_agent_that_behaves_is_answered_over_either_wire() {
    for wire in BOTH {
        assert_eq!(state(&ask(wire, Behaviour::Echo, "").await.0), RunState::Completed);
    }
}

#[tokio::test]
async fn an_agent_that_hangs_is_given_up_at_the_time_limit_of_the_step() {
    for wire in BOTH {
        failed(&ask(wire, Behaviour::Hang, "timeout = \"300ms\"").await.0, &["timed_out"]);
    }
}

#[tokio::test]
async fn an_agent_that_dies_mid_stream_loses_the_call_and_nothing_else() {
    for wire in BOTH {
        failed(&ask(wire, Behaviour::Die, "").await.0, &["lost"]);
    }
}

#[tokio::test]
async fn a_stream_that_ends_without_an_outcome_is_no_success() {
    failed(&ask(Wire::Execute, Behaviour::Leave, "").await.0, &["lost"]);
}

#[tokio::test]
async fn an_agent_that_answers_garbage_fails_the_step() {
    for wire in BOTH {
        failed(&ask(wire, Behaviour::Garble, "").await.0, &["failed", "lost"]);
    }
}

#[tokio::test]
async fn an_agent_that_says_no_is_quoted() {
    for wire in BOTH {
        let message = failed(&ask(wire, Behaviour::Reject, "").await.0, &["rejected"]);
        assert!(message.contains("the reviewer says no"), "{message}");
    }
}

#[tokio::test]
async fn an_agent_that_writes_100_mb_costs_the_daemon_little_memory() {
    for wire in BOTH {
        let (run, memory) = ask(wire, Behaviour::Flood(LOAD), "").await;
        assert!(matches!(state(&run), RunState::Completed | RunState::Failed), "{run:#?}");
        assert!(memory < BOUND, "{wire:?}: {} MiB", memory >> 20);
    }
}

#[tokio::test]
async fn an_agent_that_answers_with_100_mb_fails_and_costs_the_daemon_little_memory() {
    for wire in BOTH {
        let (run, memory) = ask(wire, Behaviour::Swell(LOAD), "").await;
        failed(&run, &["failed", "lost"]);
        assert!(memory < BOUND, "{wire:?}: {} MiB", memory >> 20);
    }
}

#[tokio::test]
async fn a_program_that_writes_100_mb_costs_the_daemon_little_memory_and_says_what_was_dropped() {
    let place = Place::new();
    let flood = crate::plans::shell("flood", "head -c 104857600 /dev/zero | tr '\\\\0' '\\\\n'");
    plan(&place, "flood", "", &[&flood]);
    let daemon = Daemon::start(&place).await;
    let run = daemon.client().start("flood", &json!({})).await;
    let run = daemon.client().end(&run).await;
    assert_eq!(state(&run), RunState::Completed, "{run:#?}");
    let id = &run.summary.as_ref().expect("a summary").id;
    let output = place.op(&["output", id, "flood", "--json"]).await.code(0).json();
    let dropped = |value: &serde_json::Value| value.as_u64().unwrap_or_default();
    assert!(dropped(&output["value"]["dropped_bytes"]) > 1 << 20, "{:#}", output["value"]["dropped_bytes"]);
    assert!(daemon.peak_memory() < BOUND, "{} MiB", daemon.peak_memory() >> 20);
}

#[tokio::test]
async fn an_agent_that_refuses_connections_is_unavailable_and_named() {
    let place = Place::new();
    let socket = puppet(&place, "timeout = \"500ms\"");
    drop(std::os::unix::net::UnixListener::bind(&socket).expect("a free socket"));
    let ended = place.op(&["run", "ask"]).await;
    assert!([2, 3].contains(&ended.status.code().unwrap_or_default()), "{ended:#?}");
    ended.says(&["puppet"]).has_not_panicked();
}

#[tokio::test]
async fn an_agent_that_comes_late_is_found() {
    let place = Place::new();
    let socket = puppet(&place, "");
    place.configure(
        "agents.d/often.toml",
        "[pool]\nretry_base_delay = \"PT0.01S\"\nretry_max_delay = \"PT0.05S\"",
    );
    let daemon = Daemon::start(&place).await;
    daemon.client().call("puppet.do", &json!({})).await.expect_err("nobody is there");
    let _puppet = Scripted::serve(&socket, Wire::Session, Behaviour::Echo);
    let found = op_tests::support::until("the agent", async || {
        daemon.client().call("puppet.do", &json!({ "n": 1 })).await.ok()
    });
    assert_eq!(found.await, json!({ "n": 1 }));
}

#[tokio::test]
async fn a_path_outside_of_the_allowed_roots_is_rejected_however_it_is_written() {
    let place = Place::new();
    place.write("secret.txt", "not for agents");
    place.write("work/inside.txt", "for agents");
    std::os::unix::fs::symlink(place.at("secret.txt"), place.at("work/link.txt")).expect("a link");
    let daemon = Daemon::start(&place).await;
    let read = async |path: &str| daemon.client().call("file_read", &json!({ "path": path })).await;
    for path in
        ["../secret.txt", "link.txt", "/etc/passwd", &place.text("secret.txt"), "inside.txt/../../secret.txt"]
    {
        let failure = read(path).await.expect_err(path);
        assert_eq!(failure.kind, "rejected", "{path}: {failure:#?}");
        assert!(!failure.message.contains("not for agents"));
    }
    read("inside.txt").await.expect("a path inside");
    let write = json!({ "path": "link.txt", "content": "overwritten" });
    daemon.client().call("file_write", &write).await.expect_err("a link that leads outside");
    assert_eq!(place.read("secret.txt"), "not for agents");
}
