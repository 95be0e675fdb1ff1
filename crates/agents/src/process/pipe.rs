//! One stream of a program's output.

use std::borrow::Cow;

use tokio::io::{AsyncRead, AsyncReadExt};

/// As much as a pipe of Linux holds at most by default.
const CHUNK: usize = 64 * 1024;

/// Longest text of one stream as JSON: two of them fit into the 4 MiB that an outcome carries.
const AFFORDABLE: usize = 3 * 1024 * 1024 / 2;

/// What was kept of a stream, from its beginning.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Kept {
    /// The bytes that were kept.
    pub(crate) bytes: Vec<u8>,
    /// How many came after those and were not kept.
    pub(crate) dropped: u64,
}

impl Kept {
    /// All that was kept as text, for a reader; what is not UTF-8 is replaced. Whether it is all there is, `dropped` says.
    pub(crate) fn whole(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.bytes)
    }

    /// What fits into an answer as text; what is not UTF-8 is replaced. What is missing is said at the end.
    pub(crate) fn text(&self) -> String {
        let whole = self.whole();
        let text = affordable(&whole);
        match (self.dropped, text.len() < whole.len()) {
            (0, false) => text.to_owned(),
            (0, true) => format!("{text}\n[the rest does not fit into an answer]"),
            (dropped, _) => format!("{text}\n[{dropped} more bytes were not kept]"),
        }
    }

    fn keep(&mut self, bytes: &[u8], limit: usize) {
        let room = limit.saturating_sub(self.bytes.len()).min(bytes.len());
        self.bytes.extend_from_slice(&bytes[..room]);
        self.dropped += (bytes.len() - room) as u64;
    }
}

/// The beginning of a text that fits into an outcome. Control characters are six bytes long in JSON, so that little of
/// what is no text at all fits, and text fits whole.
fn affordable(text: &str) -> &str {
    let mut cost = 0;
    let end = text.char_indices().find(|(_, character)| {
        cost += match character {
            '\n' | '\r' | '\t' | '"' | '\\' => 2,
            character if character.is_ascii_control() => 6,
            character => character.len_utf8(),
        };
        cost > AFFORDABLE
    });
    end.map_or(text, |(end, _)| &text[..end])
}

/// A stream that is read to its end and kept up to a limit.
#[derive(Debug)]
pub(crate) struct Pipe<R> {
    source: Option<R>,
    buffer: Vec<u8>,
    limit: usize,
    kept: Kept,
}

impl<R: AsyncRead + Unpin> Pipe<R> {
    pub(crate) fn new(source: Option<R>, limit: usize) -> Self {
        Self { source, buffer: vec![0; CHUNK], limit, kept: Kept::default() }
    }

    /// Whether more may come.
    pub(crate) fn is_open(&self) -> bool {
        self.source.is_some()
    }

    /// Stops reading.
    pub(crate) fn close(&mut self) {
        self.source = None;
    }

    /// Waits for the next piece; `None` at the end. Loses nothing when it is dropped while it waits.
    pub(crate) async fn read(&mut self) -> Option<Vec<u8>> {
        let source = self.source.as_mut()?;
        let Ok(length @ 1..) = source.read(&mut self.buffer).await else {
            self.source = None;
            return None;
        };
        let piece = &self.buffer[..length];
        self.kept.keep(piece, self.limit);
        Some(piece.to_vec())
    }

    /// What was kept.
    pub(crate) fn kept(self) -> Kept {
        self.kept
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_stream_is_read_to_its_end_and_kept_up_to_the_limit() {
        let mut pipe = Pipe::new(Some(&b"0123456789"[..]), 4);
        let mut read = Vec::new();
        while let Some(piece) = pipe.read().await {
            read.extend(piece);
        }
        assert_eq!(read, b"0123456789");
        assert!(!pipe.is_open());
        let kept = pipe.kept();
        assert_eq!((kept.bytes.as_slice(), kept.dropped), (&b"0123"[..], 6));
        assert_eq!(kept.text(), "0123\n[6 more bytes were not kept]");
    }

    #[test]
    fn what_is_no_text_is_cut_so_that_two_streams_of_it_fit_into_an_outcome() {
        for byte in [0, 0xff, b'\n'] {
            let kept = Kept { bytes: vec![byte; 1024 * 1024], dropped: 0 };
            let json = serde_json::to_string(&kept.text()).unwrap();
            assert!(json.len() < 2 * 1024 * 1024, "{byte}: {}", json.len());
        }
        let text = "a\u{1b}[0m ü".repeat(1000);
        assert_eq!(Kept { bytes: text.clone().into_bytes(), dropped: 0 }.text(), text);
    }

    #[test]
    fn what_does_not_fit_into_an_answer_is_there_for_a_reader() {
        let kept = Kept { bytes: vec![b'a'; AFFORDABLE + 1], dropped: 0 };
        assert!(kept.text().ends_with("a\n[the rest does not fit into an answer]"));
        assert_eq!(kept.whole().len(), AFFORDABLE + 1);
    }
}
