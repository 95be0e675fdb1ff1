//! Processes that die, and processes that meet.

use std::io::{BufRead, BufReader, Lines};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::Arc;

use op_engine::ports::journal::Journal;
use op_journal::{OpenError, SqliteJournal};
use op_run::{RunId, Timestamp};

use crate::samples::{Story, kept, mark, started, text};

/// Where the child of these tests finds its journal.
const HOME: &str = "JOURNAL_OF_A_CHILD";

/// Runs that the child writes at the same time.
const RUNS: usize = 8;

/// Writes for ever, and tells of each append that was answered, and its mark. Runs only as the child of a test below.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "the child of other tests: it never ends"]
async fn child() {
    let Some(path) = std::env::var_os(HOME) else { return };
    let journal = Arc::new(SqliteJournal::open(Path::new(&path)).expect("the child opens its journal"));
    eprintln!("open");
    let writers = (0..RUNS).map(|number| {
        let journal = Arc::clone(&journal);
        tokio::spawn(async move {
            let mut story = Story::new(&format!("run-{number}"));
            loop {
                let mut entry = story.next(vec![started(), text(700)]);
                entry.outputs = vec![kept("compile", 1)];
                journal.append(entry).await.expect("the child appends");
                let mark = mark(story.id().as_str(), Some(story.record.sequence), false);
                journal.mark(mark).await.expect("the child marks");
                println!("acknowledged {number} {}", story.record.sequence);
            }
        })
    });
    futures::future::join_all(writers).await;
}

struct Victim {
    process: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

/// A child that is at work on a journal.
fn victim(journal: &Path) -> Victim {
    let mut process = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "crash::child", "--ignored", "--nocapture"])
        .env(HOME, journal)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let lines = BufReader::new(process.stdout.take().unwrap()).lines();
    Victim { process, lines }
}

impl Victim {
    /// The next append that it was told is on disk: the run and the sequence of its last event.
    fn next(&mut self) -> Option<(usize, u64)> {
        loop {
            let line = self.lines.next()?.ok()?;
            // The harness of the tests writes the name of the test before the first line.
            let mut words = line.rsplit_once("acknowledged ").map_or("", |(_, rest)| rest).split(' ');
            if let (Some(Ok(run)), Some(Ok(last))) =
                (words.next().map(str::parse), words.next().map(str::parse))
            {
                return Some((run, last));
            }
        }
    }

    /// kill -9; gives what it was told before.
    fn kill(mut self) -> Vec<(usize, u64)> {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
        std::iter::from_fn(|| self.next()).collect()
    }
}

#[tokio::test]
async fn what_was_acknowledged_survives_kill_9() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.db");
    let mut victim = victim(&path);
    let mut told: Vec<_> = (0..2000).filter_map(|_| victim.next()).collect();
    assert_eq!(told.len(), 2000);
    told.extend(victim.kill());
    let journal = SqliteJournal::open(&path).unwrap();
    let marks = journal.marks().await.unwrap();
    for run in 0..RUNS {
        let last = told.iter().filter(|(told, _)| *told == run).map(|(_, last)| *last).max().unwrap();
        let id = RunId::new(format!("run-{run}"));
        let events = journal.events(&id, 1, usize::MAX).await.unwrap();
        assert!(
            events.len() as u64 >= last,
            "{} events of run {run}, and {last} were acknowledged",
            events.len()
        );
        assert_eq!(events.len() % 2, 0, "half an entry");
        let marked = marks.iter().find(|mark| mark.plan == id.as_str()).and_then(|mark| mark.last);
        assert!(marked >= Some(Timestamp::from_millis(last)), "{marked:?}, and {last} was acknowledged");
        let record = journal.find(id.as_str(), 1).await.unwrap().remove(0);
        assert_eq!(record.sequence, events.len() as u64);
        let mut story = Story::new(id.as_str());
        story.record.sequence = record.sequence;
        journal.append(story.next(vec![text(1)])).await.unwrap();
    }
}

#[tokio::test]
async fn the_second_daemon_is_told_who_the_first_one_is() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.db");
    let mut victim = victim(&path);
    victim.next().unwrap();
    let error = SqliteJournal::open(&path).unwrap_err();
    let text = error.to_string();
    assert!(matches!(error, OpenError::InUse { .. }), "{text}");
    assert!(text.contains("journal.db is in use by journal-"), "{text}");
    assert!(text.contains(&format!("(pid {}, since 2", victim.process.id())), "{text}");
    assert!(error.hint().contains("stop the other one"));
    victim.kill();
    SqliteJournal::open(&path).expect("the lock died with its holder");
}

#[tokio::test]
async fn nobody_but_the_owner_can_look_into_it() {
    let folder = tempfile::tempdir().unwrap();
    let home = folder.path().join("state/op-dbus");
    let journal = SqliteJournal::open(&home.join("journal.db")).unwrap();
    journal.append(Story::new("run").next(vec![started()])).await.unwrap();
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&home), 0o700);
    let files: Vec<_> = std::fs::read_dir(&home).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert_eq!(files.len(), 4, "the file, its log, the index of the log, the lock: {files:?}");
    for file in files {
        assert_eq!(mode(&file), 0o600, "{}", file.display());
    }
}
