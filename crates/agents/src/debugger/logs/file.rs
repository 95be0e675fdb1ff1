//! A log that is a file. It is read on a thread of its own, no further than somebody takes what is found.

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::Path;
use std::sync::Arc;

use op_agent::{Call, Failure};
use tokio::sync::mpsc::{self, Sender};

use super::LogsRead;
use super::heading::Reader;
use super::shape::plain;
use super::tally::{Findings, Tally};
use crate::tools::{Desk, blocking};

/// Longest line that is looked at, in bytes; the rest of a longer one is passed over.
const LONGEST: u64 = 64 * 1024;

/// How many lines are read between two looks at whether anybody still waits.
const STRIDE: u64 = 1024;

/// How many lines wait for somebody who takes them slowly.
const WAITING: usize = 64;

/// Reads the last `max_bytes` of a file, and passes on what matches: up to the output limit of the settings.
pub(super) async fn read(
    desk: Arc<Desk>,
    call: Call,
    path: &Path,
    max_bytes: u64,
    tally: Tally,
) -> Result<LogsRead, Failure> {
    let path = path.to_owned();
    let source = path.display().to_string();
    let (found, mut finds) = mpsc::channel(WAITING);
    let watched = call.clone();
    let work = blocking(move || {
        let (file, skipped) = open(&desk, &path, max_bytes)?;
        let reader = Passes { call: &watched, found, left: desk.settings.output_limit() };
        reader.run(file, tally).map(|findings| (findings, skipped))
    });
    let telling = async {
        while let Some(line) = finds.recv().await {
            call.stdout(line).await;
        }
    };
    let (done, ()) = tokio::join!(work, telling);
    let (findings, skipped_bytes) = done?;
    Ok(LogsRead { source, skipped_bytes, hidden: None, findings })
}

/// Opens a file at the beginning of the first line of its last `max_bytes`.
fn open(desk: &Desk, path: &Path, max_bytes: u64) -> Result<(BufReader<File>, u64), Failure> {
    let failed =
        |error: std::io::Error| Failure::failed("io_error", format!("reading {}: {error}", path.display()));
    let mut file = desk.roots.open(path)?;
    let metadata = file.metadata().map_err(failed)?;
    if !metadata.is_file() {
        return Err(Failure::rejected("not_a_file", format!("{} is not a regular file", path.display())));
    }
    let start = metadata.len().saturating_sub(max_bytes);
    let mut skipped = start;
    // The byte before tells whether a line begins here.
    file.seek(SeekFrom::Start(start.saturating_sub(1))).map_err(failed)?;
    let mut reader = BufReader::with_capacity(256 * 1024, file);
    if start > 0 {
        skipped = start - 1 + pass_line(&mut reader).map_err(failed)?;
    }
    Ok((reader, skipped))
}

/// Passes over the rest of a line, and says how many bytes that was.
fn pass_line(reader: &mut impl BufRead) -> std::io::Result<u64> {
    let mut passed = 0;
    loop {
        let buffer = reader.fill_buf()?;
        let (length, is_end) = match buffer.iter().position(|byte| *byte == b'\n') {
            Some(at) => (at + 1, true),
            None => (buffer.len(), buffer.is_empty()),
        };
        reader.consume(length);
        passed += length as u64;
        if is_end {
            return Ok(passed);
        }
    }
}

/// Goes through the lines of a file.
struct Passes<'a> {
    call: &'a Call,
    found: Sender<Vec<u8>>,
    /// How many bytes may still be passed on.
    left: usize,
}

impl Passes<'_> {
    fn run(mut self, mut file: impl BufRead, mut tally: Tally) -> Result<Findings, Failure> {
        let (headings, mut buffer) = (Reader::here(), Vec::new());
        for number in 0_u64.. {
            if number.is_multiple_of(STRIDE) && self.call.is_cancelled() {
                return Err(Failure::cancelled("nobody waits for the log any more"));
            }
            if !next(&mut file, &mut buffer)
                .map_err(|error| Failure::failed("io_error", format!("reading the log: {error}")))?
            {
                break;
            }
            let text = String::from_utf8_lossy(&buffer);
            let line = plain(&text);
            if tally.take(headings.heading(&line), &line) {
                self.pass_on(&line);
            }
        }
        Ok(tally.findings())
    }

    fn pass_on(&mut self, line: &str) {
        if line.len() < self.left {
            self.left -= line.len() + 1;
            // Who does not listen any more has cancelled, which is seen soon.
            let _ = self.found.blocking_send(format!("{line}\n").into_bytes());
        } else if self.left > 0 {
            self.left = 0;
            let _ = self.found.blocking_send(b"[further lines are only counted]\n".to_vec());
        }
    }
}

/// Reads the next line, without its end; `false` when there is none.
fn next(file: &mut impl BufRead, line: &mut Vec<u8>) -> std::io::Result<bool> {
    line.clear();
    if file.by_ref().take(LONGEST).read_until(b'\n', line)? == 0 {
        return Ok(false);
    }
    if line.pop_if(|last| *last == b'\n').is_none() {
        pass_line(file)?;
    }
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_that_is_too_long_is_cut_and_the_next_one_is_whole() {
        let text = format!("{}\nshort\nlast", "x".repeat(100_000));
        let (mut file, mut line) = (BufReader::new(text.as_bytes()), Vec::new());
        let mut lengths = Vec::new();
        while next(&mut file, &mut line).unwrap() {
            lengths.push(line.len());
        }
        assert_eq!(lengths, [usize::try_from(LONGEST).unwrap(), 5, 4]);
    }
}
