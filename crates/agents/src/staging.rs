//! Files that are written all of them or none: each goes into a new file beside the old one, reaches the disk, and takes its name in
//! one step. A reader sees the old file or the new one; a crash leaves one of them.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, Write};
use std::os::fd::{AsFd, BorrowedFd};

use rustix::fs::{AtFlags, FileType, Mode, OFlags, fchmod, openat, renameat, statat, unlinkat};

/// Puts files into an opened folder. All of them are on disk under other names before the first takes its own, and they do so in
/// the given order: what refers to the others belongs at the end. A file that has the name already leaves it its permissions.
///
/// # Errors
/// When something that is no regular file has a name, and when the disk refuses. No new file is left then.
pub(crate) fn put(folder: impl AsFd, files: &[(&OsStr, impl AsRef<[u8]>)]) -> io::Result<()> {
    let folder = folder.as_fd();
    let mut staged = Vec::new();
    let written = files
        .iter()
        .try_for_each(|(name, text)| {
            staged.push((*name, stage(folder, name, text.as_ref())?));
            Ok(())
        })
        .and_then(|()| {
            staged.iter().try_for_each(|(name, temporary)| Ok(renameat(folder, temporary, folder, *name)?))
        });
    if written.is_err() {
        for (_, temporary) in &staged {
            // The error that is told is the first one.
            let _ = unlinkat(folder, temporary, AtFlags::empty());
        }
        return written;
    }
    // New names are durable only with their folder, which may have been opened for looking up alone.
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    File::from(openat(folder, ".", flags, Mode::empty())?).sync_all()
}

/// Takes a file out of an opened folder.
pub(crate) fn remove(folder: impl AsFd, name: &OsStr) -> io::Result<()> {
    Ok(unlinkat(folder, name, AtFlags::empty())?)
}

/// The type and permissions of what has the name; `None` when nothing has.
pub(crate) fn mode(folder: BorrowedFd<'_>, name: &OsStr) -> io::Result<Option<u32>> {
    match statat(folder, name, AtFlags::SYMLINK_NOFOLLOW) {
        Ok(stat) => Ok(Some(stat.st_mode)),
        Err(rustix::io::Errno::NOENT) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Whether a mode is that of a regular file.
pub(crate) fn is_file(mode: u32) -> bool {
    FileType::from_raw_mode(mode).is_file()
}

/// Writes bytes under a name that nothing else has, with the permissions of what it is to replace.
fn stage(folder: BorrowedFd<'_>, name: &OsStr, bytes: &[u8]) -> io::Result<OsString> {
    let old = mode(folder, name)?;
    if old.is_some_and(|mode| !is_file(mode)) {
        let message = format!("`{}` is there and is not a regular file", name.to_string_lossy());
        return Err(io::Error::other(message));
    }
    let (file, temporary) = beside(folder, name)?;
    fill(file, bytes, old).map(|()| temporary.clone()).inspect_err(|_| {
        // The error that is told is that of the writing.
        let _ = unlinkat(folder, &temporary, AtFlags::empty());
    })
}

fn fill(mut file: File, bytes: &[u8], old: Option<u32>) -> io::Result<()> {
    file.write_all(bytes)?;
    if let Some(mode) = old {
        fchmod(&file, Mode::from_raw_mode(mode & 0o7777))?;
    }
    file.sync_all()
}

/// Makes a new file in the folder.
fn beside(folder: BorrowedFd<'_>, name: &OsStr) -> io::Result<(File, OsString)> {
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    for attempt in 0_u32.. {
        let mut temporary = OsString::from(".");
        temporary.push(name);
        temporary.push(format!(".{}-{attempt}.new", std::process::id()));
        match openat(folder, &temporary, flags, Mode::from_raw_mode(0o666)) {
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

    use super::*;

    #[test]
    fn of_several_files_none_is_put_when_one_cannot_be() {
        let directory = tempfile::tempdir().unwrap();
        fs::create_dir(directory.path().join("taken")).unwrap();
        let folder = File::open(directory.path()).unwrap();
        assert!(put(&folder, &[("a".as_ref(), "x"), ("taken".as_ref(), "x")]).is_err());
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_name_that_is_taken_is_not_used_for_the_new_file() {
        let directory = tempfile::tempdir().unwrap();
        let taken = directory.path().join(format!(".a.{}-0.new", std::process::id()));
        fs::write(&taken, "somebody's").unwrap();
        put(File::open(directory.path()).unwrap(), &[("a".as_ref(), "mine")]).unwrap();
        assert_eq!(fs::read_to_string(&taken).unwrap(), "somebody's");
        assert_eq!(fs::read_to_string(directory.path().join("a")).unwrap(), "mine");
    }
}
