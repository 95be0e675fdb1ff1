//! Templates: steps without identities.

use std::sync::Arc;
use std::time::Duration;

use insta::assert_snapshot;
use op_plan::expression::{Reference, Scope};
use op_plan::plan::{Accept, Action, Gate, Part};
use op_plan::{Expression, InputType, Plan, Rollback, Shape};
use serde_json::{Value, json};

use crate::{complaints, plan, read};

/// The template of the source document.
const REVIEW: &str = "[templates.p]\nname = 'Code Review Workflow'\n\
    [[templates.p.steps]]\nname = 'Analyze Code'\norder = 0\ninput_mapping = { code = '{{context.input.code}}' }\n\
    [[templates.p.steps]]\nname = 'Suggest Improvements'\norder = 1\ninput_mapping = { analysis = \"{{context['Analyze Code']}}\" }\n\
    [[templates.p.steps]]\nname = 'Generate Report'\norder = 2\n\
    input_mapping = { report = \"{{context['Analyze Code'].issues[0]}} and {{context['Suggest Improvements']}}\" }\n";

/// A template of three steps with lines for the template and for its middle step.
fn with(head: &str, step: &str) -> String {
    format!(
        "[templates.p]\n{head}\n[templates.p.inputs]\ncode = {{}}\nlist = {{ type = 'list', default = [1] }}\n\
         [[templates.p.steps]]\nname = 'Analyze Code'\ninput_mapping = {{ code = '{{{{context.input.code}}}}' }}\n\
         [[templates.p.steps]]\nname = 'Improve It'\n{step}\n\
         [[templates.p.steps]]\nname = 'Generate Report'\n\
         [[workstacks.other.phases]]\nid = 'a'\nagents = ['rust_pro.test']\n\
         [workstacks.other.inputs]\nx = {{ default = 'y' }}\n"
    )
}

fn steps(lines: &[&str]) -> String {
    lines.iter().map(|lines| format!("[[templates.p.steps]]\n{lines}\n")).collect()
}

fn order(plan: &Plan) -> Vec<(&str, &[usize])> {
    plan.phases().iter().map(|phase| (phase.name.as_str(), phase.depends_on.as_slice())).collect()
}

#[test]
fn the_template_of_the_document_loads_as_it_stands() {
    let plan = plan(REVIEW);
    assert_eq!(plan.draft().shape, Shape::Template);
    assert_eq!(
        order(&plan),
        [("Analyze Code", &[][..]), ("Suggest Improvements", &[0]), ("Generate Report", &[1])]
    );
    assert_eq!(plan.find_named("Analyze Code"), plan.find_step("analyze_code"));
    let step = plan.step(0);
    assert_eq!(step.action.call().map(|call| call.part.clone()), Some(Part::Open));
    assert_eq!((step.timeout, step.retry.max), (Some(Duration::from_mins(5)), 0));
    assert!(plan.agents().is_empty());
}

#[test]
fn what_the_steps_ask_of_the_input_must_be_given_when_no_input_is_declared() {
    let free = plan(REVIEW);
    let input = &free.draft().inputs["code"];
    assert_eq!((input.kind, input.required), (InputType::Json, true));
    assert!(free.take(serde_json::Map::new()).is_err());
    let declared = format!("{REVIEW}[templates.p.inputs]\ncde = {{}}\n");
    assert!(complaints(&declared).contains("the plan has no input `code`"));
}

