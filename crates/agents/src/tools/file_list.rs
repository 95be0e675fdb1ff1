//! `file_list`: the names in a directory.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use op_agent::{Call, Failure};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Desk, blocking};

/// How many entries one answer carries.
const MOST: usize = 10_000;

/// Which directory.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct FileList {
    /// The directory; a relative path starts at the first root.
    path: PathBuf,
}

/// What is in a directory.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Listing {
    /// Where it really is.
    path: PathBuf,
    /// The first 10,000 entries in order of their names.
    entries: Vec<Entry>,
    /// How many entries there are, listed or not.
    count: usize,
}

/// One entry.
#[derive(Debug, PartialEq, Serialize, JsonSchema)]
pub(super) struct Entry {
    /// Its name; what is not UTF-8 in it is replaced.
    name: String,
    /// What it is.
    kind: Kind,
    /// Its length; `null` for anything but a file.
    bytes: Option<u64>,
}

/// What an entry is.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Kind {
    /// A regular file.
    File,
    /// A directory.
    Directory,
    /// A symbolic link, wherever it leads.
    Symlink,
    /// A pipe, a socket or a device.
    Other,
}

/// Lists a directory.
pub(super) async fn file_list(desk: Arc<Desk>, call: Call, args: FileList) -> Result<Listing, Failure> {
    blocking(move || list(&desk, &args.path, MOST, || call.is_cancelled())).await
}

fn list(desk: &Desk, path: &Path, most: usize, stopped: impl Fn() -> bool) -> Result<Listing, Failure> {
    let real = desk.roots.existing(path)?;
    let failed = |error: io::Error| match error.kind() {
        io::ErrorKind::NotADirectory => {
            Failure::rejected("not_a_directory", format!("{} is not a directory", path.display()))
        }
        _ => Failure::failed("io_error", format!("listing {}: {error}", path.display())),
    };
    let mut first = BTreeMap::new();
    let mut count = 0;
    for entry in fs::read_dir(&real).map_err(failed)? {
        if stopped() {
            return Err(Failure::cancelled("the listing was stopped"));
        }
        let entry = entry.map_err(failed)?;
        count += 1;
        first.insert(entry.file_name(), entry);
        if first.len() > most {
            first.pop_last();
        }
    }
    Ok(Listing { path: real, entries: first.into_values().map(|entry| describe(&entry)).collect(), count })
}

/// An entry that vanishes while it is looked at is still named.
fn describe(entry: &fs::DirEntry) -> Entry {
    let name = entry.file_name().to_string_lossy().into_owned();
    let Ok(metadata) = entry.metadata() else { return Entry { name, kind: Kind::Other, bytes: None } };
    let kind = match metadata.file_type() {
        kind if kind.is_file() => Kind::File,
        kind if kind.is_dir() => Kind::Directory,
        kind if kind.is_symlink() => Kind::Symlink,
        _ => Kind::Other,
    };
    Entry { name, kind, bytes: metadata.is_file().then_some(metadata.len()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Settings;

    fn desk() -> (tempfile::TempDir, Arc<Desk>) {
        let directory = tempfile::tempdir().unwrap();
        let roots = vec![directory.path().to_owned()];
        (directory, Desk::new(&Settings { roots, ..Settings::default() }))
    }

    #[test]
    fn entries_are_sorted_and_told_apart() {
        let (directory, desk) = desk();
        fs::write(directory.path().join("b"), "12345").unwrap();
        fs::create_dir(directory.path().join("c")).unwrap();
        std::os::unix::fs::symlink("/etc/shadow", directory.path().join("a")).unwrap();
        let listing = list(&desk, Path::new("."), MOST, || false).unwrap();
        let seen: Vec<_> = listing.entries.iter().map(|e| (e.name.as_str(), e.kind, e.bytes)).collect();
        assert_eq!(
            seen,
            [("a", Kind::Symlink, None), ("b", Kind::File, Some(5)), ("c", Kind::Directory, None)]
        );
    }

    #[test]
    fn a_long_list_is_cut_after_its_first_names_and_counted() {
        let (directory, desk) = desk();
        for index in 0..30 {
            fs::write(directory.path().join(format!("{index:02}")), "").unwrap();
        }
        let listing = list(&desk, Path::new("."), 10, || false).unwrap();
        assert_eq!((listing.entries.len(), listing.count), (10, 30));
        assert_eq!(listing.entries.last().unwrap().name, "09");
    }

    #[test]
    fn what_is_no_directory_inside_is_refused_with_its_reason() {
        let (directory, desk) = desk();
        fs::write(directory.path().join("file"), "").unwrap();
        let reason =
            |path: &str| list(&desk, Path::new(path), MOST, || false).unwrap_err().reason().to_owned();
        assert_eq!(reason("file"), "not_a_directory");
        assert_eq!(reason("missing"), "not_found");
        assert_eq!(reason("/etc"), "outside_roots");
    }

    #[test]
    fn a_listing_can_be_stopped() {
        let (directory, desk) = desk();
        fs::write(directory.path().join("file"), "").unwrap();
        assert_eq!(list(&desk, Path::new("."), MOST, || true).unwrap_err().reason(), "cancelled");
    }
}
