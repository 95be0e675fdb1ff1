use std::path::Path;
use std::time::Duration;

use op_agents::Settings;
use serde_json::json;

use crate::support::{Served, ends, piece, serve, serve_with};

#[tokio::test]
async fn a_program_runs_below_the_root_with_its_input_and_its_output_streams() {
    let tools = serve("tools").await;
    let answer = tools
        .ask(
            "command",
            json!({ "program": "sh", "args": ["-c", "cat; pwd; echo aside >&2"], "stdin": "in\n" }),
        )
        .await;
    let value = answer.value();
    assert_eq!(value["stdout"], format!("in\n{}\n", tools.root.display()));
    assert_eq!(value["stderr"], "aside\n");
    assert_eq!(answer.stdout, value["stdout"].as_str().unwrap().as_bytes());
    assert_eq!(answer.stderr, b"aside\n");
    assert_eq!(answer.evidence.exit_code, Some(0));
}

#[tokio::test]
async fn a_non_zero_exit_code_is_a_failure_that_keeps_what_was_said() {
    let tools = serve("tools").await;
    let answer = tools.ask("command", json!({ "program": "sh", "args": ["-c", "echo said; exit 3"] })).await;
    let (reason, detail) = answer.failed();
    assert_eq!(reason, "exit_status");
    assert_eq!((&detail["exit_code"], &detail["stdout"]), (&json!(3), &json!("said\n")));
    assert_eq!(answer.evidence.exit_code, Some(3));
    let answer = tools.ask("command", json!({ "program": "sh", "args": ["-c", "kill -9 $$"] })).await;
    let (reason, detail) = answer.failed();
    assert_eq!((reason, &detail["signal"]), ("exit_status", &json!(9)));
    assert_eq!(answer.evidence.exit_code, Some(137));
}

#[tokio::test]
async fn a_program_that_is_not_there_is_named() {
    let tools = serve("tools").await;
    let answer = tools.ask("command", json!({ "program": "no-such-program" })).await;
    assert_eq!(answer.failed().0, "program_missing");
}

#[tokio::test]
async fn only_allowed_variables_reach_a_program() {
    let tools = serve("tools").await;
    // Set by cargo for every test, and on no allow-list.
    assert!(std::env::var_os("CARGO_PKG_NAME").is_some());
    let env = tools.ask("command", json!({ "program": "env", "env": { "LANG": "tlh" } })).await.value();
    let env = env["stdout"].as_str().unwrap();
    assert!(env.contains("LANG=tlh\n") && env.contains("PATH="), "{env}");
    assert!(!env.contains("CARGO_PKG_NAME"), "{env}");
    let refused = tools.ask("command", json!({ "program": "env", "env": { "LD_PRELOAD": "/x.so" } })).await;
    assert_eq!(refused.rejected(), "environment_not_allowed");
}

#[tokio::test]
async fn a_hundred_megabytes_of_output_are_passed_on_and_little_is_kept() {
    let tools = serve("tools").await;
    let mut events =
        tools.begin("command", json!({ "program": "sh", "args": ["-c", "yes | head -c 100000000"] })).await;
    let (mut bytes, mut outcome) = (0, None);
    while let Some(response) = events.message().await.unwrap() {
        use op_proto::agent::v1::event::Kind;
        match response.event.and_then(|event| event.kind) {
            Some(Kind::Output(output)) => bytes += output.data.len(),
            Some(Kind::Outcome(ended)) => outcome = ended.kind,
            _ => {}
        }
    }
    assert_eq!(bytes, 100_000_000);
    let Some(op_proto::agent::v1::outcome::Kind::Completed(value)) = outcome else { panic!("{outcome:?}") };
    let value: serde_json::Value = serde_json::from_str(&value.value).unwrap();
    assert_eq!(value["dropped_bytes"], 100_000_000 - 1024 * 1024);
    assert!(value["stdout"].as_str().unwrap().len() < 1024 * 1024 + 100);
}

/// Starts a program that ignores SIGTERM and has a child that does so too; gives back their process ids.
async fn stubborn(tools: &Served) -> (tonic::Streaming<op_proto::agent::v1::ExecuteResponse>, Vec<i32>) {
    let script = "trap '' TERM; sleep 1000 & echo $$ $!; while :; do sleep 1; done";
    let mut events = tools.begin("command", json!({ "program": "sh", "args": ["-c", script] })).await;
    let pids = piece(&mut events).await.split_whitespace().map(|pid| pid.parse().unwrap()).collect();
    (events, pids)
}

