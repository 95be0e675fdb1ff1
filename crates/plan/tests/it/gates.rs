//! What phases and their entries wait for, go over, run, repeat, and fall back to.

use insta::assert_snapshot;
use op_plan::plan::{Accept, Action, Gate, OnTimeout, Part};
use op_plan::{Phase, Step};
use proptest::prelude::*;
use serde_json::json;

use crate::{complaints, plan};

const CHILD: &str = "[workstacks.child.inputs]\npath = {}\n[[workstacks.child.phases]]\nid = 'x'\nagents = ['rust_pro.test']\n";

/// The text of a workstack whose first phase says this.
fn text(lines: &str) -> String {
    format!(
        "[workstacks.p]\ninputs = {{ files = {{ type = 'list', default = [] }} }}\n[[workstacks.p.phases]]\nid = 'a'\n{lines}\n{CHILD}"
    )
}

fn phase(lines: &str) -> Phase {
    plan(&text(lines)).phases()[0].clone()
}

fn gate(step: &Step) -> &'static str {
    match &step.gate {
        None => "acts",
        Some(Gate::Delay(_)) => "delay",
        Some(Gate::Signal(_)) => "signal",
        Some(Gate::Approval(_)) => "approval",
    }
}

/// Each step: its id, what it waits for, and what it comes after; those that only wait in brackets.
fn steps(lines: &str) -> Vec<String> {
    let show = |step: Step| {
        let text = format!("{} {} {:?}", step.id, gate(&step), step.after);
        if matches!(step.action, Action::Pass) { format!("({text})") } else { text }
    };
    phase(lines).steps.into_iter().map(show).collect()
}

#[test]
fn the_only_wait_of_the_only_entry_is_its_own() {
    for key in ["delay = 5", "signal = 'go'", "approval = 'sure?'"] {
        let word = key.split(' ').next().expect("a key");
        assert_eq!(steps(&format!("agents = ['rust_pro.test']\n{key}")), [format!("a {word} []")]);
        let entry = format!("agents = [{{ agent = 'rust_pro.test', {key} }}]");
        assert_eq!(steps(&entry), [format!("a {word} []")]);
    }
}

