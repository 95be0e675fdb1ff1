//! Machines: every key acts, and every mistake is shown.

mod large;
mod mistakes;

use std::fmt::Write as _;
use std::sync::Arc;

use op_plan::catalogue::{Brief, Operations, Role};
use op_plan::plan::{Accept, Action, Flow, Gate, Target, Transition};
use op_plan::{Catalogue, Loaded, Performer, Phase, Plan, Rollback, Shape, Source, load};
use proptest::prelude::*;
use serde_json::{Value, json};

/// The document's website, as people write it.
const WEBSITE: &str = r#"[machines.p]
goal = "Create a functional website"
initial = "create_specs"
[[machines.p.steps]]
id = "create_specs"
role = "product_manager"
on_success = "implement_code"
on_failure = "failed"
[[machines.p.steps]]
id = "implement_code"
role = "coder"
on_success = "review_code"
on_failure = "failed"
max_retries = 1
[[machines.p.steps]]
id = "review_code"
role = "critic"
on_success = "completed"
on_failure = "implement_code"
"#;

/// The agents of the other tests, and roles whose agents may be asked for anything.
fn catalogue() -> Catalogue {
    let mut catalogue = crate::catalogue::catalogue();
    catalogue.agents.insert("team".to_owned(), Operations::Open);
    for role in ["product_manager", "coder", "critic", "designer"] {
        let performer = Performer::new("team", role);
        catalogue.roles.insert(role.to_owned(), Role { performer, brief: Brief::default() });
    }
    catalogue
}

fn read(text: &str) -> Loaded {
    load(&[Source { name: "plans.toml".to_owned(), text: text.to_owned() }], &catalogue())
}

fn complaints(text: &str) -> String {
    op_plan::diagnostic::render_all(&read(text).diagnostics, false)
}

fn plan(text: &str) -> Arc<Plan> {
    assert_eq!(complaints(text), "", "{text}");
    Arc::clone(&read(text).plans["p"])
}

/// A machine with something added to its table, to its first step, and behind its two steps.
fn with(head: &str, step: &str, rest: &str) -> String {
    let who = if ["role", "agent", "tool", "plan"].iter().any(|key| step.starts_with(&format!("{key} ="))) {
        ""
    } else {
        "role = 'coder'\n"
    };
    let way = if step.contains("on_success") { "" } else { "on_success = 'b'\n" };
    format!(
        "[machines.p]\n{head}\n[[machines.p.steps]]\nid = 'a'\n{who}{way}{step}\n\
         [[machines.p.steps]]\nid = 'b'\nrole = 'critic'\non_success = 'completed'\n{rest}\n"
    )
}

/// The first phase of a machine whose first step says this.
fn first(step: &str) -> Phase {
    plan(&with("", step, "")).phases()[0].clone()
}

fn arguments(phase: &Phase) -> Value {
    let arguments = phase.steps.last().and_then(|step| step.action.arguments());
    arguments.expect("it hands something on").source().clone()
}

/// Where ways lead, as people would say it.
fn ways(plan: &Plan, phase: &Phase) -> Vec<String> {
    let way = |way: &Transition| {
        let to = match &way.to {
            Target::Phase(to) => plan.phases()[*to].id.clone(),
            Target::End(end) => format!("{} ({})", end.name, end.is_success),
        };
        let when = way.when.as_ref().map_or_else(String::new, |when| format!(" when {when}"));
        format!("{} -> {to}{when}", if way.on_success { "success" } else { "failure" })
    };
    phase.next.iter().map(way).collect()
}

#[test]
fn the_website_of_the_document_goes_from_step_to_step_and_back() {
    let plan = plan(WEBSITE);
    assert_eq!(plan.draft().shape, Shape::Machine);
    assert_eq!(plan.draft().flow, Flow::Machine { initial: 0, max_visits: 100 });
    let all: Vec<_> = plan.phases().iter().map(|phase| ways(&plan, phase)).collect();
    assert_eq!(all[0], ["success -> implement_code", "failure -> failed (false)"]);
    assert_eq!(all[1], ["success -> review_code", "failure -> failed (false)"]);
    assert_eq!(all[2], ["success -> completed (true)", "failure -> implement_code"]);
    let retries: Vec<_> = plan.phases().iter().map(|phase| phase.steps[0].retry.max).collect();
    assert_eq!(retries, [0, 1, 0]);
}

