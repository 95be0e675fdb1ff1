//! Every key that is read acts: with it, the plan is another one.

use std::time::Duration;

use op_plan::plan::{FailureKind, Part};
use op_plan::{Phase, Plan, Rollback, Step};
use serde_json::json;

use crate::{complaints, plan, read};

/// A plan with something added to its table, to its first phase, and to the one tool of that.
fn with(plan: &str, phase: &str, tool: &str) -> String {
    format!(
        "[workstacks.p]\n{plan}\n\
         [[workstacks.p.phases]]\nid = 'a'\ntools = [{{ tool = 'file_read', args = {{ path = 'x' }}{tool} }}]\n{phase}\n\
         [[workstacks.p.phases]]\nid = 'b'\nagents = ['rust_pro.test']\n"
    )
}

fn first(text: &str) -> Phase {
    plan(text).phases()[0].clone()
}

fn first_step(text: &str) -> Step {
    first(text).steps[0].clone()
}

fn on_plan(line: &str) -> std::sync::Arc<Plan> {
    plan(&with(line, "", ""))
}

fn on_phase(line: &str) -> Phase {
    first(&with("", line, ""))
}

fn on_tool(entry: &str) -> Step {
    first_step(&with("", "", &format!(", {entry}")))
}

/// A phase whose lists are given.
fn phase(lists: &str) -> Phase {
    first(&format!("[workstacks.p]\n[[workstacks.p.phases]]\nid = 'a'\n{lists}\n"))
}

fn default_performer(step: &Step) -> String {
    step.action.call().and_then(|call| call.part.default_performer()).expect("a call").to_string()
}

#[test]
fn what_is_not_said_has_its_usual_meaning() {
    let plan = on_plan("");
    let draft = plan.draft();
    assert_eq!((draft.max_parallel, draft.timeout, draft.rollback), (10, None, Rollback::Phase));
    assert_eq!((draft.output.clone(), draft.inputs.len()), (None, 0));
    let phase = &plan.phases()[0];
    assert_eq!((phase.name.as_str(), phase.timeout, phase.continue_on_failure), ("a", None, false));
    assert_eq!((phase.when.clone(), phase.undo.len(), phase.steps[0].retry.max), (None, 0, 0));
}

#[test]
fn every_key_changes_the_plan() {
    let plain = with("", "", "");
    let digest = plan(&plain).digest().to_owned();
    let changed = [
        with("description = 'x'", "", ""),
        with("version = '2'", "", ""),
        with("category = 'x'", "", ""),
        with("tags = ['x']", "", ""),
        with("inputs = { n = { type = 'integer' } }", "", ""),
        with("default_timeout = 5", "", ""),
        with("timeout = 5", "", ""),
        with("max_parallel = 1", "", ""),
        with("rollback = 'run'", "", ""),
        with("rollback = 'none'", "", ""),
        with("parallel_phases = ['a', 'b']", "", ""),
        with("output = '${steps.b.output}'", "", ""),
        with("", "name = 'x'", ""),
        with("", "description = 'x'", ""),
        with("", "when = '1 == 1'", ""),
        with("", "timeout = 5", ""),
        with("", "retry = { max = 1 }", ""),
        with("", "max_retries = 1", ""),
        with("", "continue_on_failure = true", ""),
        with("", "rollback = [{ tool = 'file_write' }]", ""),
        with("", "agents = ['rust_pro.test']", ""),
        with("", "", ", store_as = 'x'"),
        with("", "", ", retry = { max = 1 }"),
        with("", "", ", max_retries = 1"),
        with("", "", ", timeout = 5"),
        with("", "", ", cache = 5"),
        plain.replace("id = 'a'", "id = 'z'"),
        plain.replace("path = 'x'", "path = 'y'"),
        plain.replace("id = 'b'", "id = 'b'\ndepends_on = []"),
    ];
    let mut digests: Vec<_> = changed.iter().map(|text| plan(text).digest().to_owned()).collect();
    // Four ways to say one repeat of the tool are the same plan, and so are two ways to let `b` start at once.
    digests.sort();
    digests.dedup();
    assert_eq!(digests.len(), changed.len() - 4);
    assert!(!digests.contains(&digest));
}

