//! Commands that steer runs.

use insta::assert_snapshot;
use op_proto::v1::apply_request::Control;
use op_proto::v1::*;
use serde_json::json;

use crate::fake::{Asked, Fake, Script};
use crate::program::ask;
use crate::scene::{RUN, asking, review};

fn steered(arguments: &[&str]) -> Control {
    let fake = Fake::play(asking());
    let ran = ask(&fake, arguments);
    assert_eq!(ran.code, Some(0), "{arguments:?}: {}", ran.page());
    fake.wait(|asked| if let Asked::Steer(control) = asked { Some(control) } else { None })
}

#[test]
fn each_control_reaches_the_run_it_names() {
    let run = || RUN.to_owned();
    let cases: [(&[&str], Control); 6] = [
        (
            &["pause", RUN, "--reason", "later"],
            Control::Pause(PauseRequest { run: run(), reason: "later".to_owned() }),
        ),
        (&["resume", RUN], Control::Resume(ResumeRequest { run: run() })),
        (
            &["rollback", RUN, "--to", "build"],
            Control::Rollback(RollbackRequest { run: run(), to: "build".to_owned(), dry_run: false }),
        ),
        (
            &["retry", RUN, "--from", "report"],
            Control::Retry(RetryRequest { run: run(), from: "report".to_owned() }),
        ),
        (
            &["signal", RUN, "shipped", "looks good"],
            Control::Signal(SignalRequest {
                run: run(),
                signal: "shipped".to_owned(),
                data: "\"looks good\"".to_owned(),
            }),
        ),
        (
            &["resolve", RUN, "--accept"],
            Control::Resolve(ResolveRequest { run: run(), resolution: Resolution::Accept.into() }),
        ),
    ];
    for (arguments, wanted) in cases {
        assert_eq!(steered(arguments), wanted);
    }
}

#[test]
fn an_answer_is_bound_to_what_is_asked_now_or_to_the_digest_that_is_given() {
    let answer = |arguments: &[&str]| match steered(arguments) {
        Control::Approve(request) => request,
        other => panic!("{other:?}"),
    };
    let approved = answer(&["approve", "k3x9", "--comment", "fine"]);
    assert_eq!(
        (approved.step.as_str(), approved.digest.as_str(), approved.approved, approved.comment.as_str()),
        ("report/1", "5f3a9c", true, "fine")
    );
    let rejected = answer(&["reject", RUN, "report/1", "--digest", "5f"]);
    assert_eq!((rejected.digest.as_str(), rejected.approved), ("5f", false));
}

#[test]
fn casting_others_takes_who_plays_what() {
    let fake = Fake::play(asking());
    let ran = ask(&fake, &["recast", RUN, "reporter=rust_pro.report", "docs/1=none"]);
    assert_eq!(ran.code, Some(0), "{}", ran.page());
    let request = fake.wait(|asked| if let Asked::Recast(request) = asked { Some(request) } else { None });
    assert_eq!(request.cast["docs/1"], "none");
    assert_eq!(request.cast["reporter"], "rust_pro.report");
}

#[test]
fn what_happens_now_is_told_by_the_state_of_the_run() {
    let told = |state: RunState, arguments: &[&str]| {
        let ran = ask(&Fake::play(Script { steered: state, ..review() }), arguments);
        assert_eq!(ran.code, Some(0), "{}", ran.page());
        ran.out
    };
    assert_eq!(
        told(RunState::Paused, &["pause", RUN]),
        format!("run {RUN} is paused; `op-dbus resume {RUN}` lets it go on\n")
    );
    assert_eq!(
        told(RunState::Running, &["resume", RUN]),
        format!("run {RUN} goes on; `op-dbus watch {RUN}` shows it to its end\n")
    );
    assert_eq!(
        told(RunState::RollingBack, &["rollback", RUN]),
        format!("run {RUN} is being undone; `op-dbus watch {RUN}` shows it to its end\n")
    );
    assert_eq!(
        told(RunState::Waiting, &["signal", RUN, "x"]),
        format!("run {RUN} waits; `op-dbus explain {RUN}` says for what\n")
    );
    let json = ask(&Fake::play(Script { steered: RunState::Paused, ..review() }), &["pause", RUN, "--json"]);
    assert_eq!(json.json(), json!({ "run": RUN, "state": "paused" }));
}