#[test]
fn what_is_not_said_of_a_machine_has_its_usual_meaning() {
    let plan = plan(WEBSITE);
    let step = &plan.phases()[0].steps[0];
    assert_eq!((plan.draft().rollback, plan.phases()[0].max_visits), (Rollback::Phase, Some(10)));
    assert_eq!((step.id.as_str(), &step.accept, &step.gate), ("create_specs", &Accept::Approved, &None));
    assert_eq!(arguments(&plan.phases()[0]), json!({ "goal": "${goal}", "input": "${last_output()}" }));
}

#[test]
fn the_goal_is_an_input_that_a_run_may_change() {
    let plan = plan(WEBSITE);
    let take = |given: Value| plan.take(given.as_object().expect("an object").clone()).expect("it fits");
    assert_eq!(take(json!({}))["goal"], "Create a functional website");
    assert_eq!(take(json!({ "goal": "Create a shop" }))["goal"], "Create a shop");
    let used = with("goal = 'x'", "args = { text = 'for ${goal} and ${input.goal}' }", "");
    assert_eq!(arguments(&self::plan(&used).phases()[0]), json!({ "text": "for ${goal} and ${input.goal}" }));
}

#[test]
fn a_step_without_arguments_is_given_what_its_operation_takes() {
    assert_eq!(arguments(&first("role = 'coder'")), json!({ "input": "${last_output()}" }));
    assert_eq!(arguments(&first("agent = 'rust_pro.test'")), json!({}));
    assert_eq!(arguments(&first("tool = 'file_write'")), json!({ "input": "${last_output()}" }));
    assert_eq!(arguments(&first("role = 'coder'\nargs = {}")), json!({}));
    let own = plan(&with("inputs = { goal = { required = true } }", "", ""));
    assert_eq!(arguments(&own.phases()[0]), json!({ "goal": "${goal}", "input": "${last_output()}" }));
}

#[test]
fn a_plan_inside_a_machine_keeps_its_own_goal() {
    let child = |inputs: &str| {
        let child = with("goal = 'other'", "", "").replace("machines.p", "machines.c");
        format!("{child}[machines.c.inputs]\n{inputs}\n{}", with("goal = 'x'", "plan = 'c'", ""))
    };
    assert_eq!(arguments(&plan(&child("")).phases()[0]), json!({}));
    let asks = child("input = { type = 'json', required = false }");
    assert!(complaints(&asks).contains("means something else"), "{}", complaints(&asks));
    let workstack =
        "[workstacks.c.inputs]\ngoal = {}\n[[workstacks.c.phases]]\nid = 'a'\nagents = ['rust_pro.test']\n";
    let plan = plan(&format!("{workstack}{}", with("goal = 'x'", "plan = 'c'", "")));
    assert_eq!(arguments(&plan.phases()[0]), json!({ "goal": "${goal}" }));
    assert!(matches!(&plan.phases()[0].steps[0].action, Action::Plan { plan, .. } if plan.id() == "c"));
}

