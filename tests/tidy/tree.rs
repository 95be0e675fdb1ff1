//! The files of the repository, as a clone holds them.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// Folders that no commit holds, and the store of the commits itself.
const OUTSIDE: [&str; 2] = ["target", ".git"];

/// A text file.
#[derive(Debug)]
pub(crate) struct File {
    /// From the root, with `/`.
    pub(crate) path: String,
    pub(crate) text: String,
}

impl File {
    pub(crate) fn new(path: &str, text: &str) -> Self {
        Self { path: path.to_owned(), text: text.to_owned() }
    }

    pub(crate) fn is_rust(&self) -> bool {
        Path::new(&self.path).extension().is_some_and(|extension| extension == "rs") && !self.is_generated()
    }

    /// Rust code of a room that ends up in the binary; tests at the foot of the file stand in it too.
    pub(crate) fn is_shipped(&self) -> bool {
        let is_source = self.path.starts_with("crates/") && self.path.contains("/src/");
        is_source && self.is_rust() && !self.path.ends_with("/tests.rs")
    }

    /// The text before the tests at the foot of the file.
    pub(crate) fn before_tests(&self) -> &str {
        self.text.split("\n#[cfg(test)]\nmod ").next().unwrap_or_default()
    }

    fn is_generated(&self) -> bool {
        self.path.contains("/generated/")
    }
}

/// The root of the repository.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the package stands in the repository").to_owned()
}

/// Every text file, read once.
pub(crate) fn files() -> &'static [File] {
    static FILES: OnceLock<Vec<File>> = OnceLock::new();
    FILES.get_or_init(|| {
        let mut files = Vec::new();
        read(&root(), "", &mut files);
        files.sort_by(|left, right| left.path.cmp(&right.path));
        files
    })
}

fn read(folder: &Path, prefix: &str, into: &mut Vec<File>) {
    // What another program takes away meanwhile was no part of the repository.
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = format!("{prefix}{name}");
        match entry.file_type() {
            Ok(kind) if kind.is_dir() && !OUTSIDE.contains(&name.as_str()) => {
                read(&entry.path(), &format!("{path}/"), into);
            }
            Ok(kind) if kind.is_file() => {
                // A file that is no text, such as the encoded descriptors, has no words to judge.
                into.extend(fs::read_to_string(entry.path()).ok().map(|text| File { path, text }));
            }
            Ok(_) | Err(_) => {}
        }
    }
}

#[test]
fn the_repository_is_read_whole() {
    let has = |path: &str| files().iter().any(|file| file.path == path);
    assert!(has("Cargo.toml") && has("crates/run/src/decide.rs") && has("tests/tidy/tree.rs"));
    assert!(!files().iter().any(|file| file.path.starts_with("target/")));
}
