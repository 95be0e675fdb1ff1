//! `op-dbus run` and `op-dbus watch`.

use std::process::Stdio;

use insta::{assert_json_snapshot, assert_snapshot};
use op_proto::v1::{OutputResponse, PhaseState, RunState, StepState};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use tonic::Status;

use crate::fake::{Asked, Fake, Script};
use crate::program::{Ran, ask, ask_in, op_dbus};
use crate::scene::{RUN, ended, event, review, stdout, story};

const START: [&str; 3] = ["run", "code_review", "title=x"];

#[test]
fn a_completed_review_ends_with_its_report() {
    assert_snapshot!(ask(&Fake::play(review()), &START).page());
}

#[test]
fn a_failed_run_tells_the_step_the_failure_and_the_end_of_its_output() {
    let run = ended(RunState::Failed, PhaseState::Failed, StepState::Failed, "phase `report` failed");
    let lines: Vec<_> = (1..=30).map(|line| format!("line {line}\n")).collect();
    let output = OutputResponse {
        step: "report/1".to_owned(),
        attempt: 1,
        chunks: vec![stdout(&lines.concat())],
        ..OutputResponse::default()
    };
    let fake = Fake::play(Script { run, outputs: vec![output], ..review() });
    assert_snapshot!(ask(&fake, &START).page());
}

#[test]
fn every_end_of_a_run_has_its_exit_code() {
    for (state, code) in [
        (RunState::Completed, 0),
        (RunState::Failed, 3),
        (RunState::Cancelled, 4),
        (RunState::RolledBack, 4),
        (RunState::Stuck, 5),
    ] {
        let run = ended(state, PhaseState::Failed, StepState::Failed, "because");
        let fake = Fake::play(Script { run, ..review() });
        for arguments in [&START[..], &["watch", RUN]] {
            let ran = ask(&fake, arguments);
            assert_eq!(ran.code, Some(code), "{state:?}: {}", ran.page());
        }
    }
}

#[test]
fn json_is_one_document_with_the_run_and_its_output() {
    let ran = ask(&Fake::play(review()), &["run", "code_review", "title=x", "--json"]);
    assert_eq!(ran.code, Some(0), "{}", ran.page());
    let mut document = ran.json();
    assert_eq!(document["output"]["kind"], "report");
    document["output"] = json!("the report");
    assert_json_snapshot!(document);
}

#[test]
fn a_value_that_is_no_report_is_printed_alone() {
    let mut script = review();
    script.run.output = crate::scene::json_payload(&json!({ "answer": 42 }));
    let ran = ask(&Fake::play(script), &START);
    assert_eq!(ran.out, "{\n  \"answer\": 42\n}\n");
    assert!(ran.err.ends_with(&format!("completed in 4.2 s, run {RUN}\n")), "{}", ran.err);
}

#[test]
fn words_are_read_by_the_types_of_the_plan_and_paths_from_here() {
    let (fake, folder) = (Fake::play(review()), tempfile::tempdir().expect("a folder"));
    std::fs::create_dir(folder.path().join("sub")).expect("creates");
    let more = ["run", "code_review", "title=7", "path=./sub", "depth=5", "--role", "report=tools.report"];
    let options = ["--label", "branch=main", "--key", "once", "--timeout", "90s"];
    let ran = ask_in(folder.path(), &fake, &[&more[..], &options].concat());
    assert_eq!(ran.code, Some(0), "{}", ran.page());
    let request = fake.started();
    let here = folder.path().canonicalize().expect("it is there");
    let inputs: Value = serde_json::from_str(&request.inputs).expect("JSON");
    assert_eq!(inputs, json!({ "title": "7", "depth": 5, "path": here.join("sub") }));
    assert_eq!(request.cast["report"], "tools.report");
    assert_eq!((request.labels["branch"].as_str(), request.idempotency_key.as_str()), ("main", "once"));
    assert_eq!(request.timeout.map(|timeout| timeout.seconds), Some(90));
}

#[test]
fn inputs_come_from_a_file_and_words_are_laid_over_it() {
    let (fake, folder) = (Fake::play(review()), tempfile::tempdir().expect("a folder"));
    std::fs::write(folder.path().join("in.toml"), "title = \"file\"\ndepth = 9\n").expect("writes");
    let ran = ask_in(folder.path(), &fake, &["run", "code_review", "title=word", "--input", "in.toml"]);
    assert_eq!(ran.code, Some(0), "{}", ran.page());
    let inputs: Value = serde_json::from_str(&fake.started().inputs).expect("JSON");
    assert_eq!((&inputs["title"], &inputs["depth"]), (&json!("word"), &json!(9)));
    assert!(
        inputs["path"].as_str().is_some_and(|path| path.starts_with('/')),
        "the default starts here: {inputs}"
    );
}

#[test]
fn a_detached_run_prints_its_id_and_returns() {
    let fake = Fake::play(review());
    assert_eq!(ask(&fake, &["run", "code_review", "title=x", "--detach"]).out, format!("{RUN}\n"));
    let told = ask(&fake, &["run", "code_review", "title=x", "--detach", "--json"]).json();
    assert_eq!(told, json!({ "run": RUN, "existing": false }));
}

#[test]
fn a_stream_that_breaks_says_how_to_go_on() {
    let mut seen = story();
    seen.truncate(5);
    seen.push(Err(Status::unavailable("going down")));
    assert_snapshot!(ask(&Fake::play(Script { seen, ..review() }), &START).page());
}

