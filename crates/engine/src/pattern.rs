//! Calls that somebody makes again and again in the same order: what could be a plan.
//!
//! - Only calls that succeeded count; one that failed stands between two others as if it had not been made. What agents ask for on
//!   behalf of a call is nobody's habit.
//! - A sequence is made within one session, or by one user outside of sessions, and its calls follow each other without a long
//!   pause. How often counts over all sessions of a user. No call counts for two times of the same sequence.
//! - Who does the same over and over without a pause goes round a loop: a sequence is a part of one round, which begins where the
//!   loop begins. So `a b a b a b` is three times `a b`, never `b a` nor `a b a`, and `a a a` is nothing.
//! - A sequence inside a longer one that was made as often is not told.
//!
//! Of `n` calls it looks at sequences of up to [`LONGEST`], each once: `O(n · LONGEST²)` steps on names, and memory for as
//! many sequences as were made.

mod piece;

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::Duration;

use op_run::Timestamp;

use crate::ports::CallRecord;
use piece::Piece;

/// Calls that are looked at, the newest.
pub const LOOKED_AT: usize = 10_000;

/// Longest sequence that is told: what is longer is told in parts.
pub const LONGEST: usize = 10;

/// Most patterns that are told.
pub const TOLD: usize = 50;

/// The longest pause within one piece of work.
pub const PAUSE: Duration = Duration::from_mins(10);

/// Operations that somebody called in this order again and again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern {
    /// Who, in words.
    pub user: String,
    /// Two to [`LONGEST`] of them.
    pub operations: Vec<String>,
    /// How often.
    pub times: usize,
    /// When the last call of the last time was made.
    pub last: Timestamp,
}

/// How often a sequence was made, and when it was made last.
#[derive(Debug, Clone, Copy)]
struct Tally {
    times: usize,
    last: Timestamp,
}

/// Sequences of one user by their operations.
type Tallies<'c> = HashMap<Vec<&'c str>, Tally>;

/// Patterns that were made at least so many times, the longest first, then those made most often, then the latest. Operations
/// that are not usable any more make none. The calls are in the order in which they were noted.
pub fn find(calls: &[CallRecord], times: usize, is_usable: impl Fn(&str) -> bool) -> Vec<Pattern> {
    let newest = &calls[calls.len().saturating_sub(LOOKED_AT)..];
    let mut users: BTreeMap<&str, Tallies<'_>> = BTreeMap::new();
    for ((user, _), line) in lines(newest) {
        let tallies = users.entry(user).or_default();
        tally(&piece::cut(line, &is_usable), tallies);
    }
    for tallies in users.values_mut() {
        tallies.retain(|_, tally| tally.times >= times);
    }
    let mut found: Vec<_> = users.iter().flat_map(|(user, tallies)| patterns(user, tallies)).collect();
    found.sort_by(|left, right| rank(left).cmp(&rank(right)));
    found.truncate(TOLD);
    found
}

fn rank(of: &Pattern) -> impl Ord + '_ {
    (Reverse(of.operations.len()), Reverse(of.times), Reverse(of.last), &of.user, &of.operations)
}

/// The calls of each user in each session, in the order in which they were made.
fn lines(calls: &[CallRecord]) -> BTreeMap<(&str, &str), Vec<&CallRecord>> {
    let mut lines: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for call in calls.iter().filter(|call| call.outcome == CallRecord::SUCCEEDED && !call.is_of_agent()) {
        lines.entry((call.user.as_str(), call.session.as_str())).or_default().push(call);
    }
    for line in lines.values_mut() {
        // They are noted when they end.
        line.sort_by_key(|call| call.at);
    }
    lines
}

/// Adds what was made in some pieces of work to what its user made elsewhere.
fn tally<'c>(pieces: &[Piece<'c>], into: &mut Tallies<'c>) {
    // With the piece of work that it was made in last, and the first place there that is free for the next time.
    let mut made: HashMap<&[&str], (Tally, (usize, usize))> = HashMap::new();
    for (number, piece) in pieces.iter().enumerate() {
        for (at, length) in piece.sequences() {
            let (end, last) = (at + length, piece.calls[at + length - 1].at);
            let fresh = (Tally { times: 0, last }, (number, 0));
            let (tally, free) = made.entry(&piece.names[at..end]).or_insert(fresh);
            if free.0 < number || free.1 <= at {
                (*tally, *free) = (Tally { times: tally.times + 1, last }, (number, end));
            }
        }
    }
    for (names, (one, _)) in made {
        let all = into.entry(names.to_vec()).and_modify(|all| {
            (all.times, all.last) = (all.times + one.times, all.last.max(one.last));
        });
        all.or_insert(one);
    }
}

/// What is told of the sequences of a user: all but those inside a longer one that was made as often.
fn patterns(user: &str, tallies: &Tallies<'_>) -> Vec<Pattern> {
    let mut inside: HashSet<&[&str]> = HashSet::new();
    for (names, tally) in tallies {
        let parts = (2..names.len()).flat_map(|length| names.windows(length));
        inside.extend(parts.filter(|part| tallies.get(*part).is_some_and(|of| of.times == tally.times)));
    }
    let told = tallies.iter().filter(|(names, _)| !inside.contains(names.as_slice()));
    let told = told.map(|(names, tally)| Pattern {
        user: user.to_owned(),
        operations: names.iter().map(|name| (*name).to_owned()).collect(),
        times: tally.times,
        last: tally.last,
    });
    told.collect()
}
