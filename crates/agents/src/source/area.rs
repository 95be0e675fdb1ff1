//! What a file is for, judged by its place.

use std::sync::LazyLock;

use regex::Regex;

/// What a file is for. Rules weigh a finding by it: an `unwrap` in a test is no finding, a password in one is a remark.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Area {
    /// What is shipped.
    Source,
    /// Tests, benchmarks and what they read.
    Test,
    /// Examples and documentation.
    Example,
}

/// Directories whose files serve tests.
const TEST_DIRECTORIES: [&str; 9] =
    ["test", "tests", "benches", "fixtures", "testdata", "test_data", "snapshots", "__tests__", "spec"];

/// Directories whose files show how something is used.
const EXAMPLE_DIRECTORIES: [&str; 4] = ["example", "examples", "doc", "docs"];

impl Area {
    /// The area of `path` (relative, with `/`).
    pub(crate) fn of(path: &str) -> Self {
        let mut parts: Vec<&str> = path.split('/').collect();
        let name = parts.pop().unwrap_or_default();
        let stem = name.split('.').next().unwrap_or_default();
        let test_name =
            matches!(stem, "test" | "tests") || stem.ends_with("_test") || stem.ends_with("_tests");
        if test_name || parts.iter().any(|part| TEST_DIRECTORIES.contains(part)) {
            return Self::Test;
        }
        let example = name.contains(".example") || name.contains(".sample");
        if example || parts.iter().any(|part| EXAMPLE_DIRECTORIES.contains(part)) {
            return Self::Example;
        }
        Self::Source
    }
}

static TEST_MODULE: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(
        r"#\[cfg\((?:test|all\(test\b[^\]]*)\)\]\s*(?:#\[[^\]]*\]\s*)*(?:pub(?:\([^)]*\))?\s+)?mod\s+(\w+)\s*;",
    )
    .expect("the pattern is fixed and valid")
});

/// The modules that `text`, the source of the file at `path`, declares for tests only: their paths without `.rs`.
pub(crate) fn test_modules(path: &str, text: &str) -> Vec<String> {
    let folder = module_folder(path);
    TEST_MODULE.captures_iter(text).map(|found| format!("{folder}{}", &found[1])).collect()
}

/// The folder in which the modules declared in the file at `path` lie, with a `/` at its end unless it is the root.
fn module_folder(path: &str) -> String {
    let (folder, name) = path.rsplit_once('/').map_or(("", path), |(folder, name)| (folder, name));
    let folder = if folder.is_empty() { String::new() } else { format!("{folder}/") };
    match name {
        "lib.rs" | "main.rs" | "mod.rs" => folder,
        other => format!("{folder}{}/", other.trim_end_matches(".rs")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_tell_what_a_file_is_for() {
        for (path, area) in [
            ("src/lib.rs", Area::Source),
            ("src/contest.rs", Area::Source),
            ("tests/all.rs", Area::Test),
            ("crates/a/benches/x.rs", Area::Test),
            ("src/walk/tests.rs", Area::Test),
            ("src/walk_test.rs", Area::Test),
            ("web/fixtures/key.pem", Area::Test),
            ("examples/demo.rs", Area::Example),
            (".env.example", Area::Example),
            ("docs/setup.md", Area::Example),
            (".env", Area::Source),
        ] {
            assert_eq!(Area::of(path), area, "{path}");
        }
    }

    #[test]
    fn test_modules_are_found_beside_their_declaration() {
        let text = "#[cfg(test)]\nmod a;\n#[cfg(all(test, unix))]\n#[allow(dead_code)]\npub(crate) mod b;\nmod c;\n#[cfg(not(test))]\nmod d;";
        assert_eq!(test_modules("src/lib.rs", text), ["src/a", "src/b"]);
        assert_eq!(test_modules("src/x.rs", text), ["src/x/a", "src/x/b"]);
        assert_eq!(test_modules("lib.rs", text), ["a", "b"]);
    }
}
