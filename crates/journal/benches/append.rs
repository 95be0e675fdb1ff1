//! What a durable append costs, beside what the disk asks for it: `cargo bench -p op-journal`.
//!
//! Everything is written to one directory: `TMPDIR`, or where the system keeps temporary files. A directory in memory has no sync
//! to speak of and says nothing.

#[path = "../tests/samples.rs"]
mod samples;

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::future::join_all;
use op_engine::ports::journal::Journal;
use op_journal::SqliteJournal;
use samples::{Story, started, text};

/// How long each row of the table is measured.
const SPAN: Duration = Duration::from_secs(3);

/// Size of an event, and of a write of the bare disk.
const SIZE: usize = 1024;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let home = tempfile::tempdir()?;
    let runtime = tokio::runtime::Runtime::new()?;
    println!("{:<28} {:>10} {:>12} {:>18}", "what", "per second", "p50", "commits per append");
    row("disk, append and fdatasync", &disk(home.path())?, None);
    for callers in [1, 16, 64] {
        let journal = Arc::new(SqliteJournal::open(&home.path().join(format!("{callers}.db")))?);
        let times = runtime.block_on(append(&journal, callers));
        let stats = journal.stats();
        #[expect(clippy::cast_precision_loss, reason = "for people to read")]
        let ratio = stats.commits as f64 / stats.entries as f64;
        row(&format!("journal, {callers} callers"), &times, Some(ratio));
        runtime.block_on(journal.close());
    }
    Ok(())
}

/// Times of single writes of the bare disk.
fn disk(home: &Path) -> std::io::Result<Vec<Duration>> {
    let mut file = File::create(home.join("bare"))?;
    let block = [7; SIZE];
    let mut times = Vec::new();
    let end = Instant::now() + SPAN;
    while Instant::now() < end {
        let began = Instant::now();
        file.write_all(&block)?;
        file.sync_data()?;
        times.push(began.elapsed());
    }
    Ok(times)
}

/// Times of single appends, each caller with a run of its own.
async fn append(journal: &Arc<SqliteJournal>, callers: usize) -> Vec<Duration> {
    let end = Instant::now() + SPAN;
    let tasks = (0..callers).map(|caller| {
        let journal = Arc::clone(journal);
        tokio::spawn(async move {
            let mut story = Story::new(&format!("run-{caller}"));
            journal.append(story.next(vec![started()])).await.expect("the journal takes the start of a run");
            let mut times = Vec::new();
            while Instant::now() < end {
                let entry = story.next(vec![text(SIZE)]);
                let began = Instant::now();
                journal.append(entry).await.expect("the journal takes an event");
                times.push(began.elapsed());
            }
            times
        })
    });
    join_all(tasks).await.into_iter().flat_map(|times| times.expect("a caller ends")).collect()
}

#[expect(clippy::cast_precision_loss, reason = "for people to read")]
fn row(what: &str, times: &[Duration], ratio: Option<f64>) {
    let mut sorted = times.to_vec();
    sorted.sort_unstable();
    let median = sorted.get(sorted.len() / 2).copied().unwrap_or_default();
    let rate = times.len() as f64 / SPAN.as_secs_f64();
    let ratio = ratio.map(|ratio| format!("{ratio:.3}")).unwrap_or_default();
    println!("{what:<28} {rate:>10.0} {median:>12.2?} {ratio:>18}");
}
