//! Lines out of pieces.

/// Longest line that is kept together. cargo's longest messages are far below it.
const LONGEST: usize = 8 * 1024 * 1024;

/// Puts pieces together and hands out whole lines. A line beyond 8 MiB is dropped.
#[derive(Debug, Default)]
pub(crate) struct Lines {
    pending: Vec<u8>,
    dropping: bool,
}

impl Lines {
    /// Takes a piece, and calls `heard` for each line that it ends.
    pub(crate) fn feed(&mut self, piece: &[u8], mut heard: impl FnMut(&str)) {
        for part in piece.split_inclusive(|byte| *byte == b'\n') {
            match part.strip_suffix(b"\n") {
                Some(end) => {
                    self.keep(end);
                    self.emit(&mut heard);
                }
                None => self.keep(part),
            }
        }
    }

    /// Hands out what came after the last line.
    pub(crate) fn finish(&mut self, mut heard: impl FnMut(&str)) {
        if !self.pending.is_empty() {
            self.emit(&mut heard);
        }
    }

    fn keep(&mut self, part: &[u8]) {
        if self.pending.len() + part.len() > LONGEST {
            self.dropping = true;
            self.pending.clear();
        }
        if !self.dropping {
            self.pending.extend_from_slice(part);
        }
    }

    fn emit(&mut self, heard: &mut impl FnMut(&str)) {
        if !self.dropping {
            heard(&String::from_utf8_lossy(&self.pending));
        }
        self.dropping = false;
        self.pending.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(pieces: &[&[u8]]) -> Vec<String> {
        let mut lines = Lines::default();
        let mut heard = Vec::new();
        for piece in pieces {
            lines.feed(piece, |line| heard.push(line.to_owned()));
        }
        lines.finish(|line| heard.push(line.to_owned()));
        heard
    }

    #[test]
    fn lines_come_whole_however_they_were_cut() {
        assert_eq!(lines(&[b"a\nb", b"c\n", b"\nd"]), ["a", "bc", "", "d"]);
        assert_eq!(lines(&["ü".as_bytes().split_at(1).0, "ü\n".as_bytes().split_at(1).1]), ["ü"]);
        assert!(lines(&[b""]).is_empty());
    }

    #[test]
    fn a_line_without_end_costs_bounded_memory_and_the_next_one_is_heard() {
        let long = vec![b'x'; 3 * 1024 * 1024];
        assert_eq!(lines(&[&long, &long, &long, &long, b"\nnext\n"]), ["next"]);
    }
}