#[test]
fn every_key_changes_the_plan() {
    let plain = with("", "");
    let digest = plan(&plain).digest().to_owned();
    let changed = [
        with("description = 'x'", ""),
        with("name = 'Reviews'", ""),
        with("version = '2'", ""),
        with("category = 'x'", ""),
        with("tags = ['x']", ""),
        with("timeout = 5", ""),
        with("max_parallel = 1", ""),
        with("rollback = 'none'", ""),
        with("default_role = 'tester'", ""),
        with("output = \"{{context['Improve It']}}\"", ""),
        with("schedule = { cron = '0 3 * * *', inputs = { code = 'x' } }", ""),
        with("concurrency = { key = '${code}', limit = 2 }", ""),
        with("", "id = 'other_id'"),
        with("", "description = 'x'"),
        with("", "order = -1"),
        with(
            "",
            "parallel_group = 'g'\nstep_type = 'parallel'\n[[templates.p.steps]]\nname = 'B b'\nparallel_group = 'g'",
        ),
        with("", "condition = \"input.code == 'x'\""),
        with("", "step_type = 'loop'\ncondition = \"input.code == 'x'\""),
        with("", "step_type = 'loop'\ncondition = \"input.code == 'x'\"\nmax_iterations = 3"),
        with("", "plan = 'other'"),
        with("", "plan = 'other'\ninput_mapping = { x = '${code}' }"),
        with("", "step_type = 'wait'\nsignal = 'go'"),
        with("", "input_mapping = { a = 1 }"),
        with("", "output_mapping = { a = '{{output.result}}' }"),
        with("", "store_as = 'x'"),
        with("", "max_retries = 2"),
        with("", "retry = { max = 2, on = ['timeout'] }"),
        with("", "max_retries = 2\nretry_delay = '7s'"),
        with("", "timeout = '10s'"),
        with("", "delay = '10s'"),
        with("", "signal = 'go'"),
        with("", "approval = 'Go on?'"),
        with("", "approval = { message = 'Go on?', timeout = 5, on_timeout = 'park' }"),
        with("", "for_each = '${list}'"),
        with("", "for_each = '${list}'\nmax_parallel = 2"),
        with("", "accept = 'output.ok'"),
        with("", "optional = true"),
    ];
    let mut digests: Vec<_> = changed.iter().map(|text| plan(text).digest().to_owned()).collect();
    digests.sort();
    digests.dedup();
    assert_eq!(digests.len(), changed.len());
    assert!(!digests.contains(&digest));
}

#[test]
fn a_template_that_is_not_active_is_left_out() {
    for key in ["active = false", "enabled = false"] {
        let loaded = read(&with(key, "nonsense = 3"));
        assert_eq!(loaded.plans.keys().collect::<Vec<_>>(), ["other"], "{key}");
        assert!(!loaded.has_errors());
    }
    assert_eq!(plan(&with("active = true", "")).phases().len(), 3);
    assert!(complaints(&with("active = 'no'", "")).contains("`active` must be true or false"));
}

#[test]
fn steps_run_in_their_order_and_ties_keep_that_of_the_file() {
    let plan = plan(&steps(&[
        "name = 'Close'\norder = 5",
        "name = 'Open'\norder = -1",
        "name = 'Read'",
        "name = 'Check'\norder = 2",
    ]));
    let names: Vec<_> = order(&plan).into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["Open", "Read", "Check", "Close"]);
}

#[test]
fn groups_that_touch_do_not_merge_and_what_follows_waits_for_all() {
    let plan = plan(&steps(&[
        "name = 'Open'",
        "name = 'Security'\nparallel_group = 'reviews'",
        "name = 'Speed'\nparallel_group = 'reviews'\nstep_type = 'parallel'\ncondition = 'run.id != \"\"'",
        "name = 'Mail'\nparallel_group = 'news'",
        "name = 'Chat'\nparallel_group = 'news'",
        "name = 'Close'",
    ]));
    let waits: Vec<_> = order(&plan).into_iter().map(|(_, waits)| waits.to_vec()).collect();
    assert_eq!(waits, [vec![], vec![0], vec![0], vec![1, 2], vec![1, 2], vec![3, 4]]);
    assert!(plan.phases()[2].when.is_some(), "the condition of a step in a group counts too");
}

#[test]
fn a_group_that_is_interrupted_is_two_groups_and_a_warning() {
    let text = steps(&[
        "name = 'Mail'\nparallel_group = 'news'",
        "name = 'Close'",
        "name = 'Chat'\nparallel_group = 'news'",
    ]);
    assert!(complaints(&text).contains("`Close` stands between steps of group `news`, so they run apart"));
    assert_eq!(read(&text).plans["p"].phases()[2].depends_on, [1]);
}

#[test]
fn a_loop_asks_before_each_visit_unless_it_looks_at_itself() {
    let first = |condition: &str| {
        let plan =
            plan(&with("", &format!("step_type = 'loop'\nstore_as = 'draft'\ncondition = {condition}")));
        let phase = &plan.phases()[1];
        (phase.when.is_some(), phase.repeat.clone().expect("it is repeated").max)
    };
    assert_eq!(first("'size(input.list) > 0'"), (true, 10));
    for own in [
        "\"context['Improve It'].score < 0.8\"",
        "'steps.improve_it.output.score < 0.8'",
        "'draft.score < 0.8'",
        "{ field = 'Improve It.score', operator = '<', value = 0.8 }",
    ] {
        assert_eq!(first(own), (false, 10), "{own}");
    }
    let other = complaints(&with("", "step_type = 'loop'\ncondition = \"context['Generate Report'].ok\""));
    assert!(other.contains("has no value yet"), "{other}");
}

