//! What a line of a log says of itself: when it was written and how much it matters.

use std::sync::LazyLock;

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use regex::{Captures, Regex};
use serde_json::{Map, Value};

use crate::debugger::level::Level;

/// The three ways in which logs write times: ISO 8601, that of syslog (without a year), that of web servers.
static TIME: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(concat!(
        r"(?P<iso>\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d{1,9})?)(?P<zone> ?(?:Z|[+-]\d\d:?\d\d))?",
        r"|^(?P<month>Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) +(?P<day>\d{1,2}) (?P<clock>\d\d:\d\d:\d\d)\b",
        r"|\[(?P<webday>\d\d)/(?P<webmonth>[A-Z][a-z]{2})/(?P<webyear>\d{4}):(?P<webclock>\d\d:\d\d:\d\d) (?P<webzone>[+-]\d{4})\]",
    ))
    .expect("a pattern that a test uses")
});

const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// How many bytes of a line are searched for its time.
const HEAD: usize = 160;

/// What lines in JSON call these things.
const TIMES: [&str; 5] = ["timestamp", "time", "ts", "@timestamp", "date"];
const LEVELS: [&str; 4] = ["level", "severity", "lvl", "log.level"];

/// What a line says of itself.
#[derive(Debug, Default, Clone, Copy, PartialEq)]
pub(super) struct Heading {
    pub(super) time: Option<Timestamp>,
    pub(super) level: Option<Level>,
}

/// Reads headings. Times without a zone are in the zone of this host, times without a year are not in the future.
#[derive(Debug)]
pub(super) struct Reader {
    zone: TimeZone,
    now: Timestamp,
}

impl Reader {
    /// A reader on this host, now.
    pub(super) fn here() -> Self {
        Self { zone: TimeZone::system(), now: Timestamp::now() }
    }

    /// What a line says of itself.
    pub(super) fn heading(&self, line: &str) -> Heading {
        if line.starts_with('{')
            && let Ok(fields) = serde_json::from_str::<Map<String, Value>>(line)
        {
            return self.structured(&fields);
        }
        let head = &line[..line.floor_char_boundary(HEAD)];
        let time = TIME.captures(head).and_then(|found| self.time(&found));
        Heading { time, level: Level::of_line(line) }
    }

    fn structured(&self, fields: &Map<String, Value>) -> Heading {
        let found = |names: &[&str]| names.iter().find_map(|name| fields.get(*name)).cloned();
        let time = match found(&TIMES) {
            Some(Value::String(text)) => TIME.captures(&text).and_then(|found| self.time(&found)),
            Some(Value::Number(number)) => number.as_f64().and_then(epoch),
            _ => None,
        };
        let level = found(&LEVELS).and_then(|level| Level::of_word(level.as_str()?));
        Heading { time, level }
    }

    fn time(&self, found: &Captures<'_>) -> Option<Timestamp> {
        let part = |name| found.name(name).map(|part| part.as_str());
        if let Some(iso) = part("iso") {
            let local = iso.replace(' ', "T").replace(',', ".");
            return match part("zone") {
                Some(zone) => format!("{local}{}", zone.trim()).parse().ok(),
                None => self.local(local.parse().ok()?),
            };
        }
        if let (Some(month), Some(day), Some(clock)) = (part("month"), part("day"), part("clock")) {
            return self.without_year(month, day, clock);
        }
        let month = number(part("webmonth")?)?;
        let (year, day) = (part("webyear")?, part("webday")?);
        format!("{year}-{month:02}-{day}T{}{}", part("webclock")?, part("webzone")?).parse().ok()
    }

    /// The last such time that is not in the future; a day of difference may be the clocks'.
    fn without_year(&self, month: &str, day: &str, clock: &str) -> Option<Timestamp> {
        let year = self.now.to_zoned(self.zone.clone()).year();
        let time: jiff::civil::Time = clock.parse().ok()?;
        let soon = self.now.checked_add(jiff::SignedDuration::from_hours(24)).ok()?;
        let (month, day) = (number(month)?, day.parse::<i8>().ok()?);
        // The 29th of February is there in one year of four at most.
        (year - 8..=year).rev().find_map(|year| {
            let day = jiff::civil::Date::new(year, month, day).ok()?;
            self.local(day.to_datetime(time)).filter(|time| *time <= soon)
        })
    }

    fn local(&self, time: DateTime) -> Option<Timestamp> {
        time.to_zoned(self.zone.clone()).ok().map(|zoned| zoned.timestamp())
    }
}

/// The number of a month.
fn number(month: &str) -> Option<i8> {
    let at = MONTHS.iter().position(|name| *name == month)?;
    i8::try_from(at + 1).ok()
}

/// A point in time by seconds since 1970, or by milliseconds, as large numbers are.
fn epoch(number: f64) -> Option<Timestamp> {
    /// The seconds of the year 5138, and the milliseconds of 1973.
    const LARGE: f64 = 1e11;
    let seconds = if number.abs() < LARGE { number } else { number / 1000.0 };
    let since = jiff::SignedDuration::try_from_secs_f64(seconds).ok()?;
    Timestamp::from_duration(since).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reader() -> Reader {
        let now = jiff::civil::date(2026, 3, 1).at(12, 0, 0, 0).to_zoned(TimeZone::UTC).unwrap().timestamp();
        Reader { zone: TimeZone::UTC, now }
    }

    #[test]
    fn a_time_is_read_in_each_of_the_ways_that_logs_write_it() {
        for (line, expected) in [
            ("2026-02-03T04:05:06.789Z INFO x", Some("2026-02-03T04:05:06.789Z")),
            ("[2026-02-03 04:05:06,5] x", Some("2026-02-03T04:05:06.5Z")),
            ("2026-02-03 04:05:06+0100 x", Some("2026-02-03T03:05:06Z")),
            ("Feb  3 04:05:06 host app[1]: x", Some("2026-02-03T04:05:06Z")),
            ("Dec 31 04:05:06 host app[1]: x", Some("2025-12-31T04:05:06Z")),
            ("Feb 29 04:05:06 host x", Some("2024-02-29T04:05:06Z")),
            ("1.2.3.4 - - [03/Feb/2026:04:05:06 +0000] \"GET /\"", Some("2026-02-03T04:05:06Z")),
            (r#"{"ts": 1770091506.5, "msg": "x"}"#, Some("2026-02-03T04:05:06.5Z")),
            (r#"{"time": 1770091506000}"#, Some("2026-02-03T04:05:06Z")),
            ("2026-13-03T04:05:06Z x", None),
            ("no time", None),
        ] {
            let read = reader().heading(line).time.map(|time| time.to_string());
            assert_eq!(read.as_deref(), expected, "{line}");
        }
    }

    #[test]
    fn a_line_in_json_states_its_level_in_a_field() {
        let heading = reader().heading(r#"{"severity":"WARNING","message":"ERROR is only spoken of"}"#);
        assert_eq!(heading.level, Some(Level::Warn));
    }
}
