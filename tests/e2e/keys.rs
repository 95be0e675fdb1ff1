//! Keys of the configuration: each one acts.

use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;

use op_proto::v1::RunState;
use op_tests::support::client::{state, step};
use op_tests::support::scripted::{Behaviour, Wire};
use op_tests::support::{Client, Daemon, Place, Scripted, until};
use serde_json::json;

use crate::plans::{plan, shell};

/// A place whose agent `puppet` behaves so.
fn puppet(behaviour: Behaviour, agents: &str) -> (Place, Scripted) {
    let place = Place::new();
    let socket = place.at("puppet.sock");
    place.configure(
        "agents.toml",
        &format!("{agents}\n[agents.puppet]\naddress = \"unix:{}\"", socket.display()),
    );
    let puppet = Scripted::serve(&socket, Wire::Session, behaviour);
    (place, puppet)
}

#[tokio::test]
async fn request_timeout_ms_ends_a_call_that_brings_no_limit_of_its_own() {
    let (place, _puppet) = puppet(Behaviour::Hang, "[pool]\nrequest_timeout_ms = 200\ngrace = \"PT0.1S\"");
    let ended = place.op(&["call", "puppet.do"]).await.code(3);
    ended.says(&["time"]);
}

#[tokio::test]
async fn limits_call_goes_before_the_limit_of_the_pool() {
    let (place, _puppet) = puppet(Behaviour::Hang, "[pool]\ngrace = \"PT0.1S\"");
    place.configure("op-dbusd.toml", "[limits]\ncall = \"PT0.2S\"");
    place.op(&["call", "puppet.do"]).await.code(3).says(&["time"]);
}

#[tokio::test]
async fn max_concurrent_and_queue_bound_what_an_agent_is_asked_at_once() {
    let (place, puppet) = puppet(Behaviour::Hang, "[pool]\nqueue = 1\n");
    place.write("config/agents.d/bound.toml", "[agents.puppet]\nmax_concurrent = 2\n");
    let daemon = Daemon::start(&place).await;
    let call = || {
        let client = daemon.client().clone();
        tokio::spawn(async move { client.call("puppet.do", &json!({})).await })
    };
    let running = [call(), call()];
    until("two calls", async || (puppet.asked().len() == 2).then_some(())).await;
    let waiting = call();
    until("one in the queue", async || (daemon.client().agent("puppet").await.queued == 1).then_some(()))
        .await;
    let failure = daemon.client().call("puppet.do", &json!({})).await.expect_err("there is no room");
    assert_eq!(failure.kind, "unavailable", "{failure:#?}");
    assert_eq!(puppet.asked().len(), 2);
    drop((running, waiting));
}

#[tokio::test]
async fn run_on_connection_holds_an_agent_connected_before_anybody_calls_it() {
    let (place, _puppet) = puppet(Behaviour::Echo, "[run_on_connection]\nagents = [\"puppet\"]");
    let daemon = Daemon::start(&place).await;
    until("a connection", async || {
        let agent = daemon.client().agent("puppet").await;
        (agent.run_on_connection && !agent.operations.is_empty()).then_some(())
    })
    .await;
    assert_eq!(daemon.client().agent("rust_pro").await.pid, 0, "the list of the file replaces what ships");
}

#[tokio::test]
async fn idle_release_lets_a_lazy_agent_go() {
    let (place, _puppet) = puppet(Behaviour::Echo, "[pool]\nidle_release = \"PT0.1S\"");
    let daemon = Daemon::start(&place).await;
    daemon.client().call("puppet.do", &json!({})).await.expect("it answers");
    until("its release", async || {
        (daemon.client().agent("puppet").await.state() == op_proto::v1::AgentState::Idle).then_some(())
    })
    .await;
}

#[tokio::test]
async fn the_breaker_opens_after_as_many_faults_as_are_set_and_closes_after_its_time() {
    let (place, puppet) = puppet(Behaviour::Die, "[pool]\ncircuit_threshold = 2\ncircuit_reset = \"1h\"");
    let daemon = Daemon::start(&place).await;
    for _ in 0..2 {
        daemon.client().call("puppet.do", &json!({})).await.expect_err("it dies");
    }
    assert_eq!(daemon.client().agent("puppet").await.breaker, "open");
    let failure = daemon.client().call("puppet.do", &json!({})).await.expect_err("the breaker is open");
    assert_eq!((failure.kind.as_str(), puppet.asked().len()), ("unavailable", 2), "{failure:#?}");
}