#[test]
fn a_stream_that_ends_before_the_run_is_no_success() {
    let mut script = review();
    script.seen.truncate(5);
    script.run.summary.as_mut().expect("it has one").state = RunState::Running.into();
    let ran = ask(&Fake::play(script), &START);
    assert_eq!(ran.code, Some(1), "{}", ran.page());
    assert!(ran.err.contains("has not ended") && ran.err.contains("--from 12"), "{}", ran.err);
}

/// A run that goes on until it is cancelled.
fn open_end() -> Script {
    let mut script = review();
    script.seen.truncate(4);
    let running = &mut script.run;
    running.summary.as_mut().expect("it has one").state = RunState::Running.into();
    script.cancelled =
        Some(ended(RunState::Cancelled, PhaseState::Skipped, StepState::Skipped, "interrupted by Ctrl-C"));
    script.after_cancel = vec![Ok(event(5, 2000, "run_cancelled", ("", ""), &json!({})))];
    script
}

fn start(fake: &Fake) -> (std::process::Child, Pid) {
    let mut command = op_dbus();
    command.arg("--socket").arg(fake.socket()).args(START).stdout(Stdio::piped()).stderr(Stdio::piped());
    let child = command.spawn().expect("it runs");
    let pid = Pid::from_child(&child);
    (child, pid)
}

fn seen(fake: &Fake, wanted: fn(&Asked) -> bool) {
    fake.wait(|asked| wanted(&asked).then_some(()));
}

#[test]
fn ctrl_c_cancels_the_run_and_watches_it_to_its_end() {
    let fake = Fake::play(open_end());
    let (child, pid) = start(&fake);
    seen(&fake, |asked| matches!(asked, Asked::Get(_)));
    kill_process(pid, Signal::INT).expect("it lives");
    let request = fake.wait(|asked| if let Asked::Cancel(request) = asked { Some(request) } else { None });
    assert_eq!(
        (request.run.as_str(), request.rollback, request.reason.as_str()),
        (RUN, false, "interrupted by Ctrl-C")
    );
    let ran = Ran::from(child.wait_with_output().expect("it ends"));
    assert_eq!(ran.code, Some(4), "{}", ran.page());
    assert!(ran.err.contains("cancelling the run") && ran.err.contains("cancelled in 4.2 s"), "{}", ran.err);
}

#[test]
fn ctrl_c_twice_leaves_a_run_that_does_not_end() {
    let fake = Fake::play(Script { endless: true, after_cancel: Vec::new(), ..open_end() });
    let (child, pid) = start(&fake);
    seen(&fake, |asked| matches!(asked, Asked::Get(_)));
    kill_process(pid, Signal::INT).expect("it lives");
    seen(&fake, |asked| matches!(asked, Asked::Cancel(_)));
    kill_process(pid, Signal::INT).expect("it lives");
    let ran = Ran::from(child.wait_with_output().expect("it ends"));
    assert_eq!(ran.code, Some(4), "{}", ran.page());
    assert!(ran.err.contains(&format!("`op-dbus watch {RUN}` shows it")), "{}", ran.err);
}

#[test]
fn a_watcher_that_leaves_cancels_nothing() {
    let fake = Fake::play(open_end());
    let mut command = op_dbus();
    command
        .arg("--socket")
        .arg(fake.socket())
        .args(["watch", RUN, "--json"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let child = command.spawn().expect("it runs");
    seen(&fake, |asked| matches!(asked, Asked::Watch(_)));
    kill_process(Pid::from_child(&child), Signal::INT).expect("it lives");
    let ran = Ran::from(child.wait_with_output().expect("it ends"));
    assert_eq!((ran.code, fake.is_cancelled()), (Some(4), false), "{}", ran.page());
}

#[test]
fn watching_as_json_gives_one_document_per_line() {
    let ran = ask(&Fake::play(review()), &["watch", "k3x9", "--json", "--from", "3"]);
    let lines: Vec<Value> = ran.out.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert_eq!((lines.len(), ran.code), (12, Some(0)), "{}", ran.page());
    assert_eq!(lines[3]["progress"]["output"][0]["text"], "looking at src/main.rs\n");
    assert_eq!(lines[11]["event"]["kind"], "run_completed");
    assert_eq!(ran.err, "");
}

#[test]
fn who_watches_learns_what_a_run_waits_for_and_which_command_lets_it_go_on() {
    let mut script = review();
    let gate =
        json!({ "waits_for": { "approval": { "message": "Publish?", "call": null, "digest": "ab" } } });
    let signal = json!({ "waits_for": { "signal": "shipped" } });
    let moved = json!({ "from": "report", "to": { "phase": { "phase": "arch_review", "visit": 2 } } });
    script.seen = vec![
        Ok(event(1, 0, "run_started", ("", ""), &json!({}))),
        Ok(event(2, 10, "step_waiting", ("", "report/1"), &gate)),
        Ok(event(3, 20, "step_waiting", ("", "arch_review/1"), &signal)),
        Ok(event(4, 30, "step_passed", ("", "report/1"), &json!({}))),
        Ok(event(5, 40, "moved", ("report", ""), &moved)),
        Ok(event(6, 50, "run_paused", ("", ""), &json!({}))),
        Ok(event(7, 60, "run_resumed", ("", ""), &json!({}))),
        Ok(event(8, 70, "run_completed", ("", ""), &json!({}))),
    ];
    assert_snapshot!(ask(&Fake::play(script), &["watch", RUN]).err);
}
