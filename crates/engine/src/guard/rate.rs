//! How often clients may call: so many calls a minute, an hour, and at once, counted for each session, and for each user outside
//! of sessions.
//!
//! Counted in memory alone: a daemon that starts again counts anew. A call stays counted for at least the whole window, and for
//! at most a sixtieth of it longer.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use op_run::Timestamp;

const MINUTE: Duration = Duration::from_mins(1);
const HOUR: Duration = Duration::from_hours(1);

/// Slots of a window. One more than it is divided into, so that the oldest calls count until they are out of it for sure.
const LENGTH: usize = 61;

/// The same, as numbers of slots are counted.
const SLOTS: u64 = LENGTH as u64;

/// Who is counted at most; beyond, who has not called for longest is forgotten.
const MOST: usize = 1 << 14;

/// When to come back where only the calls under way are too many.
const SOON: Duration = Duration::from_millis(500);

/// How often calls are let through; 0 stands for any number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateLimits {
    /// In any minute.
    pub minute: u32,
    /// In any hour.
    pub hour: u32,
    /// At the same time.
    pub at_once: u32,
}

impl Default for RateLimits {
    fn default() -> Self {
        Self { minute: 60, hour: 500, at_once: 10 }
    }
}

impl RateLimits {
    /// Lets everything through.
    pub const OFF: Self = Self { minute: 0, hour: 0, at_once: 0 };
}

/// Why a call is not let through. It was not counted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{whose} has made {limit}, as many as allowed; again in {}", seconds(*again))]
pub struct RateError {
    /// The session or the user.
    pub whose: String,
    /// What there was too much of.
    pub limit: String,
    /// When to come back.
    pub again: Duration,
    /// Whether none was refused since the last one that was let through.
    pub is_first: bool,
}

fn seconds(again: Duration) -> String {
    format!("{} s", again.as_millis().div_ceil(1000))
}

/// What was counted of everybody who calls.
#[derive(Debug)]
pub(crate) struct Rates {
    limits: RateLimits,
    meters: Mutex<HashMap<String, Meter>>,
}

/// A call that was let through, while it is under way.
#[derive(Debug)]
pub(crate) struct Pass(Option<(Arc<Rates>, String)>);

impl Drop for Pass {
    fn drop(&mut self) {
        if let Some((rates, whose)) = self.0.take()
            && let Some(meter) = rates.meters().get_mut(&whose)
        {
            meter.under_way = meter.under_way.saturating_sub(1);
        }
    }
}

impl Rates {
    pub(crate) fn new(limits: RateLimits) -> Self {
        Self { limits, meters: Mutex::default() }
    }

    /// How many calls one may have under way; `None` where that is not limited.
    pub(crate) fn at_once(&self) -> Option<usize> {
        (self.limits.at_once > 0).then_some(self.limits.at_once as usize)
    }

    /// Counts a call, or says when to come back.
    pub(crate) fn admit(self: &Arc<Self>, whose: &str, now: Timestamp) -> Result<Pass, RateError> {
        if self.limits == RateLimits::OFF {
            return Ok(Pass(None));
        }
        let mut meters = self.meters();
        if !meters.contains_key(whose) {
            make_room(&mut meters);
            meters.insert(whose.to_owned(), Meter::new());
        }
        let meter = meters.get_mut(whose).expect("just looked at");
        let admitted = meter.admit(&self.limits, now);
        let is_first = !std::mem::replace(&mut meter.is_refused, admitted.is_err());
        admitted.map_err(|(limit, again)| RateError { whose: whose.to_owned(), limit, again, is_first })?;
        Ok(Pass(Some((Arc::clone(self), whose.to_owned()))))
    }

    /// Forgets a session that is over.
    pub(crate) fn forget(&self, whose: &str) {
        self.meters().remove(whose);
    }

    /// Who is counted.
    pub(crate) fn len(&self) -> usize {
        self.meters().len()
    }

    fn meters(&self) -> MutexGuard<'_, HashMap<String, Meter>> {
        self.meters.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Forgets those that have not called for longest, where as many are counted as memory is given to.
fn make_room(meters: &mut HashMap<String, Meter>) {
    if meters.len() < MOST {
        return;
    }
    let mut idle: Vec<_> = meters.values().filter(|meter| meter.under_way == 0).map(|m| m.last).collect();
    let half = idle.len() / 2;
    if idle.is_empty() {
        return;
    }
    let (_, median, _) = idle.select_nth_unstable(half);
    let median = *median;
    meters.retain(|_, meter| meter.under_way > 0 || meter.last > median);
}

/// What was counted of one who calls.
#[derive(Debug)]
struct Meter {
    minute: Window,
    hour: Window,
    under_way: u32,
    /// Whether the last one was.
    is_refused: bool,
    last: Timestamp,
}

impl Meter {
    fn new() -> Self {
        let (minute, hour) = (Window::new(MINUTE), Window::new(HOUR));
        Self { minute, hour, under_way: 0, is_refused: false, last: Timestamp::default() }
    }