#[test]
fn a_rollback_tells_beforehand_what_it_would_undo() {
    let undone = |phase: &str, visit: u32, calls: &[&str]| UndonePhase {
        phase: phase.to_owned(),
        visit,
        calls: calls.iter().map(|call| (*call).to_owned()).collect(),
    };
    let phases = vec![undone("deploy", 2, &["tools.stop", "tools.remove"]), undone("build", 1, &[])];
    let fake = Fake::play(Script { undone: phases, ..review() });
    assert_snapshot!(ask(&fake, &["rollback", RUN, "--dry-run"]).page());
    let told = ask(&fake, &["rollback", RUN, "--dry-run", "--json"]).json();
    assert_eq!(
        told["phases"][0],
        json!({ "phase": "deploy", "visit": 2, "calls": ["tools.stop", "tools.remove"] })
    );
    assert_eq!(ask(&fake, &["rollback", "--all", "--dry-run"]).code, Some(2));
}

fn refusing() -> Script {
    let refused = (0..12).map(|at| {
        let run = format!("a{at}b2c3d4e5f6");
        NotSteered { reason: format!("run {run}: the run is completed and cannot be cancelled"), run }
    });
    let applied = ApplyResponse { matched: 30, steered: 15, refused: refused.collect(), last: String::new() };
    Script { applied, ..review() }
}

#[test]
fn a_filter_steers_every_run_that_matches() {
    let fake = Fake::play(refusing());
    let filter = ["--plan", "x", "--state", "waiting", "--user", "alice", "--label", "a=b", "--limit", "40"];
    let times = ["--since", "2026-01-31T12:00:00Z", "--until", "2026-01-31T12:00:01Z", "--text", "t"];
    let ran = ask(&fake, &[&["cancel", "--rollback"][..], &filter, &times].concat());
    assert_snapshot!(ran.page());
    let request = fake.wait(|asked| if let Asked::Apply(request) = asked { Some(request) } else { None });
    let wanted = ListRequest {
        states: vec![RunState::Waiting.into()],
        plan: "x".to_owned(),
        limit: 40,
        user: "alice".to_owned(),
        labels: [("a".to_owned(), "b".to_owned())].into(),
        since: crate::scene::at(0),
        until: crate::scene::at(1000),
        text: "t".to_owned(),
        after: String::new(),
    };
    assert_eq!(request.filter, Some(wanted));
    let cancel = CancelRequest { rollback: true, ..CancelRequest::default() };
    assert_eq!(request.control, Some(Control::Cancel(cancel)));
    let told = ask(&fake, &["cancel", "--all", "--json"]).json();
    assert_eq!((&told["matched"], &told["refused"]), (&json!(30), &json!(15)));
}

#[test]
fn with_a_filter_the_first_word_is_no_run() {
    let fake = Fake::play(refusing());
    assert_eq!(ask(&fake, &["signal", "--state", "waiting", "shipped", "[1]"]).code, Some(0));
    let control = |asked| if let Asked::Apply(request) = asked { request.control } else { None };
    let signal =
        SignalRequest { signal: "shipped".to_owned(), data: "[1]".to_owned(), ..SignalRequest::default() };
    assert_eq!(fake.wait(control), Control::Signal(signal));
    assert_eq!(ask(&fake, &["approve", "--plan", "release", "deploy/1"]).code, Some(0));
    let approve = ApproveRequest { step: "deploy/1".to_owned(), approved: true, ..ApproveRequest::default() };
    assert_eq!(fake.wait(control), Control::Approve(approve));
}

#[test]
fn runs_that_all_refuse_are_a_refusal_and_none_that_match_are_not() {
    let applied = |matched| ApplyResponse { matched, ..ApplyResponse::default() };
    let ran = ask(&Fake::play(Script { applied: applied(2), ..review() }), &["resume", "--all"]);
    assert_eq!(ran.code, Some(2), "{}", ran.page());
    let ran = ask(&Fake::play(Script { applied: applied(0), ..review() }), &["resume", "--all"]);
    assert_eq!((ran.code, ran.err.as_str()), (Some(0), "no run matches\n"), "{}", ran.page());
}

#[test]
fn what_names_no_run_or_two_ways_is_refused() {
    let fake = Fake::play(review());
    for arguments in [
        &["cancel"][..],
        &["cancel", "--limit", "3"],
        &["cancel", "k3x9", "--plan", "x"],
        &["resume", "k3x9", "--all"],
        &["signal", "k3x9"],
        &["approve", "--all", "deploy/1", "more"],
        &["resolve", "k3x9"],
        &["resolve", "k3x9", "--retry", "--accept"],
        &["recast", "k3x9"],
        &["cancel", "--state", "happy"],
    ] {
        let ran = ask(&fake, arguments);
        assert_eq!(ran.code, Some(2), "{arguments:?}: {}", ran.page());
        assert!(ran.err.starts_with("error: ") && ran.out.is_empty(), "{arguments:?}: {}", ran.page());
    }
}
