//! A repository as the reviewing agents see it: its files, its crates, its lockfiles, its parsed Rust.
//!
//! Loading walks the tree once and reads manifests and lockfiles; sources are read one at a time while a review passes
//! over them, so the memory of a review does not grow with the repository. Whatever is left out is listed, with why.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::{fs, io};

use crate::review::{Review, Unchecked, plural};
use crate::roots::Roots;

pub(crate) mod above;
pub(crate) mod area;
mod job;
pub(crate) mod lockfile;
pub(crate) mod manifest;
pub(crate) mod rust;
mod walk;

pub(crate) use area::Area;
pub(crate) use job::{Pace, Stopped, deep, ratio, run};
pub(crate) use lockfile::Lockfile;
pub(crate) use manifest::{Crate, Manifests};
pub(crate) use rust::Unit;

/// The largest file that is read. Sources beyond it are generated or data.
pub(crate) const MAX_FILE: u64 = 1024 * 1024;

/// The most files of one repository that are looked at: several times the Linux kernel's directory of drivers, and
/// still a list that fits in memory.
pub(crate) const MAX_FILES: usize = 50_000;

/// Why a repository could not be loaded.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LoadError {
    /// The path cannot be looked at.
    #[error("reading {path}")]
    Read {
        /// The path that was asked for.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The path is there and is no directory.
    #[error("{0} is not a directory")]
    NotDirectory(PathBuf),
}

/// A repository: where it is and what is in it.
#[derive(Debug)]
pub(crate) struct Repository {
    root: PathBuf,
    /// The files that a review may read, in order of their paths.
    pub(crate) files: Vec<File>,
    /// The crates and workspaces that its manifests declare.
    pub(crate) manifests: Manifests,
    /// Its `Cargo.lock` files.
    pub(crate) lockfiles: Vec<Lockfile>,
    /// What was left out while loading.
    pub(crate) left_out: Vec<Unchecked>,
}

/// One file of a repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct File {
    /// Relative to the repository, with `/` between its parts.
    pub(crate) path: String,
    /// What its place says it is for.
    pub(crate) area: Area,
}

impl File {
    /// Whether this is Rust source.
    pub(crate) fn is_rust(&self) -> bool {
        Path::new(&self.path).extension().is_some_and(|extension| extension == "rs")
    }

    /// The last part of the path.
    pub(crate) fn name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or(&self.path)
    }
}

impl Repository {
    /// A repository for itself.
    #[cfg(test)]
    pub(crate) fn load(root: &Path) -> Result<Self, LoadError> {
        Self::within(root, &Roots::new(&[]))
    }

    /// Walks `root`, which lies within `roots`, and reads its manifests and lockfiles.
    pub(crate) fn within(root: &Path, roots: &Roots) -> Result<Self, LoadError> {
        let read = |source| LoadError::Read { path: root.to_owned(), source };
        if !fs::metadata(root).map_err(read)?.is_dir() {
            return Err(LoadError::NotDirectory(root.to_owned()));
        }
        fs::read_dir(root).map_err(read)?;
        let walk::Walked { files, mut left_out } = walk::walk(root, roots);
        let mut repository = Self {
            root: root.to_owned(),
            files,
            manifests: Manifests::default(),
            lockfiles: Vec::new(),
            left_out: Vec::new(),
        };
        repository.manifests = Manifests::read(&repository, &mut left_out);
        repository.lockfiles = lockfile::read_all(&repository, &mut left_out);
        repository.mark_tests();
        repository.left_out = left_out;
        Ok(repository)
    }

    /// The text of a file, or `None` if it is not text.
    pub(crate) fn text(&self, path: &str) -> io::Result<Option<String>> {
        let bytes = fs::read(self.root.join(path))?;
        if bytes.contains(&0) {
            return Ok(None);
        }
        Ok(String::from_utf8(bytes).ok())
    }

    /// The files of Rust source.
    pub(crate) fn rust(&self) -> impl Iterator<Item = &File> {
        self.files.iter().filter(|file| file.is_rust())
    }

    /// The file at `path`, if it is part of the review.
    pub(crate) fn find(&self, path: &str) -> Option<&File> {
        let index = self.files.binary_search_by(|file| file.path.as_str().cmp(path)).ok()?;
        self.files.get(index)
    }

