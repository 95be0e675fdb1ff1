//! Skills: which are active in a call, and what they demand of it.

use op_plan::plan::FailureKind::Failed;
use op_plan::plan::{Action, Fan, Gate};
use op_plan::skill::{Active, Because, Carried, Constraint, Glob, MAX_TEXT, PathGlob};
use op_plan::{Draft, Performer, Player, Step};
use op_run::{Command, Fact, Failure, outstanding, replay};
use serde_json::{Value, json};

use crate::stage::{
    Stage, draft, end, machine, mapping, millis, phase, retries, step, step_with, verdict, way,
};

/// A skill that is always active, with these constraints.
fn skill(name: &str, constraints: &[&str]) -> Carried {
    Carried {
        skill: name.to_owned(),
        digest: format!("digest of {name}"),
        active: Active::Always(Because::Performer(Glob::parse("*").expect("a glob"))),
        constraints: constraints.iter().map(|line| Constraint::parse(line).expect("a constraint")).collect(),
        text: None,
    }
}

fn player(performer: &str, skills: &[Carried]) -> Player {
    Player { skills: skills.to_vec(), ..Player::from(Performer::parse(performer)) }
}

/// One phase after the other, each with a step of its name.
fn line(steps: impl IntoIterator<Item = Step>) -> Draft {
    let before = |at: usize| at.checked_sub(1).into_iter().collect::<Vec<_>>();
    draft(steps.into_iter().enumerate().map(|(at, of)| phase(&of.id.clone(), &before(at), [of])))
}

/// A run of such steps, each played by one of these with these skills.
fn stage(steps: impl IntoIterator<Item = Step>, players: &[(&str, &[Carried])]) -> Stage {
    let players = players.iter().map(|(performer, skills)| vec![player(performer, skills)]).collect();
    Stage::start_players(line(steps), players)
}

fn failure(stage: &Stage, step: &str) -> Failure {
    let step = stage.run.plan().find_step(step).expect("the step exists");
    stage.run.step(step).trial.failure.clone().expect("it failed")
}

/// That a skill does not let a step call, with what it says.
fn refused(stage: &Stage, step: &str, told: &str) {
    let failure = failure(stage, step);
    assert_eq!((failure.kind.word(), failure.reason.as_str()), ("refused", "skill_constraint"));
    assert!(failure.message.contains(told) && !failure.hint.is_empty(), "{failure:?}");
    let detail = failure.detail.expect("it names the skill");
    assert!(failure.message.contains(detail["skill"].as_str().expect("a name")), "{detail}");
}

fn activated(stage: &Stage) -> Vec<(String, usize)> {
    let facts = stage.last().filter_map(|fact| match fact {
        Fact::SkillActivated(of) => Some((of.skill.clone(), of.given)),
        _ => None,
    });
    facts.collect()
}

#[test]
fn a_skill_becomes_active_once_in_a_call_before_its_first_attempt() {
    let again = Step { retry: retries(3), ..step("a") };
    let mut stage = stage([again], &[("w.do", &[skill("x", &[])])]);
    assert_eq!(stage.kinds(), ["run_started", "phase_started", "skill_activated", "step_started"]);
    stage.fail("a", Failed);
    assert_eq!(stage.tick(100).kinds(), ["step_started"]);
    assert_eq!(stage.restart().succeed("a", json!(1)).state(), "completed");
}

#[test]
fn a_call_is_given_the_texts_of_skills_that_are_active_in_it_as_far_as_there_is_room() {
    let with =
        |name: &str, bytes: usize| Carried { text: Some("t".repeat(bytes).into()), ..skill(name, &[]) };
    let skills = [with("first", MAX_TEXT - 10), with("large", 11), skill("mute", &[]), with("last", 10)];
    let stage = stage([step("a")], &[("w.do", &skills)]);
    let told = [("first", MAX_TEXT - 10), ("large", 0), ("mute", 0), ("last", 10)];
    assert_eq!(activated(&stage), told.map(|(name, given)| (name.to_owned(), given)));
    let lessons: Vec<_> = stage.call("a").skills.into_iter().map(|of| (of.name, of.text.len())).collect();
    assert_eq!(lessons, [("first".to_owned(), MAX_TEXT - 10), ("last".to_owned(), 10)]);
}

