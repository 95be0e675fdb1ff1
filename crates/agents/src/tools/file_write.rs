//! `file_write`: a text file, all of it or nothing.

use std::io;
use std::os::fd::AsFd;
use std::path::PathBuf;
use std::sync::Arc;

use op_agent::{Call, Failure};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Desk, blocking};
use crate::staging;

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
    let old = staging::mode(directory.as_fd(), &name).map_err(failed)?;
    if old.is_some_and(|mode| !staging::is_file(mode)) {
        let message = format!("{} is there and is not a regular file", args.path.display());
        return Err(Failure::rejected("not_a_file", message));
    }
    staging::put(directory, &[(&name, &args.content)]).map_err(failed)?;
    Ok(FileWritten { path, bytes: args.content.len() as u64, existed: old.is_some() })
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
}
