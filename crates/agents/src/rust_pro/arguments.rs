//! The arguments of the operations. All that compile share the same first part.

use std::path::PathBuf;
use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::cargo::Selection;

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
