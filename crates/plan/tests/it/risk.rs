//! Operations of critical risk, and the approvals that they need.

use crate::{complaints, plan};

fn text(lines: &str) -> String {
    format!("[workstacks.p]\n[[workstacks.p.phases]]\nid = 'a'\n{lines}\n")
}

const AFTER: &str = "[[workstacks.p.phases]]\nid = 'z'\nagents = ['rust_pro.test']\n";

#[test]
fn what_cannot_be_taken_back_needs_an_approval_before_it() {
    let told = complaints(&text("agents = ['shredder.shred']"));
    let parts = [
        "`shredder.shred` cannot be taken back, and nobody approves before `a` calls it",
        "plans.toml:4:",
        "add `approval",
    ];
    for part in parts {
        assert!(told.contains(part), "{part}: {told}");
    }
    for lines in [
        "approval = 'sure?'\nagents = ['shredder.shred']",
        "agents = [{ agent = 'shredder.shred', approval = { message = 'sure?', timeout = '1h' } }]",
        "approval = 'sure?'\nfor_each = ['x', 'y']\nagents = ['shredder.shred']",
        "approval = 'sure?'\nagents = ['rust_pro.test', 'shredder.shred']",
        "delay = 5\napproval = 'sure?'\nparallel = true\nagents = ['rust_pro.test', 'shredder.shred']",
    ] {
        let plan = plan(&text(&format!("{lines}\n{AFTER}")));
        let shred = (0..plan.step_count() - 1).rev().find(|step| plan.step(*step).action.call().is_some());
        assert!(plan.is_approved(shred.expect("a call")), "{lines}");
        assert!(!plan.is_approved(plan.step_count() - 1), "an approval counts in its phase alone: {lines}");
    }
}

#[test]
fn an_approval_that_nobody_need_give_counts_for_nothing() {
    for lines in [
        "approval = { message = 'sure?', timeout = '1h', on_timeout = 'approve' }\nagents = ['shredder.shred']",
        "signal = 'go'\nagents = ['shredder.shred']",
        "agents = ['shredder.shred', { agent = 'rust_pro.test', approval = 'sure?' }]",
        "agents = [{ agent = 'rust_pro', operation = 'test', fallback = ['shredder.shred'] }]",
    ] {
        let told = complaints(&text(lines));
        assert!(told.contains("cannot be taken back"), "{lines}: {told}");
    }
}

#[test]
fn nothing_is_undone_by_what_cannot_be_taken_back() {
    let undone = "agents = ['rust_pro.test']\nrollback = [{ agent = 'shredder', operation = 'shred' }]";
    let told = complaints(&text(undone));
    assert!(told.contains("nobody approves before `rollback of a` calls it"), "{told}");
}

#[test]
fn steps_that_wait_for_each_other_are_told_of_as_that() {
    let told = complaints(
        "[workflows.p]\n[[workflows.p.nodes]]\nid = 'a'\nagent = 'shredder.shred'\n\
         [[workflows.p.edges]]\nfrom = 'a'\nto = 'a'\n",
    );
    assert!(!told.is_empty());
}
