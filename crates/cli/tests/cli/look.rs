//! Commands that tell more of plans and runs than what happened last.

use insta::{assert_json_snapshot, assert_snapshot};
use op_proto::v1::*;
use serde_json::json;

use crate::fake::{Asked, Fake, Script};
use crate::program::ask;
use crate::scene::{RUN, asking, at, json_payload, review, stdout};

#[test]
fn a_run_that_waits_is_shown_with_the_question_and_the_command_that_answers() {
    let mut script = asking();
    script.run.phases[0].steps[0].items = Some(Items { total: 10, done: 3, begun: 5 });
    let fake = Fake::play(script);
    assert_snapshot!(ask(&fake, &["show", RUN]).page());
    let told = ask(&fake, &["show", RUN, "--json"]).json();
    let step = &told["phases"][2]["steps"][0];
    assert_eq!((&step["role"], &step["gate"]["digest"]), (&json!("reporter"), &json!("5f3a9c")));
    assert_eq!(step["gate"]["call"]["performer"], "tools.report");
    assert_eq!(told["phases"][2]["visit"], 2);
    assert_eq!(told["phases"][0]["steps"][0]["items"], json!({ "total": 10, "done": 3, "begun": 5 }));
}

#[test]
fn a_run_is_explained_in_sentences() {
    let sentences = ["`report/1` waits for a person since 12:00.", "It went from `a` to `b` (visit 2)."];
    let fake = Fake::play(Script { sentences: sentences.map(str::to_owned).to_vec(), ..asking() });
    assert_snapshot!(ask(&fake, &["explain", "k3x9"]).page());
    assert_eq!(ask(&fake, &["explain", RUN, "--json"]).json()["sentences"], json!(sentences));
}

fn preview() -> PreviewResponse {
    let step = |phase: &str, id: &str, performers: &[&str], arguments: &serde_json::Value| PreviewStep {
        phase: phase.to_owned(),
        step: id.to_owned(),
        performers: performers.iter().map(|who| (*who).to_owned()).collect(),
        arguments: arguments.to_string(),
        waits_for: String::new(),
    };
    let mut publish = step("publish", "publish", &[], &json!({}));
    publish.waits_for.push_str("an approval: Publish?");
    PreviewResponse {
        plan: "code_review".to_owned(),
        inputs: json!({ "path": "/srv/project", "depth": 3 }).to_string(),
        steps: vec![
            step(
                "audit",
                "audit/1",
                &["security_auditor.audit", "rust_pro.audit"],
                &json!({ "path": "/srv/project" }),
            ),
            step("audit", "audit/2", &["tools.list"], &json!({ "of": "${audit/1}", "n": 2 })),
            publish,
        ],
        warnings: vec!["`audit/2` is played by tools: nobody else can".to_owned()],
    }
}

#[test]
fn a_dry_run_tells_who_would_do_what_and_starts_nothing() {
    let fake = Fake::play(Script { preview: preview(), ..review() });
    let line = [
        "run",
        "code_review",
        "title=x",
        "--dry-run",
        "--cast",
        "fast",
        "--cast",
        "cheap",
        "--role",
        "a=none",
    ];
    assert_snapshot!(ask(&fake, &line).page());
    let request = fake.wait(|asked| match asked {
        Asked::Preview(request) => Some(request),
        Asked::Start(_) => panic!("it starts nothing"),
        _ => None,
    });
    assert_eq!(
        (request.casts, request.cast["a"].as_str()),
        (vec!["fast".to_owned(), "cheap".to_owned()], "none")
    );
    let told = ask(&fake, &["run", "code_review", "title=x", "--dry-run", "--json"]).json();
    assert_eq!(told["steps"][1]["arguments"]["n"], 2);
}

fn casts() -> Vec<Cast> {
    let cast = |name: &str, plan: &str, description: &str| Cast {
        name: name.to_owned(),
        plan: plan.to_owned(),
        description: description.to_owned(),
        parts: [("reviewer".to_owned(), "rust_pro.audit".to_owned()), ("docs".to_owned(), "none".to_owned())]
            .into(),
    };
    vec![cast("cheap", "", "Small models."), cast("thorough", "code_review", "")]
}

fn schedules() -> Vec<Schedule> {
    let schedule = |plan: &str, paused: bool| Schedule {
        plan: plan.to_owned(),
        cron: "0 3 * * *".to_owned(),
        missed: "once".to_owned(),
        paused,
        last: at(0),
        next: if paused { None } else { at(3_600_000) },
    };
    vec![schedule("code_review", false), schedule("nightly", true)]
}

#[test]
fn casts_and_schedules_are_listed_and_stand_beside_their_plans() {
    let fake = Fake::play(Script { casts: casts(), schedules: schedules(), ..review() });
    assert_snapshot!(ask(&fake, &["casts"]).page());
    assert_snapshot!(ask(&fake, &["casts", "cheap"]).page());
    assert_eq!(ask(&fake, &["casts", "chap"]).code, Some(2));
    assert_snapshot!(ask(&fake, &["schedules"]).page());
    assert_snapshot!(ask(&fake, &["plans"]).page());
    assert_snapshot!(ask(&fake, &["plans", "code_review"]).page());
    assert_eq!(ask(&fake, &["casts", "--json"]).json()[0]["parts"]["docs"], "none");
    assert_eq!(ask(&fake, &["schedules", "--json"]).json()[0]["next"], "2026-01-31T13:00:00Z");
    let told = ask(&fake, &["plans", "--json"]).json();
    assert_eq!(
        (&told[0]["casts"], &told[0]["schedule"]["missed"]),
        (&json!(["cheap", "thorough"]), &json!("once"))
    );
    let none = ask(&Fake::play(review()), &["schedules"]);
    assert_eq!((none.out.as_str(), none.err.as_str()), ("", "no plan has a schedule\n"));
}

