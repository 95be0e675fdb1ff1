//! One stream of a program's output.

use tokio::io::{AsyncRead, AsyncReadExt};

/// As much as a pipe of Linux holds at most by default.
const CHUNK: usize = 64 * 1024;

/// What was kept of a stream, from its beginning.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Kept {
    /// The bytes that were kept.
    pub(crate) bytes: Vec<u8>,
    /// How many came after those and were not kept.
    pub(crate) dropped: u64,
}

impl Kept {
    /// The bytes as text; what is not UTF-8 is replaced. What is missing is said at the end.
    pub(crate) fn text(&self) -> String {
        let text = String::from_utf8_lossy(&self.bytes);
        match self.dropped {
            0 => text.into_owned(),
            dropped => format!("{text}\n[{dropped} more bytes were not kept]"),
        }
    }

    fn keep(&mut self, bytes: &[u8], limit: usize) {
        let room = limit.saturating_sub(self.bytes.len()).min(bytes.len());
        self.bytes.extend_from_slice(&bytes[..room]);
        self.dropped += (bytes.len() - room) as u64;
    }
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
}
