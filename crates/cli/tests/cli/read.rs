//! Commands that only look.

use insta::{assert_json_snapshot, assert_snapshot};
use op_proto::v1::*;
use serde_json::json;

use crate::fake::{Asked, Fake, Script};
use crate::program::ask;
use crate::scene::{RUN, at, json_payload, review, stdout, story, summary};

#[test]
fn runs_are_listed_as_a_table() {
    let mut failed = summary(RunState::Failed);
    failed.id = "a1b2c3d4e5f6".to_owned();
    failed.reason = "phase `build` failed: it\nbroke \u{1b}[2J".to_owned();
    let fake = Fake::play(Script { runs: vec![summary(RunState::Completed), failed], ..review() });
    assert_snapshot!(ask(&fake, &["ls"]).page());
    let told = ask(&fake, &["ls", "--json"]).json();
    assert_eq!(
        (&told[0]["id"], &told[1]["state"], &told[0]["seconds"]),
        (&json!(RUN), &json!("failed"), &json!(4.25))
    );
}

#[test]
fn filters_reach_the_daemon() {
    let fake = Fake::play(review());
    let arguments =
        ["ls", "--state", "failed", "--state", "rolled_back", "--plan", "code_review", "--limit", "7"];
    assert_eq!(ask(&fake, &arguments).code, Some(0));
    let request = fake.wait(|asked| if let Asked::List(request) = asked { Some(request) } else { None });
    assert_eq!(request.states().collect::<Vec<_>>(), [RunState::Failed, RunState::RolledBack]);
    assert_eq!((request.plan.as_str(), request.limit), ("code_review", 7));
}

#[test]
fn no_runs_are_no_table() {
    let ran = ask(&Fake::play(review()), &["ls"]);
    assert_eq!((ran.out.as_str(), ran.err.as_str(), ran.code), ("", "no runs\n", Some(0)));
}

#[test]
fn a_run_is_shown_as_a_tree() {
    assert_snapshot!(ask(&Fake::play(review()), &["show", "k3x9"]).page());
}

#[test]
fn a_run_as_json_carries_failure_and_evidence() {
    let told = ask(&Fake::play(review()), &["show", RUN, "--json"]).json();
    assert_json_snapshot!(told["phases"][1]["steps"][0]);
}

fn outputs() -> Vec<OutputResponse> {
    let output = |step: &str, text: &str, dropped: u64| OutputResponse {
        step: step.to_owned(),
        attempt: 1,
        chunks: vec![stdout(text)],
        dropped,
        value: json_payload(&json!({ "of": step })),
        visit: 1,
    };
    vec![
        output("security_review/1", "10 %\r100 %\nfound \u{1b}[31mnothing\u{1b}[0m\n", 0),
        output("arch_review/1", "head\n", 4096),
        output("report/1", "", 0),
    ]
}

#[test]
fn logs_are_the_kept_output_of_all_steps_in_order() {
    let fake = Fake::play(Script { outputs: outputs(), ..review() });
    assert_snapshot!(ask(&fake, &["logs", RUN]).page());
    assert_eq!(ask(&fake, &["logs", RUN, "--step", "arch_review/1"]).out.lines().count(), 2);
    assert_eq!(ask(&fake, &["logs", RUN, "--step", "nobody/1"]).code, Some(2));
}

#[test]
fn following_logs_tells_what_comes_and_then_what_was_kept() {
    let mut script = Script { outputs: outputs(), seen: story(), ..review() };
    script.run.summary.as_mut().expect("it has one").state = RunState::Running.into();
    script.run.phases.iter_mut().for_each(|phase| phase.steps[0].attempts = 0);
    let ran = ask(&Fake::play(script), &["logs", RUN, "--follow"]);
    let lines: Vec<_> = ran.out.lines().collect();
    let wanted = [
        "security_review/1 │ looking at src/main.rs",
        "arch_review/1 │ head",
        "arch_review/1 │ … 4096 bytes between the beginning and the end were not kept",
    ];
    assert_eq!((lines.as_slice(), ran.code), (&wanted[..], Some(0)), "{}", ran.page());
}

#[test]
fn output_is_the_value_or_what_was_written_byte_for_byte() {
    let fake = Fake::play(Script { outputs: outputs(), ..review() });
    assert_eq!(ask(&fake, &["output", RUN, "arch_review/1"]).out, "{\n  \"of\": \"arch_review/1\"\n}\n");
    let raw = ask(&fake, &["output", RUN, "security_review/1", "--raw"]);
    assert_eq!(raw.out, "10 %\r100 %\nfound \u{1b}[31mnothing\u{1b}[0m\n");
    assert_eq!(ask(&fake, &["output", RUN]).json()["kind"], "report");
}

