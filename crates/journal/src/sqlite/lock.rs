//! One daemon for one journal: a lock beside the file, held by the kernel for as long as the process lives.

use std::ffi::OsString;
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use op_run::Timestamp;
use rustix::fs::{FlockOperation, flock};

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
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(error) if error == rustix::io::Errno::WOULDBLOCK => {
                return Err(LockError::Held(holder(&mut file)));
            }
            Err(error) => return Err(LockError::Io(error.into())),
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
fn holder(file: &mut File) -> String {
    let mut text = Vec::new();
    let read = file.take(512).read_to_end(&mut text);
    let text = String::from_utf8_lossy(&text);
    match text.lines().next() {
        Some(line) if read.is_ok() && !line.is_empty() => {
            line.replace(|letter: char| letter.is_control(), "?")
        }
        _ => "another program".to_owned(),
    }
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
}
