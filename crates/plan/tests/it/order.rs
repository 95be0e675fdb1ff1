//! Which phases wait for which.

use crate::{complaints, plan, read};

/// A workstack of phases with the given dependencies.
fn text(head: &str, phases: &[(&str, Option<&str>)]) -> String {
    let phases = phases.iter().map(|(id, depends_on)| {
        let depends_on = depends_on.map_or_else(String::new, |list| format!("depends_on = {list}\n"));
        format!("[[workstacks.p.phases]]\nid = '{id}'\nagents = ['rust_pro.test']\n{depends_on}")
    });
    format!("[workstacks.p]\n{head}\n{}", phases.collect::<String>())
}

fn order(head: &str, phases: &[(&str, Option<&str>)]) -> Vec<Vec<usize>> {
    let plan = plan(&text(head, phases));
    plan.phases().iter().map(|phase| phase.depends_on.clone()).collect()
}

#[test]
fn a_phase_waits_for_the_one_before_it_unless_it_says_otherwise() {
    let phases = [("a", None), ("b", None), ("c", Some("[]")), ("d", Some("['a', 'c']")), ("e", None)];
    assert_eq!(order("", &phases), [vec![], vec![0], vec![], vec![0, 2], vec![3]]);
}

#[test]
fn named_phases_run_side_by_side_and_what_follows_waits_for_all_of_them() {
    let phases = [("a", None), ("b", None), ("c", None), ("d", None)];
    assert_eq!(order("parallel_phases = ['c', 'b']", &phases), [vec![], vec![0], vec![0], vec![1, 2]]);
    assert_eq!(order("parallel_phases = ['a', 'b', 'c']", &phases), [vec![], vec![], vec![], vec![0, 1, 2]]);
}

#[test]
fn a_named_phase_that_says_what_it_waits_for_waits_for_that() {
    let phases = [("a", None), ("b", Some("['a']")), ("c", Some("[]")), ("d", None), ("e", Some("['b']"))];
    assert_eq!(
        order("parallel_phases = ['b', 'c', 'd']", &phases),
        [vec![], vec![0], vec![], vec![0], vec![1]]
    );
}

#[test]
fn phases_that_wait_for_each_other_cannot_run_side_by_side() {
    let phases = [("a", Some("[]")), ("b", Some("['a']")), ("c", Some("['b']"))];
    let complaint = complaints(&text("parallel_phases = ['a', 'c']", &phases));
    assert!(complaint.contains("`c` cannot run beside `a`: it waits for it through `b`"), "{complaint}");
    let complaint = complaints(&text("parallel_phases = ['a', 'b']", &phases));
    assert!(complaint.contains("`b` cannot run beside `a`: it waits for it\n"), "{complaint}");
}

#[test]
fn a_cycle_is_shown_with_its_whole_path() {
    let phases = [("a", Some("['c']")), ("b", Some("['a']")), ("c", Some("['b']")), ("d", Some("['d']"))];
    let loaded = read(&text("", &phases));
    let messages: Vec<_> = loaded.diagnostics.iter().map(|found| found.message.as_str()).collect();
    assert_eq!(
        messages,
        ["phases wait for each other: a -> c -> b -> a", "phases wait for each other: d -> d"]
    );
    assert_eq!(loaded.diagnostics[0].notes.len(), 2);
    assert!(loaded.plans.is_empty());
}
