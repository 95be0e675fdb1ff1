//! The walk over a repository's files.
//!
//! Ignored files (`.gitignore`), hidden directories, build output and symbolic links are no part of a repository's
//! own sources. Hidden *files* are: a committed `.env` is what an audit looks for.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use ignore::{DirEntry, WalkBuilder};

use super::{Area, File, MAX_FILE, MAX_FILES, above};
use crate::review::{Unchecked, plural};
use crate::roots::Roots;

/// What a walk has found.
#[derive(Debug)]
pub(super) struct Walked {
    /// The files to review, in order of their paths.
    pub(super) files: Vec<File>,
    /// What was left out.
    pub(super) left_out: Vec<Unchecked>,
}

/// Lists the files under `root`, which lies within `roots`.
pub(super) fn walk(root: &Path, roots: &Roots) -> Walked {
    walk_at_most(root, roots, MAX_FILES)
}

fn walk_at_most(root: &Path, roots: &Roots, most: usize) -> Walked {
    let hidden = Arc::new(Mutex::new(BTreeSet::new()));
    let mut files = Vec::new();
    let mut left_out = Vec::new();
    let mut builder = builder(root, &hidden);
    above::obey(&mut builder, roots, root);
    for entry in builder.build() {
        match entry {
            Ok(entry) if files.len() == most => {
                if is_file(&entry) {
                    left_out
                        .push(Unchecked::new("files", format!("only the first {most} files were looked at")));
                    break;
                }
            }
            Ok(entry) => keep(root, &entry, &mut files, &mut left_out),
            Err(error) => left_out.push(Unchecked::new("files", error.to_string())),
        }
    }
    let hidden = hidden.lock().unwrap_or_else(PoisonError::into_inner);
    if !hidden.is_empty() {
        let names: Vec<&str> = hidden.iter().take(5).map(String::as_str).collect();
        let what = format!("{} skipped: {}", plural_directories(hidden.len()), names.join(", "));
        left_out.push(Unchecked::new("hidden directories", what));
    }
    files.sort_by(|a, b| a.path.cmp(&b.path));
    Walked { files, left_out }
}

fn plural_directories(count: usize) -> String {
    if count == 1 { "1 hidden directory is".to_owned() } else { format!("{count} hidden directories are") }
}

fn is_file(entry: &DirEntry) -> bool {
    entry.file_type().is_some_and(|kind| kind.is_file())
}

fn keep(root: &Path, entry: &DirEntry, files: &mut Vec<File>, left_out: &mut Vec<Unchecked>) {
    if !is_file(entry) {
        return;
    }
    let Some(path) = relative(root, entry.path()) else {
        left_out.push(Unchecked::new(entry.path().to_string_lossy(), "its path is not UTF-8"));
        return;
    };
    let size = entry.metadata().map_or(0, |metadata| metadata.len());
    if size > MAX_FILE {
        left_out.push(Unchecked::new(path, format!("larger than {} MiB", MAX_FILE / 1024 / 1024)));
        return;
    }
    files.push(File { area: Area::of(&path), path });
}

fn builder(root: &Path, hidden: &Arc<Mutex<BTreeSet<String>>>) -> WalkBuilder {
    let mut builder = WalkBuilder::new(root);
    let (base, hidden) = (root.to_owned(), Arc::clone(hidden));
    builder
        .hidden(false)
        // What a repository ignores is written in it; the settings of the machine are not part of it.
        .require_git(false)
        .git_global(false)
        .parents(false)
        .follow_links(false)
        .sort_by_file_name(OsStr::cmp)
        .filter_entry(move |entry| {
            if entry.depth() == 0 || !entry.file_type().is_some_and(|kind| kind.is_dir()) {
                return true;
            }
            let name = entry.file_name().to_string_lossy();
            if name.starts_with('.') {
                // The version control's own store is no source; every other hidden directory is worth a word.
                if let (false, Some(path)) =
                    (matches!(&*name, ".git" | ".jj" | ".hg"), relative(&base, entry.path()))
                {
                    hidden.lock().unwrap_or_else(PoisonError::into_inner).insert(path);
                }
                return false;
            }
            !is_output(&name, entry.path())
        });
    builder
}

/// Whether a directory holds what tools have made: cargo's target directory (which carries a cache tag, or lies beside
/// a manifest), or installed packages. A module that is named `target` is neither.
fn is_output(name: &str, path: &Path) -> bool {
    match name {
        "target" => path.join("CACHEDIR.TAG").exists() || path.with_file_name("Cargo.toml").exists(),
        "node_modules" => true,
        _ => false,
    }
}