#[test]
fn every_key_of_a_machine_changes_the_plan() {
    let plain = with("goal = 'x'", "role = 'coder'\non_failure = 'failed'", "");
    let changed = [
        plain.replace("goal = 'x'", "goal = 'y'"),
        plain.replace("goal = 'x'", ""),
        plain.replace("goal = 'x'", "goal = 'x'\nmax_visits = 7"),
        plain.replace("goal = 'x'", "goal = 'x'\nrollback = 'run'"),
        plain.replace("goal = 'x'", "goal = 'x'\noutput = '${last_output()}'"),
        plain.replace("goal = 'x'", "goal = 'x'\ndescription = 'x'"),
        plain.replace("goal = 'x'", "goal = 'x'\nmax_parallel = 2"),
        plain.replace("goal = 'x'", "goal = 'x'\ntimeout = '1h'"),
        plain.replace("goal = 'x'", "goal = 'x'\nschedule = '0 3 * * *'"),
        plain.replace("goal = 'x'", "goal = 'x'\nconcurrency = { limit = 2 }"),
        plain
            .replace("goal = 'x'", "goal = 'x'\npipeline = [['z', 'designer']]\ninitial = 'a'")
            .replace("'failed'", "'z'"),
        plain.replace("id = 'a'", "id = 'z'"),
        plain.replace("role = 'coder'", "role = 'designer'"),
        plain.replace("role = 'coder'", "role = 'coder'\noperation = 'draw'"),
        plain.replace("role = 'coder'", "agent = 'team.coder'"),
        plain.replace("role = 'coder'", "agent = 'team'\noperation = 'draw'"),
        plain.replace("role = 'coder'", "tool = 'file_write'"),
        plain.replace("on_failure = 'failed'", ""),
        plain.replace("on_failure = 'failed'", "on_failure = 'b'"),
        plain.replace(
            "on_success = 'b'",
            "on_success = [{ when = 'goal == \"x\"', to = 'completed' }, { to = 'b' }]",
        ),
    ];
    let on_step = [
        "name = 'x'",
        "description = 'x'",
        "args = { x = 1 }",
        "output_mapping = { y = '${output.y}' }",
        "when = 'goal == \"x\"'",
        "max_retries = 1",
        "retry = { max = 2 }",
        "timeout = 5",
        "max_visits = 3",
        "delay = 5",
        "signal = 'go'",
        "approval = 'sure?'",
        "for_each = [1, 2]",
        "for_each = [1, 2]\nmax_parallel = 1",
        "accept = 'output.ok'",
        "store_as = 'x'",
        "optional = true",
        "rollback = [{ tool = 'file_write' }]",
    ];
    let on_step = on_step.map(|key| plain.replace("role = 'coder'", &format!("role = 'coder'\n{key}")));
    let mut digests: Vec<_> =
        changed.iter().chain(&on_step).chain([&plain]).map(|text| plan(text).digest().to_owned()).collect();
    digests.sort();
    digests.dedup();
    assert_eq!(digests.len(), changed.len() + on_step.len() + 1);
    let initial = with("initial = 'b'", "", "on_failure = 'a'");
    assert_eq!(plan(&initial).draft().flow, Flow::Machine { initial: 1, max_visits: 100 });
}

#[test]
fn input_mapping_is_another_word_for_args() {
    let (args, mapping) = (first("args = { x = '${run.id}' }"), first("input_mapping = { x = '${run.id}' }"));
    assert_eq!(args, mapping);
}

#[test]
fn conditions_choose_between_ways_and_see_what_the_step_returned() {
    let branches = "on_success = [{ when = 'steps.a.output.done', to = 'completed' }, { to = 'b' }]\n\
                    on_failure = [{ when = 'steps.a.attempts > 2', to = 'failed' }, { to = 'a' }]\n\
                    output_mapping = { size = '${output.size}' }";
    let plan = plan(&with("", branches, ""));
    assert_eq!(
        ways(&plan, &plan.phases()[0]),
        [
            "success -> completed (true) when steps.a.output.done",
            "success -> b",
            "failure -> failed (false) when steps.a.attempts > 2",
            "failure -> a",
        ]
    );
}

#[test]
fn a_declared_end_stands_for_the_state_it_names() {
    let ends = "on_failure = 'gave_up'\n\
        [[machines.p.steps]]\nid = 'gave_up'\nname = 'Gave up'\ndescription = 'Too many tries'\nterminal = 'failed'\n\
        [[machines.p.steps]]\nid = 'completed'\nterminal = 'completed'\nmessage = 'All is well'\n";
    let plan = plan(&with("", "", ends));
    let ends: Vec<_> = plan.phases()[1].next.iter().map(|way| way.to.clone()).collect();
    let [Target::End(good), Target::End(bad)] = ends.as_slice() else { panic!("two ends: {ends:?}") };
    assert_eq!(
        (good.name.as_str(), good.is_success, good.message.as_str()),
        ("completed", true, "All is well")
    );
    assert_eq!(
        (bad.name.as_str(), bad.is_success, bad.message.as_str()),
        ("Gave up", false, "Too many tries")
    );
    assert_eq!(plan.phases().len(), 2);
}

