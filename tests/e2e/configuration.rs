//! The configuration: the document's own files, files that are wrong, and keys that act.

use std::net::TcpListener;

use op_proto::v1::RunState;
use op_tests::support::client::{state, step};
use op_tests::support::scripted::{Behaviour, Wire};
use op_tests::support::{Client, Daemon, Place, Scripted, until};
use serde_json::{Value, json};

use crate::plans::{plan, shell};

/// The agents of the document, byte for byte.
const AGENTS: &str = r#"# /etc/op-dbus/agents.toml

[pool]
base_address = "http://127.0.0.1"
connect_timeout_ms = 5000
request_timeout_ms = 30000

[run_on_connection]
agents = [
    "rust_pro",
    "backend_architect",
    "sequential_thinking",
    "memory",
    "context_manager",
]

[ports]
rust_pro = 50051
backend_architect = 50052
sequential_thinking = 50053
memory = 50054
context_manager = 50055
python_pro = 50056
debugger = 50057
"#;

/// The workstacks of the document, byte for byte.
const WORKSTACKS: &str = r#"# /etc/op-dbus/workstacks.toml

[workstacks.full_stack_feature]
enabled = true
default_timeout = 600

[workstacks.code_review]
enabled = true
parallel_phases = ["security_review", "arch_review", "performance_review"]
"#;

#[tokio::test]
async fn the_agents_of_the_document_load_as_they_stand() {
    let place = Place::new();
    place.write("config/agents.toml", AGENTS);
    let agents = place.op(&["agents", "--json"]).await.code(0).json();
    let endpoint = |name: &str| {
        let agent =
            agents.as_array().expect("agents").iter().find(|agent| agent["name"] == name).expect(name);
        agent["endpoint"].as_str().expect("an endpoint").to_owned()
    };
    assert!(endpoint("python_pro").contains("127.0.0.1:50056"), "{agents:#}");
    assert!(endpoint("debugger").contains("127.0.0.1:50057"), "{agents:#}");
    place.op(&["plans"]).await.code(0).says(&["code_review"]);
}

#[tokio::test]
async fn the_workstacks_of_the_document_load_as_they_stand() {
    let place = Place::new();
    let file = place.write("config/workstacks.toml", WORKSTACKS);
    place.op(&["check", file.to_str().expect("text")]).await.code(0);
    place.op(&["plans"]).await.code(0).says(&["code_review", "full_stack_feature"]);
}

#[tokio::test]
async fn one_port_for_two_agents_is_refused_with_both_names() {
    let place = Place::new();
    place.configure("agents.toml", "[ports]\nfirst = 50060\nsecond = 50060");
    place.op(&["agents"]).await.code(2).says(&["agents.toml", "first", "second", "50060"]);
}

#[tokio::test]
async fn what_is_wrong_with_a_file_is_shown_with_its_line_and_a_caret() {
    for (file, text, line, wrong) in [
        ("op-dbusd.toml", "[limits]\nrusn = 3", "rusn = 3", "runs"),
        ("op-dbusd.toml", "[grpc]\nsocket = 3", "socket = 3", "invalid type"),
        ("op-dbusd.toml", "[limits]\ndrain = \"soon\"", "drain = \"soon\"", "soon"),
        ("agents.toml", "[pool]\nqueue = \"many\"", "queue = \"many\"", "invalid type"),
        ("agents.toml", "[agents.tools]\nenvironment = [\"A\"", "environment = [\"A\"", "array"),
        ("agents.toml", "[agent.tools]\nlaunch = true", "[agent.tools]", "agents"),
        ("roles.toml", "[roles.x]\nperformr = \"a\"", "performr = \"a\"", "performer"),
    ] {
        let place = Place::new();
        place.configure(file, text);
        place.op(&["ls"]).await.code(2).says(&[file, line, "^", wrong]).has_not_panicked();
    }
}

#[tokio::test]
async fn places_that_make_no_sense_are_refused_by_their_keys() {
    for (file, text, said) in [
        ("op-dbusd.toml", "[grpc]\nlisten = \"0.0.0.0:1\"", "loopback"),
        ("op-dbusd.toml", "[grpc]\nsocket = \"run/x.sock\"", "absolute"),
        ("agents.toml", "[run_on_connection]\nagents = [\"ghost\"]", "ghost"),
        ("agents.toml", "[agents.ghost]\naddress = \"unix:/x\"\nlaunch = true", "ghost"),
        ("agents.toml", "[agents.x]\naddress = \"carrier:pigeon\"", "`x`"),
    ] {
        let place = Place::new();
        place.configure(file, text);
        place.op(&["ls"]).await.code(2).says(&[said]);
    }
    let place = Place::new();
    place.op(&["--config", "/no/such/folder", "ls"]).await.code(2);
}

#[tokio::test]
async fn drop_ins_lie_over_their_file_in_the_order_of_their_names() {
    let place = Place::new();
    place.configure("agents.toml", "[ports]\nmine = 50070");
    place.write("config/agents.d/10-a.toml", "[ports]\nmine = 50071\n");
    place.write("config/agents.d/20-b.toml", "[ports]\nmine = 50072\n");
    place.op(&["agents"]).await.code(0).says(&["50072"]);
}

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
    place.write("config/op-dbusd.toml", &format!("allowed_roots = [{:?}]\n", place.at("other")));
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
    let config = format!("state = {:?}\n[grpc]\nsocket = {:?}\n", place.at("elsewhere"), place.socket());
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
async fn what_a_plan_of_the_document_takes_can_be_told() {
    let place = Place::new();
    let plans = place.op(&["plans", "--json"]).await.code(0).json();
    let review =
        plans.as_array().expect("plans").iter().find(|plan| plan["id"] == "code_review").expect("it ships");
    let inputs: Vec<&Value> = review["inputs"].as_array().expect("inputs").iter().collect();
    assert_eq!((inputs.len(), &inputs[0]["name"], &inputs[0]["type"]), (1, &json!("path"), &json!("path")));
}
