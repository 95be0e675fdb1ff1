//! One daemon for one journal: a lock beside the file, held by the kernel for as long as the process lives.

use std::ffi::OsString;
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use op_run::Timestamp;
use rustix::fs::{FlockOperation, flock};
use rustix::process::{Pid, test_kill_process};

/// How long the lock of a holder that died may stay with a child that it was just starting, which is until the child runs its
/// program.
const HEIR: Duration = Duration::from_secs(1);

/// How often to look whether it has.
const MOMENT: Duration = Duration::from_millis(5);

/// Held while this lives. The file stays: it is the lock of the kernel that counts, never the file.
#[derive(Debug)]
pub(super) struct Lock {
    file: File,
}

/// Why there is no lock.
#[derive(Debug, thiserror::Error)]
pub(super) enum LockError {
    #[error("{0} holds it")]
    Held(String),
    #[error(transparent)]
    Io(#[from] io::Error),
}

impl Lock {
    /// Takes the lock of a journal, and writes into it who has it.
    pub(super) fn take(journal: &Path) -> Result<Self, LockError> {
        let mut file = OpenOptions::new();
        let mut file = file
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(beside(journal, ".lock"))?;
        let began = Instant::now();
        while let Err(error) = flock(&file, FlockOperation::NonBlockingLockExclusive) {
            if error != rustix::io::Errno::WOULDBLOCK {
                return Err(LockError::Io(error.into()));
            }
            let holder = holder(&mut file)?;
            if !is_dead(&holder) || began.elapsed() > HEIR {
                return Err(LockError::Held(holder));
            }
            thread::sleep(MOMENT);
        }
        file.set_len(0)?;
        file.rewind()?;
        file.write_all(signature().as_bytes())?;
        Ok(Self { file })
    }
}

impl Drop for Lock {
    /// Gives it back by name: closing alone would leave it with a child that is just being started.
    fn drop(&mut self) {
        if let Err(error) = flock(&self.file, FlockOperation::Unlock) {
            tracing::warn!(%error, "the lock of the journal was not given back");
        }
    }
}

/// A path with something after its name.
pub(super) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(suffix);
    PathBuf::from(name)
}

/// Who this is, as others will read it.
fn signature() -> String {
    let program = std::env::args_os().next().map(PathBuf::from);
    let program =
        program.as_deref().and_then(Path::file_name).map(|name| name.to_string_lossy().into_owned());
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let now = Timestamp::from_millis(0).after(now);
    format!("{} (pid {}, since {now})\n", program.as_deref().unwrap_or("op-dbus"), std::process::id())
}

/// Who has the lock: what it wrote, or that it wrote nothing yet.
fn holder(file: &mut File) -> io::Result<String> {
    let mut text = Vec::new();
    file.rewind()?;
    let read = file.take(512).read_to_end(&mut text);
    let text = String::from_utf8_lossy(&text);
    Ok(match text.lines().next() {
        Some(line) if read.is_ok() && !line.is_empty() => {
            line.replace(|letter: char| letter.is_control(), "?")
        }
        _ => "another program".to_owned(),
    })
}

/// Whether the process that signed so is gone.
fn is_dead(holder: &str) -> bool {
    let pid = holder.split_once("(pid ").and_then(|(_, rest)| rest.split_once(','));
    let pid = pid.and_then(|(pid, _)| pid.parse().ok()).and_then(Pid::from_raw);
    pid.is_some_and(|pid| test_kill_process(pid) == Err(rustix::io::Errno::SRCH))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_is_held_once_and_names_its_holder() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("j.db");
        let first = Lock::take(&path).unwrap();
        let Err(LockError::Held(holder)) = Lock::take(&path) else { panic!("taken twice") };
        assert!(holder.contains(&format!("(pid {}, since 2", std::process::id())), "{holder}");
        drop(first);
        Lock::take(&path).unwrap();
    }

    #[test]
    fn what_a_dead_holder_left_is_no_obstacle() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("j.db");
        std::fs::write(beside(&path, ".lock"), "op-dbus (pid 1, since 1970)\n and more\n").unwrap();
        let _first = Lock::take(&path).unwrap();
        let text = std::fs::read_to_string(beside(&path, ".lock")).unwrap();
        assert!(text.contains(&format!("(pid {}, ", std::process::id())), "{text}");
        assert_eq!(text.lines().count(), 1, "{text}");
    }

    #[test]
    fn a_holder_that_wrote_nothing_yet_is_another_program() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("j.db");
        let lock = Lock::take(&path).unwrap();
        lock.file.set_len(0).unwrap();
        let Err(LockError::Held(holder)) = Lock::take(&path) else { panic!("taken twice") };
        assert_eq!(holder, "another program");
    }

    #[test]
    fn the_child_that_a_dead_holder_was_starting_is_waited_for() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("j.db");
        let heir = File::create(beside(&path, ".lock")).unwrap();
        flock(&heir, FlockOperation::LockExclusive).unwrap();
        // No system has a process of this number.
        (&heir).write_all(b"op-dbus (pid 2147483647, since 2026)\n").unwrap();
        let Err(LockError::Held(_)) = Lock::take(&path) else { panic!("taken from an heir that stays") };
        let taken = thread::spawn(move || Lock::take(&path).map(drop));
        flock(&heir, FlockOperation::Unlock).unwrap();
        taken.join().unwrap().unwrap();
    }
}
