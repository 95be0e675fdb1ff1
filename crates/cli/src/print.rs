//! Writing to people and pipes. A pipe that closes ends the command quietly; it never panics.

use std::io::{self, Write as _};

use serde_json::Value;

use crate::failure::Failure;

/// Writes text to standard output.
pub(crate) fn text(text: &str) -> Result<(), Failure> {
    bytes(text.as_bytes())
}

/// Writes text and the end of its line to standard output.
pub(crate) fn line(text: &str) -> Result<(), Failure> {
    bytes(format!("{text}\n").as_bytes())
}

/// Writes bytes to standard output as they are.
pub(crate) fn bytes(bytes: &[u8]) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    out.write_all(bytes)?;
    out.flush()?;
    Ok(())
}

/// Writes one JSON document to standard output, laid out for people who look at it.
pub(crate) fn json(value: &Value) -> Result<(), Failure> {
    line(&format!("{value:#}"))
}

/// Writes one JSON document on one line, for streams of them.
pub(crate) fn json_line(value: &Value) -> Result<(), Failure> {
    line(&value.to_string())
}

/// Writes bytes to standard error. When nobody reads it, there is nobody to tell.
pub(crate) fn aside_bytes(bytes: &[u8]) {
    let mut aside = io::stderr().lock();
    let _ = aside.write_all(bytes).and_then(|()| aside.flush());
}

/// Writes text to standard error.
pub(crate) fn aside(text: &str) {
    aside_bytes(text.as_bytes());
}

/// Writes text and the end of its line to standard error.
pub(crate) fn note(text: &str) {
    aside(&format!("{text}\n"));
}