#[test]
fn waits_of_a_phase_stand_before_all_of_its_entries() {
    let waits = "delay = 5\nsignal = 'go'\napproval = 'sure?'\n";
    let before = ["(a.delay delay [])", "(a.signal signal [0])", "(a.approval approval [1])"];
    let all = |rest: &[&'static str]| [before.as_slice(), rest].concat();
    assert_eq!(steps(&format!("{waits}agents = ['rust_pro.test']")), all(&["a acts [2]"]));
    let agents = format!("{waits}parallel = true\nagents = ['rust_pro.test', 'rust_pro.build']");
    assert_eq!(steps(&agents), all(&["a.rust_pro acts [2]", "a.rust_pro_2 acts [2]"]));
    let tools = "signal = 'go'\nparallel = true\ntools = ['file_write']\nagents = ['rust_pro.test', 'rust_pro.build']";
    let expected =
        ["(a.signal signal [])", "a.file_write acts [0]", "a.rust_pro acts [1]", "a.rust_pro_2 acts [1]"];
    assert_eq!(steps(tools), expected);
    let fanned = "approval = 'sure?'\nfor_each = '${files}'\nagents = ['rust_pro.test']";
    assert_eq!(steps(fanned), ["(a.approval approval [])", "a acts [0]"]);
}

#[test]
fn a_phase_may_only_wait() {
    assert_eq!(steps("delay = 5"), ["(a delay [])"]);
    assert_eq!(steps("delay = 5\napproval = 'sure?'"), ["(a.delay delay [])", "(a.approval approval [0])"]);
}

#[test]
fn an_entry_waits_by_itself() {
    let agents = "agents = ['rust_pro.build', { agent = 'rust_pro.test', signal = 'go', delay = 5 }, { agent = 'rust_pro.clippy', delay = 1 }]";
    let expected = [
        "a.rust_pro acts []",
        "(a.rust_pro_2.delay delay [0])",
        "(a.rust_pro_2.signal signal [1])",
        "a.rust_pro_2 acts [2]",
        "a.rust_pro_3 delay [3]",
    ];
    assert_eq!(steps(agents), expected);
    let both = "delay = 5\nagents = [{ agent = 'rust_pro.test', approval = 'sure?' }]";
    assert_eq!(steps(both), ["(a.delay delay [])", "(a.approval approval [0])", "a acts [1]"]);
}

#[test]
fn an_approval_says_what_is_asked_and_how_long() {
    let of = |lines: &str| match phase(lines).steps.remove(0).gate {
        Some(Gate::Approval(approval)) => approval,
        other => panic!("no approval: {other:?}"),
    };
    let asked = of("approval = { message = 'All of ${files}?', timeout = '1h', on_timeout = 'park' }");
    assert_eq!((asked.message.source(), asked.on_timeout), (&json!("All of ${files}?"), OnTimeout::Park));
    assert_eq!(asked.timeout, Some(std::time::Duration::from_hours(1)));
    assert_eq!(of("approval = 'Sure?'").on_timeout, OnTimeout::Reject);
}

#[test]
fn a_question_sees_what_the_steps_before_it_returned() {
    let agents = |message: &str| {
        format!(
            "agents = [{{ agent = 'rust_pro.build', store_as = 'x' }}, {{ agent = 'rust_pro.test', delay = 1, approval = '{message}' }}]"
        )
    };
    assert_eq!(complaints(&text(&agents("${x} and ${steps[\"a.rust_pro\"].output}"))), "");
    let complaint = complaints(&text(&agents("${steps[\"a.rust_pro_2\"].output}")));
    assert!(complaint.contains("has not run before this"), "{complaint}");
}

#[test]
fn a_list_on_a_phase_is_that_of_its_entries() {
    let lines = "for_each = '${files}'\nmax_parallel = 2\nargs = { path = '${item}' }\n\
                 agents = ['rust_pro.test', { agent = 'rust_pro.build', for_each = [1, 2], max_parallel = 1, args = { path = 'at ${index}' } }]";
    let fans: Vec<_> = phase(lines).steps.into_iter().map(|step| step.for_each.expect("a list")).collect();
    let over: Vec<_> = fans.iter().map(|fan| (fan.over.source().clone(), fan.max_parallel)).collect();
    assert_eq!(over, [(json!("${files}"), Some(2)), (json!([1, 2]), Some(1))]);
}

#[test]
fn an_entry_says_which_answers_count_and_what_is_kept() {
    let step = phase(
        "agents = [{ agent = 'rust_pro.test', accept = 'output.failed == 0', optional = true, output_mapping = { failed = '${output.failed}' } }]",
    );
    let step = &step.steps[0];
    assert!(matches!(&step.accept, Accept::When(when) if when.source() == "output.failed == 0"));
    assert_eq!((step.optional, step.variables().collect::<Vec<_>>()), (true, vec!["failed"]));
    assert_eq!(phase("agents = ['rust_pro.test']").steps[0].accept, Accept::Any);
    let of_items = "agents = [{ agent = 'rust_pro.test', for_each = [1], accept = 'output != item' }]";
    assert!(complaints(&text(of_items)).contains("nothing is called `item`"));
}

#[test]
fn others_take_over_in_the_order_they_are_named() {
    let phase = phase(
        "agents = [{ agent = 'rust_pro', operation = 'review', fallback = ['reviewer', 'security_auditor.audit', 'backend_architect'] }]",
    );
    let names = phase.steps[0].fallback.iter().map(|part| {
        let role = matches!(part, Part::Role { .. });
        format!("{} {role}", part.default_performer().expect("somebody"))
    });
    let expected =
        ["backend_architect.review true", "security_auditor.audit false", "backend_architect.review false"];
    assert_eq!(names.collect::<Vec<_>>(), expected);
}

#[test]
fn a_phase_runs_a_plan_after_its_tools_and_before_its_agents() {
    let child = |step: &Step| matches!(&step.action, Action::Plan { plan, .. } if plan.id() == "child");
    let alone = phase("plan = 'child'\nargs = { path = 'x' }\nmax_retries = 2");
    assert!(child(&alone.steps[0]) && alone.steps[0].id == "a" && alone.steps[0].retry.max == 2);
    assert_eq!(alone.steps[0].action.arguments().expect("inputs").source(), &json!({ "path": "x" }));
    let lines = "plan = 'child'\ntools = ['file_write']\nagents = ['rust_pro.test', 'rust_pro.build']\nparallel = true\n";
    let asks_nothing = text(lines).replace("path = {}", "path = { default = 'x' }");
    let steps = plan(&asks_nothing).phases()[0].steps.clone();
    let order: Vec<_> = steps.iter().map(|step| (step.id.as_str(), step.after.as_slice())).collect();
    assert_eq!(
        order,
        [("a.file_write", &[][..]), ("a.child", &[0]), ("a.rust_pro", &[1]), ("a.rust_pro_2", &[1])]
    );
}

#[test]
fn a_phase_is_repeated_as_long_as_a_condition_holds() {
    let repeat = |keys: &str| {
        phase(&format!("agents = ['rust_pro.test']\nrepeat = {{ {keys} }}")).repeat.expect("a loop")
    };
    let given = repeat("while = 'steps.a.output.failed > 0', max = 3");
    assert_eq!((given.condition.source(), given.max), ("steps.a.output.failed > 0", 3));
    assert_eq!(repeat("while = 'phases.a.success'").max, 10);
}

#[test]
fn every_key_of_a_phase_and_its_entries_changes_the_plan() {
    let plain = "tools = [{ tool = 'file_write' }]\nagents = [{ agent = 'rust_pro.test' }]\n";
    let on_phase = [
        "delay = 1",
        "signal = 'x'",
        "signal = 'y'",
        "approval = 'x'",
        "approval = { message = 'y' }",
        "for_each = [1]",
        "for_each = [1]\nmax_parallel = 1",
        "repeat = { while = '1 == 1' }",
        "repeat = { while = '1 == 1', max = 3 }",
    ];
    let on_entry = [
        "delay = 2",
        "signal = 'z'",
        "approval = 'z'",
        "approval = { message = 'z', timeout = 1 }",
        "approval = { message = 'z', timeout = 1, on_timeout = 'park' }",
        "approval = { message = 'z', timeout = 1, on_timeout = 'approve' }",
        "for_each = [2]",
        "for_each = [2], max_parallel = 1",
        "accept = 'output'",
        "optional = true",
        "output_mapping = { x = 1 }",
    ];
    let mut texts: Vec<_> = on_phase.iter().map(|key| format!("{plain}{key}")).collect();
    for entry in ["file_write'", "rust_pro.test'"] {
        texts.extend(on_entry.iter().map(|key| plain.replace(entry, &format!("{entry}, {key}"))));
    }
    texts.push(plain.replace("rust_pro.test'", "rust_pro.test', fallback = ['tester']"));
    texts.push(format!("plan = 'child'\nargs = {{ path = 'x' }}\n{}", plain.replace("agents", "#")));
    texts.push(format!("plan = 'child'\nargs = {{ path = 'y' }}\n{}", plain.replace("agents", "#")));
    texts.push(plain.to_owned());
    let mut digests: Vec<_> = texts.iter().map(|lines| plan(&text(lines)).digest().to_owned()).collect();
    digests.sort();
    digests.dedup();
    assert_eq!(digests.len(), texts.len());
}

#[test]
fn waits_and_lists_that_cannot_be_are_refused() {
    assert_snapshot!(complaints(
        r#"[[workstacks.p.phases]]
id = "a"
delay = "soon"
signal = "two words"
approval = { on_timeout = "later" }
for_each = "x"
agents = [{ agent = "rust_pro.test", delay = 1, max_parallel = 0 }]
[[workstacks.p.phases]]
id = "b"
for_each = [1]
max_parallel = 2
agents = [{ agent = "rust_pro.test", for_each = [2] }]
[[workstacks.p.phases]]
id = "c"
max_parallel = 2
agents = [{ agent = "rust_pro.test", args = { path = "${item}", at = "${index}" } }]
repeat = { max = 1, whlie = "x" }
when = "item == 1"
[[workstacks.p.phases]]
id = "d"
agents = [{ agent = "rust_pro.test", approval = "${nothing}", accept = "outptu", output_mapping = { x = "${item}", steps = 1, y = "${z}" } }]
repeat = { while = "1" }
[[workstacks.p.phases]]
id = "e"
delay = 1
max_retries = 1
for_each = [1]
repeat = true
approval = 3
"#
    ));
}

#[test]
fn plans_and_stand_ins_that_cannot_be_are_refused() {
    assert_snapshot!(complaints(
        r#"[[workstacks.p.phases]]
id = "a"
plan = "q"
args = { pth = "x" }
agents = ["rust_pro.test"]
[[workstacks.p.phases]]
id = "b"
plan = "p"
[[workstacks.p.phases]]
id = "c"
plan = "qq"
operation = "test"
[[workstacks.p.phases]]
id = "d"
agents = [
  { agent = "rust_pro.test", args = { path = "x", y = 1 }, fallback = ["tester", "testr", "rust_pro.tset", "rust_pro", "file_write"] },
  { role = "tester", fallback = [] },
  { role = "tester", fallback = ["reviewer", "role_reviewer", 3] },
]
tools = [{ tool = "file_write", fallback = ["file_read"] }]
[workstacks.q.inputs]
path = {}
[[workstacks.q.phases]]
id = "x"
agents = ["rust_pro.test"]
"#
    ));
}

/// Lines of phases, to be put together in any order.
const LINES: [&str; 22] = [
    "[[workstacks.p.phases]]\nid = 'a'\n",
    "[[workstacks.p.phases]]\nid = 'b'\n",
    "tools = ['file_write', { tool = 'file_read', approval = '${x}', signal = 'go', for_each = '${y}' }]\n",
    "tools = [{ tool = 'file_write', delay = 1, args = { x = '${item}', y = '${steps.a.output}' } }]\n",
    "agents = ['rust_pro.test', { role = 'tester', store_as = 'x', approval = '${steps.b.output}' }]\n",
    "agents = [{ agent = 'rust_pro.test', approval = { message = '${x}' } }]\n",
    "agents = [{ role = 'nobody', fallback = ['tester', 'x'], delay = 'never' }]\n",
    "parallel = true\n",
    "plan = 'child'\n",
    "plan = 'p'\n",
    "args = { path = '${item}' }\n",
    "delay = 1\n",
    "delay = 'never'\n",
    "signal = ''\n",
    "signal = 'go'\n",
    "approval = '${steps.a.output}'\n",
    "approval = '${x'\n",
    "for_each = '${x}'\n",
    "for_each = '${x'\n",
    "max_parallel = 2\n",
    "repeat = { while = 'steps.a.output == x' }\n",
    "rollback = [{ role = 'tester', args = { path = '${x}' } }]\n",
];

proptest! {
    #[test]
    fn lines_of_phases_in_any_order_are_read_or_refused(
        lines in prop::collection::vec(prop::sample::select(LINES.to_vec()), 0..12),
    ) {
        let loaded = crate::read(&format!("{}{CHILD}", lines.concat()));
        for plan in loaded.plans.values() {
            let text = serde_json::to_string(&**plan).expect("a plan is JSON");
            let again: op_plan::Plan = serde_json::from_str(&text).expect("and JSON a plan");
            prop_assert_eq!(again.digest(), plan.digest());
        }
    }
}
