//! What clients call again and again, and the plans that are suggested for it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use op_engine::fakes::{FixedAgents, HandClock, MemoryJournal};
use op_engine::handle::suggest::Suggestion;
use op_engine::pattern::{LONGEST, LOOKED_AT, PAUSE, Pattern, find};
use op_engine::ports::{CallRecord, Journal as _};
use op_engine::{Engine, Limits, Ports};
use op_plan::{Source, load};
use op_run::Timestamp;
use proptest::prelude::*;

use crate::support::{catalogue, plans, scripted};

/// A call by `ann`, made at this second.
fn call(operation: &str, second: u64) -> CallRecord {
    CallRecord {
        id: String::new(),
        at: Timestamp::from_millis(second * 1000),
        user: "ann".to_owned(),
        session: String::new(),
        operation: operation.to_owned(),
        outcome: "succeeded".to_owned(),
        reason: String::new(),
        duration: Duration::ZERO,
        risk: None,
    }
}

/// Calls by `ann`, a second apart, one for each letter; a space is a long pause.
fn calls(letters: &str) -> Vec<CallRecord> {
    let mut second = 0;
    let mut calls = Vec::new();
    for letter in letters.chars() {
        second += if letter == ' ' { PAUSE.as_secs() } else { 1 };
        if letter != ' ' {
            calls.push(call(&letter.to_string(), second));
        }
    }
    calls
}

fn told(patterns: &[Pattern]) -> Vec<(String, usize)> {
    patterns.iter().map(|pattern| (pattern.operations.concat(), pattern.times)).collect()
}

fn found(calls: &[CallRecord]) -> Vec<(String, usize)> {
    told(&find(calls, 3, |_| true))
}

fn one(operations: &str, times: usize) -> Vec<(String, usize)> {
    vec![(operations.to_owned(), times)]
}

#[test]
fn a_sequence_that_was_made_three_times_is_found_and_one_made_twice_is_not() {
    assert!(found(&calls("abc abc")).is_empty());
    assert_eq!(found(&calls("abc abc abc")), one("abc", 3));
    assert_eq!(found(&calls("xabc ab yabcz qabcab")), [("abc".to_owned(), 3), ("ab".to_owned(), 5)]);
    let patterns = find(&calls("ab ab"), 2, |_| true);
    assert_eq!(patterns[0].last, calls("ab ab")[3].at);
}

#[test]
fn one_operation_over_and_over_is_nothing_and_a_loop_counts_its_rounds() {
    assert!(found(&calls("aaaaaaaa aa aa aa")).is_empty());
    assert_eq!(found(&calls("abababab")), one("ab", 4));
    assert_eq!(found(&calls(&"abc".repeat(9))), one("abc", 9));
    assert_eq!(found(&calls("aab aab aab")), one("aab", 3));
    assert_eq!(found(&calls("aba aba aba")), one("aba", 3));
}

#[test]
fn calls_that_failed_are_passed_over() {
    let failing = |letters: &str| {
        let mut calls = calls(letters);
        calls
            .iter_mut()
            .filter(|call| call.operation == "x")
            .for_each(|call| "failed".clone_into(&mut call.outcome));
        calls
    };
    assert_eq!(found(&failing("axb axb ab")), one("ab", 3));
    assert!(found(&failing("ax ax ax")).is_empty());
}

#[test]
fn what_agents_ask_for_is_nobodys_habit() {
    let mut calls = calls("ab ab ab");
    calls.iter_mut().for_each(|call| "agent a".clone_into(&mut call.user));
    assert!(found(&calls).is_empty());
}

#[test]
fn sessions_and_users_make_no_sequence_together() {
    let mixed = |by: fn(&mut CallRecord)| {
        let mut calls = calls("ab ab ab");
        calls.iter_mut().filter(|call| call.operation == "b").for_each(by);
        calls
    };
    assert!(found(&mixed(|call| "bob".clone_into(&mut call.user))).is_empty());
    assert!(found(&mixed(|call| "s1".clone_into(&mut call.session))).is_empty());
    let both = [calls("ab ab ab"), calls("ab ab ab")].concat();
    let mut apart = both.clone();
    apart[6..].iter_mut().for_each(|call| "s1".clone_into(&mut call.session));
    assert_eq!(found(&apart), one("ab", 6), "one user makes the same in a session and outside");
    let mut each = calls("ab ab ab");
    each.iter_mut().enumerate().for_each(|(at, call)| call.session = format!("s{}", at / 2));
    assert_eq!(found(&each), one("ab", 3), "once in each of three sessions");
    apart[6..].iter_mut().for_each(|call| "bob".clone_into(&mut call.user));
    let patterns = find(&apart, 3, |_| true);
    assert_eq!(
        patterns.iter().map(|of| (of.user.as_str(), of.times)).collect::<Vec<_>>(),
        [("ann", 3), ("bob", 3)]
    );
}

