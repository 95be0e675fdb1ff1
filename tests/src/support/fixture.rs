//! Small cargo workspaces, good and bad.

use std::path::PathBuf;

use super::Place;

/// A library with nothing to say against it.
const CLEAN: &str = "\
//! Sums.

#![forbid(unsafe_code)]

/// Adds two numbers.
pub fn add(left: u64, right: u64) -> u64 {
    left.wrapping_add(right)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_and_one_is_two() {
        assert_eq!(add(1, 1), 2);
    }
}
";

/// A private key as no key is: the marker alone is what a search for secrets finds.
const DIRTY: &str = "\
//! Secrets and unsafe code.

/// The key of the account.
pub const KEY: &str = \"AKIAQ3EGUV5RXK7PT2WN\";

/// The first of them.
pub fn first(bytes: &[u8]) -> u8 {
    unsafe { *bytes.as_ptr() }
}
";

/// Which workspace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fixture {
    /// Nothing is wrong with it.
    Clean,
    /// It does not compile.
    Broken,
    /// One of its two tests fails.
    Failing,
    /// A key of a cloud in a constant, and unsafe code without a reason.
    Dirty,
}

impl Fixture {
    /// Writes the workspace into `work/NAME` of a place.
    pub fn write(self, place: &Place, name: &str) -> PathBuf {
        let folder = format!("work/{name}");
        place.write(&format!("{folder}/Cargo.toml"), &manifest(name));
        place.write(&format!("{folder}/Cargo.lock"), &lock(name));
        place.write(&format!("{folder}/src/lib.rs"), &self.source());
        place.at(folder)
    }

    fn source(self) -> String {
        match self {
            Self::Clean => CLEAN.to_owned(),
            Self::Broken => CLEAN.replace("left.wrapping_add(right)", "left.wrapping_add(\"right\")"),
            Self::Failing => CLEAN.replace("    #[test]\n", "    #[test]\n    fn one_and_one_is_three() {\n        assert_eq!(add(1, 1), 3);\n    }\n\n    #[test]\n"),
            Self::Dirty => DIRTY.to_owned(),
        }
    }
}

fn manifest(name: &str) -> String {
    format!(
        "[package]\nname = \"{name}\"\nversion = \"0.1.0\"\nedition = \"2024\"\ndescription = \"A fixture\"\n\
         license = \"MIT\"\n\n[workspace]\n"
    )
}

fn lock(name: &str) -> String {
    format!("version = 4\n\n[[package]]\nname = \"{name}\"\nversion = \"0.1.0\"\n")
}
