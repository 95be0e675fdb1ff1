//! Going down in order, and two daemons where there is room for one.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use op_agent::{Agent, Call, Failure, Listener, Operation};
use op_proto::v1::RunState;
use op_tests::support::client::state;
use op_tests::support::scripted::{Behaviour, Wire};
use op_tests::support::{Daemon, Place, Scripted, process, until};
use rustix::process::Signal;
use serde_json::{Value, json};
use tokio::sync::Semaphore;

use crate::plans::{WAIT, gate, is_waiting, plan, sh, shell};

#[tokio::test]
async fn a_daemon_that_is_terminated_exits_with_0_and_its_runs_go_on_at_the_next_start() {
    let place = Place::new();
    let socket = place.at("puppet.sock");
    place.configure(
        "agents.toml",
        &format!("[pool]\ngrace = \"PT0.1S\"\n[agents.puppet]\naddress = \"unix:{}\"", socket.display()),
    );
    place.configure("op-dbusd.toml", "[limits]\ndrain = \"100ms\"");
    let puppet = Scripted::serve(&socket, Wire::Session, Behaviour::HangOnce);
    let call = "id = \"call\"\nagents = [\"puppet.do\"]";
    plan(&place, "go", "", &[call, &shell("after", "echo x >> after")]);
    let daemon = Daemon::start(&place).await;
    let run = daemon.client().start("go", &json!({})).await;
    until("the call", async || (puppet.asked().len() == 1).then_some(())).await;
    assert_eq!(daemon.terminate().await.code(), Some(0));
    place.is_quiet().await;
    assert!(!place.socket().exists(), "nobody listens any more");

    let daemon = Daemon::start(&place).await;
    assert_eq!(state(&daemon.client().end(&run).await), RunState::Completed);
    assert_eq!(place.read("work/after"), "x\n");
}

#[tokio::test]
async fn a_call_that_ends_while_the_daemon_drains_is_not_made_again() {
    let place = Place::new();
    plan(
        &place,
        "wait",
        "",
        &[&shell("mark", "echo x >> marks; exec cat gate"), &shell("after", "echo x >> after")],
    );
    let gate = gate(&place);
    let daemon = Daemon::start(&place).await;
    let run = daemon.client().start("wait", &json!({})).await;
    is_waiting(&place).await;
    process::signal(daemon.pid(), Signal::TERM);
    until("draining", async || daemon.log().contains("draining").then_some(())).await;
    gate.open();
    assert_eq!(daemon.exit().await.code(), Some(0));
    assert!(!place.at("work/after").exists(), "nothing new starts");

    let daemon = Daemon::start(&place).await;
    assert_eq!(state(&daemon.client().end(&run).await), RunState::Completed);
    assert_eq!((place.read("work/marks"), place.read("work/after")), ("x\n".into(), "x\n".into()));
}

/// An agent with an address of its own, whose one operation ends when the test says so, or when it is told to stop.
async fn serve_slow(place: &Place, performed: &Arc<AtomicU32>, gate: &Arc<Semaphore>) {
    let socket = place.at("slow.sock");
    place.configure("agents.toml", &format!("[agents.slow]\naddress = \"unix:{}\"", socket.display()));
    let (performed, gate) = (Arc::clone(performed), Arc::clone(gate));
    let work = move |call: Call, _: Value| {
        let (performed, gate) = (Arc::clone(&performed), Arc::clone(&gate));
        async move {
            performed.fetch_add(1, Ordering::SeqCst);
            tokio::select! {
                _ = gate.acquire() => Ok::<_, Failure>("done"),
                () = call.cancelled() => Err(Failure::cancelled("it was told to")),
            }
        }
    };
    let agent = Agent::new("slow", "1").operation(Operation::write("work", "Takes long."), work);
    let listener = Listener::bind(&op_proto::Address::Unix(socket)).await.expect("a free socket");
    tokio::spawn(agent.serve(listener, std::future::pending()));
}