#[test]
fn a_pause_is_counted_from_the_end_of_a_call() {
    let pause = PAUSE.as_secs();
    let made = |gap: u64| {
        let begins = [0, 10_000, 20_000];
        let pairs = begins.map(|at| {
            let slow = CallRecord { duration: Duration::from_secs(100), ..call("a", at) };
            [slow, call("b", at + 100 + gap)]
        });
        pairs.concat()
    };
    assert_eq!(found(&made(pause)), one("ab", 3));
    assert!(found(&made(pause + 1)).is_empty());
}

#[test]
fn calls_stand_in_the_order_in_which_they_were_made() {
    let mut late = calls("ab ab ab");
    late.swap(0, 1);
    late.swap(2, 3);
    assert_eq!(found(&late), one("ab", 3));
}

#[test]
fn an_operation_that_is_gone_parts_what_stands_around_it() {
    let find = |letters: &str| told(&find(&calls(letters), 3, |operation| operation != "x"));
    assert!(find("axb axb axb").is_empty());
    assert_eq!(find("abx abx abx"), one("ab", 3));
}

#[test]
fn a_sequence_that_is_too_long_is_told_in_parts_and_the_newest_calls_count() {
    let long = "abcdefghijkl abcdefghijkl abcdefghijkl";
    assert!(found(&calls(long)).iter().all(|(operations, times)| operations.len() == LONGEST && *times == 3));
    let old = calls(&("ab ".repeat(3) + &"x".repeat(LOOKED_AT)));
    assert!(found(&old).is_empty());
}

/// How often a sequence was made, told in the plainest way.
fn plainly(calls: &[CallRecord], pattern: &Pattern) -> usize {
    let own: Vec<_> =
        calls.iter().filter(|call| call.user == pattern.user && call.outcome == "succeeded").collect();
    let mut sessions: BTreeMap<&str, Vec<&CallRecord>> = BTreeMap::new();
    own.into_iter().for_each(|call| sessions.entry(&call.session).or_default().push(call));
    let count = |line: &Vec<&CallRecord>| {
        let (mut at, mut times) = (0, 0);
        while let Some(some) = line.get(at..at + pattern.operations.len()) {
            let is_it = some.iter().map(|call| &call.operation).eq(&pattern.operations)
                && some.windows(2).all(|two| two[1].at.since(two[0].at) <= PAUSE);
            (at, times) = if is_it { (at + some.len(), times + 1) } else { (at + 1, times) };
        }
        times
    };
    sessions.values().map(count).sum()
}

fn anything() -> impl Strategy<Value = Vec<CallRecord>> {
    let one = (0..4_u8, 0..3_u8, 0..2_u8, 0..12_u8, prop_oneof![9 => 1..60_u64, 1 => 600..900_u64]);
    prop::collection::vec(one, 0..120).prop_map(|made| {
        let mut second = 0;
        let calls = made.into_iter().map(|(operation, user, session, outcome, pause)| {
            second += pause;
            CallRecord {
                user: ["ann", "bob", "agent x"][usize::from(user)].to_owned(),
                session: ["", "s1"][usize::from(session)].to_owned(),
                outcome: if outcome == 0 { "failed" } else { "succeeded" }.to_owned(),
                ..call(&char::from(b'a' + operation).to_string(), second)
            }
        });
        calls.collect()
    })
}

