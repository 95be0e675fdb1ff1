//! Plans as drawings.

mod machine;
mod svg;

use insta::assert_snapshot;
use op_plan::drawing::{Mark, Style, Tint, boxes, dot, mermaid};
use op_plan::{Plan, Source};
use unicode_width::UnicodeWidthStr as _;

use crate::plan;

const WIDE: Style = Style { width: 100, ascii: false };

fn shipped(id: &str) -> std::sync::Arc<Plan> {
    let text = include_str!("../../../../config/workstacks.toml").to_owned();
    let source = Source { name: "workstacks.toml".to_owned(), text };
    let loaded = op_plan::load(&[source], &crate::catalogue::catalogue());
    std::sync::Arc::clone(&loaded.plans[id])
}

/// A plan of phases that do nothing special, by their names and what they wait for.
fn phases(phases: &[(&str, &str)]) -> std::sync::Arc<Plan> {
    let phases = phases.iter().map(|(id, depends_on)| {
        format!(
            "[[workstacks.p.phases]]\nid = '{id}'\nagents = ['rust_pro.test']\ndepends_on = [{depends_on}]\n"
        )
    });
    plan(&phases.collect::<String>())
}

#[test]
fn the_review_is_drawn_with_its_three_phases_side_by_side() {
    assert_snapshot!(boxes(&shipped("code_review"), WIDE, &[]));
}

#[test]
fn the_feature_is_drawn_from_top_to_bottom() {
    assert_snapshot!(boxes(&shipped("full_stack_feature"), WIDE, &[]));
}

#[test]
fn what_no_arrow_can_show_is_written() {
    let plan = phases(&[
        ("a", ""),
        ("b", ""),
        ("c", "'a'"),
        ("d", "'a', 'b'"),
        ("e", "'b'"),
        ("f", "'c', 'a'"),
        ("g", "'d', 'e'"),
        ("h", "'f', 'g', 'b'"),
    ]);
    assert_snapshot!(boxes(&plan, WIDE, &[]));
}

#[test]
fn a_narrow_terminal_breaks_rows_and_cuts_text() {
    let drawing = boxes(&shipped("code_review"), Style { width: 40, ascii: false }, &[]);
    assert!(drawing.lines().all(|line| line.width() <= 40), "{drawing}");
    assert_snapshot!(drawing);
}

#[test]
fn ascii_is_nothing_but_ascii() {
    let plan = plan(
        "[[workstacks.p.phases]]\nid = 'a'\nname = 'Prüfung 漢字'\nagents = ['rust_pro.test']\n[[workstacks.p.phases]]\nid = 'b'\nagents = ['rust_pro.test']\n",
    );
    let drawing = boxes(&plan, Style { width: 80, ascii: true }, &[]);
    assert!(drawing.is_ascii());
    assert_snapshot!(drawing);
}

#[test]
fn no_line_is_wider_than_the_terminal() {
    let many: Vec<_> = (0..40)
        .map(|at| {
            (format!("phase_{at}"), if at == 0 { String::new() } else { format!("'phase_{}'", at / 3) })
        })
        .collect();
    let many: Vec<_> = many.iter().map(|(id, depends_on)| (id.as_str(), depends_on.as_str())).collect();
    let many = phases(&many);
    for width in [12, 20, 33, 80, 200] {
        let drawing = boxes(&many, Style { width, ascii: false }, &[]);
        assert!(drawing.lines().all(|line| line.width() <= width), "{width}\n{drawing}");
        let names = (0..40).filter(|at| drawing.contains(&format!("phase_{at}"))).count();
        assert!(names == 40 || width < 20, "{width}\n{drawing}");
    }
}

#[test]
fn mermaid_text_is_escaped_and_has_every_arrow() {
    let text = "[[workstacks.p.phases]]\nid = 'a'\nname = 'A \"quoted\"]'\ntools = ['file_write']\n\
        rollback = [{ tool = 'file_write' }]\n\
        [[workstacks.p.phases]]\nid = 'b'\nagents = [{ role = 'tester' }]\nwhen = \"phases.a.success && 1 < 2\"\ncontinue_on_failure = true\n";
    assert_snapshot!(mermaid(&plan(text), &[]));
}