#[test]
fn a_plan_that_is_switched_off_is_left_out() {
    assert!(read(&with("enabled = false", "", "")).plans.is_empty());
    assert_eq!(complaints(&with("enabled = false", "nonsense = 3", "")), "");
    assert_eq!(on_plan("enabled = true").phases().len(), 2);
    assert!(complaints(&with("enabled = 'no'", "", "")).contains("`enabled` must be true or false"));
}

#[test]
fn the_default_limit_is_that_of_phases_that_state_none() {
    let plan = plan(&with("default_timeout = '1m'\ntimeout = 'PT1H'", "timeout = 5", ""));
    let limits: Vec<_> = plan.phases().iter().map(|phase| phase.timeout).collect();
    assert_eq!(limits, [Some(Duration::from_secs(5)), Some(Duration::from_mins(1))]);
    assert_eq!(plan.draft().timeout, Some(Duration::from_hours(1)));
    assert_eq!(plan.phases()[0].steps[0].timeout, None);
    assert_eq!(on_tool("timeout = '250ms'").timeout, Some(Duration::from_millis(250)));
}

#[test]
fn a_step_says_how_long_what_it_returned_is_kept() {
    let lasts = |said: &str| on_tool(&format!("cache = {said}")).cache;
    assert_eq!(lasts("'10m'"), Some(Duration::from_mins(10)));
    assert_eq!(lasts("'PT2H'"), Some(Duration::from_hours(2)));
    assert_eq!(lasts("90"), Some(Duration::from_secs(90)));
    assert_eq!((lasts("true"), lasts("false")), (Some(Duration::from_hours(1)), None));
    let plain = serde_json::to_string(&on_tool("timeout = 5")).expect("it is JSON");
    assert!(!plain.contains("cache"), "plans that keep nothing stay as they are: {plain}");
}

#[test]
fn a_repeat_is_declared_in_full_or_in_short() {
    let retry = on_tool(
        "retry = { max = 3, delay = '2s', backoff = 1.5, max_delay = '9s', on = ['timeout', 'unavailable'] }",
    )
    .retry;
    assert_eq!(
        (retry.max, retry.delay, retry.max_delay),
        (3, Duration::from_secs(2), Duration::from_secs(9))
    );
    assert_eq!(retry.on.into_iter().collect::<Vec<_>>(), [FailureKind::Unavailable, FailureKind::TimedOut]);
    assert!((retry.backoff - 1.5).abs() < f64::EPSILON);
    assert_eq!(on_tool("max_retries = 3").retry, on_tool("retry = { max = 3 }").retry);
    assert_eq!(on_tool("retry = { max = 3, delay = '1m' }").retry.max_delay, Duration::from_mins(1));
    assert_eq!(on_tool("retry = { max = 3, max_delay = '1ms' }").retry.delay, Duration::from_millis(1));
}

#[test]
fn the_repeat_of_a_phase_is_that_of_its_calls_unless_they_have_their_own() {
    let phase = phase(
        "max_retries = 2\nagents = ['rust_pro.test', { agent = 'rust_pro.build', max_retries = 5 }]\n\
         rollback = [{ tool = 'file_write' }]",
    );
    assert_eq!(phase.steps.iter().map(|step| step.retry.max).collect::<Vec<_>>(), [2, 5]);
    assert_eq!(phase.undo[0].retry.max, 0);
}

#[test]
fn agents_are_named_in_three_ways() {
    for agents in [
        "agents = ['rust_pro.test']",
        "agents = ['rust_pro']\noperation = 'test'",
        "agents = [{ agent = 'rust_pro', operation = 'test' }]",
        "agents = [{ agent = 'rust_pro.test' }]",
        "agents = [{ agent = 'rust_pro' }]\noperation = 'test'",
    ] {
        assert_eq!(default_performer(&phase(agents).steps[0]), "rust_pro.test", "{agents}");
    }
    let own = phase("agents = [{ agent = 'rust_pro', operation = 'build' }, 'rust_pro']\noperation = 'test'");
    assert_eq!(
        own.steps.iter().map(default_performer).collect::<Vec<_>>(),
        ["rust_pro.build", "rust_pro.test"]
    );
}

