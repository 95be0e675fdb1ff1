//! Plans as drawings.

use insta::assert_snapshot;
use op_plan::drawing::{Style, boxes, mermaid};
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
    assert_snapshot!(boxes(&shipped("code_review"), WIDE));
}

#[test]
fn the_feature_is_drawn_from_top_to_bottom() {
    assert_snapshot!(boxes(&shipped("full_stack_feature"), WIDE));
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
    assert_snapshot!(boxes(&plan, WIDE));
}

#[test]
fn a_narrow_terminal_breaks_rows_and_cuts_text() {
    let drawing = boxes(&shipped("code_review"), Style { width: 40, ascii: false });
    assert!(drawing.lines().all(|line| line.width() <= 40), "{drawing}");
    assert_snapshot!(drawing);
}

#[test]
fn ascii_is_nothing_but_ascii() {
    let plan = plan(
        "[[workstacks.p.phases]]\nid = 'a'\nname = 'Prüfung 漢字'\nagents = ['rust_pro.test']\n[[workstacks.p.phases]]\nid = 'b'\nagents = ['rust_pro.test']\n",
    );
    let drawing = boxes(&plan, Style { width: 80, ascii: true });
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
        let drawing = boxes(&many, Style { width, ascii: false });
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
    assert_snapshot!(mermaid(&plan(text)));
}

#[test]
fn the_largest_plan_is_drawn() {
    let names: Vec<_> = (0..3_000).map(|at| format!("p{at}")).collect();
    let wide: Vec<_> = names.iter().map(|id| (id.as_str(), "")).collect();
    let wide = phases(&wide);
    assert!(boxes(&wide, WIDE).contains("p2999"));
    assert!(mermaid(&wide).contains("p2999"));
}