#[tokio::test]
async fn a_call_longer_than_the_drain_goes_on_over_a_restart() {
    let place = Place::new();
    let (performed, gate) = (Arc::<AtomicU32>::default(), Arc::new(Semaphore::new(0)));
    serve_slow(&place, &performed, &gate).await;
    place.configure("op-dbusd.toml", "[limits]\ndrain = \"100ms\"");
    let call = "id = \"call\"\nagents = [\"slow.work\"]";
    plan(&place, "go", "", &[call, &shell("after", "echo x >> after")]);
    let daemon = Daemon::start(&place).await;
    let run = daemon.client().start("go", &json!({})).await;
    until("the call", async || (performed.load(Ordering::SeqCst) == 1).then_some(())).await;
    assert_eq!(daemon.terminate().await.code(), Some(0));

    let daemon = Daemon::start(&place).await;
    gate.add_permits(1);
    assert_eq!(state(&daemon.client().end(&run).await), RunState::Completed);
    assert_eq!((performed.load(Ordering::SeqCst), place.read("work/after")), (1, "x\n".into()));
}

#[tokio::test]
async fn a_rollback_in_which_the_daemon_is_terminated_goes_on_at_the_next_start() {
    let place = Place::new();
    let undone = |id: &str, then: &str| {
        let undo = sh(&format!("echo {id} >> undone; {then}"));
        format!("{}\nrollback = [{undo}]", shell(id, "true"))
    };
    let (first, second) = (undone("first", "true"), undone("second", "exec cat gate"));
    plan(&place, "go", "rollback = \"run\"", &[&first, &second, &shell("last", "false")]);
    let gate = gate(&place);
    let daemon = Daemon::start(&place).await;
    let run = daemon.client().start("go", &json!({})).await;
    is_waiting(&place).await;
    process::signal(daemon.pid(), Signal::TERM);
    until("draining", async || daemon.log().contains("draining").then_some(())).await;
    gate.open();
    assert_eq!(daemon.exit().await.code(), Some(0));
    assert_eq!(place.read("work/undone"), "second\n", "nothing new is undone");

    let daemon = Daemon::start(&place).await;
    assert_eq!(state(&daemon.client().end(&run).await), RunState::RolledBack);
    assert_eq!(place.read("work/undone"), "second\nfirst\n");
}

#[tokio::test]
async fn a_second_daemon_on_the_same_journal_is_refused_with_the_number_of_the_first() {
    let place = Place::new();
    let daemon = Daemon::start(&place).await;
    place.configure("op-dbusd.toml", &format!("[grpc]\nsocket = {:?}", place.text("run/other.sock")));
    place.op(&["serve"]).await.code(1).says(&[&daemon.pid().to_string()]);
    assert!(daemon.terminate().await.success());
}

#[tokio::test]
async fn a_second_daemon_on_the_same_socket_is_refused_and_the_first_goes_on() {
    let place = Place::new();
    let daemon = Daemon::start(&place).await;
    place.write(
        "config/op-dbusd.toml",
        &format!("state = {:?}\n[grpc]\nsocket = {:?}\n", place.text("other"), place.socket()),
    );
    place.op(&["serve"]).await.code(1).says(&["listens on", "grpc.sock"]);
    daemon.client().agent("tools").await;
}

#[tokio::test]
async fn the_socket_of_a_daemon_that_was_killed_is_taken_over() {
    let place = Place::new();
    Daemon::start(&place).await.kill().await;
    assert!(place.socket().exists());
    assert!(Daemon::start(&place).await.terminate().await.success());
}

#[tokio::test]
async fn an_interrupt_ends_a_daemon_as_well() {
    let place = Place::new();
    plan(&place, "wait", "", &[WAIT]);
    let daemon = Daemon::start(&place).await;
    process::signal(daemon.pid(), Signal::INT);
    assert_eq!(daemon.exit().await.code(), Some(0));
}
