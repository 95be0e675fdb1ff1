//! `file_search`: the lines of a tree that match a regular expression.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ignore::WalkBuilder;
use op_agent::{Call, Failure};
use regex::{Regex, RegexBuilder};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Desk, blocking};
use crate::source::above;

/// How many matches one answer carries.
const MOST: usize = 1_000;

/// Longest file that is looked into. Longer ones are data or generated; they are counted.
const LONGEST_FILE: u64 = 8 * 1024 * 1024;

/// Longest piece of a line that an answer carries.
const LONGEST_LINE: usize = 400;

/// Where, and for what.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct FileSearch {
    /// A file, or a directory that is searched with all below it; a relative path starts at the first root. Hidden
    /// files and those that `.gitignore` names are left out.
    path: PathBuf,
    /// A regular expression in the syntax of the Rust crate `regex`; it is matched line by line.
    pattern: String,
}

/// What was found.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Found {
    /// The first 1,000 matches in order of file and line.
    matches: Vec<Match>,
    /// How many files were searched before the end or the last match.
    files: usize,
    /// How many files were left out because they are binary, too long or unreadable.
    left_out: usize,
    /// Whether there are more matches than these.
    truncated: bool,
}

/// One line that matches.
#[derive(Debug, PartialEq, Serialize, JsonSchema)]
pub(super) struct Match {
    /// The file, relative to the path that was searched; its own name if that was a file.
    file: PathBuf,
    /// The line, counted from 1.
    line: usize,
    /// The line, cut at 400 characters.
    text: String,
}

/// Searches a tree.
pub(super) async fn file_search(desk: Arc<Desk>, call: Call, args: FileSearch) -> Result<Found, Failure> {
    blocking(move || search(&desk, &args, MOST, || call.is_cancelled())).await
}

fn search(desk: &Desk, args: &FileSearch, most: usize, stopped: impl Fn() -> bool) -> Result<Found, Failure> {
    let root = desk.roots.existing(&args.path)?;
    let pattern = RegexBuilder::new(&args.pattern)
        .build()
        .map_err(|error| Failure::rejected("invalid_pattern", error.to_string()))?;
    let mut found = Found { matches: Vec::new(), files: 0, left_out: 0, truncated: false };
    for file in files(desk, &root) {
        if stopped() {
            return Err(Failure::cancelled("the search was stopped"));
        }
        match file.and_then(|file| Ok((text(&file)?, file))) {
            Ok((text, file)) => found.look_into(&text, &below(&root, &file), &pattern, most),
            Err(_) => found.left_out += 1,
        }
        if found.truncated {
            break;
        }
    }
    Ok(found)
}

/// Every file of the tree, in order of the names. Links are not followed, so that nothing leads out of it.
fn files(desk: &Desk, root: &Path) -> impl Iterator<Item = io::Result<PathBuf>> {
    let mut walk = WalkBuilder::new(root);
    above::obey(&mut walk, &desk.roots, root);
    walk.require_git(false)
        .git_global(false)
        .parents(false)
        .sort_by_file_name(std::cmp::Ord::cmp)
        .build()
        .filter_map(|entry| match entry {
            Ok(entry) if entry.file_type().is_some_and(|kind| kind.is_file()) => Some(Ok(entry.into_path())),
            Ok(_) => None,
            Err(error) => Some(Err(io::Error::other(error))),
        })
}

fn text(file: &Path) -> io::Result<String> {
    if fs::metadata(file)?.len() > LONGEST_FILE {
        return Err(io::ErrorKind::FileTooLarge.into());
    }
    let text = fs::read_to_string(file)?;
    if text.contains('\0') { Err(io::ErrorKind::InvalidData.into()) } else { Ok(text) }
}

fn below(root: &Path, file: &Path) -> PathBuf {
    match file.strip_prefix(root) {
        Ok(path) if !path.as_os_str().is_empty() => path.to_owned(),
        _ => file.file_name().map_or_else(|| file.to_owned(), PathBuf::from),
    }
}