#[tokio::test]
async fn launch_false_leaves_a_bundled_agent_to_somebody_else() {
    let place = Place::new();
    let socket = place.text("mine.sock");
    place.configure("agents.toml", &format!("[agents.tools]\nlaunch = false\naddress = \"unix:{socket}\""));
    let settings = json!({ "roots": [place.at("work")] }).to_string();
    let _agent =
        place.start(&["agent", "tools", "--listen", &format!("unix:{socket}"), "--settings", &settings]);
    until("the agent", async || place.at("mine.sock").exists().then_some(())).await;
    place.op(&["call", "file_list", "path=."]).await.code(0);
    let daemon = Daemon::start(&place).await;
    daemon.client().call("file_list", &json!({ "path": "." })).await.expect("it answers");
    assert_eq!(daemon.client().agent("tools").await.pid, 0, "nobody here started it");
}

#[tokio::test]
async fn time_limit_and_output_bytes_and_environment_bound_the_programs_of_an_agent() {
    let place = Place::new();
    place.configure(
        "agents.toml",
        "[agents.tools]\ntime_limit = \"PT0.5S\"\noutput_bytes = 1000\nenvironment = [\"OP_TEST_SEEN\"]",
    );
    let sh = |script: &str| json!({ "program": "sh", "args": ["-c", script] });
    let daemon = Daemon::start(&place).await;
    let failure = daemon.client().call("command", &sh("sleep 1000")).await.expect_err("it takes too long");
    assert_eq!(failure.reason, "timed_out", "{failure:#?}");
    let value = daemon.client().call("command", &sh("head -c 50000 /dev/zero")).await.expect("it ends");
    assert!(value["dropped_bytes"].as_u64() >= Some(48_000), "{}", value["dropped_bytes"]);
    let mut seen = sh("echo $OP_TEST_SEEN$OP_TEST_HIDDEN");
    seen["env"] = json!({ "OP_TEST_SEEN": "yes" });
    assert_eq!(daemon.client().call("command", &seen).await.expect("it ends")["stdout"], "yes\n");
    seen["env"] = json!({ "OP_TEST_HIDDEN": "no" });
    daemon.client().call("command", &seen).await.expect_err("it is not on the list");
}

#[tokio::test]
async fn allowed_roots_open_a_folder_and_nothing_else_does() {
    let place = Place::new();
    place.write("other/file.txt", "x");
    let read = json!({ "path": place.at("other/file.txt") });
    let daemon = Daemon::start(&place).await;
    daemon.client().call("file_read", &read).await.expect_err("it is outside");
    assert!(daemon.terminate().await.success());
    place.write("config/op-dbusd.toml", &format!("allowed_roots = [{:?}]\n", place.text("other")));
    let daemon = Daemon::start(&place).await;
    daemon.client().call("file_read", &read).await.expect("it is inside");
}

#[tokio::test]
async fn limits_bound_runs_arguments_and_kept_output() {
    let (place, _puppet) = puppet(Behaviour::Hang, "[pool]\ngrace = \"PT0.1S\"");
    place.configure("op-dbusd.toml", "[limits]\nruns = 1\nargument_bytes = 200\noutput_bytes = 1000");
    plan(&place, "hang", "", &["id = \"hang\"\nagents = [\"puppet.do\"]"]);
    plan(&place, "talk", "", &[&shell("talk", "head -c 50000 /dev/zero | tr '\\0' x")]);
    let daemon = Daemon::start(&place).await;
    let run = daemon.client().start("talk", &json!({})).await;
    daemon.client().events(&run).await;
    let output = place.op(&["output", &run, "talk", "--json"]).await.code(0).json();
    assert!(output["dropped"].as_u64() > Some(40_000), "{}", output["dropped"]);

    let hanging = daemon.client().start("hang", &json!({})).await;
    place.op(&["run", "talk"]).await.code(2).says(&["1"]);
    place.op(&["cancel", &hanging]).await.code(0);
    daemon.client().events(&hanging).await;

    let large = json!({ "path": "x".repeat(300) });
    let failure = daemon.client().call("file_read", &large).await.expect_err("it is too large");
    assert_eq!(failure.kind, "refused", "{failure:#?}");
}