#[test]
fn a_step_is_what_its_type_says() {
    let step = |lines: &str| plan(&with("", lines)).step(1).clone();
    for word in ["sub_plan", "sub_orchestration"] {
        let child = step(&format!("step_type = '{word}'\nplan = 'other'"));
        let Action::Plan { plan, .. } = &child.action else { panic!("{word} runs a plan") };
        assert_eq!((plan.id(), child.timeout), ("other", None));
    }
    let wait = step("step_type = 'wait'\nsignal = 'go'");
    assert_eq!((wait.action, wait.gate, wait.timeout), (Action::Pass, Some(Gate::Signal("go".into())), None));
    assert!(matches!(step("approval = 'Go on?'").gate, Some(Gate::Approval(_))));
    assert!(matches!(step("accept = 'output.ok'").accept, Accept::When(_)));
    let item = step("for_each = '${list}'\ninput_mapping = { x = '{{item}}', n = '{{index}}' }");
    assert_eq!(item.action.arguments().map(|args| args.references().len()), Some(2));
}

#[test]
fn ids_are_made_of_names_and_never_mean_another_step() {
    let plan = plan(&steps(&[
        "name = 'Analyze Code'",
        "name = 'analyze code'",
        "name = 'Check'\nid = 'analyze_code_2'",
        "name = 'Prüfe «alles»'",
        "name = '検査 する'",
        "name = 'load_data'",
        "name = 'Load Data'",
    ]));
    let ids: Vec<_> = plan.phases().iter().map(|phase| phase.id.as_str()).collect();
    assert_eq!(
        ids,
        [
            "analyze_code",
            "analyze_code_3",
            "analyze_code_2",
            "pr_fe_alles",
            "step",
            "load_data",
            "load_data_2"
        ]
    );
}

#[test]
fn what_is_wrong_with_a_template_is_shown_with_what_to_do() {
    assert_snapshot!(complaints(
        r#"[templates.p]
default_role = "testr"
activ = true
[[templates.p.steps]]
name = "Analyze Code"
role = "tester"
roleId = "role_tester"
agent = "rust_pro"
stepType = "loop"
[[templates.p.steps]]
name = "Analyze Code"
step_type = "paralel"
order = "first"
[[templates.p.steps]]
description = "nameless"
step_type = "parallel"
[[templates.p.steps]]
name = "Write Draft"
id = "Analyze Code"
step_type = "conditional"
max_iterations = 3
retry_delay = "1s"
[[templates.p.steps]]
name = "Refine Draft"
step_type = "loop"
max_retries = 1
retry = { max = 1 }
retry_delay = "1s"
store_as = "draft"
[[templates.p.steps]]
name = "Publish Draft"
id = "publish"
step_type = "sub_plan"
delay = "1s"
approval = "Go on?"
output_mapping = { draft = "{{output}}", "a b" = "{{outptu.x}}" }
[[templates.p.steps]]
name = "Rest"
id = "publish"
step_type = "wait"
for_each = "${draft}"
[[templates.p.steps]]
name = "Tell People"
input_mapping = { x = "{{context['Analyse Code']}}", y = "{{context.input}}" }
condition = 3
[templates.q]
name = "Nothing"
[templates.r]
steps = []
"#
    ));
}

#[test]
fn what_is_wrong_with_a_condition_is_shown_with_what_to_do() {
    let conditions = [
        "{ field = 'Analyze Code.score', operator = '=>', value = 1 }",
        "{ field = 'Analyse Code.score', operator = '>', value = 1 }",
        "{ field = 'context.input.cod', operator = 'exists' }",
        "{ field = 'code', operator = 'exists', value = 1 }",
        "{ field = 'code', operator = '==' }",
        "{ operator = '==', valeu = 1 }",
        "{ field = 'code', operator = '==', value = { a = 1 } }",
        "{ field = 'code', operator = '==', value = 'x {{code}}' }",
        "{ field = 'code', operator = '==', value = '{{cod}}' }",
        "{ field = 'code', operator = '==', value = '{{1 +}}' }",
        "{ field = 'code + 1', operator = '==', value = 1 }",
        "{ field = 'Generate Report.ok', operator = 'exists' }",
    ];
    let all: String =
        conditions.iter().map(|text| complaints(&with("", &format!("condition = {text}")))).collect();
    assert_snapshot!(all);
}

/// Knows the input and what the first step returned.
struct Known(Value);

