//! What a child writes, as lines of the log.

use std::sync::Arc;

use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};

/// The longest line that is logged; the rest of a longer one is dropped.
const LONGEST: usize = 8 << 10;

/// Logs each line until the child closes the stream.
pub(super) async fn log(agent: Arc<str>, stream: &'static str, source: impl AsyncRead + Unpin) {
    each(source, |line, cut| {
        let line = String::from_utf8_lossy(line);
        let more = if cut { " [...]" } else { "" };
        tracing::info!(target: "agent", agent = &*agent, stream, "{line}{more}");
    })
    .await;
}

/// Calls `take` with each line, and whether it was cut.
async fn each(source: impl AsyncRead + Unpin, mut take: impl FnMut(&[u8], bool)) {
    let mut reader = BufReader::with_capacity(LONGEST, source);
    let (mut line, mut cut) = (Vec::new(), false);
    loop {
        let piece = match reader.fill_buf().await {
            Ok([]) | Err(_) => break,
            Ok(piece) => piece,
        };
        let end = piece.iter().position(|byte| *byte == b'\n');
        let text = &piece[..end.unwrap_or(piece.len())];
        let kept = text.len().min(LONGEST - line.len());
        line.extend_from_slice(&text[..kept]);
        cut |= kept < text.len();
        let consumed = text.len() + usize::from(end.is_some());
        reader.consume(consumed);
        if end.is_some() {
            take(&line, cut);
            line.clear();
            cut = false;
        }
    }
    if !line.is_empty() {
        take(&line, cut);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn lines(text: &[u8]) -> Vec<(usize, bool)> {
        let mut lines = Vec::new();
        each(text, |line, cut| lines.push((line.len(), cut))).await;
        lines
    }

    #[tokio::test]
    async fn lines_end_at_the_newline_or_with_the_stream() {
        assert_eq!(lines(b"one\n\nthree").await, [(3, false), (0, false), (5, false)]);
        assert_eq!(lines(b"").await, []);
    }

    #[tokio::test]
    async fn a_long_line_is_cut_and_the_next_one_is_whole() {
        let mut text = vec![b'x'; 5 * LONGEST + 1];
        text.extend_from_slice(b"\nshort\n");
        assert_eq!(lines(&text).await, [(LONGEST, true), (5, false)]);
    }
}
