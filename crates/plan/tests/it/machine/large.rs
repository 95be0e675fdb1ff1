//! Machines of any size and of any pieces.

use super::*;

/// A line of steps, each with a way to another when it fails and a reference to one before it.
fn line(steps: usize, failure: fn(usize) -> usize, refers: fn(usize) -> usize) -> String {
    let name = |at: usize| if at < steps { format!("s{at}") } else { "completed".to_owned() };
    let mut text = format!("[machines.p]\ngoal = 'x'\nmax_visits = {steps}\n");
    for at in 0..steps {
        let (next, failure) = (name(at + 1), name(failure(at)));
        let _ = write!(text, "[[machines.p.steps]]\nid = 's{at}'\nrole = 'coder'\n");
        let _ = writeln!(text, "on_success = '{next}'\non_failure = '{failure}'");
        if at > 0 {
            let _ = writeln!(text, "args = {{ x = '${{steps.s{}.output}}' }}", refers(at));
        }
    }
    text
}

/// Each step goes back half the way when it fails.
fn chain(steps: usize) -> String {
    line(steps, |at| at / 2, |at| at - 1)
}

#[test]
fn a_machine_of_ten_thousand_steps_is_read() {
    assert_eq!(read(&chain(10_000)).plans["p"].step_count(), 10_000);
}

#[test]
fn a_machine_of_ten_thousand_steps_that_need_not_run_is_read() {
    assert_eq!(read(&line(10_000, |at| at + 2, |at| at / 2)).plans["p"].step_count(), 10_000);
}

#[test]
fn ten_thousand_lost_steps_are_shown_short() {
    let text = chain(10_000).replace("on_success = 's1'", "on_success = 'completed'");
    let loaded = read(&text);
    assert_eq!((loaded.diagnostics.len(), loaded.plans.len()), (100, 0));
    let text = chain(10_000).replace("'completed'", "'s0'");
    let complaint = complaints(&text);
    assert!(complaint.contains("s0 -> s1 -> s2") && complaint.contains("... -> s0"), "{complaint}");
    assert!(complaint.len() < 10_000);
}

#[test]
fn a_machine_of_too_many_steps_is_refused() {
    let complaint = complaints(&chain(op_plan::plan::MAX_PHASES + 1));
    assert!(complaint.contains("machine `p` has 20001 steps"), "{complaint}");
}

/// Pieces of machines, to be put together in any order.
const PIECES: [&str; 24] = [
    "[machines.p]\n",
    "[machines.q]\n",
    "[[machines.p.steps]]\n",
    "[[machines.p.steps]]\nid = 'a'\n",
    "[[machines.p.steps]]\nid = 'b'\nrole = 'coder'\non_success = 'a'\n",
    "[[machines.p.steps]]\nid = 'c'\nterminal = 'failed'\n",
    "goal = 'x'\n",
    "initial = 'b'\n",
    "pipeline = [['x', 'coder'], ['a', 'critic', 'A']]\n",
    "role = 'critic'\n",
    "agent = 'rust_pro.test'\n",
    "plan = 'q'\n",
    "on_success = 'b'\n",
    "on_success = 'completed'\n",
    "on_failure = [{ when = 'item', to = 'a' }, { to = 'c' }]\n",
    "delay = 'x'\n",
    "signal = 'go'\n",
    "approval = '${steps.a.output} and ${y}'\n",
    "approval = { timeout = 1, message = '${word}' }\n",
    "for_each = '${steps.b.output'\n",
    "for_each = '${steps.b.output}'\n",
    "args = { x = '${item}', y = '${steps.b.output}' }\n",
    "output_mapping = { word = '${output}' }\n",
    "when = 'steps.b.output == 1'\n",
];

proptest! {
    #[test]
    fn pieces_of_machines_in_any_order_are_read_or_refused(
        pieces in prop::collection::vec(prop::sample::select(PIECES.to_vec()), 0..14),
    ) {
        let loaded = read(&pieces.concat());
        prop_assert!(!loaded.diagnostics.is_empty() || !loaded.plans.is_empty() || pieces.len() < 5);
        for plan in loaded.plans.values() {
            let text = serde_json::to_string(&**plan).expect("a plan is JSON");
            let again: Plan = serde_json::from_str(&text).expect("and JSON a plan");
            prop_assert_eq!(again.digest(), plan.digest());
        }
    }
}
