//! Nothing that is given as a plan makes the reader panic, and what it accepts can be used.

use op_plan::drawing::{Style, boxes, dot, mermaid, svg};
use proptest::prelude::*;

use crate::read;

const SHIPPED: &str = include_str!("../../../../config/workstacks.toml");

/// Pieces of plans, to be put together in any order.
const PIECES: [&str; 24] = [
    "[workstacks.p]\n",
    "[[workstacks.p.phases]]\n",
    "[workstacks.p.inputs]\n",
    "[workstacks.p.phases.args]\n",
    "id = 'a'\n",
    "id = 'b'\n",
    "tools = ['file_write']\n",
    "agents = ['rust_pro.test', { role = 'tester', store_as = 'x' }]\n",
    "agents = [{ agent = 'context_manager', operation = 'save', args = { a = ['${x}', '${steps.a.output}'] } }]\n",
    "operation = 'test'\n",
    "depends_on = ['a']\n",
    "depends_on = ['b', 'c']\n",
    "parallel_phases = ['a', 'b']\n",
    "when = 'x == 1'\n",
    "when = 'phases.a.success'\n",
    "continue_on_failure = true\n",
    "retry = { max = 3 }\n",
    "timeout = '1m'\n",
    "rollback = [{ tool = 'file_write', args = { a = '${x}' } }]\n",
    "rollback = 'run'\n",
    "path = { type = 'path', default = '.' }\n",
    "path = '${path}'\n",
    "output = ['${steps.b.output}', 1]\n",
    "x = { type = 'integer' }\n",
];

fn survives(text: &str) {
    let loaded = read(text);
    for diagnostic in &loaded.diagnostics {
        assert!(diagnostic.render(true).len() < 100_000);
    }
    for plan in loaded.plans.values() {
        let style = Style { width: 60, ascii: false };
        assert!(!boxes(plan, style, &[]).is_empty() && !mermaid(plan, &[]).is_empty());
        assert!(!dot(plan, &[]).is_empty() && !svg(plan, &[]).is_empty());
        let text = serde_json::to_string(&**plan).expect("a plan is JSON");
        let again: op_plan::Plan = serde_json::from_str(&text).expect("and JSON a plan");
        assert_eq!(again.digest(), plan.digest());
    }
}

proptest! {
    #[test]
    fn pieces_of_plans_in_any_order_are_read_or_refused(
        pieces in prop::collection::vec(prop::sample::select(PIECES.to_vec()), 0..14),
    ) {
        survives(&pieces.concat());
    }

    #[test]
    fn a_shipped_plan_with_a_part_cut_out_is_read_or_refused(from in 0..SHIPPED.len(), length in 0..200_usize) {
        let from = SHIPPED.floor_char_boundary(from);
        let to = SHIPPED.floor_char_boundary((from + length).min(SHIPPED.len()));
        survives(&format!("{}{}", &SHIPPED[..from], &SHIPPED[to..]));
    }

    #[test]
    fn any_text_is_read_or_refused(text in "[\\[\\]{}='\"#.a-z\n\\\\0-9 \u{e4}\u{6f22}]{0,80}") {
        survives(&text);
    }
}
