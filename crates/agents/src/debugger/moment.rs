//! Points in time, as people write them.

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use op_agent::Failure;

/// Reads a point in time: `2026-11-26T10:00:00Z`, `2026-11-26 10:00` in the zone of this host, or how long ago it was, `2h 30m`.
pub(super) fn moment(text: &str, now: Timestamp) -> Result<Timestamp, Failure> {
    let text = text.trim();
    if let Ok(point) = text.parse::<Timestamp>() {
        return Ok(point);
    }
    if let Ok(local) = text.parse::<DateTime>()
        && let Ok(point) = local.to_zoned(TimeZone::system())
    {
        return Ok(point.timestamp());
    }
    if let Ok(ago) = text.trim_end_matches("ago").trim().parse::<SignedDuration>()
        && let Ok(point) = now.checked_sub(ago.abs())
    {
        return Ok(point);
    }
    Err(Failure::rejected("invalid_arguments", format!("`{text}` is no point in time")).hint(
        "write it as `2026-11-26T10:00:00Z`, as `2026-11-26 10:00`, or as how long ago it was: `2h 30m`",
    ))
}

/// Reads a point in time that may be left out.
pub(super) fn optional(text: Option<&str>, now: Timestamp) -> Result<Option<Timestamp>, Failure> {
    text.map(|text| moment(text, now)).transpose()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_a_time_or_how_long_ago_it_was() {
        let now: Timestamp = "2026-11-26T10:00:00Z".parse().unwrap();
        for (text, expected) in [
            ("2026-11-26T08:00:00Z", "2026-11-26T08:00:00Z"),
            ("2026-11-26 09:00+01:00", "2026-11-26T08:00:00Z"),
            ("2h", "2026-11-26T08:00:00Z"),
            ("1h 30m ago", "2026-11-26T08:30:00Z"),
            ("-15 min", "2026-11-26T09:45:00Z"),
        ] {
            assert_eq!(moment(text, now).unwrap().to_string(), expected, "{text}");
        }
        assert!(moment("2026-11-26 09:00", now).is_ok());
        for odd in ["", "yesterday", "--x", "1 month"] {
            assert_eq!(moment(odd, now).unwrap_err().reason(), "invalid_arguments", "{odd}");
        }
    }
}