    /// Says in `review` what this repository consists of and what was left out of it.
    pub(crate) fn describe(&self, review: &mut Review) {
        let rust = self.rust().count();
        review.saw(plural(self.files.len(), "file"));
        if rust > 0 {
            review.saw(format!("{rust} Rust {}", if rust == 1 { "file" } else { "files" }));
        }
        let crates = self.manifests.crates.len();
        if crates > 0 {
            review.saw(plural(crates, "crate"));
        }
        for lockfile in &self.lockfiles {
            review.saw(format!("{} ({})", lockfile.path, plural(lockfile.packages.len(), "package")));
        }
        review.measure("files", self.files.len());
        review.measure("rust_files", rust);
        review.measure("crates", crates);
        review.unchecked.extend(self.left_out.iter().cloned());
    }

    /// Files that are declared as `#[cfg(test)] mod name;` belong to the tests, wherever they lie.
    fn mark_tests(&mut self) {
        let mut tests = BTreeSet::new();
        for file in self.rust().filter(|file| file.area == Area::Source) {
            if let Ok(Some(text)) = self.text(&file.path) {
                tests.extend(area::test_modules(&file.path, &text));
            }
        }
        for file in self.files.iter_mut().filter(|file| file.area == Area::Source) {
            let stem = file.path.strip_suffix(".rs").unwrap_or(&file.path);
            let folders = file.path.match_indices('/').map(|(end, _)| &file.path[..end]);
            if folders.chain([stem]).any(|module| tests.contains(module)) {
                file.area = Area::Test;
            }
        }
    }
}

/// Small repositories for the tests of the analyses.
#[cfg(test)]
pub(crate) mod fixture {
    use super::*;

    /// Writes `files` (path, text) into a fresh directory.
    pub(crate) fn tree(files: &[(&str, &str)]) -> tempfile::TempDir {
        let dir = tempfile::tempdir().expect("a temporary directory can be made");
        for (path, text) in files {
            let path = dir.path().join(path);
            fs::create_dir_all(path.parent().expect("a file has a parent")).expect("a directory can be made");
            fs::write(path, text).expect("a file can be written");
        }
        dir
    }

    /// Writes `files` and loads them as a repository.
    pub(crate) fn repository(files: &[(&str, &str)]) -> (tempfile::TempDir, Repository) {
        let dir = tree(files);
        let repository = Repository::load(dir.path()).expect("the fixture loads");
        (dir, repository)
    }

    /// The manifest of a package without dependencies.
    pub(crate) fn package(name: &str) -> String {
        format!("[package]\nname = \"{name}\"\nversion = \"0.1.0\"\nedition = \"2024\"\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_path_and_a_file_are_refused_by_name() {
        let dir = fixture::tree(&[("a.txt", "x")]);
        let missing = Repository::load(&dir.path().join("nope")).unwrap_err();
        assert!(matches!(missing, LoadError::Read { .. }));
        let file = Repository::load(&dir.path().join("a.txt")).unwrap_err();
        assert!(file.to_string().ends_with("a.txt is not a directory"));
    }

    #[test]
    fn a_module_declared_for_tests_makes_its_files_tests() {
        let (_dir, repository) = fixture::repository(&[
            ("src/lib.rs", "#[cfg(test)]\nmod checks;\nmod real;\n"),
            ("src/checks.rs", "mod inner;"),
            ("src/checks/inner.rs", ""),
            ("src/checksum.rs", ""),
            ("src/real.rs", ""),
        ]);
        let area = |path: &str| repository.find(path).unwrap().area;
        assert_eq!(area("src/checks.rs"), Area::Test);
        assert_eq!(area("src/checks/inner.rs"), Area::Test);
        assert_eq!(area("src/checksum.rs"), Area::Source);
        assert_eq!(area("src/real.rs"), Area::Source);
    }

    #[test]
    fn text_that_is_not_text_is_none() {
        let (dir, repository) = fixture::repository(&[("a.bin", "a\0b"), ("a.txt", "ab")]);
        fs::write(dir.path().join("latin"), [0xff_u8, 0xfe]).unwrap();
        assert_eq!(repository.text("a.bin").unwrap(), None);
        assert_eq!(repository.text("latin").unwrap(), None);
        assert_eq!(repository.text("a.txt").unwrap().as_deref(), Some("ab"));
    }
}
