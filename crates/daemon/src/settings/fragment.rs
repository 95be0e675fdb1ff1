//! Reading a fragment: unknown keys are refused with their place, and values are what people write.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;
use serde::de::{DeserializeOwned, Deserializer, Error as _, Visitor};

/// Names that are more alike than this, by Jaro and Winkler, may have been meant for each other.
const NEAR: f64 = 0.75;

/// Why a file cannot be taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FragmentError {
    /// The file cannot be read.
    #[error("{}: {error}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        error: String,
    },
    /// The text is wrong; the message shows the place.
    #[error("{}: {error}", path.display())]
    Parse {
        /// The file.
        path: PathBuf,
        /// What is wrong, with line, column and caret.
        error: String,
    },
}

/// Reads the fragment in a text.
///
/// # Errors
/// When a key is unknown, stands twice, or has a value of another type; the error shows the line with a caret.
pub fn parse<T: DeserializeOwned>(path: &Path, text: &str) -> Result<T, FragmentError> {
    toml::from_str(text).map_err(|error| FragmentError::Parse {
        path: path.to_owned(),
        error: format!("{}{}", error.to_string().trim_end(), help(error.message())),
    })
}

/// The nearest of the keys that serde names when it does not know one: "unknown field `rusn`, expected one of `runs`, `call`".
fn help(message: &str) -> String {
    let nearest = || {
        let (_, names) = message.split_once("unknown field `")?;
        let (given, known) = names.split_once('`')?;
        let known = known.split('`').skip(1).step_by(2);
        let scored = known.map(|name| (strsim::jaro_winkler(given, name), name));
        scored.filter(|(score, _)| *score > NEAR).max_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, name)| name)
    };
    nearest().map(|name| format!("\n  = help: did you mean `{name}`?")).unwrap_or_default()
}

/// A duration as people write it: `"30s"`, `"PT10M"`, or an integer of seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span(pub Duration);

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Read;

        impl Visitor<'_> for Read {
            type Value = Span;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a duration such as \"30s\", \"10m\" or \"PT10M\", or a whole number of seconds")
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Span, E> {
                op_plan::duration::parse(text).map(Span).map_err(E::custom)
            }

            fn visit_i64<E: serde::de::Error>(self, seconds: i64) -> Result<Span, E> {
                op_plan::duration::from_seconds(seconds).map(Span).map_err(E::custom)
            }
        }

        deserializer.deserialize_any(Read)
    }
}

/// A whole number of milliseconds, as the `_ms` keys of the pool have it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Millis(pub Duration);

impl<'de> Deserialize<'de> for Millis {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let millis = u64::deserialize(deserializer)?;
        if millis == 0 {
            return Err(D::Error::custom("must be at least 1 millisecond"));
        }
        Ok(Self(Duration::from_millis(millis)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Limits {
        runs: Option<Span>,
        #[expect(dead_code, reason = "only its name matters")]
        output_bytes: Option<u64>,
    }

    fn refused(text: &str) -> String {
        parse::<Limits>(Path::new("limits.toml"), text).expect_err("is refused").to_string()
    }

    #[test]
    fn an_unknown_key_is_refused_with_its_place_and_the_nearest_known_one() {
        let error = refused("output_bytes = 1\nrusn = 3\n");
        for part in ["limits.toml", "line 2, column 1", "| rusn = 3", "| ^^^^", "did you mean `runs`?"] {
            assert!(error.contains(part), "{part}: {error}");
        }
        assert!(!refused("colour = 3").contains("did you mean"), "nothing is near");
    }

    #[test]
    fn a_duration_is_text_or_whole_seconds_and_nothing_else() {
        for text in ["\"90s\"", "\"PT1M30S\"", "90"] {
            let limits: Limits = parse(Path::new("x"), &format!("runs = {text}")).expect(text);
            assert_eq!(limits.runs, Some(Span(Duration::from_secs(90))));
        }
        for text in ["-1", "1.5", "\"soon\"", "true"] {
            assert!(refused(&format!("runs = {text}")).contains('^'), "{text}");
        }
    }
}
