//! Machines as drawings: ways with what they are taken for, loops, and round ends.

use std::time::Duration;

use insta::assert_snapshot;
use op_plan::drawing::{Style, Tint, boxes, dot, mermaid};
use op_plan::plan::{Action, Call, Flow, Loop, Part, Target, Terminal, Transition};
use op_plan::{Draft, Expression, Mapping, Performer, Phase, Plan, Shape, Step};

use super::{WIDE, marks};

fn part(role: &str) -> Part {
    Part::Role { name: role.to_owned(), plays: None, default: Some(Performer::parse("rust_pro.build")) }
}

fn phase(id: &str, role: &str, next: Vec<Transition>) -> Phase {
    let step = Step::new(id, Action::Call(Call { part: part(role), arguments: Mapping::empty() }));
    Phase { next, ..Phase::new(id, vec![step]) }
}

fn way(on_success: bool, when: Option<&str>, to: Target) -> Transition {
    let when = when.map(|when| Expression::parse(when).expect("it parses"));
    Transition { on_success, when, to }
}

fn end(name: &str, is_success: bool, message: &str) -> Target {
    Target::End(Terminal { name: name.to_owned(), is_success, message: message.to_owned() })
}

fn sealed(initial: usize, phases: Vec<Phase>) -> Plan {
    let flow = Flow::Machine { initial, max_visits: 100 };
    Plan::seal(Draft { flow, ..Draft::new("build_website", Shape::Machine, phases) }).expect("it is valid")
}

/// The machine of the source document, with a condition, a shortcut and a step that goes on in any case.
pub(super) fn website() -> Plan {
    let failed = || end("failed", false, "");
    let specs = vec![way(true, None, Target::Phase(1)), way(false, None, failed())];
    let code = vec![
        way(true, Some("output.size < 10"), Target::Phase(3)),
        way(true, None, Target::Phase(2)),
        way(false, None, failed()),
    ];
    let review = vec![way(true, None, Target::Phase(3)), way(false, None, Target::Phase(1))];
    let publish = vec![
        way(true, None, end("completed", true, "")),
        way(false, Some("run.id == 'x'"), Target::Phase(3)),
        way(false, None, end("given_up", false, "nobody could publish it")),
    ];
    let mut phases = vec![
        phase("create_specs", "product_manager", specs),
        phase("implement_code", "coder", code),
        phase("review_code", "reviewer", review),
        phase("publish", "deployer", publish),
    ];
    phases[1].max_visits = Some(3);
    phases[1].steps[0].fallback = vec![part("tester"), Part::Open];
    phases[3].repeat = Some(Loop { condition: Expression::parse("more").expect("it parses"), max: 4 });
    phases[3].steps[0].gate = Some(op_plan::plan::Gate::Delay(Duration::from_mins(90)));
    sealed(0, phases)
}

#[test]
fn ways_that_are_no_arrows_are_written_into_the_box_they_lead_from() {
    assert_snapshot!(boxes(&website(), WIDE, &[]));
    assert_snapshot!("ascii_machine", boxes(&website(), Style { width: 60, ascii: true }, &[]));
}

#[test]
fn ways_are_labelled_arrows_and_ends_are_round() {
    assert_snapshot!("mermaid_machine", mermaid(&website(), &marks(&[Tint::Good, Tint::Running])));
    assert_snapshot!("dot_machine", dot(&website(), &marks(&[Tint::Good, Tint::Running])));
}

#[test]
fn a_way_after_both_outcomes_is_one_arrow() {
    let both = vec![way(true, None, Target::Phase(1)), way(false, None, Target::Phase(1))];
    let plan =
        sealed(1, vec![phase("a", "x", both), phase("b", "x", vec![way(true, None, Target::Phase(0))])]);
    let drawing = mermaid(&plan, &[]);
    assert!(drawing.contains("p0 -->|\"success or failure\"| p1"), "{drawing}");
    assert!(drawing.contains("<b>b</b><br/>begins here<br/>"), "{drawing}");
    assert!(boxes(&plan, WIDE, &[]).contains("on success or failure -> b"));
}

#[test]
fn a_machine_that_stops_by_itself_says_so() {
    let plan = sealed(0, vec![phase("a", "x", vec![way(false, None, Target::Phase(0))])]);
    for drawing in
        [boxes(&plan, WIDE, &[]), mermaid(&plan, &[]), dot(&plan, &[]), op_plan::drawing::svg(&plan, &[])]
    {
        assert!(drawing.contains("on success the run ends"), "{drawing}");
    }
}
