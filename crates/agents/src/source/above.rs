//! What a directory inherits: the ignore files that lie above it.

use std::path::Path;

use ignore::WalkBuilder;

use crate::roots::Roots;

/// Where rules are written, from the weakest to the strongest.
const FILES: [&str; 3] = [".git/info/exclude", ".gitignore", ".ignore"];

/// Lets a walk over `path`, which is resolved, obey what is written above it, up to the root that holds it: so a part of a tree has
/// the same files alone as within the whole. What is written below `path` is stronger.
pub(crate) fn obey(walk: &mut WalkBuilder, roots: &Roots, path: &Path) {
    let above: Vec<&Path> =
        path.ancestors().skip(1).take_while(|above| roots.existing(above).is_ok()).collect();
    for file in FILES {
        for folder in above.iter().rev() {
            let rules = folder.join(file);
            if rules.is_file() {
                // A line that is no rule is passed over, as it is below `path`.
                let _ = walk.current_dir(*folder).add_ignore(rules);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::fixture::tree;

    fn files(path: &str, files: &[(&str, &str)]) -> Vec<String> {
        let place = tree(files);
        let base = place.path().canonicalize().unwrap();
        let path = base.join("root").join(path);
        let mut walk = WalkBuilder::new(&path);
        walk.require_git(false).parents(false).git_global(false).sort_by_file_name(std::cmp::Ord::cmp);
        obey(&mut walk, &Roots::new(&[base.join("root")]), &path);
        let found = walk.build().map(Result::unwrap).filter(|entry| entry.path().is_file());
        found.map(|entry| entry.path().strip_prefix(&path).unwrap().display().to_string()).collect()
    }

    #[test]
    fn rules_above_hold_and_those_nearer_are_stronger() {
        let tree = [
            (".gitignore", "*.rs\n"),
            ("root/.gitignore", "*.log\n/a/b/anchored\n*.txt\n"),
            ("root/a/.gitignore", "!keep.txt\nb/sub/\n"),
            ("root/a/b/.gitignore", "!keep.log\n"),
            ("root/a/b/anchored", ""),
            ("root/a/b/one.log", ""),
            ("root/a/b/keep.log", ""),
            ("root/a/b/keep.txt", ""),
            ("root/a/b/other.txt", ""),
            ("root/a/b/main.rs", ""),
            ("root/a/b/sub/c", ""),
        ];
        let expected = ["keep.log", "keep.txt", "main.rs"];
        assert_eq!(files("a/b", &tree), expected, "and what lies above the root does not hold");
        let whole = files("", &tree);
        assert_eq!(whole, expected.map(|name| format!("a/b/{name}")));
    }

    #[test]
    fn every_kind_of_ignore_file_holds_and_a_repository_within_is_a_part_as_well() {
        let tree = [
            ("root/.gitignore", "*.log\n"),
            ("root/.ignore", "*.txt\n"),
            ("root/inner/.git/info/exclude", "*.tmp\n"),
            ("root/inner/a/one.log", ""),
            ("root/inner/a/one.txt", ""),
            ("root/inner/a/one.tmp", ""),
            ("root/inner/a/one.rs", ""),
        ];
        assert_eq!(files("inner/a", &tree), ["one.rs"]);
        assert_eq!(files("", &tree), ["inner/a/one.rs"]);
    }

    #[test]
    fn a_folder_that_was_named_is_walked_even_if_it_is_ignored() {
        assert_eq!(files("out", &[("root/.gitignore", "out\n"), ("root/out/a", "")]), ["a"]);
    }
}
