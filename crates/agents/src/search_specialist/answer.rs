//! What all three operations have in common: who asks, how much an answer holds, and what it leaves out.

use op_agent::{Call, Failure};
use schemars::JsonSchema;
use serde::Serialize;
use tokio::runtime::Handle;

use crate::source::deep;
use crate::tools::blocking;

/// Most results of one answer.
pub(super) const MOST: usize = 10_000;

/// Most bytes of results in one answer, as JSON: an outcome carries 4 MiB.
const ROOM: usize = 3 * 1024 * 1024;

/// Most files that are named as left out or broken; the rest is counted.
const NAMED: usize = 100;

/// How much stack a parser may need. tree-sitter gives a frame of about 100 bytes to each token of a file when it lets go of what it did
/// not finish, and a file has at most a million. What is not used costs nothing.
pub(super) const STACK: usize = 256 * 1024 * 1024;

/// Longest piece of a line that an answer carries, in characters.
const LONGEST_LINE: usize = 400;

/// Who asked: hears what is found as it is found, and may stop the work.
pub(super) struct Caller<'a> {
    pub(super) stopped: &'a dyn Fn() -> bool,
    pub(super) tell: &'a dyn Fn(&str),
}

impl Caller<'_> {
    /// Goes on, unless the call was stopped.
    pub(super) fn goes_on(&self) -> Result<(), Failure> {
        if (self.stopped)() { Err(Failure::cancelled("the search was stopped")) } else { Ok(()) }
    }
}

/// Does blocking work that speaks to the caller while it lasts.
pub(super) async fn ask<R: Send + 'static>(
    call: Call,
    work: impl FnOnce(&Caller<'_>) -> Result<R, Failure> + Send + 'static,
) -> Result<R, Failure> {
    let handle = Handle::current();
    blocking(move || {
        let (stopped, tell) = (|| call.is_cancelled(), |text: &str| handle.block_on(call.stdout(text)));
        deep(STACK, || work(&Caller { stopped: &stopped, tell: &tell }))
    })
    .await
}

/// How many results an answer takes: `max_results` of the arguments, 1,000 when it is not said.
pub(super) fn most(asked: Option<usize>) -> Result<usize, Failure> {
    match asked {
        None => Ok(1_000),
        Some(most @ 1..=MOST) => Ok(most),
        Some(other) => {
            let message = format!("`max_results` is {other} and must be from 1 to {MOST}");
            Err(Failure::rejected("invalid_arguments", message))
        }
    }
}

/// The room that an answer has left.
#[derive(Debug)]
pub(super) struct Room {
    results: usize,
    bytes: usize,
}

impl Room {
    pub(super) fn new(results: usize) -> Self {
        Self { results, bytes: ROOM }
    }

    /// Takes the room of one more result, if there is enough.
    pub(super) fn takes(&mut self, result: &impl Serialize) -> bool {
        if self.results == 0 || !self.takes_part(result) {
            return false;
        }
        self.results -= 1;
        true
    }

    /// Takes the room of something that belongs to a result, if there is enough.
    pub(super) fn takes_part(&mut self, part: &impl Serialize) -> bool {
        let size = serde_json::to_string(part).map_or(usize::MAX, |text| text.len().saturating_add(1));
        let rest = self.bytes.checked_sub(size);
        self.bytes = rest.unwrap_or(self.bytes);
        rest.is_some()
    }
}

/// A file and what is to be said about it.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub(super) struct Remark {
    /// The file, relative to the path that was searched.
    pub(super) file: String,
    /// What it is.
    pub(super) reason: String,
}

/// Files with a remark: the first 100 by name, the rest by number.
#[derive(Debug, Default, PartialEq, Serialize, JsonSchema)]
pub(super) struct Remarks {
    /// How many there are.
    pub(super) count: usize,
    /// The first 100 of them.
    pub(super) files: Vec<Remark>,
}

impl Remarks {
    pub(super) fn add(&mut self, file: &str, reason: impl Into<String>) {
        self.count += 1;
        if self.files.len() < NAMED {
            self.files.push(Remark { file: file.to_owned(), reason: reason.into() });
        }
    }
}

/// The beginning of a line as an answer carries it.
pub(super) fn shown(line: &str) -> String {
    line.trim_end_matches(['\n', '\r']).chars().take(LONGEST_LINE).collect()
}

#[cfg(test)]
pub(super) mod testing {
    use super::Caller;

    /// Somebody who neither stops nor listens.
    pub(crate) const PATIENT: Caller<'static> = Caller { stopped: &|| false, tell: &|_| {} };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_room_takes_results_until_their_number_or_their_size_is_reached() {
        let mut room = Room::new(2);
        assert!(room.takes(&"a") && room.takes(&"b") && !room.takes(&"c"));
        let mut room = Room::new(MOST);
        let large = "x".repeat(ROOM / 2);
        assert!(room.takes(&large) && !room.takes(&large) && room.takes(&"small"));
    }

    #[test]
    fn remarks_beyond_the_first_are_counted() {
        let mut remarks = Remarks::default();
        (0..NAMED + 5).for_each(|_| remarks.add("a", "b"));
        assert_eq!((remarks.count, remarks.files.len()), (NAMED + 5, NAMED));
    }

    #[test]
    fn a_limit_that_cannot_be_kept_is_rejected() {
        assert_eq!(most(None).unwrap(), 1_000);
        assert_eq!(most(Some(MOST)).unwrap(), MOST);
        for wrong in [0, MOST + 1] {
            assert_eq!(most(Some(wrong)).unwrap_err().reason(), "invalid_arguments");
        }
    }
}
