//! The laws of the decider, each held over thousands of random stories, and each shown to catch planted faults.
//!
//! A story is a random plan in a random [`world`], told by the [`teller`]: calls succeed, fail and hang, time passes late, people cancel, answers
//! come twice, the process restarts. A law ([`law`]) judges a whole story from its record, helped by an independent reading
//! of the facts ([`ledger`]). The faults ([`faults`]) are deciders that are broken in one way.

mod commit;
mod control;
mod coverage;
mod decider;
mod faults;
mod journal;
mod keys;
mod law;
mod ledger;
mod outcome;
mod outstanding;
mod plans;
mod story;
mod success;
mod teller;
mod wide;
mod world;

use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestRng, TestRunner};

use decider::REAL;
use law::Law;
use teller::tell;
use world::cases;

/// Stories for each of the laws.
const STORIES: u32 = 2_500;

/// The same stories in every run of the tests; other ones for each law.
fn runner(seed: u8, stories: u32) -> TestRunner {
    let config = Config { cases: stories, failure_persistence: None, ..Config::default() };
    TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &[seed; 32]))
}

fn holds(law: Law, seed: u8, stories: u32) {
    let judged = runner(seed, stories).run(&cases(), |case| {
        law(&tell(REAL, &case)).map_err(|violation| TestCaseError::fail(violation.to_string()))
    });
    if let Err(error) = judged {
        panic!("{error}");
    }
}

#[test]
fn decide_commit_act() {
    holds(commit::decide_commit_act, 1, STORIES);
}

#[test]
fn what_is_outstanding_can_be_read_off_the_run() {
    holds(outstanding::what_is_outstanding_can_be_read_off_the_run, 2, STORIES);
}

#[test]
fn every_prefix_of_the_journal_is_the_run() {
    holds(outstanding::every_prefix_of_the_journal_is_the_run, 3, STORIES / 5);
}

#[test]
fn nothing_claims_success_that_it_did_not_observe() {
    holds(success::nothing_claims_success_that_it_did_not_observe, 5, STORIES);
}

#[test]
fn outcome_is_data() {
    holds(outcome::outcome_is_data, 8, STORIES);
}

#[test]
fn cancel_pause_timeout_and_undo_are_one_design() {
    holds(control::cancel_pause_timeout_and_undo_are_one_design, 9, STORIES);
}

#[test]
fn effects_carry_a_key() {
    holds(keys::effects_carry_a_key, 10, STORIES);
}
