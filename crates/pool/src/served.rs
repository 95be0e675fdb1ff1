//! Which sessions of clients an agent served, and of which ends it has not heard.

use std::collections::{HashSet, VecDeque};

/// Ends that are kept for an agent that is away; the oldest go first.
const MAX_ENDS: usize = 4096;

/// The sessions of clients for which an agent performed something.
#[derive(Debug, Default)]
pub(crate) struct Served {
    /// Those that are not over.
    lasting: HashSet<String>,
    /// Those that are, while the agent was not there to hear of it, from the oldest.
    ends: VecDeque<String>,
}

impl Served {
    /// Remembers the session of a call.
    pub(crate) fn serve(&mut self, session: &str) {
        if !session.is_empty() && !self.lasting.contains(session) {
            self.lasting.insert(session.to_owned());
        }
    }

    /// A session is over, of which the agent is to hear if it served it.
    pub(crate) fn end(&mut self, session: &str) {
        let Some(session) = self.lasting.take(session) else { return };
        if self.ends.len() == MAX_ENDS {
            self.ends.pop_front();
        }
        self.ends.push_back(session);
    }

    /// Tells the agent what it has not heard of, until it does not hear any more.
    pub(crate) fn tell(&mut self, mut hears: impl FnMut(&str) -> bool) {
        while self.ends.front().is_some_and(|session| hears(session)) {
            self.ends.pop_front();
        }
    }

    /// How many sessions are not over.
    pub(crate) fn len(&self) -> usize {
        self.lasting.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(served: &mut Served) -> Vec<String> {
        let mut told = Vec::new();
        served.tell(|session| {
            told.push(session.to_owned());
            true
        });
        told
    }

    #[test]
    fn an_end_is_told_once_and_only_of_what_was_served() {
        let mut served = Served::default();
        ["a", "a", "b", ""].iter().for_each(|session| served.serve(session));
        ["", "a", "a", "c"].iter().for_each(|session| served.end(session));
        served.tell(|_| false);
        assert_eq!((told(&mut served), told(&mut served), served.len()), (vec!["a".to_owned()], vec![], 1));
    }

    #[test]
    fn the_ends_that_are_kept_are_bounded_and_the_oldest_go_first() {
        let mut served = Served::default();
        for number in 0..=MAX_ENDS {
            served.serve(&number.to_string());
            served.end(&number.to_string());
        }
        let told = told(&mut served);
        assert_eq!((told.len(), told[0].as_str()), (MAX_ENDS, "1"));
    }
}
