//! The arguments of the operations. All that compile share the same first part.

use std::path::PathBuf;
use std::time::Duration;

use op_agent::Failure;
use schemars::JsonSchema;
use serde::Deserialize;

/// What to compile and how.
#[derive(Debug, Default)]
pub(super) struct Selection {
    pub(super) path: PathBuf,
    pub(super) package: Option<String>,
    pub(super) release: bool,
    pub(super) features: Vec<String>,
    pub(super) all_features: bool,
    pub(super) no_default_features: bool,
    pub(super) all_targets: bool,
    pub(super) target_dir: Option<PathBuf>,
    pub(super) time_limit: Option<Duration>,
}

/// Declares the arguments of an operation that compiles: the shared ones and its own.
///
/// A macro, because serde refuses unknown keys only where all keys are fields of one struct.
macro_rules! arguments {
    ($(#[$about:meta])* $name:ident { $($(#[$own:meta])* $field:ident: $kind:ty,)* }) => {
        $(#[$about])*
        #[derive(Debug, Default, Deserialize, JsonSchema)]
        #[serde(deny_unknown_fields, default)]
        pub(super) struct $name {
            /// The directory of the package or workspace; a relative path starts at the first root, which is also
            /// the default.
            path: PathBuf,
            /// Only this package of the workspace.
            package: Option<String>,
            /// Whether to optimise.
            release: bool,
            /// Features to switch on.
            features: Vec<String>,
            /// Whether to switch on all features.
            all_features: bool,
            /// Whether to leave the default features off.
            no_default_features: bool,
            /// Whether to include tests, examples and benchmarks.
            all_targets: bool,
            /// Where the results go, below the roots; cargo's own choice by default.
            target_dir: Option<PathBuf>,
            /// How many seconds it may take, if less than the settings allow.
            timeout_secs: Option<u64>,
            $($(#[$own])* pub(super) $field: $kind,)*
        }

        impl $name {
            /// The shared part, taken out.
            pub(super) fn selection(&mut self) -> Selection {
                Selection {
                    path: std::mem::take(&mut self.path),
                    package: self.package.take(),
                    release: self.release,
                    features: std::mem::take(&mut self.features),
                    all_features: self.all_features,
                    no_default_features: self.no_default_features,
                    all_targets: self.all_targets,
                    target_dir: self.target_dir.take(),
                    time_limit: self.timeout_secs.map(Duration::from_secs),
                }
            }
        }
    };
}

arguments! {
    /// What to check, build or document.
    Compile {}
}

arguments! {
    /// What to test or to measure.
    Test {
        /// Only tests whose name contains this.
        filter: Option<String>,
    }
}

arguments! {
    /// What to run.
    Run {
        /// The arguments of the program.
        args: Vec<String>,
    }
}

arguments! {
    /// What to review.
    Judge {
        /// Lints, or groups of them, to look for beside the usual ones, such as `clippy::pedantic`.
        lints: Vec<String>,
    }
}

arguments! {
    /// What to lint.
    Clippy {
        /// Lints, or groups of them, to warn of beside the usual ones, such as `clippy::pedantic`.
        lints: Vec<String>,
        /// Whether to apply the changes that clippy is sure of.
        fix: bool,
    }
}

/// What to format.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Fmt {
    /// The directory of the package or workspace; a relative path starts at the first root, which is also the default.
    pub(super) path: PathBuf,
    /// Only this package of the workspace.
    pub(super) package: Option<String>,
    /// Whether to format; by default it is only checked.
    pub(super) fix: bool,
    /// How many seconds it may take, if less than the settings allow.
    pub(super) timeout_secs: Option<u64>,
}

/// Whose tools to ask for.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Version {
    /// A directory, which may choose a toolchain; the first root by default.
    pub(super) path: PathBuf,
}

impl Selection {
    /// The flags of cargo for it. Each value stands in one word with its flag, so that it cannot be taken for another.
    pub(super) fn flags(&self) -> Vec<String> {
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
    pub(super) fn refuse_all_targets(&self, command: &str) -> Result<(), Failure> {
        if self.all_targets {
            let message = format!("`all_targets` means nothing to cargo {command}");
            return Err(Failure::rejected("invalid_arguments", message));
        }
        Ok(())
    }
}

/// A word that a tool takes as a name and not as a flag.
pub(super) fn name(text: &str, what: &str) -> Result<(), Failure> {
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

    fn flags(json: &str) -> Vec<String> {
        serde_json::from_str::<Compile>(json).unwrap().selection().flags()
    }

    #[test]
    fn each_argument_becomes_its_flag() {
        assert!(flags("{}").is_empty());
        assert_eq!(flags(r#"{"release": true}"#), ["--release"]);
        assert_eq!(flags(r#"{"all_features": true}"#), ["--all-features"]);
        assert_eq!(flags(r#"{"no_default_features": true}"#), ["--no-default-features"]);
        assert_eq!(flags(r#"{"all_targets": true}"#), ["--all-targets"]);
        assert_eq!(flags(r#"{"package": "x"}"#), ["--package=x"]);
        assert_eq!(flags(r#"{"features": ["a", "b"]}"#), ["--features=a", "--features=b"]);
    }

    #[test]
    fn a_value_that_looks_like_a_flag_stays_a_value() {
        assert_eq!(flags(r#"{"package": "--config=evil"}"#), ["--package=--config=evil"]);
        assert!(name("--nocapture", "a test").is_err());
        assert!(name("", "a test").is_err());
        assert!(name("tests::it_works", "a test").is_ok());
        assert!(name("src/lib.rs - answer (line 3)", "a test").is_ok());
    }

    #[test]
    fn an_unknown_argument_is_refused() {
        assert!(serde_json::from_str::<Compile>(r#"{"relase": true}"#).is_err());
        assert!(serde_json::from_str::<Fmt>(r#"{"release": true}"#).is_err());
        assert!(serde_json::from_str::<Clippy>(r#"{"filter": "x"}"#).is_err());
    }

    #[test]
    fn the_time_limit_is_in_seconds() {
        let mut args: Test = serde_json::from_str(r#"{"timeout_secs": 5}"#).unwrap();
        assert_eq!(args.selection().time_limit, Some(Duration::from_secs(5)));
    }
}