#[test]
fn a_role_is_played_by_its_usual_performer_with_the_operation_that_is_named() {
    let phase = phase("agents = [{ role = 'reviewer' }, { role = 'reviewer', operation = 'analyze' }]");
    let performers: Vec<_> = phase.steps.iter().map(default_performer).collect();
    assert_eq!(performers, ["backend_architect.review", "backend_architect.analyze"]);
    let call = phase.steps[0].action.call().expect("a call");
    assert!(matches!(&call.part, Part::Role { name, .. } if name == "reviewer"));
}

#[test]
fn the_arguments_of_a_phase_are_the_defaults_of_its_agents() {
    let phase = phase(
        "tools = [{ tool = 'file_read', args = { path = 't' } }]\nargs = { path = 'p' }\n\
         agents = ['rust_pro.test', { agent = 'rust_pro.clippy', args = { lints = ['l'] } }, { agent = 'rust_pro.build', args = { path = 'own' } }]",
    );
    let arguments: Vec<_> = phase
        .steps
        .iter()
        .map(|step| {
            let call = step.action.call().expect("a call");
            call.arguments.source().clone()
        })
        .collect();
    assert_eq!(
        arguments,
        [
            json!({ "path": "t" }),
            json!({ "path": "p" }),
            json!({ "path": "p", "lints": ["l"] }),
            json!({ "path": "own" }),
        ]
    );
}

#[test]
fn tools_run_in_order_and_then_agents_in_order_or_side_by_side() {
    let lists = "tools = [{ tool = 'file_write' }, { tool = 'file_write' }]\nagents = ['rust_pro.test', 'rust_pro.build']\n";
    let after = |text: &str| phase(text).steps.into_iter().map(|step| step.after).collect::<Vec<_>>();
    assert_eq!(after(lists), [vec![], vec![0], vec![1], vec![2]]);
    assert_eq!(after(&format!("{lists}parallel = true")), [vec![], vec![0], vec![1], vec![1]]);
    assert_eq!(
        after("parallel = true\nagents = ['rust_pro.test', 'rust_pro.build']"),
        [vec![], Vec::<usize>::new()]
    );
}

#[test]
fn steps_are_called_after_their_phase_and_who_performs_them() {
    let ids = |text: &str| phase(text).steps.into_iter().map(|step| step.id).collect::<Vec<_>>();
    assert_eq!(ids("agents = ['rust_pro.test']"), ["a"]);
    assert_eq!(
        ids("tools = ['file_write']\nagents = ['rust_pro.test', 'rust_pro.build', { role = 'tester' }]"),
        ["a.file_write", "a.rust_pro", "a.rust_pro_2", "a.tester"]
    );
}

#[test]
fn what_undoes_a_phase_is_a_list_of_calls() {
    let phase = on_phase(
        "rollback = [{ tool = 'file_write', args = { path = 'x' }, timeout = 3 }, { agent = 'rust_pro', operation = 'test', max_retries = 2 }]",
    );
    let performers: Vec<_> = phase
        .undo
        .iter()
        .map(|undo| undo.call.part.default_performer().expect("somebody").to_string())
        .collect();
    assert_eq!(performers, ["file_write", "rust_pro.test"]);
    assert_eq!((phase.undo[0].timeout, phase.undo[1].retry.max), (Some(Duration::from_secs(3)), 2));
    assert_eq!(phase.undo[0].call.arguments.source(), &json!({ "path": "x" }));
}

#[test]
fn a_condition_and_the_output_keep_their_references() {
    let plan = plan(&with(
        "inputs = { n = { type = 'integer', default = 1 } }\noutput = { b = '${steps.b.output}' }",
        "when = 'n == 1'",
        ", store_as = 'x'",
    ));
    let when = plan.phases()[0].when.as_ref().expect("a condition");
    assert_eq!((when.source(), when.references()[0].to_string().as_str()), ("n == 1", "n"));
    let output = plan.draft().output.as_ref().expect("an output");
    assert_eq!(output.references()[0].to_string(), "steps.b.output");
    assert_eq!(plan.phases()[0].steps[0].store_as.as_deref(), Some("x"));
}

#[test]
fn a_plan_survives_the_way_to_json_and_back() {
    let plan = plan(&with("default_timeout = 5", "when = '1 == 1'", ", max_retries = 2"));
    let text = serde_json::to_string(&*plan).expect("it is JSON");
    let again: Plan = serde_json::from_str(&text).expect("it is the plan");
    assert_eq!((again.digest(), &again), (plan.digest(), &*plan));
}