impl Scope for Known {
    fn value(&self, reference: &Reference) -> Option<Value> {
        match reference {
            Reference::Input(name) | Reference::Variable(name) => Some(self.0["input"][name].clone()),
            Reference::Context(name) => Some(self.0[name].clone()),
            _ => None,
        }
    }
}

fn condition(table: &str) -> Expression {
    let plan: Arc<Plan> = plan(&with("", &format!("condition = {{ {table} }}")));
    plan.phases()[1].when.clone().expect("there is a condition")
}

#[test]
fn a_condition_in_parts_means_what_its_operator_says() {
    let known = Known(json!({
        "input": { "code": "fn main", "list": [1, 2] },
        "Analyze Code": { "score": 7, "ratio": 0.5, "none": null, "tags": ["hot", 3], "issues": [{ "a b": "x.y" }] },
    }));
    for (table, expected) in [
        ("field = 'Analyze Code.score', operator = '>', value = 6.5", true),
        ("field = 'Analyze Code.score', operator = '<', value = 7", false),
        ("field = 'Analyze Code.score', operator = '>=', value = 7", true),
        ("field = 'Analyze Code.ratio', operator = '<=', value = 0.4", false),
        ("field = \"context['Analyze Code'].score\", operator = '==', value = 7", true),
        ("field = \"{{context['Analyze Code'].score}}\", operator = '===', value = 7", true),
        ("field = 'Analyze Code.score', operator = '===', value = '7'", false),
        ("field = 'Analyze Code.score', operator = '!=', value = 7", false),
        ("field = 'code', operator = '!==', value = 'x \"y\" \\\\ z'", true),
        ("field = 'context.input.code', operator = 'contains', value = 'main'", true),
        ("field = 'input.code', operator = 'contains', value = \"it's\"", false),
        ("field = 'Analyze Code.tags', operator = 'contains', value = 'hot'", true),
        ("field = 'Analyze Code.tags', operator = 'contains', value = 'ho'", false),
        ("field = 'Analyze Code.tags', operator = 'contains', value = 3", true),
        ("field = 'list', operator = '==', value = [1, 2]", true),
        ("field = 'list', operator = '==', value = '{{context.input.list}}'", true),
        ("field = 'Analyze Code.issues[0][\"a b\"]', operator = '==', value = 'x.y'", true),
        ("field = 'Analyze Code.issues[0]', operator = 'exists'", true),
        ("field = 'Analyze Code.issues[1]', operator = 'exists'", false),
        ("field = 'Analyze Code.none', operator = 'exists'", false),
        ("field = 'Analyze Code.none.deeper', operator = 'exists'", false),
        ("field = 'Analyze Code.missing.deeper[3].x', operator = 'exists'", false),
        ("field = 'Analyze Code', operator = 'exists'", true),
    ] {
        let expression = condition(table);
        assert_eq!(expression.evaluate_condition(&known), Ok(expected), "{table}: {expression}");
    }
}

#[test]
fn names_that_say_who_or_nothing_are_warned_of_and_the_template_is_kept() {
    for name in ["Senior Review", "reviewer_chain", "Tester Round", "The Mentor"] {
        let text = with(&format!("name = '{name}'"), "");
        assert!(complaints(&text).contains("speaks of a role"), "{name}");
        assert!(read(&text).plans.contains_key("p"));
    }
    for name in ["Code Review Workflow", "Content Generation", "Data Processing", "Leadership"] {
        assert_eq!(complaints(&with(&format!("name = '{name}'"), "")), "", "{name}");
    }
    for name in ["Step 1", "step", "Task #3", "1", "stage2", "Step A"] {
        let text = steps(&[&format!("name = '{name}'")]);
        assert!(complaints(&text).contains("does not say what the step does"), "{name}");
        assert!(read(&text).plans.contains_key("p"));
    }
    assert_eq!(complaints(&steps(&["name = 'Step Back'", "name = 'Store 2 Copies'"])), "");
    assert!(
        complaints("[templates.expert_review]\n[[templates.expert_review.steps]]\nname = 'Look'\n")
            .contains("`expert`")
    );
}

#[test]
fn a_template_of_very_many_steps_is_refused() {
    let many = |count: usize| -> String {
        (0..count)
            .map(|at| {
                format!("[[templates.p.steps]]\nname = 'Check {at} x'\nparallel_group = '{}'\n", at / 250)
            })
            .collect()
    };
    assert!(complaints(&many(1_001)).contains("template `p` has 1001 steps"));
    let most = plan(&many(1_000));
    assert_eq!(most.phases()[999].depends_on.len(), 250);
    assert_eq!(most.draft().rollback, Rollback::Phase);
}