#[test]
fn a_run_without_a_value_says_why() {
    let mut script = review();
    script.run.output = None;
    let ran = ask(&Fake::play(script), &["output", RUN]);
    assert_eq!((ran.code, ran.out.as_str()), (Some(2), ""), "{}", ran.page());
}

#[test]
fn cancelling_tells_what_happens_now() {
    let fake = Fake::play(review());
    let ran = ask(&fake, &["cancel", RUN, "--rollback", "--reason", "wrong branch"]);
    assert_eq!(ran.out, format!("run {RUN} is stopping; `op-dbus watch {RUN}` shows it to its end\n"));
    let request = fake.wait(|asked| if let Asked::Cancel(request) = asked { Some(request) } else { None });
    assert!(request.rollback && request.reason == "wrong branch", "{request:?}");
}

#[test]
fn plans_are_listed_and_shown_with_what_they_take() {
    let fake = Fake::play(review());
    assert_snapshot!(ask(&fake, &["plans"]).page());
    assert_snapshot!(ask(&fake, &["plans", "code_review"]).page());
    assert_eq!(ask(&fake, &["plans", "--json"]).json()[0]["inputs"][0]["default"], ".");
}

#[test]
fn a_plan_is_drawn_for_where_it_is_looked_at() {
    let fake = Fake::play(review());
    assert_eq!(ask(&fake, &["graph", "code_review"]).out, "DRAW_FORMAT_MERMAID of code_review\n");
    assert_eq!(
        ask(&fake, &["graph", "code_review", "--format", "boxes"]).out,
        "DRAW_FORMAT_BOXES of code_review\n"
    );
}

fn agents() -> Vec<AgentStatus> {
    let ready = AgentStatus {
        name: "tools".to_owned(),
        state: AgentState::Ready.into(),
        endpoint: "unix:/run/op-dbus/tools.sock".to_owned(),
        run_on_connection: true,
        operations: vec![OperationStatus { name: "file_read".to_owned(), ..OperationStatus::default() }],
        calls: 12,
        active: 2,
        restarts: 1,
        latency: Some(prost_types::Duration { seconds: 0, nanos: 180_000 }),
        since: at(0),
        ..AgentStatus::default()
    };
    let away = AgentStatus {
        name: "rust_pro".to_owned(),
        state: AgentState::BackingOff.into(),
        reason: "connection refused".to_owned(),
        endpoint: "tcp:127.0.0.1:50051".to_owned(),
        since: at(1000),
        ..AgentStatus::default()
    };
    vec![away, ready]
}

#[test]
fn agents_are_listed_and_their_changes_told() {
    let fake = Fake::play(Script { agents: agents(), ..review() });
    assert_snapshot!(ask(&fake, &["agents"]).page());
    assert_eq!(
        ask(&fake, &["agents", "--watch"]).out,
        "12:00:01 rust_pro is backing_off: connection refused\n12:00:00 tools is ready\n"
    );
    assert_eq!(ask(&fake, &["agents", "--json"]).json()[1]["operations"][0]["name"], "file_read");
}

#[test]
fn an_agent_is_shown_with_its_operations_and_what_they_take() {
    let mut agents = agents();
    let schema = json!({
        "properties": {
            "limit": { "type": ["integer", "null"], "description": "How many lines." },
            "path": { "type": "string", "description": "The file; a relative path starts at the first root, wherever that is, and so it goes on for a while." },
            "how": { "enum": ["text", "lines"] },
        },
        "required": ["path"],
    });
    let read = &mut agents[1].operations[0];
    read.description = "Reads a file.".to_owned();
    read.effects = "read".to_owned();
    read.input_schema = schema.to_string();
    let bare = OperationStatus {
        name: "ovs_list_bridges".to_owned(),
        description: "Lists bridges.".to_owned(),
        unavailable: "ovs-vsctl is not installed".to_owned(),
        ..OperationStatus::default()
    };
    agents[1].operations.push(bare);
    let fake = Fake::play(Script { agents, ..review() });
    assert_snapshot!(ask(&fake, &["agents", "tools"]).page());
    assert_eq!(
        ask(&fake, &["agents", "tools", "--json"]).json()["operations"][1]["name"],
        "ovs_list_bridges"
    );
    let ran = ask(&fake, &["agents", "tolls"]);
    assert_eq!((ran.code, ran.out.as_str()), (Some(2), ""), "{}", ran.page());
    assert_eq!(ask(&fake, &["agents", "rust_pro"]).code, Some(0));
    let asked = fake.wait(|asked| if let Asked::Connect(agent) = asked { Some(agent) } else { None });
    assert_eq!(asked, "rust_pro", "an agent that has not said what it can is asked");
}

