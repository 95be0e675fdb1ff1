//! The configuration: the document's own files, files that are wrong, and drop-ins.

use op_tests::support::Place;
use serde_json::{Value, json};

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
    // A hosted daemon starts bundled agents itself, on sockets that nobody else has.
    for name in ["rust_pro", "python_pro", "debugger"] {
        assert!(endpoint(name).starts_with("unix:"), "{agents:#}");
    }
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
        ("op-dbusd.toml", "[limits]\nrusn = 3", "rusn = 3", "did you mean `runs`?"),
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

#[tokio::test]
async fn what_a_plan_of_the_document_takes_can_be_told() {
    let place = Place::new();
    let plans = place.op(&["plans", "--json"]).await.code(0).json();
    let review =
        plans.as_array().expect("plans").iter().find(|plan| plan["id"] == "code_review").expect("it ships");
    let inputs: Vec<&Value> = review["inputs"].as_array().expect("inputs").iter().collect();
    assert_eq!((inputs.len(), &inputs[0]["name"], &inputs[0]["type"]), (1, &json!("path"), &json!("path")));
}
