//! Times and durations, as people and machines read them.

use std::time::Duration;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

/// A time from the wire; none when it is out of all range.
pub(crate) fn of(wire: Option<&prost_types::Timestamp>) -> Option<Timestamp> {
    let wire = wire?;
    Timestamp::new(wire.seconds, wire.nanos).ok()
}

/// A duration from the wire; a negative one is none.
pub(crate) fn length(wire: Option<&prost_types::Duration>) -> Option<Duration> {
    Duration::try_from(*wire?).ok()
}

/// A duration for the wire.
pub(crate) fn wire(duration: Duration) -> prost_types::Duration {
    let seconds = i64::try_from(duration.as_secs()).unwrap_or(i64::MAX);
    prost_types::Duration { seconds, nanos: duration.subsec_nanos().cast_signed() }
}

/// A time for the wire.
pub(crate) fn stamp(at: Timestamp) -> prost_types::Timestamp {
    prost_types::Timestamp { seconds: at.as_second(), nanos: at.subsec_nanosecond() }
}

/// The time between two moments; nothing when the clock went back.
pub(crate) fn between(from: Timestamp, to: Timestamp) -> Duration {
    Duration::try_from(to.duration_since(from)).unwrap_or_default()
}

/// How long something took that may not have ended.
pub(crate) fn taken(
    from: Option<&prost_types::Timestamp>,
    to: Option<&prost_types::Timestamp>,
    now: Timestamp,
) -> Option<Duration> {
    Some(between(of(from)?, of(to).unwrap_or(now)))
}

/// `320 ms`, `4.2 s`, `3 min 5 s`, `2 h 3 min`.
pub(crate) fn span(duration: Duration) -> String {
    let seconds = duration.as_secs();
    match seconds {
        0 if duration.as_millis() == 0 => "0 ms".to_owned(),
        0 => format!("{} ms", duration.as_millis()),
        1..60 => format!("{seconds}.{} s", duration.subsec_millis() / 100),
        60..3600 => format!("{} min {} s", seconds / 60, seconds % 60),
        _ => format!("{} h {} min", seconds / 3600, seconds % 3600 / 60),
    }
}

/// The time of day where the user is.
pub(crate) fn clock(at: Timestamp) -> String {
    at.to_zoned(TimeZone::system()).strftime("%H:%M:%S").to_string()
}

/// The day and time where the user is.
pub(crate) fn day(at: Timestamp) -> String {
    at.to_zoned(TimeZone::system()).strftime("%Y-%m-%d %H:%M:%S").to_string()
}

/// Reads a moment: `2026-01-31T12:00:00Z`, a day, or how long ago it was, such as `10m`.
pub(crate) fn moment(text: &str) -> Result<Timestamp, String> {
    if let Ok(at) = text.parse::<Timestamp>() {
        return Ok(at);
    }
    if let Ok(at) = text.parse::<jiff::civil::DateTime>() {
        return at.to_zoned(TimeZone::system()).map(|at| at.timestamp()).map_err(|error| error.to_string());
    }
    let ago =
        duration(text).map_err(|_| "write a time such as 2026-01-31T12:00, or how long ago, such as 10m")?;
    let ago = SignedDuration::try_from(ago).map_err(|error| error.to_string())?;
    Timestamp::now().checked_sub(ago).map_err(|error| error.to_string())
}

/// Reads a duration, as plans do.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    op_plan::duration::parse(text).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_has_the_units_that_matter() {
        let spans =
            [0, 320, 4250, 59_999, 185_000, 7_380_000].map(|millis| span(Duration::from_millis(millis)));
        assert_eq!(spans, ["0 ms", "320 ms", "4.2 s", "59.9 s", "3 min 5 s", "2 h 3 min"]);
    }

    #[test]
    fn a_clock_that_went_back_gives_nothing_and_no_panic() {
        let at = |seconds| Timestamp::new(seconds, 0).expect("a time");
        assert_eq!(between(at(10), at(4)), Duration::ZERO);
        assert_eq!(of(Some(&prost_types::Timestamp { seconds: i64::MAX, nanos: 0 })), None);
    }

    #[test]
    fn a_moment_is_a_time_or_a_while_ago() {
        assert_eq!(moment("2026-01-31T12:00:00Z").expect("reads").to_string(), "2026-01-31T12:00:00Z");
        assert!(moment("2026-01-31").is_ok());
        let ago = between(moment("10m").expect("reads"), Timestamp::now());
        assert!((600..610).contains(&ago.as_secs()), "{ago:?}");
        assert!(moment("yesterday").is_err());
    }

    #[test]
    fn a_duration_survives_the_wire() {
        let millis = Duration::from_millis(1500);
        assert_eq!(length(Some(&wire(millis))), Some(millis));
    }
}
