//! Plans of the largest size that is read, and one more.

use std::fmt::Write as _;

use op_plan::plan::MAX_PHASES;

use crate::{complaints, plan, read};

/// A chain of phases, each with an expression over one far before it and one over its neighbour.
fn chain(phases: usize) -> String {
    let mut text = "[workstacks.p]\n".to_owned();
    for at in 0..phases {
        let _ = write!(text, "[[workstacks.p.phases]]\nid = 'p{at}'\n");
        let args = match at.checked_sub(1) {
            None => "path = 'x'".to_owned(),
            Some(before) => format!("path = 'a ${{steps.p{before}.output}} ${{steps.p{}.status}}'", at / 2),
        };
        let _ = writeln!(text, "agents = [{{ agent = 'rust_pro.test', args = {{ {args} }} }}]");
    }
    text
}

#[test]
fn a_plan_of_ten_thousand_phases_is_read() {
    let plan = plan(&chain(10_000));
    assert_eq!((plan.step_count(), plan.phases()[9_999].depends_on.as_slice()), (10_000, &[9_998][..]));
}

#[test]
fn a_plan_with_one_phase_too_many_is_refused() {
    let complaint = complaints(&chain(MAX_PHASES + 1));
    assert!(
        complaint.contains("workstack `p` has 20001 phases, and a plan has from 1 to 20000"),
        "{complaint}"
    );
}

#[test]
fn ten_thousand_mistakes_are_counted_and_a_hundred_shown() {
    let text = chain(10_000).replace("id = ", "idd = ");
    let loaded = read(&text);
    assert_eq!(loaded.diagnostics.len(), 100);
    assert!(loaded.diagnostics[99].more >= 10_000, "{}", loaded.diagnostics[99].more);
    assert!(loaded.plans.is_empty());
}

#[test]
fn a_cycle_of_ten_thousand_phases_is_shown_short() {
    let text = chain(10_000).replacen("id = 'p0'\n", "id = 'p0'\ndepends_on = ['p9999']\n", 1);
    let complaint = complaints(&text);
    assert!(complaint.contains("p0 -> p9999 -> p9998") && complaint.contains("... -> p0"));
    assert!(complaint.len() < 10_000);
}