#[tokio::test]
async fn cancelling_a_call_kills_its_program_and_the_children_of_that() {
    let tools = serve("tools").await;
    let (events, pids) = stubborn(&tools).await;
    assert_eq!(pids.len(), 2);
    drop(events);
    for pid in pids {
        ends(pid).await;
    }
}

#[tokio::test]
async fn a_deadline_ends_a_program_that_hangs_and_the_call_is_cancelled() {
    let tools = serve("tools").await;
    let script = "trap '' TERM; sleep 1000 & echo $$ $!; wait; sleep 1000";
    let arguments = json!({ "program": "sh", "args": ["-c", script] });
    let answer = tools.ask_within("command", arguments, Some(Duration::from_millis(300))).await;
    assert!(answer.is_cancelled(), "{:?}", answer.outcome);
    let pids: Vec<i32> = answer.text().split_whitespace().map(|pid| pid.parse().unwrap()).collect();
    assert_eq!(pids.len(), 2);
    assert!(!Path::new("/proc").join(pids[0].to_string()).exists(), "the program is reaped");
    ends(pids[1]).await;
}

#[tokio::test]
async fn the_time_limit_of_the_settings_ends_a_program_and_keeps_what_it_said() {
    let settings = Settings { time_limit: Duration::from_millis(300), ..Settings::default() };
    let tools = serve_with("tools", settings).await;
    let answer =
        tools.ask("command", json!({ "program": "sh", "args": ["-c", "echo before; sleep 1000"] })).await;
    let (reason, detail) = answer.failed();
    assert_eq!((reason, &detail["stdout"]), ("timed_out", &json!("before\n")));
}

#[tokio::test]
async fn what_a_program_leaves_behind_ends_with_it() {
    let tools = serve("tools").await;
    let answer =
        tools.ask("command", json!({ "program": "sh", "args": ["-c", "sleep 1000 & echo $!"] })).await;
    ends(answer.value()["stdout"].as_str().unwrap().trim().parse().unwrap()).await;
}

#[tokio::test]
async fn a_process_that_left_the_group_with_the_pipe_does_not_hold_up_the_call() {
    let tools = serve("tools").await;
    let answer =
        tools.ask("command", json!({ "program": "sh", "args": ["-c", "setsid sleep 30 & echo $!"] })).await;
    let pid = answer.value()["stdout"].as_str().unwrap().trim().parse().unwrap();
    // It is nobody's any more, so the test ends it.
    let _ = rustix::process::kill_process(
        rustix::process::Pid::from_raw(pid).unwrap(),
        rustix::process::Signal::KILL,
    );
}

#[tokio::test]
async fn a_program_that_does_not_read_its_input_is_no_failure() {
    let tools = serve("tools").await;
    let answer = tools.ask("command", json!({ "program": "true", "stdin": "x".repeat(1_000_000) })).await;
    assert_eq!(answer.value()["exit_code"], 0);
}

#[tokio::test]
async fn a_large_input_arrives_whole() {
    let tools = serve("tools").await;
    let answer = tools
        .ask("command", json!({ "program": "wc", "args": ["-c"], "stdin": "x".repeat(1_000_000) }))
        .await;
    assert_eq!(answer.value()["stdout"].as_str().unwrap().trim(), "1000000");
}

#[tokio::test]
async fn open_vswitch_is_really_asked() {
    let tools = serve("tools").await;
    let answer = tools.ask("ovs_list_bridges", json!({})).await;
    // Its database is at a fixed place of the host, so that a test cannot have one of its own.
    match std::process::Command::new("ovs-vsctl").args(["--timeout=10", "list-br"]).output() {
        Err(_) => assert_eq!(answer.failed().0, "program_missing"),
        Ok(output) if output.status.success() => {
            let bridges = String::from_utf8(output.stdout).unwrap();
            assert_eq!(answer.value()["bridges"], json!(bridges.lines().collect::<Vec<_>>()));
        }
        Ok(_) => assert_eq!(answer.failed().0, "exit_status"),
    }
}
