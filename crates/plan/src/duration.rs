//! Durations as people write them: `250ms`, `30s`, `1h30m`, `PT10M`, or a whole number of seconds.

use std::time::Duration;

/// The longest duration that is read: a year of waiting is a mistake in the plan.
pub const LONGEST: Duration = Duration::from_hours(366 * 24);

/// Why a text is no duration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DurationError {
    /// It is written in no form that is known.
    #[error("`{0}` is no duration")]
    Form(String),
    /// It is longer than [`LONGEST`].
    #[error("`{0}` is longer than a year")]
    Long(String),
}

/// What to write instead.
pub const HINT: &str =
    "write it like \"30s\", \"10m\", \"1h30m\", \"250ms\", \"PT10M\", or a whole number of seconds";

const UNITS: [(&str, u64); 5] = [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)];

/// Reads a duration.
///
/// # Errors
/// When the text has another form, or the duration is longer than [`LONGEST`].
pub fn parse(text: &str) -> Result<Duration, DurationError> {
    let text = text.trim();
    let form = || DurationError::Form(text.chars().take(40).collect());
    let milliseconds = match text.strip_prefix('P') {
        Some(iso) => parse_iso(iso),
        None if text.bytes().all(|byte| byte.is_ascii_digit()) => {
            parse_number(text).map(|seconds| seconds.saturating_mul(1_000))
        }
        None => parse_parts(text, &UNITS),
    };
    bounded(Duration::from_millis(milliseconds.ok_or_else(form)?), text)
}

/// Reads a whole number of seconds.
///
/// # Errors
/// When it is negative or longer than [`LONGEST`].
pub fn from_seconds(seconds: i64) -> Result<Duration, DurationError> {
    let text = seconds.to_string();
    let seconds = u64::try_from(seconds).map_err(|_| DurationError::Form(text.clone()))?;
    bounded(Duration::from_secs(seconds), &text)
}

fn bounded(duration: Duration, text: &str) -> Result<Duration, DurationError> {
    if duration <= LONGEST { Ok(duration) } else { Err(DurationError::Long(text.chars().take(40).collect())) }
}

/// `1DT2H3M4S` without the leading `P`, as ISO 8601 has it; weeks, days, hours, minutes and seconds.
fn parse_iso(text: &str) -> Option<u64> {
    if let Some(weeks) = text.strip_suffix('W') {
        return Some(parse_number(weeks)?.saturating_mul(7 * 86_400_000));
    }
    let (days, time) = match text.split_once('T') {
        Some((days, time)) => (days, Some(time)),
        None => (text, None),
    };
    let days = if days.is_empty() { 0 } else { parse_parts(days, &[("D", 86_400_000)])? };
    match time {
        Some(time) => Some(days.saturating_add(parse_time(time)?)),
        None => (!text.is_empty()).then_some(days),
    }
}

/// `2H3M4.5S`: only the seconds may have a fraction.
fn parse_time(time: &str) -> Option<u64> {
    const ISO: [(&str, u64); 3] = [("H", 3_600_000), ("M", 60_000), ("S", 1_000)];
    let Some((whole, fraction)) = time.strip_suffix('S').and_then(|time| time.split_once(['.', ','])) else {
        return parse_parts(time, &ISO);
    };
    if fraction.is_empty() || !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let milliseconds = parse_number(&format!("{fraction:0<3}")[..3])?;
    Some(parse_parts(&format!("{whole}S"), &ISO)?.saturating_add(milliseconds))
}

/// Numbers with units, from the largest unit to the smallest, each at most once.
fn parse_parts(mut text: &str, mut units: &[(&str, u64)]) -> Option<u64> {
    let mut total = 0_u64;
    if text.is_empty() {
        return None;
    }
    while !text.is_empty() {
        let digits = text.find(|c: char| !c.is_ascii_digit())?;
        let rest = &text[digits..];
        let length = rest.find(|c: char| c.is_ascii_digit()).unwrap_or(rest.len());
        let at = units.iter().position(|(unit, _)| *unit == &rest[..length])?;
        total = total.saturating_add(parse_number(&text[..digits])?.saturating_mul(units[at].1));
        units = &units[at + 1..];
        text = &rest[length..];
    }
    Some(total)
}

/// Digits only; a number too large for the type is the largest one, which is refused as too long.
fn parse_number(text: &str) -> Option<u64> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_is_read() {
        for (text, milliseconds) in [
            ("250ms", 250),
            ("30s", 30_000),
            ("10m", 600_000),
            ("1h30m", 5_400_000),
            ("1d2h3m4s5ms", 93_784_005),
            ("90", 90_000),
            ("0s", 0),
            (" 5s ", 5_000),
            ("PT10M", 600_000),
            ("PT1H2M3S", 3_723_000),
            ("PT0.5S", 500),
            ("PT1M1.25S", 61_250),
            ("P1DT1S", 86_401_000),
            ("P1D", 86_400_000),
            ("P2W", 1_209_600_000),
        ] {
            assert_eq!(parse(text), Ok(Duration::from_millis(milliseconds)), "{text}");
        }
    }

    #[test]
    fn what_is_no_duration_is_refused() {
        for text in [
            "", "s", "5", "-5s", "5x", "1m1h", "1s1s", "1.5h", "P", "PT", "PT5", "P5", "PT.5S", "PT1.S",
            "P1M", "٣s",
        ] {
            let expected = if text == "5" {
                Ok(Duration::from_secs(5))
            } else {
                Err(DurationError::Form(text.to_owned()))
            };
            assert_eq!(parse(text), expected, "{text}");
        }
    }

    #[test]
    fn an_endless_wait_is_refused() {
        for text in ["367d", "99999999999999999999999s", "9999999999h", "P60W"] {
            assert_eq!(parse(text), Err(DurationError::Long(text.to_owned())));
        }
        assert!(from_seconds(-1).is_err() && from_seconds(i64::MAX).is_err());
        assert_eq!(from_seconds(600), Ok(Duration::from_mins(10)));
    }
}