    fn admit(&mut self, limits: &RateLimits, now: Timestamp) -> Result<(), (String, Duration)> {
        self.minute.turn(now);
        self.hour.turn(now);
        let of = |limit: u32, what: &str| format!("{limit} calls {what}");
        let full = [
            (&self.hour, limits.hour, "in the last hour"),
            (&self.minute, limits.minute, "in the last minute"),
        ];
        for (window, limit, what) in full {
            if limit > 0 && window.total >= limit {
                return Err((of(limit, what), window.free(now)));
            }
        }
        if limits.at_once > 0 && self.under_way >= limits.at_once {
            return Err((of(limits.at_once, "that are under way"), SOON));
        }
        self.minute.count();
        self.hour.count();
        self.under_way += 1;
        self.last = now;
        Ok(())
    }
}

/// A stretch of time that ends now, in slots of a sixtieth.
#[derive(Debug)]
struct Window {
    /// Length of a slot in milliseconds.
    width: u64,
    /// Number of the newest slot since 1970.
    newest: u64,
    slots: [u32; LENGTH],
    total: u32,
}

impl Window {
    fn new(span: Duration) -> Self {
        let width = u64::try_from(span.as_millis()).unwrap_or(u64::MAX) / (SLOTS - 1);
        Self { width, newest: 0, slots: [0; LENGTH], total: 0 }
    }

    /// Lets go of what is out of it now. A clock that goes back changes nothing.
    fn turn(&mut self, now: Timestamp) {
        let now = now.as_millis() / self.width;
        let gone = now.saturating_sub(self.newest).min(SLOTS);
        for slot in (self.newest + 1)..=(self.newest + gone) {
            let slot = &mut self.slots[place(slot)];
            self.total -= *slot;
            *slot = 0;
        }
        self.newest = self.newest.max(now);
    }

    fn count(&mut self) {
        self.slots[place(self.newest)] += 1;
        self.total += 1;
    }

    /// How long until the oldest calls in it are out of it.
    fn free(&self, now: Timestamp) -> Duration {
        let oldest = self.newest.saturating_sub(SLOTS - 1);
        let oldest = (oldest..=self.newest).find(|slot| self.slots[place(*slot)] > 0);
        let free = oldest.map_or(0, |slot| (slot + SLOTS) * self.width);
        Duration::from_millis(free.saturating_sub(now.as_millis()))
    }
}

fn place(slot: u64) -> usize {
    usize::try_from(slot % SLOTS).expect("less than the number of slots")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Timestamp {
        Timestamp::from_millis(1_700_000_000_000 + seconds * 1000)
    }

    fn rates(minute: u32, hour: u32, at_once: u32) -> Arc<Rates> {
        Arc::new(Rates::new(RateLimits { minute, hour, at_once }))
    }

    #[test]
    fn so_many_calls_a_minute_pass_and_the_next_one_learns_when_to_come_back() {
        let rates = rates(3, 0, 0);
        for second in [0, 10, 20] {
            rates.admit("me", at(second)).expect("passes");
        }
        let error = rates.admit("me", at(30)).expect_err("too many");
        assert_eq!(error.again, Duration::from_secs(31), "a minute after the first, and a sixtieth more");
        assert_eq!(
            error.to_string(),
            "me has made 3 calls in the last minute, as many as allowed; again in 31 s"
        );
        rates.admit("other", at(30)).expect("is counted by itself");
        rates.admit("me", at(61)).expect("the first is out of the minute");
        assert!(rates.admit("me", at(62)).is_err());
    }

    #[test]
    fn in_no_minute_pass_more_calls_than_allowed() {
        let rates = rates(7, 0, 0);
        let passed: Vec<u64> = (0..600).filter(|second| rates.admit("me", at(*second)).is_ok()).collect();
        for first in 0..540 {
            let within = passed.iter().filter(|second| (first..first + 60).contains(*second)).count();
            assert!(within <= 7, "{within} from second {first} on");
        }
        assert!(passed.len() >= 63, "{}", passed.len());
    }

    #[test]
    fn so_many_calls_an_hour_pass() {
        let rates = rates(0, 5, 0);
        (0..5).for_each(|call| drop(rates.admit("me", at(call * 600)).expect("passes")));
        let error = rates.admit("me", at(3000)).expect_err("too many");
        assert_eq!(error.limit, "5 calls in the last hour");
        assert!(error.again > Duration::from_mins(10) && error.again <= Duration::from_mins(11));
        rates.admit("me", at(3661)).expect("the first is out of the hour");
    }

    #[test]
    fn so_many_calls_pass_at_once() {
        let rates = rates(0, 0, 2);
        let first = rates.admit("me", at(0)).expect("passes");
        let _second = rates.admit("me", at(0)).expect("passes");
        assert_eq!(rates.admit("me", at(0)).expect_err("too many").again, SOON);
        drop(first);
        rates.admit("me", at(0)).expect("one has ended");
    }

    #[test]
    fn nothing_is_counted_where_nothing_is_limited() {
        let rates = Arc::new(Rates::new(RateLimits::OFF));
        (0..10_000).for_each(|_| drop(rates.admit("me", at(0)).expect("passes")));
        assert_eq!(rates.len(), 0);
    }

    #[test]
    fn memory_for_those_who_call_is_bounded() {
        let rates = rates(1, 0, 0);
        let busy = rates.admit("busy", at(0)).expect("passes");
        for caller in 0..3 * MOST as u64 {
            drop(rates.admit(&caller.to_string(), at(caller)).expect("each is counted by itself"));
            assert!(rates.len() <= MOST);
        }
        assert!(rates.meters().contains_key("busy"));
        drop(busy);
        rates.forget("busy");
        assert!(!rates.meters().contains_key("busy"));
    }

    #[test]
    fn a_clock_that_goes_back_lets_nobody_through_twice() {
        let rates = rates(1, 0, 0);
        drop(rates.admit("me", at(100)).expect("passes"));
        assert!(rates.admit("me", at(50)).is_err());
    }
}