#[tokio::test]
async fn grpc_listen_opens_a_port_on_loopback() {
    let place = Place::new();
    // The port was free a moment ago; that is as much as can be known.
    let port =
        TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a port").port();
    place.configure("op-dbusd.toml", &format!("[grpc]\nlisten = \"127.0.0.1:{port}\""));
    let _daemon = Daemon::start(&place).await;
    let client = Client::connect_tcp(port).await.expect("somebody listens");
    assert_eq!(client.agent("tools").await.name, "tools");
}

#[tokio::test]
async fn grpc_socket_and_state_move_the_daemon() {
    let place = Place::new();
    let config = format!("state = {:?}\n[grpc]\nsocket = {:?}\n", place.text("elsewhere"), place.socket());
    place.write("config/op-dbusd.toml", &config);
    let _daemon = Daemon::start(&place).await;
    assert!(place.at("elsewhere/journal.db").exists());
    assert!(!place.at("state/op-dbus").exists());
}

#[tokio::test]
async fn a_role_is_played_by_its_performer_unless_the_run_says_otherwise() {
    let (place, puppet) = puppet(Behaviour::Echo, "");
    place.configure("roles.toml", "[roles.actor]\nperformer = \"puppet.do\"");
    plan(&place, "play", "", &["id = \"play\"\nagents = [{ role = \"actor\", args = { path = \".\" } }]"]);
    let daemon = Daemon::start(&place).await;
    let run = daemon.client().start("play", &json!({})).await;
    let run = daemon.client().end(&run).await;
    assert_eq!((state(&run), step(&run, "play").performer.as_str()), (RunState::Completed, "puppet.do"));
    assert_eq!(puppet.asked().len(), 1);
    place.op(&["run", "play", "--role", "actor=backend_architect.analyze"]).await.code(0);
    assert_eq!(puppet.asked().len(), 1);
}

#[tokio::test]
async fn circuit_reset_lets_a_probe_through_once_it_has_passed() {
    let (place, puppet) =
        puppet(Behaviour::Die, "[pool]\ncircuit_threshold = 1\ncircuit_reset = \"PT0.05S\"");
    let daemon = Daemon::start(&place).await;
    until("a second probe", async || {
        daemon.client().call("puppet.do", &json!({})).await.expect_err("it dies");
        (puppet.asked().len() >= 3).then_some(())
    })
    .await;
}

#[tokio::test]
async fn max_concurrent_per_agent_holds_where_an_agent_has_no_bound_of_its_own() {
    let (place, puppet) = puppet(Behaviour::Hang, "[pool]\nmax_concurrent_per_agent = 1\ngrace = \"PT0.1S\"");
    let daemon = Daemon::start(&place).await;
    let calls = [(); 2].map(|()| {
        let client = daemon.client().clone();
        tokio::spawn(async move { client.call("puppet.do", &json!({})).await })
    });
    until("one at work and one in the queue", async || {
        let agent = daemon.client().agent("puppet").await;
        ((agent.active, agent.queued, puppet.asked().len()) == (1, 1, 1)).then_some(())
    })
    .await;
    drop(calls);
}

#[tokio::test]
async fn health_check_interval_is_how_often_an_agent_is_pinged() {
    let (place, puppet) = puppet(Behaviour::Echo, "[pool]\nhealth_check_interval = \"PT0.05S\"");
    let daemon = Daemon::start(&place).await;
    daemon.client().call("puppet.do", &json!({})).await.expect("it answers");
    until("pings", async || (puppet.pings() >= 3).then_some(())).await;
    assert!(daemon.client().agent("puppet").await.latency.is_some());
}

#[tokio::test]
async fn connect_timeout_ms_is_how_long_a_silent_listener_is_waited_for() {
    let place = Place::new();
    let socket = place.at("silent.sock");
    let listener = std::os::unix::net::UnixListener::bind(&socket).expect("a free socket");
    let agent =
        format!("[pool]\nconnect_timeout_ms = 50\n[agents.silent]\naddress = \"unix:{}\"", socket.display());
    place.configure("agents.toml", &agent);
    let daemon = Daemon::start(&place).await;
    let failure = daemon.client().call("silent.do", &json!({})).await.expect_err("nobody answers");
    assert_eq!(failure.kind, "unavailable", "{failure:#?}");
    until("the time in the reason", async || {
        daemon.client().agent("silent").await.reason.contains("50").then_some(())
    })
    .await;
    drop(listener);
}

