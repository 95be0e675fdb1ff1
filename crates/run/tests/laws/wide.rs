//! The wide world: plans with all that a plan can say, and people who steer. Its laws are simpler than those of plain plans.

mod coverage;
pub(crate) mod laws;
mod plans;
mod sight;
pub(crate) mod teller;
pub(crate) mod world;

use proptest::test_runner::TestCaseError;

use crate::decider::REAL;
use crate::law::Law;
use crate::{commit, keys, outstanding, runner};
use teller::tell;
use world::cases;

/// Stories for each of the laws.
const STORIES: u32 = 1_500;

fn holds(law: Law, seed: u8, stories: u32) {
    let judged = runner(seed, stories).run(&cases(), |case| {
        law(&tell(REAL, &case)).map_err(|violation| TestCaseError::fail(violation.to_string()))
    });
    if let Err(error) = judged {
        panic!("{error}");
    }
}

#[test]
fn wide_decide_commit_act() {
    holds(commit::decide_commit_act, 31, STORIES / 3);
}

#[test]
fn wide_every_prefix_of_the_journal_is_the_run() {
    holds(outstanding::every_prefix_of_the_journal_is_the_run, 32, STORIES / 15);
}

#[test]
fn wide_effects_carry_a_key() {
    holds(keys::keys_are_used_once, 33, STORIES);
}

#[test]
fn wide_nothing_outstanding_is_lost() {
    holds(laws::nothing_outstanding_is_lost, 34, STORIES);
}

#[test]
fn wide_nothing_begins_that_should_not() {
    holds(laws::nothing_begins_that_should_not, 35, STORIES);
}

#[test]
fn wide_no_success_is_made_up() {
    holds(laws::no_success_is_made_up, 36, STORIES);
}

#[test]
fn wide_all_ways_are_bounded() {
    holds(laws::all_ways_are_bounded, 37, STORIES);
}

#[test]
fn wide_undo_is_done_in_reverse_and_once() {
    holds(laws::undo_is_done_in_reverse_and_once, 38, STORIES);
}
