//! A log that is the journal of a unit.

use op_agent::{Call, Failure};

use super::LogsRead;
use super::heading::{Heading, Reader};
use super::shape::plain;
use super::tally::Tally;
use crate::cargo::lines::Lines;
use crate::debugger::journalctl::{Entry, at, entry, flag, judge, program};
use crate::debugger::level::Level;
use crate::process::Channel;
use crate::tools::Desk;

/// How many entries are read, the newest.
const ENTRIES: usize = 1_000_000;

/// How much of what journalctl complains of is kept.
const COMPLAINTS: usize = 64 * 1024;

/// Reads what a unit wrote, and passes on what matches: up to the output limit of the settings.
pub(super) async fn read(
    desk: &Desk,
    call: &Call,
    unit: &str,
    mut tally: Tally,
) -> Result<LogsRead, Failure> {
    let filter = tally.filter();
    let since = filter.since.map(|time| flag("since", at(time)));
    let until = filter.until.map(|time| flag("until", at(time)));
    let program = program(desk)
        .args([flag("unit", unit), flag("lines", ENTRIES)])
        .args(since.into_iter().chain(until))
        .keeping(COMPLAINTS);
    let (headings, mut lines, mut left) = (Reader::here(), Lines::default(), desk.settings.output_limit());
    let mut running = program.start(call)?;
    while let Some((channel, piece)) = running.next().await {
        if channel == Channel::Stderr {
            continue;
        }
        let mut found = String::new();
        lines.feed(&piece, |line| take(&mut tally, &headings, line, &mut found));
        if found.len() <= left {
            left -= found.len();
        } else if left > 0 {
            left = 0;
            "[further lines are only counted]\n".clone_into(&mut found);
        } else {
            continue;
        }
        running.tell(Channel::Stdout, found.as_bytes()).await;
    }
    let hidden = judge(running.end().await?)?;
    Ok(LogsRead { source: unit.to_owned(), skipped_bytes: 0, hidden, findings: tally.findings() })
}

/// Takes an entry, each of its lines for itself. Its priority holds where a line states no level of its own.
fn take(tally: &mut Tally, headings: &Reader, line: &str, found: &mut String) {
    let Some(Entry { time, priority, message, .. }) = entry(line) else { return };
    for line in message.lines() {
        let line = plain(line);
        let level = headings.heading(&line).level.or(priority.map(Level::of_priority));
        if tally.take(Heading { time, level }, &line) {
            found.push_str(&line);
            found.push('\n');
        }
    }
}
