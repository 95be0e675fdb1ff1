//! Places for runs that count together: who has one, and who waits for one.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use op_run::RunId;

/// What becomes of a run that asks for a place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Answer {
    /// It has one.
    Taken,
    /// There is none: these have them, the one that has it longest first.
    Full(Vec<RunId>),
}

/// Places by key.
#[derive(Debug, Default)]
pub(crate) struct Places {
    by_key: Mutex<HashMap<String, Place>>,
}

#[derive(Debug, Default)]
struct Place {
    limit: usize,
    holders: Vec<RunId>,
    queue: VecDeque<RunId>,
}

impl Places {
    /// Asks for a place among `limit`.
    pub(crate) fn take(&self, key: &str, run: &RunId, limit: usize) -> Answer {
        let mut places = self.places();
        let place = places.entry(key.to_owned()).or_default();
        place.limit = limit;
        if place.holders.len() < limit && place.queue.is_empty() {
            place.holders.push(run.clone());
            Answer::Taken
        } else {
            Answer::Full(place.holders.clone())
        }
    }

    /// A run that is under way has its place, however many there are.
    pub(crate) fn hold(&self, key: &str, run: &RunId, limit: usize) {
        let mut places = self.places();
        let place = places.entry(key.to_owned()).or_default();
        place.limit = limit;
        place.queue.retain(|waiting| waiting != run);
        if !place.holders.contains(run) {
            place.holders.push(run.clone());
        }
    }

    /// Waits for a place, behind those that wait already.
    pub(crate) fn queue(&self, key: &str, run: &RunId, limit: usize) {
        let mut places = self.places();
        let place = places.entry(key.to_owned()).or_default();
        place.limit = limit;
        if !place.queue.contains(run) && !place.holders.contains(run) {
            place.queue.push_back(run.clone());
        }
    }

    /// The runs that must go so that one that waits has a place, the oldest first.
    pub(crate) fn before(&self, key: &str, run: &RunId) -> Vec<RunId> {
        let places = self.places();
        let Some(place) = places.get(key) else { return Vec::new() };
        let Some(at) = place.queue.iter().position(|waiting| waiting == run) else { return Vec::new() };
        let older = place.holders.iter().chain(place.queue.iter().take(at));
        let excess = (place.holders.len() + at + 1).saturating_sub(place.limit);
        older.take(excess).cloned().collect()
    }

    /// Gives a place back, or stops waiting for one.
    pub(crate) fn leave(&self, key: &str, run: &RunId) {
        let mut places = self.places();
        if let Some(place) = places.get_mut(key) {
            place.holders.retain(|holder| holder != run);
            place.queue.retain(|waiting| waiting != run);
            if place.holders.is_empty() && place.queue.is_empty() {
                places.remove(key);
            }
        }
    }

    /// The run whose turn it is, if there is a place for it; it has the place from now on.
    pub(crate) fn next(&self, key: &str) -> Option<RunId> {
        let mut places = self.places();
        let place = places.get_mut(key).filter(|place| place.holders.len() < place.limit)?;
        let next = place.queue.pop_front()?;
        place.holders.push(next.clone());
        Some(next)
    }

    fn places(&self) -> MutexGuard<'_, HashMap<String, Place>> {
        self.by_key.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(id: &str) -> RunId {
        RunId::new(id)
    }

    #[test]
    fn places_are_given_in_the_order_in_which_they_were_asked_for() {
        let places = Places::default();
        assert_eq!(places.take("k", &run("a"), 1), Answer::Taken);
        assert_eq!(places.take("k", &run("b"), 1), Answer::Full(vec![run("a")]));
        places.queue("k", &run("b"), 1);
        places.queue("k", &run("c"), 1);
        assert_eq!(places.next("k"), None);
        places.leave("k", &run("a"));
        assert!(matches!(places.take("k", &run("d"), 1), Answer::Full(_)), "nobody overtakes");
        assert_eq!(places.next("k"), Some(run("b")));
        assert_eq!(places.next("k"), None);
        places.leave("k", &run("c"));
        places.leave("k", &run("b"));
        assert_eq!(places.take("k", &run("d"), 1), Answer::Taken);
    }

    #[test]
    fn keys_do_not_know_each_other() {
        let places = Places::default();
        assert_eq!(places.take("k", &run("a"), 1), Answer::Taken);
        assert_eq!(places.take("l", &run("b"), 1), Answer::Taken);
    }

    #[test]
    fn as_many_as_stand_before_a_run_go_for_it() {
        let places = Places::default();
        places.hold("k", &run("a"), 2);
        places.hold("k", &run("b"), 2);
        ["c", "d"].iter().for_each(|id| places.queue("k", &run(id), 2));
        assert_eq!(places.before("k", &run("c")), [run("a")]);
        assert_eq!(places.before("k", &run("d")), [run("a"), run("b")]);
        assert!(places.before("k", &run("a")).is_empty() && places.before("l", &run("a")).is_empty());
    }
}
