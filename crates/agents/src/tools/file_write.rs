//! `file_write`: a text file, all of it or nothing.
//!
//! The text goes into a new file beside the old one, reaches the disk, and takes its name in one step. A reader sees the
//! old file or the new one; a crash leaves one of them.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::path::PathBuf;
use std::sync::Arc;

use op_agent::{Call, Failure};
use rustix::fs::{AtFlags, FileType, Mode, OFlags, fchmod, openat, renameat, statat, unlinkat};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Desk, blocking};

/// Which file, and what.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct FileWrite {
    /// The file; a relative path starts at the first root. Its directory must exist.
    path: PathBuf,
    /// All of its text.
    content: String,
}

/// A file that was written.
#[derive(Debug, PartialEq, Serialize, JsonSchema)]
pub(super) struct FileWritten {
    /// Where it really is.
    path: PathBuf,
    /// Its length.
    bytes: u64,
    /// Whether it took the place of another.
    existed: bool,
}

/// Writes a text file.
pub(super) async fn file_write(
    desk: Arc<Desk>,
    _call: Call,
    args: FileWrite,
) -> Result<FileWritten, Failure> {
    blocking(move || write(&desk, &args)).await
}

fn write(desk: &Desk, args: &FileWrite) -> Result<FileWritten, Failure> {
    let (directory, name) = desk.roots.parent(&args.path)?;
    let path = desk.roots.future(&args.path)?;
    let failed =
        |error: io::Error| Failure::failed("io_error", format!("writing {}: {error}", args.path.display()));
    let old = mode(directory.as_fd(), &name).map_err(failed)?;
    if old.is_some_and(|mode| !FileType::from_raw_mode(mode).is_file()) {
        let message = format!("{} is there and is not a regular file", args.path.display());
        return Err(Failure::rejected("not_a_file", message));
    }
    replace(directory.as_fd(), &name, args.content.as_bytes(), old).map_err(failed)?;
    Ok(FileWritten { path, bytes: args.content.len() as u64, existed: old.is_some() })
}

/// The type and permissions of what has the name; `None` when nothing has.
fn mode(directory: BorrowedFd<'_>, name: &OsStr) -> io::Result<Option<u32>> {
    match statat(directory, name, AtFlags::SYMLINK_NOFOLLOW) {
        Ok(stat) => Ok(Some(stat.st_mode)),
        Err(rustix::io::Errno::NOENT) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

fn replace(directory: BorrowedFd<'_>, name: &OsStr, content: &[u8], old: Option<u32>) -> io::Result<()> {
    let (mut file, temporary) = beside(directory, name)?;
    let written =
        fill(&mut file, content, old).and_then(|()| Ok(renameat(directory, &temporary, directory, name)?));
    if written.is_err() {
        // The error that is told is the first one.
        let _ = unlinkat(directory, &temporary, AtFlags::empty());
        return written;
    }
    // The new name is durable only with its directory.
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    File::from(openat(directory, ".", flags, Mode::empty())?).sync_all()
}

fn fill(file: &mut File, content: &[u8], old: Option<u32>) -> io::Result<()> {
    file.write_all(content)?;
    if let Some(mode) = old {
        fchmod(&*file, Mode::from_raw_mode(mode & 0o7777))?;
    }
    file.sync_all()
}

/// Makes a new file in the directory, under a name that nothing else has.
fn beside(directory: BorrowedFd<'_>, name: &OsStr) -> io::Result<(File, OsString)> {
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    for attempt in 0_u32.. {
        let mut temporary = OsString::from(".");
        temporary.push(name);
        temporary.push(format!(".{}-{attempt}.new", std::process::id()));
        match openat(directory, &temporary, flags, Mode::from_raw_mode(0o666)) {
            Ok(file) => return Ok((file.into(), temporary)),
            Err(rustix::io::Errno::EXIST) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(io::ErrorKind::AlreadyExists.into())
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;
    use crate::settings::Settings;

    fn desk() -> (tempfile::TempDir, Arc<Desk>) {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path().join("root");
        fs::create_dir(&root).unwrap();
        let desk = Desk::new(&Settings { roots: vec![root], ..Settings::default() });
        (directory, desk)
    }

    fn put(desk: &Desk, path: &str, content: &str) -> Result<FileWritten, Failure> {
        write(desk, &FileWrite { path: path.into(), content: content.into() })
    }

    #[test]
    fn a_file_is_made_and_then_replaced_with_its_permissions_kept() {
        let (directory, desk) = desk();
        let file = directory.path().join("root/run.sh");
        let made = put(&desk, "run.sh", "one").unwrap();
        assert_eq!((made.bytes, made.existed), (3, false));
        fs::set_permissions(&file, fs::Permissions::from_mode(0o750)).unwrap();
        assert!(put(&desk, "run.sh", "other").unwrap().existed);
        assert_eq!(fs::read_to_string(&file).unwrap(), "other");
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o750);
        assert_eq!(
            fs::read_dir(directory.path().join("root")).unwrap().count(),
            1,
            "nothing is left beside it"
        );
    }

    #[test]
    fn nothing_is_written_outside() {
        let (directory, desk) = desk();
        fs::write(directory.path().join("secret"), "old").unwrap();
        symlink("../secret", directory.path().join("root/link")).unwrap();
        symlink("..", directory.path().join("root/up")).unwrap();
        for path in ["../new", "link", "up/secret", "up/new", "/tmp/op-agents-never"] {
            assert_eq!(put(&desk, path, "new").unwrap_err().reason(), "outside_roots", "{path}");
        }
        assert_eq!(fs::read_to_string(directory.path().join("secret")).unwrap(), "old");
        assert!(!directory.path().join("new").exists());
    }

    #[test]
    fn a_link_inside_stays_a_link() {
        let (directory, desk) = desk();
        fs::write(directory.path().join("root/real"), "old").unwrap();
        symlink("real", directory.path().join("root/link")).unwrap();
        assert!(put(&desk, "link", "new").unwrap().path.ends_with("real"));
        assert!(directory.path().join("root/link").is_symlink());
        assert_eq!(fs::read_to_string(directory.path().join("root/real")).unwrap(), "new");
    }

    #[test]
    fn the_directory_must_exist_and_the_name_must_not_be_a_directory() {
        let (directory, desk) = desk();
        fs::create_dir(directory.path().join("root/sub")).unwrap();
        assert_eq!(put(&desk, "no/file", "x").unwrap_err().reason(), "not_found");
        assert_eq!(put(&desk, "sub", "x").unwrap_err().reason(), "not_a_file");
        assert_eq!(put(&desk, ".", "x").unwrap_err().reason(), "outside_roots");
    }

    #[test]
    fn a_name_that_is_taken_is_not_used_for_the_new_file() {
        let (directory, desk) = desk();
        let taken = format!("root/.a.{}-0.new", std::process::id());
        fs::write(directory.path().join(&taken), "somebody's").unwrap();
        put(&desk, "a", "mine").unwrap();
        assert_eq!(fs::read_to_string(directory.path().join(&taken)).unwrap(), "somebody's");
    }
}