fn relative(root: &Path, path: &Path) -> Option<String> {
    let parts: Option<Vec<&str>> =
        path.strip_prefix(root).ok()?.components().map(|part| part.as_os_str().to_str()).collect();
    Some(parts?.join("/"))
}

/// How a list of files that could not be read is told: by name up to a few, then by number.
pub(super) fn unreadable(check: &str, paths: &[(String, String)]) -> Vec<Unchecked> {
    /// Enough to see the kind of file that fails.
    const NAMED: usize = 20;
    let mut entries: Vec<Unchecked> =
        paths.iter().take(NAMED).map(|(path, reason)| Unchecked::new(path, reason)).collect();
    if paths.len() > NAMED {
        let more = plural(paths.len() - NAMED, "more file");
        entries.push(Unchecked::new(check, format!("{more} could not be read or parsed")));
    }
    entries
}

#[cfg(test)]
mod tests {
    use super::super::fixture::tree;
    use super::*;

    fn paths(walked: &Walked) -> Vec<&str> {
        walked.files.iter().map(|file| file.path.as_str()).collect()
    }

    /// No roots: nothing lies above.
    fn alone() -> Roots {
        Roots::new(&[])
    }

    #[test]
    fn a_part_of_a_repository_has_the_files_that_it_has_within_the_whole() {
        let dir =
            tree(&[(".gitignore", "*.log\n/a/out\n"), ("a/x.rs", ""), ("a/x.log", ""), ("a/out/y.rs", "")]);
        let base = dir.path().canonicalize().unwrap();
        let part = walk(&base.join("a"), &Roots::new(std::slice::from_ref(&base)));
        assert_eq!(paths(&part), ["x.rs"]);
        assert_eq!(paths(&walk(&base, &alone())), [".gitignore", "a/x.rs"]);
    }

    #[test]
    fn ignored_hidden_and_built_files_are_left_out() {
        let dir = tree(&[
            ("Cargo.toml", ""),
            (".gitignore", "secret.txt\n"),
            ("secret.txt", "x"),
            (".env", "x"),
            (".github/workflows/ci.yml", "x"),
            (".git/config", "x"),
            ("target/debug/x.rs", "x"),
            ("src/target/mod.rs", "x"),
            ("node_modules/a/index.js", "x"),
            ("src/lib.rs", "x"),
        ]);
        let walked = walk(dir.path(), &alone());
        assert_eq!(paths(&walked), [".env", ".gitignore", "Cargo.toml", "src/lib.rs", "src/target/mod.rs"]);
        assert_eq!(
            walked.left_out,
            [Unchecked::new("hidden directories", "1 hidden directory is skipped: .github")]
        );
    }

    #[test]
    fn a_large_file_is_left_out_and_named() {
        let size = usize::try_from(MAX_FILE).unwrap();
        let (large, fits) = ("x".repeat(size + 1), "x".repeat(size));
        let dir = tree(&[("large.rs", &large), ("fits.rs", &fits)]);
        let walked = walk(dir.path(), &alone());
        assert_eq!(paths(&walked), ["fits.rs"]);
        assert_eq!(walked.left_out, [Unchecked::new("large.rs", "larger than 1 MiB")]);
    }

    #[test]
    fn more_files_than_the_bound_are_cut_and_said() {
        let dir = tree(&[("a", ""), ("b", ""), ("c", ""), ("d", "")]);
        let walked = walk_at_most(dir.path(), &alone(), 2);
        assert_eq!(paths(&walked), ["a", "b"]);
        assert_eq!(walked.left_out, [Unchecked::new("files", "only the first 2 files were looked at")]);
        assert!(walk_at_most(dir.path(), &alone(), 4).left_out.is_empty());
    }

    #[cfg(unix)]
    #[test]
    fn a_symbolic_link_is_not_followed() {
        let outside = tree(&[("passwd", "x")]);
        let dir = tree(&[("a", "")]);
        std::os::unix::fs::symlink(outside.path(), dir.path().join("out")).unwrap();
        std::os::unix::fs::symlink(outside.path().join("passwd"), dir.path().join("passwd")).unwrap();
        assert_eq!(paths(&walk(dir.path(), &alone())), ["a"]);
    }

    #[test]
    fn many_unreadable_files_are_told_by_number() {
        let failed: Vec<_> = (0..25).map(|n| (format!("{n}.rs"), "bad".to_owned())).collect();
        let told = unreadable("Rust", &failed);
        assert_eq!(told.len(), 21);
        assert_eq!(told[20].reason, "5 more files could not be read or parsed");
    }
}