impl Found {
    fn look_into(&mut self, text: &str, file: &Path, pattern: &Regex, most: usize) {
        self.files += 1;
        for (index, line) in text.lines().enumerate().filter(|(_, line)| pattern.is_match(line)) {
            if self.matches.len() == most {
                self.truncated = true;
                return;
            }
            let text = line.chars().take(LONGEST_LINE).collect();
            self.matches.push(Match { file: file.to_owned(), line: index + 1, text });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Settings;

    fn tree() -> (tempfile::TempDir, Arc<Desk>) {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path().join("root");
        fs::create_dir_all(root.join("src")).unwrap();
        fs::create_dir_all(root.join("target")).unwrap();
        fs::write(root.join(".gitignore"), "target\n").unwrap();
        fs::write(root.join("src/b.rs"), "fn one() {}\n// fn\nfn two() {}\n").unwrap();
        fs::write(root.join("src/a.rs"), "fn zero() {}\n").unwrap();
        fs::write(root.join("target/c.rs"), "fn built() {}\n").unwrap();
        fs::write(root.join("data"), b"fn \0").unwrap();
        fs::write(directory.path().join("secret"), "fn secret() {}").unwrap();
        std::os::unix::fs::symlink("../secret", root.join("link")).unwrap();
        let desk = Desk::new(&Settings { roots: vec![root], ..Settings::default() });
        (directory, desk)
    }

    fn find(desk: &Desk, path: &str, pattern: &str, most: usize) -> Result<Found, Failure> {
        search(desk, &FileSearch { path: path.into(), pattern: pattern.into() }, most, || false)
    }

    #[test]
    fn matching_lines_come_in_order_without_ignored_binary_and_linked_files() {
        let (_directory, desk) = tree();
        let found = find(&desk, ".", r"^fn \w+", MOST).unwrap();
        let seen: Vec<_> =
            found.matches.iter().map(|m| (m.file.to_str().unwrap(), m.line, m.text.as_str())).collect();
        assert_eq!(
            seen,
            [("src/a.rs", 1, "fn zero() {}"), ("src/b.rs", 1, "fn one() {}"), ("src/b.rs", 3, "fn two() {}")]
        );
        assert_eq!((found.files, found.left_out, found.truncated), (2, 1, false));
    }

    #[test]
    fn a_folder_has_the_hits_that_it_has_within_the_whole() {
        let (directory, desk) = tree();
        fs::create_dir_all(directory.path().join("root/src/target")).unwrap();
        fs::write(directory.path().join("root/src/target/d.rs"), "fn built() {}\n").unwrap();
        let hits = |path: &str| find(&desk, path, "fn", MOST).unwrap().matches.len();
        assert_eq!((hits("src"), hits(".")), (4, 4));
    }

    #[test]
    fn a_single_file_is_searched_under_its_own_name() {
        let (_directory, desk) = tree();
        let found = find(&desk, "src/b.rs", "two", MOST).unwrap();
        assert_eq!(found.matches, [Match { file: "b.rs".into(), line: 3, text: "fn two() {}".into() }]);
    }

    #[test]
    fn too_many_matches_are_cut_and_the_cut_is_said() {
        let (_directory, desk) = tree();
        let found = find(&desk, ".", "fn", 2).unwrap();
        assert_eq!((found.matches.len(), found.truncated), (2, true));
    }

    #[test]
    fn a_long_line_is_cut_between_characters() {
        let (directory, desk) = tree();
        fs::write(directory.path().join("root/long"), "ü".repeat(5000)).unwrap();
        let found = find(&desk, "long", "ü", MOST).unwrap();
        assert_eq!(found.matches[0].text.chars().count(), LONGEST_LINE);
    }

    #[test]
    fn a_wrong_pattern_and_a_wrong_path_are_rejected() {
        let (_directory, desk) = tree();
        assert_eq!(find(&desk, ".", "(", MOST).unwrap_err().reason(), "invalid_pattern");
        assert_eq!(find(&desk, "..", "x", MOST).unwrap_err().reason(), "outside_roots");
        assert_eq!(find(&desk, "link", "x", MOST).unwrap_err().reason(), "outside_roots");
    }

    #[test]
    fn a_search_can_be_stopped() {
        let (_directory, desk) = tree();
        let args = FileSearch { path: ".".into(), pattern: "fn".into() };
        assert_eq!(search(&desk, &args, MOST, || true).unwrap_err().reason(), "cancelled");
    }
}