#[test]
fn a_pipeline_is_a_line_of_steps() {
    let text = "[machines.p]\npipeline = [['analyze', 'product_manager', 'Analyze requirements'], ['design', 'designer'], ['implement', 'coder', 'Write it']]\n";
    let plan = plan(text);
    let all: Vec<_> = plan.phases().iter().flat_map(|phase| ways(&plan, phase)).collect();
    assert_eq!(all, ["success -> design", "success -> implement", "success -> completed (true)"]);
    let told: Vec<_> = plan.phases().iter().map(|phase| phase.description.as_str()).collect();
    assert_eq!(told, ["Analyze requirements", "", "Write it"]);
    assert_eq!(arguments(&plan.phases()[1]), json!({ "input": "${last_output()}" }));
}

#[test]
fn steps_beside_a_pipeline_can_lead_into_it() {
    let text = "[machines.p]\ninitial = 'ask'\npipeline = [['design', 'designer']]\n\
                [[machines.p.steps]]\nid = 'ask'\nrole = 'critic'\non_success = 'design'\n";
    let plan = plan(text);
    assert_eq!(ways(&plan, &plan.phases()[1]), ["success -> design"]);
    assert_eq!(plan.draft().flow, Flow::Machine { initial: 1, max_visits: 100 });
}

#[test]
fn one_wait_is_the_gate_of_the_step_and_more_are_steps_before_it() {
    let gates = |step: &str| {
        let steps = first(step).steps;
        let show = |step: &op_plan::Step| {
            let gate = match &step.gate {
                Some(Gate::Delay(_)) => "delay",
                Some(Gate::Signal(_)) => "signal",
                Some(Gate::Approval(_)) => "approval",
                None => "none",
            };
            (step.id.clone(), gate, matches!(step.action, Action::Pass), step.after.clone())
        };
        steps.iter().map(show).collect::<Vec<_>>()
    };
    let step = |id: &str, gate, is_pass, after: &[usize]| (id.to_owned(), gate, is_pass, after.to_vec());
    assert_eq!(gates("approval = 'sure?'"), [step("a", "approval", false, &[])]);
    assert_eq!(
        gates("delay = 1\nsignal = 'go'"),
        [
            step("a.delay", "delay", true, &[]),
            step("a.signal", "signal", true, &[0]),
            step("a", "none", false, &[1])
        ]
    );
    assert_eq!(
        gates("signal = 'go'\nfor_each = [1]"),
        [step("a.signal", "signal", true, &[]), step("a", "none", false, &[0])]
    );
}

#[test]
fn a_step_may_only_wait_and_keep_what_came() {
    let text = "[machines.p]\n[[machines.p.steps]]\nid = 'a'\ndelay = 1\nsignal = 'go'\ntimeout = 5\nstore_as = 'word'\non_success = 'b'\n\
                [[machines.p.steps]]\nid = 'b'\nrole = 'coder'\nargs = { x = '${word}' }\non_success = 'completed'\n";
    let steps = plan(text).phases()[0].steps.clone();
    assert_eq!(steps.iter().map(|step| step.id.as_str()).collect::<Vec<_>>(), ["a.delay", "a"]);
    assert!(
        matches!((&steps[1].action, &steps[1].gate), (Action::Pass, Some(Gate::Signal(name))) if name == "go")
    );
    assert_eq!(
        (steps[1].store_as.as_deref(), steps[1].timeout),
        (Some("word"), Some(std::time::Duration::from_secs(5)))
    );
}

#[test]
fn the_item_of_a_list_is_known_in_the_arguments() {
    let phase = first("for_each = ['x']\nargs = { file = '${item}', at = '${index + 1}' }");
    assert_eq!(phase.steps[0].for_each.as_ref().expect("a list").over.source(), &json!(["x"]));
    let complaint = complaints(&with("", "args = { file = '${item}' }", ""));
    assert!(
        complaint.contains("nothing is called `item`") && complaint.contains("`for_each`"),
        "{complaint}"
    );
}
