//! Reading a fragment: unknown keys are refused with their place, and values are what people write.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;
use serde::de::{DeserializeOwned, Deserializer, Error as _, Visitor};

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
        error: error.to_string().trim_end().to_owned(),
    })
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
