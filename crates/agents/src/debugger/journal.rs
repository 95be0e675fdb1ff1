//! `journal`: entries of the journal, newest last.

use std::sync::Arc;

use jiff::Timestamp;
use op_agent::{Call, Failure};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::journalctl::{Entry, at, boot, entry, flag, judge, program};
use super::level::Level;
use super::moment::optional;
use crate::process::read;
use crate::tools::Desk;

/// How much of what journalctl writes is read.
const MOST: usize = 32 * 1024 * 1024;

/// Most entries of one answer.
const ENTRIES: usize = 1000;

/// Longest message of an answer, in bytes; `ENTRIES` of them fit into an outcome.
const MESSAGE: usize = 2000;

/// Which entries.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Journal {
    /// Only entries of this unit, such as `nginx.service`; `*` stands for any letters.
    unit: Option<String>,
    /// Only entries from then on: `2026-11-26T10:00:00Z`, `2026-11-26 10:00`, or how long ago, `2h`.
    since: Option<String>,
    /// Only entries until then, written as `since` is.
    until: Option<String>,
    /// Only entries that matter at least so much.
    priority: Option<Level>,
    /// Only entries of one boot: `0` is the current one, `-1` the one before, or the id of one.
    boot: Option<String>,
    /// Only entries whose message matches this regular expression (PCRE); upper and lower case differ unless it begins with `(?i)`.
    grep: Option<String>,
    /// How many entries, the newest; at most 1000.
    #[serde(default = "few")]
    limit: usize,
}

/// What the journal holds.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct JournalRead {
    /// The entries, oldest first.
    entries: Vec<JournalEntry>,
    /// Whether there are older entries that match and were left out.
    more: bool,
    /// What was hidden from the agent, and how to change that; null if nothing was.
    hidden: Option<String>,
}

/// An entry.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct JournalEntry {
    /// When it was written, as RFC 3339.
    time: Option<String>,
    /// How much it matters; null if it does not say so.
    level: Option<Level>,
    /// The unit that wrote it, or of which it speaks.
    unit: Option<String>,
    /// The name under which the program writes.
    identifier: Option<String>,
    /// The process that wrote it.
    pid: Option<u32>,
    /// What it says; what is longer than 2000 bytes is cut.
    message: String,
    /// Names the entry to journalctl's `--cursor`.
    cursor: Option<String>,
}

/// Reads entries of the journal.
pub(super) async fn journal(desk: Arc<Desk>, call: Call, args: Journal) -> Result<JournalRead, Failure> {
    let limit = args.limit.clamp(1, ENTRIES);
    let program = program(&desk).args(flags(&args, Timestamp::now())?).args([flag("lines", limit + 1)]);
    let ended = read(program.keeping(MOST), &call).await?;
    if ended.stdout.dropped > 0 {
        let message = format!("what the journal holds is longer than {MOST} bytes");
        return Err(Failure::failed("too_large", message).hint("ask for fewer entries with `limit`"));
    }
    let mut entries: Vec<Entry> =
        String::from_utf8_lossy(&ended.stdout.bytes).lines().filter_map(entry).collect();
    let hidden = judge(ended)?;
    // With a pattern, journalctl looks from the end and tells the newest first.
    if args.grep.is_some() {
        entries.reverse();
    }
    let older = entries.len().saturating_sub(limit);
    entries.drain(..older);
    Ok(JournalRead { entries: entries.into_iter().map(told).collect(), more: older > 0, hidden })
}

fn flags(args: &Journal, now: Timestamp) -> Result<Vec<String>, Failure> {
    let mut flags = Vec::new();
    flags.extend(args.unit.as_ref().map(|unit| flag("unit", unit)));
    flags.extend(optional(args.since.as_deref(), now)?.map(|time| flag("since", at(time))));
    flags.extend(optional(args.until.as_deref(), now)?.map(|time| flag("until", at(time))));
    flags.extend(args.priority.map(|level| flag("priority", level.priority())));
    flags.extend(args.boot.as_deref().map(boot).transpose()?);
    flags.extend(args.grep.as_ref().map(|pattern| flag("grep", pattern)));
    // By itself, journalctl minds the case only of patterns that have an upper case letter.
    flags.extend(args.grep.as_ref().map(|_| flag("case-sensitive", true)));
    Ok(flags)
}

fn told(entry: Entry) -> JournalEntry {
    let Entry { time, priority, unit, identifier, pid, mut message, cursor } = entry;
    message.truncate(message.floor_char_boundary(MESSAGE));
    let level = priority.map(Level::of_priority);
    JournalEntry { time: time.map(|time| time.to_string()), level, unit, identifier, pid, message, cursor }
}

fn few() -> usize {
    100
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_argument_becomes_one_word_that_no_value_can_leave() {
        let args = Journal {
            unit: Some("--flush".into()),
            since: Some("2026-11-26T10:00:00Z".into()),
            priority: Some(Level::Warn),
            boot: Some("-1".into()),
            grep: Some("a b".into()),
            ..Journal::default()
        };
        let flags = flags(&args, Timestamp::UNIX_EPOCH).unwrap();
        let expected = [
            "--unit=--flush",
            "--since=@1795687200.000000",
            "--priority=4",
            "--boot=-1",
            "--grep=a b",
            "--case-sensitive=true",
        ];
        assert_eq!(flags, expected);
    }
}
