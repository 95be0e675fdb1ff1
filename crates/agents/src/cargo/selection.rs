//! What to compile and how.

use std::path::PathBuf;
use std::time::Duration;

use op_agent::Failure;

/// What to compile and how.
#[derive(Debug, Default)]
pub(crate) struct Selection {
    pub(crate) path: PathBuf,
    pub(crate) package: Option<String>,
    pub(crate) release: bool,
    pub(crate) features: Vec<String>,
    pub(crate) all_features: bool,
    pub(crate) no_default_features: bool,
    pub(crate) all_targets: bool,
    pub(crate) target_dir: Option<PathBuf>,
    pub(crate) time_limit: Option<Duration>,
}

impl Selection {
    /// The flags of cargo for it. Each value stands in one word with its flag, so that it cannot be taken for another.
    pub(crate) fn flags(&self) -> Vec<String> {
        let switches = [
            (self.release, "--release"),
            (self.all_features, "--all-features"),
            (self.no_default_features, "--no-default-features"),
            (self.all_targets, "--all-targets"),
        ];
        let switches = switches.into_iter().filter(|(on, _)| *on).map(|(_, flag)| flag.to_owned());
        let package = self.package.iter().map(|name| format!("--package={name}"));
        let features = self.features.iter().map(|name| format!("--features={name}"));
        switches.chain(package).chain(features).collect()
    }

    /// Refuses the one argument that some commands of cargo have no use for, rather than to pass it over.
    pub(crate) fn refuse_all_targets(&self, command: &str) -> Result<(), Failure> {
        if self.all_targets {
            let message = format!("`all_targets` means nothing to cargo {command}");
            return Err(Failure::rejected("invalid_arguments", message));
        }
        Ok(())
    }
}

/// A word that a tool takes as a name and not as a flag.
pub(crate) fn name(text: &str, what: &str) -> Result<(), Failure> {
    let plain = |c: char| {
        c.is_alphanumeric() || matches!(c, '_' | ':' | '-' | '.' | ' ' | '<' | '>' | '(' | ')' | '/')
    };
    if !text.is_empty() && !text.starts_with('-') && text.chars().all(plain) {
        return Ok(());
    }
    Err(Failure::rejected("invalid_arguments", format!("`{text}` is not the name of {what}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_no_flag() {
        assert!(name("--nocapture", "a test").is_err());
        assert!(name("", "a test").is_err());
        assert!(name("tests::it_works", "a test").is_ok());
        assert!(name("src/lib.rs - answer (line 3)", "a test").is_ok());
    }
}