proptest! {
    #[test]
    fn what_is_told_was_made_so_often_by_one_person(calls in anything(), times in 2..4_usize) {
        let patterns = find(&calls, times, |_| true);
        for pattern in &patterns {
            prop_assert!(pattern.times >= times && plainly(&calls, pattern) >= pattern.times, "{:?}", pattern);
            prop_assert!((2..=LONGEST).contains(&pattern.operations.len()));
            prop_assert!(pattern.operations.iter().any(|name| *name != pattern.operations[0]));
            prop_assert!(!pattern.user.starts_with("agent "));
            let is_inside = |other: &Pattern| {
                other.user == pattern.user
                    && other.times == pattern.times
                    && other.operations.len() > pattern.operations.len()
                    && other.operations.windows(pattern.operations.len()).any(|part| part == pattern.operations)
            };
            prop_assert!(!patterns.iter().any(is_inside), "{:?}", patterns);
        }
    }

    #[test]
    fn nobody_changes_what_is_told_of_another(calls in anything()) {
        let of = |user: &str, calls: &[CallRecord]| {
            let mut patterns = find(calls, 2, |_| true);
            patterns.retain(|pattern| pattern.user == user);
            patterns
        };
        let own: Vec<_> = calls.iter().filter(|call| call.user == "ann").cloned().collect();
        prop_assert_eq!(of("ann", &calls), of("ann", &own));
    }

    #[test]
    fn a_habit_is_found_whatever_is_done_besides(
        length in 2..=LONGEST, before in prop::collection::vec(0..20_usize, 3),
    ) {
        let habit: Vec<_> = (0..length).map(|at| format!("habit_{at}")).collect();
        let mut names = Vec::new();
        for many in before {
            let begin = names.len();
            names.extend((0..many).map(|at| format!("other_{}", begin + at)));
            names.extend(habit.clone());
        }
        let calls: Vec<_> = (0..).zip(&names).map(|(second, name)| call(name, second)).collect();
        let patterns = find(&calls, 3, |_| true);
        prop_assert_eq!(patterns.iter().map(|of| (&of.operations, of.times)).collect::<Vec<_>>(), [(&habit, 3)]);
    }
}

/// What an engine whose clock shows this second suggests for calls of the last so many seconds.
async fn suggested(second: u64, calls: Vec<CallRecord>, user: Option<&str>, within: u64) -> Vec<Suggestion> {
    let journal = Arc::new(MemoryJournal::new());
    calls.into_iter().for_each(|call| journal.note(call));
    let clock = Arc::new(HandClock::at(Timestamp::from_millis(second * 1000)));
    let agents = Arc::new(FixedAgents::of(catalogue()));
    let (perform, results) = (Arc::new(scripted()), Arc::clone(&journal));
    let ports = Ports { journal, perform, results, agents, clock };
    let taken = "[workstacks.file_read_to_w_step]\n[[workstacks.file_read_to_w_step.phases]]\nid = 'a'\ntools = ['file_read']\n";
    let engine = Engine::new(ports, plans(taken), Limits::default());
    let within = Duration::from_secs(within);
    let calls = engine.calls_within(user.map(str::to_owned), within).await.expect("read");
    engine.suggest(&calls, 3)
}

fn habit(operations: [&str; 2], from: u64) -> Vec<CallRecord> {
    (0..6).zip(operations.into_iter().cycle()).map(|(at, operation)| call(operation, from + at)).collect()
}

#[tokio::test]
async fn what_is_suggested_are_plans_without_mistakes_under_ids_that_are_free() {
    let mut calls = habit(["file_read", "w.step"], 0);
    calls.extend(habit(["rust_pro.check", "gone.away"], 5000));
    calls.extend(habit(["rust_pro.check", "rust_pro.test"], 9000));
    calls.extend(
        habit(["file_read", "w.step"], 9900)
            .into_iter()
            .map(|call| CallRecord { user: "bob".to_owned(), ..call }),
    );
    let suggestions = suggested(10_000, calls, None, 10_000).await;
    let ids: Vec<_> = suggestions.iter().map(|of| (of.plan.as_str(), of.pattern.user.as_str())).collect();
    let wanted = [
        ("file_read_to_w_step_2", "bob"),
        ("rust_pro_check_to_rust_pro_test", "ann"),
        ("file_read_to_w_step_3", "ann"),
    ];
    assert_eq!(ids, wanted);
    let text: String = suggestions.iter().map(|of| of.toml.as_str()).collect();
    let loaded = load(&[Source { name: "all".to_owned(), text }], &catalogue());
    assert_eq!(op_plan::diagnostic::render_all(&loaded.diagnostics, false), "");
    assert_eq!(loaded.plans.len(), 3);
}

#[tokio::test]
async fn what_is_longer_ago_or_of_somebody_else_is_not_looked_at() {
    let calls = || habit(["file_read", "w.step"], 100);
    assert_eq!(suggested(1000, calls(), None, 900).await.len(), 1);
    assert!(suggested(1000, calls(), None, 899).await.is_empty());
    assert_eq!(suggested(1000, calls(), None, u64::MAX).await.len(), 1);
    assert_eq!(suggested(1000, calls(), Some("ann"), 900).await.len(), 1);
    assert!(suggested(1000, calls(), Some("bob"), 900).await.is_empty());
}
