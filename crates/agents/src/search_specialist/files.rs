//! The files of a tree: in order, without what `.gitignore` names and without following links.

use std::fs::File;
use std::path::{Path, PathBuf};

use ignore::WalkBuilder;
use ignore::overrides::{Override, OverrideBuilder};
use ignore::types::{Types, TypesBuilder};
use op_agent::Failure;

use crate::source::above;
use crate::tools::Desk;

/// Which files are looked at.
#[derive(Debug)]
pub(super) struct Choice<'a> {
    /// Where they are.
    pub(super) path: &'a Path,
    /// Globs as ripgrep takes them; those that begin with `!` leave files out.
    pub(super) globs: &'a [String],
    /// Types by ripgrep's names.
    pub(super) types: &'a [String],
    /// Whether hidden files are among them.
    pub(super) hidden: bool,
}

impl Default for Choice<'_> {
    fn default() -> Self {
        Self { path: Path::new(""), globs: &[], types: &[], hidden: false }
    }
}

/// The files that were chosen, below one root.
pub(super) struct Tree<'a> {
    desk: &'a Desk,
    root: PathBuf,
    walk: WalkBuilder,
}

impl<'a> Tree<'a> {
    /// Finds the root and understands the choice.
    pub(super) fn new(desk: &'a Desk, choice: &Choice<'_>) -> Result<Self, Failure> {
        let root = desk.roots.existing(choice.path)?;
        let mut walk = WalkBuilder::new(&root);
        above::obey(&mut walk, &desk.roots, &root);
        walk.require_git(false)
            .git_global(false)
            .parents(false)
            .follow_links(false)
            .hidden(!choice.hidden)
            .overrides(overrides(&root, choice.globs)?)
            .types(types(choice.types)?)
            .sort_by_file_name(std::cmp::Ord::cmp)
            // With hidden files, the store of the version control is still none of the sources.
            .filter_entry(|entry| entry.depth() == 0 || entry.file_name() != ".git");
        Ok(Self { desk, root, walk })
    }

    /// Every file and its path below the root; an error for each place that cannot be listed.
    pub(super) fn files(&self) -> impl Iterator<Item = Result<(PathBuf, String), ignore::Error>> {
        self.walk.build().filter_map(|entry| match entry {
            Ok(entry) if entry.file_type().is_some_and(|kind| kind.is_file()) => {
                let below = below(&self.root, entry.path());
                Some(Ok((entry.into_path(), below)))
            }
            Ok(_) => None,
            Err(error) => Some(Err(error)),
        })
    }

    /// Opens a file for reading, if it is a regular one of at most `most` bytes.
    pub(super) fn open(&self, path: &Path, most: u64) -> Result<File, String> {
        let file = self.desk.roots.open(path).map_err(|error| error.to_string())?;
        let metadata = file.metadata().map_err(|error| error.to_string())?;
        match metadata.len() {
            _ if !metadata.is_file() => Err("it is no regular file".to_owned()),
            length if length > most => Err(format!("it is larger than {} MiB", most / 1024 / 1024)),
            _ => Ok(file),
        }
    }
}

fn below(root: &Path, file: &Path) -> String {
    match file.strip_prefix(root) {
        Ok(path) if !path.as_os_str().is_empty() => path.to_string_lossy().into_owned(),
        _ => file.file_name().unwrap_or(file.as_os_str()).to_string_lossy().into_owned(),
    }
}

fn overrides(root: &Path, globs: &[String]) -> Result<Override, Failure> {
    let mut builder = OverrideBuilder::new(root);
    let built =
        globs.iter().try_for_each(|glob| builder.add(glob).map(|_| ())).and_then(|()| builder.build());
    built.map_err(|error| Failure::rejected("invalid_glob", error.to_string()))
}

fn types(names: &[String]) -> Result<Types, Failure> {
    let mut builder = TypesBuilder::new();
    builder.add_defaults();
    for name in names {
        builder.select(name);
    }
    builder.build().map_err(|error| {
        Failure::rejected("unknown_type", error.to_string())
            .hint("use a name of ripgrep's list, such as `rust`, `py`, `js`, `ts`, `go`, `c`, `sh` or `md`")
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Settings;
    use crate::source::fixture::tree;

    fn names(choice: &Choice<'_>, files: &[(&str, &str)]) -> Result<Vec<String>, Failure> {
        let place = tree(files);
        std::os::unix::fs::symlink("/etc/hostname", place.path().join("link.rs")).unwrap();
        let desk = Desk::new(&Settings { roots: vec![place.path().to_owned()], ..Settings::default() });
        let tree = Tree::new(&desk, choice)?;
        Ok(tree.files().map(|file| file.unwrap().1).collect())
    }

    const FILES: [(&str, &str); 6] = [
        (".gitignore", "out\n"),
        (".hidden/x.rs", ""),
        (".git/x.rs", ""),
        ("out/x.rs", ""),
        ("a/b.rs", ""),
        ("a.py", ""),
    ];

    #[test]
    fn ignored_and_linked_files_are_left_out_and_hidden_ones_unless_asked_for() {
        assert_eq!(names(&Choice::default(), &FILES).unwrap(), ["a/b.rs", "a.py"]);
        let hidden = Choice { hidden: true, ..Choice::default() };
        assert_eq!(names(&hidden, &FILES).unwrap(), [".gitignore", ".hidden/x.rs", "a/b.rs", "a.py"]);
    }

    #[test]
    fn globs_and_types_choose_files() {
        let globs = ["*.rs".to_owned(), "!b.rs".to_owned()];
        assert!(names(&Choice { globs: &globs, ..Choice::default() }, &FILES).unwrap().is_empty());
        let types = ["py".to_owned()];
        assert_eq!(names(&Choice { types: &types, ..Choice::default() }, &FILES).unwrap(), ["a.py"]);
    }

    #[test]
    fn wrong_globs_and_types_are_rejected_by_name() {
        let wrong = ["a{".to_owned()];
        let refused = names(&Choice { globs: &wrong, ..Choice::default() }, &FILES).unwrap_err();
        assert_eq!(refused.reason(), "invalid_glob");
        let refused = names(&Choice { types: &wrong, ..Choice::default() }, &FILES).unwrap_err();
        assert_eq!(refused.reason(), "unknown_type");
        assert!(refused.message().contains("a{"), "{refused:?}");
    }

    #[test]
    fn a_file_beyond_the_limit_is_not_opened() {
        let place = tree(&[("a", "12345")]);
        let desk = Desk::new(&Settings { roots: vec![place.path().to_owned()], ..Settings::default() });
        let tree = Tree::new(&desk, &Choice::default()).unwrap();
        assert!(tree.open(Path::new("a"), 5).is_ok());
        assert!(tree.open(Path::new("a"), 4).unwrap_err().contains("larger"));
        assert!(tree.open(Path::new("/etc/hostname"), 4).is_err());
    }
}
