//! Pieces of work: calls of one line without a long pause between them, and the sequences that can be told of them.

use super::{LONGEST, PAUSE};
use crate::ports::CallRecord;

/// A piece of work.
pub(super) struct Piece<'c> {
    /// Its calls.
    pub(super) calls: Vec<&'c CallRecord>,
    /// Their operations.
    pub(super) names: Vec<&'c str>,
    /// Of each call, which lengths no sequence has that begins with it, one bit for each.
    unfit: Vec<u16>,
}

/// Cuts calls of one line into pieces, at long pauses and at operations that are not usable any more.
pub(super) fn cut(line: Vec<&CallRecord>, is_usable: impl Fn(&str) -> bool) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let mut open: Vec<&CallRecord> = Vec::new();
    for call in line {
        let is_usable = is_usable(&call.operation);
        let goes_on = |before: &&CallRecord| call.at.since(before.at.after(before.duration)) <= PAUSE;
        if !is_usable || !open.last().is_none_or(goes_on) {
            pieces.push(Piece::new(std::mem::take(&mut open)));
        }
        if is_usable {
            open.push(call);
        }
    }
    pieces.push(Piece::new(open));
    pieces
}

impl<'c> Piece<'c> {
    fn new(calls: Vec<&'c CallRecord>) -> Self {
        let names: Vec<_> = calls.iter().map(|call| call.operation.as_str()).collect();
        let unfit = unfit(&names);
        Self { calls, names, unfit }
    }

    /// Where sequences begin, and how long each is.
    pub(super) fn sequences(&self) -> impl Iterator<Item = (usize, usize)> {
        self.unfit.iter().enumerate().flat_map(|(at, unfit)| {
            let lengths = 2..=LONGEST.min(self.names.len() - at);
            lengths.filter(move |length| unfit & (1 << length) == 0).map(move |length| (at, length))
        })
    }
}

/// Which sequences run over the end of a round of a loop that they are a part of.
fn unfit(names: &[&str]) -> Vec<u16> {
    let mut unfit = vec![0; names.len()];
    for round in 1..=LONGEST {
        for (begin, end) in loops(names, round) {
            for (at, unfit) in unfit[begin..end].iter_mut().enumerate() {
                let rest = round - at % round;
                (rest + 1..=LONGEST.min(end - begin - at)).for_each(|length| *unfit |= 1 << length);
            }
        }
    }
    unfit
}

/// Where rounds of this length are made at least twice without a pause: from which place on, and up to which.
fn loops(names: &[&str], round: usize) -> Vec<(usize, usize)> {
    let mut loops = Vec::new();
    let mut begin = 0;
    for at in round..=names.len() {
        if at == names.len() || names[at] != names[at - round] {
            if at - begin >= 2 * round {
                loops.push((begin, at));
            }
            begin = at + 1 - round;
        }
    }
    loops
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sequences(names: &str, length: usize) -> Vec<String> {
        let names: Vec<_> = names.split("").filter(|name| !name.is_empty()).collect();
        let piece = Piece { calls: Vec::new(), unfit: unfit(&names), names };
        let fit = piece.sequences().filter(|(_, of)| *of == length);
        fit.map(|(at, length)| piece.names[at..at + length].concat()).collect()
    }

    #[test]
    fn a_loop_is_made_of_its_rounds_and_a_round_of_its_parts() {
        assert_eq!(sequences("ababab", 2), ["ab", "ab", "ab"]);
        assert_eq!(sequences("abcabc", 3), ["abc", "abc"]);
        assert_eq!(sequences("abcabc", 2), ["ab", "bc", "ab", "bc"]);
        for length in 3..=LONGEST {
            assert_eq!(sequences("ababab", length), Vec::<String>::new());
        }
        assert_eq!(sequences("aaaa", 2), Vec::<String>::new());
    }

    #[test]
    fn what_goes_on_after_a_loop_or_comes_back_once_is_no_loop() {
        assert_eq!(sequences("aab", 2), ["ab"]);
        assert_eq!(sequences("aab", 3), ["aab"]);
        assert_eq!(sequences("aba", 3), ["aba"]);
        assert_eq!(sequences("ababx", 3), ["abx"]);
        assert_eq!(sequences("abaaba", 3), ["aba", "aba"]);
    }

    #[test]
    fn a_loop_is_found_wherever_it_stands() {
        assert_eq!(loops(&["x", "a", "b", "a", "b", "a", "y"], 2), [(1, 6)]);
        assert_eq!(loops(&["a", "a", "b", "b"], 1), [(0, 2), (2, 4)]);
        assert!(
            loops(&["a", "b", "a"], 2).is_empty() && loops(&[], 1).is_empty() && loops(&["a"], 3).is_empty()
        );
    }
}
