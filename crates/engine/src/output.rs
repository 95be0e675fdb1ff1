//! Output of one attempt, kept up to a limit: the beginning and the end, with what was between counted.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use crate::feed::Feed;
use crate::ports::{Chunk, KeptOutput, Progress, Sink};

/// Takes the output of one attempt: keeps it, and publishes it as it comes.
pub(crate) struct Output {
    step: Arc<str>,
    feed: Arc<Feed>,
    kept: Mutex<Kept>,
}

impl Output {
    pub(crate) fn new(step: &str, feed: Arc<Feed>, limit: usize) -> Self {
        Self { step: step.into(), feed, kept: Mutex::new(Kept::new(limit)) }
    }

    /// What was kept so far; nothing is kept afterwards.
    pub(crate) fn finish(&self, visit: u32, attempt: u32) -> KeptOutput {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let limit = kept.limit;
        let Kept { head, tail, dropped, .. } = std::mem::replace(&mut *kept, Kept::new(limit));
        let chunks = head.into_iter().chain(tail).collect();
        KeptOutput { step: self.step.to_string(), visit, attempt, chunks, dropped }
    }
}

impl Sink for Output {
    fn take(&self, progress: Progress) {
        if let Progress::Output(chunk) = &progress {
            self.kept.lock().unwrap_or_else(PoisonError::into_inner).push(chunk.clone());
        }
        self.feed.progress(Arc::clone(&self.step), progress);
    }
}

/// Half of the limit for the beginning, half for the end.
struct Kept {
    limit: usize,
    head: Vec<Chunk>,
    head_size: usize,
    tail: VecDeque<Chunk>,
    tail_size: usize,
    dropped: u64,
}

impl Kept {
    fn new(limit: usize) -> Self {
        Self { limit, head: Vec::new(), head_size: 0, tail: VecDeque::new(), tail_size: 0, dropped: 0 }
    }

    fn push(&mut self, mut chunk: Chunk) {
        let room = (self.limit / 2).saturating_sub(self.head_size);
        if room > 0 {
            let data = chunk.data.split_to(room.min(chunk.data.len()));
            self.head_size += data.len();
            self.head.push(Chunk { channel: chunk.channel, data });
        }
        if !chunk.data.is_empty() {
            self.head_size = self.head_size.max(self.limit / 2);
            self.push_tail(chunk);
        }
    }

    fn push_tail(&mut self, chunk: Chunk) {
        self.tail_size += chunk.data.len();
        self.tail.push_back(chunk);
        while let Some(excess) = self.tail_size.checked_sub(self.limit / 2).filter(|excess| *excess > 0) {
            let Some(oldest) = self.tail.front_mut() else { return };
            let cut = oldest.data.split_to(excess.min(oldest.data.len())).len();
            if oldest.data.is_empty() {
                self.tail.pop_front();
            }
            self.tail_size -= cut;
            self.dropped += cut as u64;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ports::Channel;

    fn chunk(text: &str) -> Chunk {
        Chunk { channel: Channel::Stdout, data: text.to_owned().into() }
    }

    fn text(kept: &Kept) -> String {
        let chunks = kept.head.iter().chain(&kept.tail);
        chunks.map(|chunk| String::from_utf8_lossy(&chunk.data).into_owned()).collect()
    }

    #[test]
    fn output_within_the_limit_is_kept_whole() {
        let mut kept = Kept::new(10);
        for part in ["abc", "def", "ghij"] {
            kept.push(chunk(part));
        }
        assert_eq!((text(&kept).as_str(), kept.dropped), ("abcdefghij", 0));
    }

    #[test]
    fn of_too_much_output_the_beginning_and_the_end_are_kept_and_the_rest_is_counted() {
        let mut kept = Kept::new(10);
        for part in ["0123456789", "abcdefghij", "xyz"] {
            kept.push(chunk(part));
        }
        assert_eq!((text(&kept).as_str(), kept.dropped), ("01234ijxyz", 13));
    }
}
