//! What the herald has to look at, and when.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashSet, VecDeque};

use tokio::time::Instant;

use crate::house::Subject;

#[derive(Debug, Default)]
pub(crate) struct Queue {
    /// Somebody waits for these.
    urgent: VecDeque<Subject>,
    due: VecDeque<Subject>,
    /// Everything in the two above.
    queued: HashSet<Subject>,
    later: BinaryHeap<Reverse<(Instant, Subject)>>,
    deferred: HashSet<Subject>,
    /// Runs that wait until nobody is starting one.
    parked: Vec<Subject>,
}

impl Queue {
    /// Behind the others; the daemon, which paces itself, before them, so that its numbers hold also while much happens.
    pub(crate) fn push(&mut self, subject: Subject) {
        if subject == Subject::Daemon {
            self.push_front(subject);
        } else if self.queued.insert(subject.clone()) {
            self.due.push_back(subject);
        }
    }

    /// Before the others.
    pub(crate) fn push_urgent(&mut self, subject: Subject) {
        if !self.queued.insert(subject.clone()) {
            self.due.retain(|other| *other != subject);
            self.urgent.retain(|other| *other != subject);
        }
        self.urgent.push_back(subject);
    }

    /// More may be told of it right away.
    pub(crate) fn push_front(&mut self, subject: Subject) {
        if self.queued.insert(subject.clone()) {
            self.due.push_front(subject);
        }
    }

    /// Not before a time.
    pub(crate) fn push_later(&mut self, at: Instant, subject: Subject) {
        if self.deferred.insert(subject.clone()) {
            self.later.push(Reverse((at, subject)));
        }
    }

    /// Not while somebody is starting a run.
    pub(crate) fn park(&mut self, subject: Subject) {
        self.parked.push(subject);
    }

    /// Nobody is starting a run any more.
    pub(crate) fn unpark(&mut self) {
        for subject in std::mem::take(&mut self.parked) {
            self.push(subject);
        }
    }

    /// What comes next.
    pub(crate) fn pop(&mut self, now: Instant) -> Option<Subject> {
        while self.later.peek().is_some_and(|Reverse((at, _))| *at <= now) {
            let Some(Reverse((_, subject))) = self.later.pop() else { break };
            self.deferred.remove(&subject);
            self.push(subject);
        }
        let subject = self.urgent.pop_front().or_else(|| self.due.pop_front())?;
        self.queued.remove(&subject);
        Some(subject)
    }

    /// What comes next of that which somebody waits for.
    pub(crate) fn pop_urgent(&mut self) -> Option<Subject> {
        let subject = self.urgent.pop_front()?;
        self.queued.remove(&subject);
        Some(subject)
    }

    /// Whether something waits for nothing but a token.
    pub(crate) fn is_waiting(&self) -> bool {
        !self.queued.is_empty()
    }

    /// When the first of those for later comes up.
    pub(crate) fn wake(&self) -> Option<Instant> {
        self.later.peek().map(|Reverse((at, _))| *at)
    }

    /// Forgets everything.
    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn who_is_waited_for_goes_first_and_nothing_stands_twice() {
        let (mut queue, now) = (Queue::default(), Instant::now());
        let agent = |name: &str| Subject::Agent(name.to_owned());
        queue.push(agent("a"));
        queue.push(agent("b"));
        queue.push(agent("a"));
        queue.push_urgent(agent("b"));
        queue.push_later(now + Duration::from_secs(1), agent("c"));
        assert_eq!([queue.pop_urgent(), queue.pop_urgent()], [Some(agent("b")), None]);
        queue.push_urgent(agent("b"));
        let popped: Vec<_> = std::iter::from_fn(|| queue.pop(now)).collect();
        assert_eq!(popped, [agent("b"), agent("a")]);
        queue.push(agent("a"));
        queue.push(Subject::Daemon);
        assert_eq!([queue.pop(now), queue.pop(now)], [Some(Subject::Daemon), Some(agent("a"))]);
        assert!(!queue.is_waiting() && queue.wake() == Some(now + Duration::from_secs(1)));
        assert_eq!(queue.pop(now + Duration::from_secs(2)), Some(agent("c")));
    }
}