#[test]
fn a_path_makes_a_skill_active_in_the_calls_that_it_is_in() {
    let paths = Active::Paths(vec![PathGlob::parse("**/*.rs").expect("a glob")]);
    let skills = [Carried { active: paths, ..skill("rust", &["forbid_argument * force"]) }];
    let steps = [
        step_with("a", json!({ "path": "x.md", "force": true })),
        step_with("b", json!({ "path": "x.rs", "force": true })),
    ];
    let mut stage = stage(steps, &[("w.do", &skills), ("w.do", &skills)]);
    assert!(activated(&stage).is_empty() && stage.calls() == ["a"]);
    stage.succeed("a", json!(1));
    assert_eq!(activated(&stage).len(), 1);
    refused(&stage, "b", "the argument `force` of w.do must not be given");
}

#[test]
fn a_call_without_a_demanded_argument_is_not_made() {
    let demand: &[Carried] = &[skill("x", &["require_argument w.* reason"])];
    let without = stage([step("a")], &[("w.do", demand)]);
    assert!(without.calls().is_empty() && without.state() == "failed");
    refused(&without, "a", "the argument `reason` of w.do is not given");
    assert_eq!(stage([step_with("a", json!({ "reason": "r" }))], &[("w.do", demand)]).calls(), ["a"]);
    assert_eq!(stage([step("a")], &[("other.do", demand)]).calls(), ["a"], "it is not the target");
}

#[test]
fn what_must_come_before_must_have_succeeded_before_in_the_run() {
    let care: &[Carried] = &[skill("care", &["require_before unit(action=restart) *.status | status"])];
    let restart = || step_with("restart", json!({ "action": "restart" }));
    refused(
        &stage([restart()], &[("unit", care)]),
        "restart",
        "`*.status` or `status` has not succeeded before it",
    );
    let reload = step_with("reload", json!({ "action": "reload" }));
    assert_eq!(stage([reload], &[("unit", care)]).calls(), ["reload"], "it is not the target");
    let mut both = stage([step("look"), restart()], &[("a.status", &[]), ("unit", care)]);
    assert_eq!(both.restart().succeed("look", json!(1)).calls(), ["restart"]);
    let looks = phase("look", &[], [Step { optional: true, ..step("look") }]);
    let players = vec![vec![player("status", &[])], vec![player("unit", care)]];
    let mut failed = Stage::start_players(draft([looks, phase("restart", &[0], [restart()])]), players);
    refused(failed.fail("look", Failed), "restart", "has not succeeded before");
}

#[test]
fn what_must_come_after_must_be_to_come_and_then_succeed() {
    let promise: &[Carried] = &[skill("tdd", &["require_after file_write rust_pro.test"])];
    let alone = stage([step("write")], &[("file_write", promise)]);
    assert!(alone.calls().is_empty());
    refused(&alone, "write", "no step that is to come calls `rust_pro.test`");
    let kept = || stage([step("write"), step("test")], &[("file_write", promise), ("rust_pro.test", &[])]);
    let mut stage = kept();
    stage.succeed("write", json!(1)).restart();
    assert_eq!(stage.succeed("test", json!(1)).state(), "completed");
    let tests = Step { optional: true, ..step("test") };
    let players = vec![vec![player("file_write", promise)], vec![player("rust_pro.test", &[])]];
    let mut broken = Stage::start_players(line([step("write"), tests]), players);
    broken.succeed("write", json!(1)).fail("test", Failed);
    assert_eq!(broken.state(), "failed");
    let told = "the skill `tdd` demands that `rust_pro.test` succeeds after `write`, and it did not";
    assert_eq!(broken.run.reason(), told);
}

#[test]
fn what_follows_everything_follows_not_itself() {
    let promise: &[Carried] = &[skill("x", &["require_after * log"])];
    let mut stage = stage([step("a"), step("log")], &[("w.do", promise), ("log", promise)]);
    stage.succeed("a", json!(1));
    assert_eq!(stage.succeed("log", json!(1)).state(), "completed");
}

#[test]
fn a_run_makes_at_most_as_many_calls_as_a_skill_allows_attempts_counted() {
    let few: &[Carried] = &[skill("few", &["max_executions w.* 2"])];
    let again = Step { retry: retries(5), ..step("a") };
    let mut stage = stage([again], &[("w.do", few)]);
    stage.fail("a", Failed).tick(100).restart().fail("a", Failed).tick(300);
    refused(&stage, "a", "`w.*` was called 2 times in this run");
    assert_eq!(stage.state(), "failed");
}

#[test]
fn visits_of_a_machine_count_together() {
    let few = vec![player("w.do", &[skill("few", &["max_executions * 2"])])];
    let mut turn = phase("turn", &[], [step("turn")]);
    turn.next = vec![way(true, 0), end(false, false, "")];
    let mut stage = Stage::start_players(machine(100, [turn]), vec![few]);
    stage.succeed("turn", json!(1)).succeed("turn", json!(2));
    refused(&stage, "turn", "was called 2 times");
    assert_eq!(stage.state(), "failed");
}