#[test]
fn a_schedule_is_held_let_go_on_and_run_now() {
    let fake = Fake::play(Script { schedules: schedules(), ..review() });
    assert_eq!(
        ask(&fake, &["schedule", "pause", "nightly"]).out,
        "the schedule of nightly is paused; `op-dbus schedule resume nightly` lets it go on\n"
    );
    assert_eq!(
        ask(&fake, &["schedule", "resume", "code_review"]).out,
        "the schedule of code_review starts a run next at 2026-01-31 13:00:00\n"
    );
    assert_eq!(
        ask(&fake, &["schedule", "run", "nightly"]).out,
        format!("run {RUN} started; `op-dbus watch {RUN}` shows it to its end\n")
    );
    let plan = fake.wait(|asked| if let Asked::RunSchedule(plan) = asked { Some(plan) } else { None });
    assert_eq!(plan, "nightly");
}

#[test]
fn a_run_is_drawn_where_no_plan_has_that_name() {
    let (fake, folder) = (Fake::play(review()), tempfile::tempdir().expect("a folder"));
    assert_eq!(ask(&fake, &["graph", "k3x9", "--format", "dot"]).out, "DRAW_FORMAT_DOT of k3x9\n");
    let request = fake.wait(|asked| if let Asked::Draw(request) = asked { Some(request) } else { None });
    assert_eq!((request.plan.as_str(), request.run.as_str()), ("", "k3x9"));
    let file = folder.path().join("plan.svg");
    let ran = ask(&fake, &["graph", "code_review", "-o", file.to_str().expect("text")]);
    assert_eq!((ran.code, ran.out.as_str()), (Some(0), ""), "{}", ran.page());
    assert_eq!(std::fs::read_to_string(file).expect("it is there"), "DRAW_FORMAT_SVG of code_review\n");
}

/// The review once more, with another auditor that failed at first and said something else.
fn again() -> Run {
    let mut run = review().run;
    let summary = run.summary.as_mut().expect("it has one");
    (summary.id, summary.state, summary.ended_at) = ("a7m2".to_owned(), RunState::Failed.into(), at(9000));
    let step = &mut run.phases[0].steps[0];
    (step.performer, step.attempts) = ("rust_pro.audit".to_owned(), 3);
    "summary/1".clone_into(&mut run.phases[2].steps[0].id);
    run
}

#[test]
fn two_runs_are_compared_side_by_side() {
    let output = |step: &str| OutputResponse {
        step: step.to_owned(),
        value: json_payload(&json!({ "of": step })),
        ..OutputResponse::default()
    };
    let outputs = ["security_review/1", "arch_review/1", "report/1", "summary/1"].map(output).to_vec();
    let fake = Fake::play(Script { others: vec![again()], outputs, ..review() });
    assert_snapshot!(ask(&fake, &["compare", "k3x9", "a7"]).page());
    let told = ask(&fake, &["compare", "k3x9", "a7", "--json"]).json();
    assert_json_snapshot!(json!([told["left"], told["steps"][0], told["steps"][3]]));
}

#[test]
fn output_and_logs_reach_every_visit_and_item() {
    let mut script = asking();
    script.run.phases[0].steps[0].items = Some(Items { total: 10, done: 1, begun: 2 });
    let output = |step: &str| OutputResponse {
        step: step.to_owned(),
        attempt: 1,
        chunks: vec![stdout(&format!("{step} speaks\n"))],
        visit: 1,
        ..OutputResponse::default()
    };
    let names = ["security_review/1[0]", "security_review/1[1]", "arch_review/1", "report/1"];
    let fake = Fake::play(Script { outputs: names.map(output).to_vec(), ..script });
    assert_snapshot!(ask(&fake, &["logs", RUN]).page());
    assert_eq!(ask(&fake, &["logs", RUN, "--step", "security_review/1"]).out.lines().count(), 2);
    assert_eq!(ask(&fake, &["logs", RUN, "--step", "security_review/1[1]"]).out.lines().count(), 1);
    let fake = Fake::play(Script { outputs: names.map(output).to_vec(), ..review() });
    let raw = ask(&fake, &["output", RUN, "report/1", "--visit", "2", "--attempt", "3", "--raw"]);
    assert_eq!(raw.out, "report/1 speaks\n");
    let request = fake.wait(|asked| if let Asked::Output(request) = asked { Some(request) } else { None });
    assert_eq!((request.visit, request.attempt), (2, 3));
}

#[test]
fn help_tells_the_commands_in_groups() {
    assert_snapshot!(ask(&Fake::play(review()), &["--help"]).page());
}