#[tokio::test]
async fn base_address_is_the_host_of_the_ports() {
    let place = Place::new();
    place.configure("agents.toml", "[pool]\nbase_address = \"http://127.0.0.2\"\n[ports]\nmine = 50070");
    place.op(&["agents"]).await.code(0).says(&["127.0.0.2:50070"]);
}

#[tokio::test]
async fn advisories_are_looked_up_in_the_database_that_is_set() {
    let place = Place::new();
    let registry = "registry+https://github.com/rust-lang/crates.io-index";
    place.write(
        "work/Cargo.lock",
        &format!("version = 4\n\n[[package]]\nname = \"a\"\nversion = \"1.0.0\"\nsource = \"{registry}\"\n"),
    );
    place.write(
        "advisories/crates/a/RUSTSEC-2024-0001.md",
        "```toml\n[advisory]\nid = \"RUSTSEC-2024-0001\"\npackage = \"a\"\ndate = \"2024-01-01\"\n\n[versions]\npatched = []\n```\n\n# Reads what it should not\n",
    );
    let look = ["call", "security_auditor.dependencies", "path=."];
    place.op(&look).await.code(0).says(&["no advisory database is configured"]);
    place.configure(
        "agents.toml",
        &format!("[agents.security_auditor]\nadvisories = {:?}", place.text("advisories")),
    );
    place.op(&look).await.code(0).says(&["RUSTSEC-2024-0001", "Reads what it should not"]);
}

#[tokio::test]
async fn sandbox_off_is_told_by_the_agents() {
    for (sandbox, is_told) in [("prefer", false), ("off", true)] {
        let place = Place::new();
        place.write(
            "config/op-dbusd.toml",
            &format!("sandbox = \"{sandbox}\"\nallowed_roots = [{:?}]\n", place.text("work")),
        );
        let daemon = Daemon::start(&place).await;
        daemon.client().call("file_list", &json!({ "path": "." })).await.expect("it answers");
        assert!(daemon.terminate().await.success());
        assert_eq!(place.read("daemon.log").contains("switched off in the settings"), is_told);
    }
}

#[tokio::test]
async fn grpc_users_open_the_socket_to_others() {
    for (users, mode) in [("[]", 0o600), ("[12345]", 0o666)] {
        let place = Place::new();
        place.configure("op-dbusd.toml", &format!("[grpc]\nusers = {users}"));
        let _daemon = Daemon::start(&place).await;
        let metadata = std::fs::metadata(place.socket()).expect("the socket");
        assert_eq!(metadata.permissions().mode() & 0o777, mode, "{users}");
    }
}

#[tokio::test]
async fn calls_of_clients_are_limited_and_noted() {
    for (key, told) in [
        ("calls_per_minute = 1", "1 calls in the last minute"),
        ("calls_per_hour = 1", "1 calls in the last hour"),
    ] {
        let (place, _puppet) = puppet(Behaviour::Echo, "");
        place.write("config/op-dbusd.d/1-calls.toml", &format!("[limits]\n{key}\n"));
        let daemon = Daemon::start(&place).await;
        daemon.client().call("puppet.do", &json!({})).await.expect("the first");
        place.op(&["call", "puppet.do"]).await.code(2).says(&[told, "again in"]);
        place.op(&["events", "--kind", "call"]).await.code(0).says(&["succeeded", "refused (rate_limited)"]);
    }
}

#[tokio::test]
async fn calls_at_once_bounds_what_a_client_has_under_way() {
    let (place, puppet) = puppet(Behaviour::Hang, "");
    place.write("config/op-dbusd.d/1-calls.toml", "[limits]\ncalls_at_once = 1\n");
    let daemon = Daemon::start(&place).await;
    let client = daemon.client().clone();
    let held = tokio::spawn(async move { client.call("puppet.do", &json!({})).await });
    until("a call", async || (puppet.asked().len() == 1).then_some(())).await;
    place.op(&["call", "puppet.do"]).await.code(2).says(&["1 calls that are under way"]);
    held.abort();
}

#[tokio::test]
async fn sessions_are_limited_in_all_and_for_each_user() {
    for key in ["sessions = 0", "user_sessions = 0"] {
        let (place, _puppet) = puppet(Behaviour::Echo, "");
        place.write("config/op-dbusd.d/1-calls.toml", &format!("[limits]\n{key}\n"));
        let _daemon = Daemon::start(&place).await;
        place.op(&["session"]).await.code(2).says(&["sessions", "open"]);
    }
}