#[test]
fn the_largest_plan_is_drawn() {
    let names: Vec<_> = (0..3_000).map(|at| format!("p{at}")).collect();
    let wide: Vec<_> = names.iter().map(|id| (id.as_str(), "")).collect();
    let wide = phases(&wide);
    assert!(boxes(&wide, WIDE, &[]).contains("p2999"));
    for drawing in [mermaid(&wide, &[]), dot(&wide, &[]), op_plan::drawing::svg(&wide, &[])] {
        assert!(drawing.contains("p2999"));
    }
}

/// A plan that says of its phases all that a plan of this flow can say.
fn talkative() -> std::sync::Arc<Plan> {
    plan(
        "[templates.p.inputs]\nfiles = { type = 'list', default = [] }\n\
         [[templates.p.steps]]\nname = 'Look & <See>'\nfor_each = '${files}'\nmax_parallel = 2\noptional = true\n\
         [[templates.p.steps]]\nname = 'Rest'\nstep_type = 'wait'\ndelay = 300\n\
         [[templates.p.steps]]\nname = 'Ask'\nparallel_group = 'g'\napproval = 'Go on?'\naccept = 'output.ok'\n\
         [[templates.p.steps]]\nname = 'Listen'\nparallel_group = 'g'\nsignal = 'go'\ncondition = 'size(files) > 1'\n\
         [[templates.p.steps]]\nname = 'Refine'\nstep_type = 'loop'\ncondition = 'context.Refine.score < 1'\nmax_iterations = 1\n\
         [[templates.p.steps]]\nname = 'Until It Is Empty'\nstep_type = 'loop'\ncondition = 'size(files) > 0'\n\
         [[templates.p.steps]]\nname = 'Build'\nplan = 'child'\n\
         [[workstacks.child.phases]]\nid = 'a'\nagents = ['rust_pro.test']\n",
    )
}

fn marks<'a>(tints: &[Tint]) -> Vec<Mark<'a>> {
    tints.iter().map(|tint| Mark::from(*tint)).collect()
}

#[test]
fn everything_that_a_phase_says_is_in_its_box() {
    assert_snapshot!(boxes(&talkative(), WIDE, &[]));
}

#[test]
fn dot_text_is_escaped_and_has_every_arrow() {
    assert_snapshot!(dot(&talkative(), &[]));
    let text = "[[workstacks.p.phases]]\nid = 'a'\nname = 'A \"q\" \\ \\n'\nagents = ['rust_pro.test']\n";
    assert!(dot(&plan(text), &[]).contains("label=\"A \\\"q\\\" \\\\ \\\\n\\nrust_pro.test\""));
}

#[test]
fn a_state_is_a_colour_a_sign_and_a_word() {
    let marked = [&marks(&Tint::ALL)[..6], &[Mark { tint: Tint::Gone, word: "undone" }]].concat();
    let plan = talkative();
    assert_snapshot!("boxes_with_states", boxes(&plan, WIDE, &marked));
    assert_snapshot!("ascii_boxes_with_states", boxes(&plan, Style { width: 80, ascii: true }, &marked));
    assert!(boxes(&plan, Style { width: 80, ascii: true }, &marked).is_ascii());
    assert_snapshot!("mermaid_with_states", mermaid(&plan, &marked));
    assert_snapshot!("dot_with_states", dot(&plan, &marked));
}

#[test]
fn phases_without_a_mark_are_plain() {
    let plan = talkative();
    let one = mermaid(&plan, &marks(&[Tint::Bad]));
    assert!(one.contains("class p0 bad") && !one.contains("p1 bad") && !one.contains("classDef good"));
    assert_eq!(boxes(&plan, WIDE, &marks(&[Tint::Bad])).matches("failed").count(), 1);
}