fn session() -> Session {
    Session {
        id: "k3x9d2m4p7qa".to_owned(),
        user: "uid:1000".to_owned(),
        client: "notebook".to_owned(),
        since: at(0),
        agents: agents(),
        calls: 3,
        runs: 1,
    }
}

#[test]
fn sessions_are_listed_with_what_was_counted() {
    let fake = Fake::play(Script { session: session(), ..review() });
    assert_snapshot!(ask(&fake, &["sessions"]).page());
    let told = ask(&fake, &["sessions", "--json"]).json();
    assert_eq!((&told[0]["id"], &told[0]["agents"][1]["name"]), (&"k3x9d2m4p7qa".into(), &"tools".into()));
}

#[test]
fn a_session_tells_its_id_first_and_then_agents_that_change() {
    let fake = Fake::play(Script { session: session(), agents: agents(), ..review() });
    let ran = ask(&fake, &["session", "--client", "notebook"]);
    assert_eq!((ran.out.as_str(), ran.code), ("k3x9d2m4p7qa\n", Some(0)));
    assert!(ran.err.contains("rust_pro is backing_off: connection refused\n"), "{}", ran.page());
    let client = fake.wait(|asked| if let Asked::Open(client) = asked { Some(client) } else { None });
    assert_eq!(client, "notebook");
    let lines = ask(&fake, &["session", "--json"]).out;
    assert_eq!(lines.lines().count(), 3, "{lines}");
}

#[test]
fn tools_are_listed_with_what_was_counted() {
    let tool = OperationStatus {
        name: "ovs_list_bridges".to_owned(),
        description: "Lists the bridges of Open vSwitch.".to_owned(),
        effects: "read".to_owned(),
        unavailable: "ovs-vsctl is not installed".to_owned(),
        calls: 4,
        failures: 1,
        total: Some(prost_types::Duration { seconds: 2, nanos: 0 }),
        ..OperationStatus::default()
    };
    let fake = Fake::play(Script { tools: vec![tool], ..review() });
    assert_snapshot!(ask(&fake, &["tools"]).page());
}

#[test]
fn events_are_told_line_by_line_and_filtered_by_the_daemon() {
    let entry = |event: Event| EventsResponse {
        run: RUN.to_owned(),
        user: "alice".to_owned(),
        plan: "code_review".to_owned(),
        event: Some(event),
    };
    let story = story().into_iter().filter_map(|seen| match seen.expect("a story").seen {
        Some(watch_response::Seen::Event(event)) => Some(entry(event)),
        _ => None,
    });
    let fake = Fake::play(Script { events: story.take(3).collect(), ..review() });
    let filter = [
        "events",
        "--kind",
        "run_started",
        "--user",
        "alice",
        "--since",
        "2026-01-31T12:00:00Z",
        "--limit",
        "3",
    ];
    assert_snapshot!(ask(&fake, &filter).page());
    let request = fake.wait(|asked| if let Asked::Events(request) = asked { Some(request) } else { None });
    assert_eq!(
        (request.kinds, request.user.as_str(), request.limit),
        (vec!["run_started".to_owned()], "alice", 3)
    );
    assert_eq!(request.since, at(0));
    assert_eq!(ask(&fake, &["events", "--json"]).out.lines().count(), 3);
}

#[test]
fn every_command_that_people_type_has_a_manual_page() {
    let fake = Fake::play(review());
    let folder = tempfile::tempdir().expect("a folder");
    let pages = folder.path().join("share/man1");
    let ran = ask(&fake, &["man", pages.to_str().expect("text")]);
    assert_eq!((ran.code, ran.out.as_str()), (Some(0), ""), "{}", ran.page());
    let mut names: Vec<_> = std::fs::read_dir(&pages)
        .expect("it was made")
        .map(|entry| entry.expect("an entry").file_name().into_string().expect("text"))
        .collect();
    names.sort();
    assert!(names.len() > 30 && names.contains(&"op-dbus-man.1".to_owned()), "{names:?}");
    let first = std::fs::read_to_string(pages.join("op-dbus.1")).expect("it is there");
    assert_eq!(ask(&fake, &["man"]).out, first);
    let refused = ask(&fake, &["man", "/dev/null/x"]);
    assert!(
        refused.code == Some(1) && refused.page().contains("cannot write manual pages"),
        "{}",
        refused.page()
    );
}

#[test]
fn completions_are_made_for_every_shell() {
    let fake = Fake::play(review());
    for shell in ["bash", "zsh", "fish"] {
        let script = ask(&fake, &["completions", shell]).out;
        for word in ["rollback", "approve", "schedule", "digest"] {
            assert!(script.contains(word), "{shell} does not know {word}");
        }
    }
}