#[test]
fn a_confirmation_is_a_question_to_a_person_about_this_very_call() {
    let ask: &[Carried] = &[skill("care", &["require_confirmation w.*"])];
    let mut stage = stage([step_with("a", json!({ "n": 1 }))], &[("w.do", ask)]);
    assert_eq!((stage.state(), stage.gates(), stage.calls().len()), ("waiting", vec!["a".to_owned()], 0));
    assert_eq!(stage.question("a"), json!({ "performer": "w.do", "arguments": { "n": 1 } }));
    assert_eq!(activated(&stage).len(), 1, "it says why it asks");
    stage.restart().on(verdict("a", true, ""));
    assert_eq!(stage.calls(), ["a"]);
    assert!(activated(&stage).is_empty());
    assert_eq!(stage.succeed("a", json!(1)).state(), "completed");
}

#[test]
fn a_call_that_nobody_confirms_is_not_made() {
    let ask: &[Carried] = &[skill("care", &["require_confirmation *"])];
    let mut stage = stage([step("a")], &[("w.do", ask)]);
    stage.on(verdict("a", false, ""));
    assert_eq!(
        (stage.state(), stage.calls().len(), failure(&stage, "a").reason.as_str()),
        ("failed", 0, "not_approved")
    );
}

#[test]
fn a_step_that_waited_for_something_else_is_asked_about_after_that() {
    let ask: &[Carried] = &[skill("care", &["require_confirmation *"])];
    let waits = Step { gate: Some(Gate::Delay(millis(50))), ..step("a") };
    let mut stage = stage([waits], &[("w.do", ask)]);
    assert_eq!(stage.wake(), Some(50));
    assert_eq!(stage.tick(50).state(), "waiting");
    assert_eq!(stage.on(verdict("a", true, "")).calls(), ["a"]);
}

fn each(arguments: Value) -> Step {
    let over = mapping(json!([1, 2]));
    let Action::Call(call) = step_with("a", arguments).action else { unreachable!("it calls") };
    Step { action: Action::Call(call), for_each: Some(Fan { over, max_parallel: None }), ..step("a") }
}

#[test]
fn a_list_is_confirmed_as_a_whole_and_each_item_has_its_skills() {
    let ask: &[Carried] = &[skill("care", &["require_confirmation w.*"])];
    let mut whole = stage([each(json!({ "n": "${item}" }))], &[("w.do", ask)]);
    assert_eq!(whole.question("a")["for_each"], json!([1, 2]));
    whole.on(verdict("a", true, ""));
    assert_eq!((whole.calls().len(), activated(&whole).len()), (2, 2));
    whole.restart().succeed("a[0]", json!(1)).succeed("a[1]", json!(1));
    assert_eq!(whole.state(), "completed");
    // Which items it is about shows only when they begin.
    let some: &[Carried] = &[skill("care", &["require_confirmation w.do(n=2)"])];
    let mut items = stage([each(json!({ "n": "${item}" }))], &[("w.do", some)]);
    assert_eq!(items.calls(), ["a[0]"]);
    items.succeed("a[0]", json!(1));
    refused(&items, "a", "nobody approved it");
}

#[test]
fn what_takes_over_brings_its_own_skills() {
    let players = vec![vec![player("w.do", &[skill("x", &[])]), player("v.do", &[skill("y", &[])])]];
    let mut stage = Stage::start_players(line([step("a")]), players);
    stage.fail("a", Failed);
    assert_eq!(activated(&stage), [("y".to_owned(), 0)]);
    assert_eq!(stage.call("a").performer.to_string(), "v.do");
}

#[test]
fn every_beginning_of_the_journal_is_a_run_with_something_outstanding() {
    let skills: &[Carried] = &[skill("x", &["require_confirmation *", "max_executions * 9"])];
    let mut stage = stage([each(json!({})), step("b")], &[("w.do", skills), ("w.do", skills)]);
    stage
        .on(verdict("a", true, ""))
        .succeed("a[1]", json!(1))
        .succeed("a[0]", json!(1))
        .on(verdict("b", true, ""));
    for length in 1..=stage.journal().len() {
        let plan = std::sync::Arc::clone(stage.run.plan());
        let run =
            replay(stage.run.id().clone(), plan, &stage.journal()[..length]).expect("the journal is whole");
        let calls =
            outstanding(&run).into_iter().filter(|command| matches!(command, Command::Call(_))).count();
        assert!(calls <= 2);
    }
    assert_eq!(stage.calls(), ["b"]);
}
