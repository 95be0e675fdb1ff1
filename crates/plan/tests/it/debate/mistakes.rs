//! What people read when a debate is wrong.

use insta::assert_snapshot;

use super::text;
use crate::{complaints, plan};

#[test]
fn all_mistakes_of_a_debate_are_shown_in_order() {
    assert_snapshot!(complaints(
        r#"[debates.p]
participant = []
participants = [
  { role = "proposer", modle = "x" },
  { role = "reviwer" },
  { fallback = true },
  { id = "proposer", agent = "debater.argue", operation = "speak" },
  { agent = "debater" },
  { agent = "rust_pro.test" },
  { id = "a/b", agent = "debater.speak" },
  3,
]
rounds = { min = 3, max = 2, consensus_threshold = 1.5, most = 3 }
seats = 20
require_all = "yes"
no_consensus = "escalat"
escalate_timeout = "1h"
decision = "proposr"
question = 3
options = [{ pros = ["x"] }, 4, { name = "n", con = [] }]
output = "${steps.decsion.output}"

[debates.q]
[debates.r]
participants = [{ agent = "debater.speak" }]
no_consensus = "decide"
escalate_timeout = 5
question = "x"
[debates.r.inputs]
question = { type = "integer" }
"#
    ));
}

#[test]
fn an_operation_that_is_of_nobody_is_refused() {
    let participants = |entry: &str| {
        complaints(&format!(
            "[debates.p]\nparticipants = [{entry}, {{ id = 'b', agent = 'debater', operation = 'argue' }}]\n"
        ))
    };
    assert_snapshot!(participants("{ role = 'reviwer', operation = 'analyze' }"));
    assert_snapshot!(participants("{ role = 'chairman', operation = 'speak' }"));
    assert_snapshot!(participants("{ model = 'x', operation = 'speak' }"));
    assert!(
        !participants("{ role = 'chairman', agent = 'debater', operation = 'speak' }").contains("operation")
    );
}

#[test]
fn a_model_that_an_operation_is_not_told_is_warned_of() {
    let entries = "[{ role = 'reviewer', agent = 'debater.listen', model = 'x' }, { id = 'b', agent = 'debater.argue', model = 'x' }, \
                   { id = 'c', agent = 'debater.listen', model = 'x', fallback = true }]";
    assert_snapshot!(complaints(&format!("[debates.p]\nparticipants = {entries}\n")));
}

#[test]
fn steps_in_an_order_that_makes_no_sense_are_refused() {
    assert_snapshot!(complaints(&text(
        r#"steps = [
  { type = "consensus_check" },
  { type = "clarification" },
  { type = "initial_arguments" },
  { type = "counter_arguments" },
  { type = "final_decision" },
  { type = "clarification" },
]"#
    )));
    assert_snapshot!(complaints(&text(
        r#"steps = [
  { type = "initial_argument" },
  { name = "x" },
  { type = "custom", args = { kind = 1 } },
]"#
    )));
    assert_snapshot!(complaints(&text(
        r#"steps = [
  { type = "custom", name = "Same" },
  { type = "custom", name = "same" },
  { type = "counter_arguments", args = {}, when = "true" },
  { type = "custom", name = "consensus" },
  { type = "custom", name = "Escalate" },
  { type = "consensus_check" },
]"#
    )));
    assert_snapshot!(complaints(&text(
        r#"steps = [
  { type = "initial_arguments" },
  { type = "consensus_check" },
  { type = "counter_arguments" },
  { type = "consensus_check" },
]"#
    )));
}

#[test]
fn rounds_and_steps_have_to_fit() {
    let steps = |more: &str| {
        format!(
            "steps = [{{ type = 'initial_arguments' }}, {more}{{ type = 'consensus_check' }}, {{ type = 'final_decision' }}]\n"
        )
    };
    let complaint = complaints(&text(&(steps("{ type = 'counter_arguments' }, ") + "rounds = { max = 1 }")));
    assert!(complaint.contains("no round is left for this step: `max` is 1"), "{complaint}");
    let complaint = complaints(&text(&(steps("") + "rounds = { max = 2 }")));
    assert!(
        complaint.contains("the debate has more than one round and no `counter_arguments`"),
        "{complaint}"
    );
    assert!(complaints(&text("rounds = { max = 101 }")).contains("`max` must be from 1 to 100"));
    assert!(complaints(&text("steps = 3")).contains("`steps` must be a list"));
}

#[test]
fn arguments_of_a_custom_step_are_held_against_what_everybody_takes() {
    let custom = "steps = [{ type = 'initial_arguments' }, { type = 'custom', name = 'x', args = { othrs = 1, question = 'q', y = '${nothing}' } }, \
                  { type = 'counter_arguments' }, { type = 'consensus_check' }, { type = 'final_decision' }]";
    assert_snapshot!(complaints(&text(custom)));
}

#[test]
fn a_debate_of_the_largest_size_is_read_and_a_larger_one_refused() {
    let participants = |many: usize| {
        let id = |at: usize| format!("{{ id = 'meta.llama-3.3-70b_{at}', agent = 'debater.speak' }}");
        (0..many).map(id).collect::<Vec<_>>().join(", ")
    };
    let custom = (0..4).map(|at| format!("{{ type = 'custom', name = 'c{at}' }}, ")).collect::<String>();
    let text = |many| {
        format!(
            "[debates.p]\nparticipants = [{}]\nrounds = {{ max = 100 }}\nsteps = [{{ type = 'initial_arguments' }}, {{ type = 'counter_arguments' }}, \
             {custom}{{ type = 'consensus_check' }}, {{ type = 'final_decision' }}]\n",
            participants(many)
        )
    };
    assert_eq!(plan(&text(12)).step_count(), 12 * 6 + 2);
    assert!(complaints(&text(13)).contains("a debate has at most 12 participants, seats among them"));
    let steps = complaints(&text(2).replace(
        "{ type = 'counter_arguments' }",
        "{ type = 'counter_arguments' }, { type = 'clarification' }",
    ));
    assert!(steps.contains("a debate has at most 8 steps"), "{steps}");
}
