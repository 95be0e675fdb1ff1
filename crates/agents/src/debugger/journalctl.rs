//! `journalctl`, and what it writes.

use std::path::Path;

use jiff::Timestamp;
use op_agent::Failure;
use serde_json::{Map, Value};

use crate::process::{Ended, Program};
use crate::tools::Desk;

/// What to do when the journal is closed.
const CLOSED: &str = "the user of the agent must be in the group `systemd-journal`: `usermod -aG systemd-journal USER`, or \
                      `SupplementaryGroups=systemd-journal` in a drop-in of its unit";

/// What to do when there is no journal.
const NOTHING: &str =
    "is systemd-journald running here, and may the agent look into /var/log/journal and /run/log/journal?";

/// An entry of the journal, with those of its fields that everything has.
#[derive(Debug, PartialEq)]
pub(super) struct Entry {
    pub(super) time: Option<Timestamp>,
    pub(super) priority: Option<u8>,
    pub(super) unit: Option<String>,
    pub(super) identifier: Option<String>,
    pub(super) pid: Option<u32>,
    pub(super) message: String,
    pub(super) cursor: Option<String>,
}

/// journalctl that writes entries as JSON, one a line.
pub(super) fn program(desk: &Desk) -> Program<'_> {
    Program::new(&desk.settings, "journalctl", Path::new("/"))
        .args(["--output=json", "--no-pager", "--all"])
        .args(["--output-fields=MESSAGE,PRIORITY,_SYSTEMD_UNIT,UNIT,SYSLOG_IDENTIFIER,_COMM,_PID"])
}

/// A flag whose value cannot be taken for another flag.
pub(super) fn flag(name: &str, value: impl std::fmt::Display) -> String {
    format!("--{name}={value}")
}

/// A point in time, as journalctl reads it.
pub(super) fn at(time: Timestamp) -> String {
    format!("@{}.{:06}", time.as_second(), time.subsec_microsecond().max(0))
}

/// The boot, as journalctl reads it: an offset from the current one, or the id of one.
pub(super) fn boot(text: &str) -> Result<String, Failure> {
    let is_id = text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    if is_id || text.parse::<i32>().is_ok() {
        return Ok(flag("boot", text));
    }
    let message = format!("`{text}` is neither the offset of a boot, such as `-1`, nor the id of one");
    Err(Failure::rejected("invalid_arguments", message).hint("`journalctl --list-boots` lists them"))
}

/// Reads a line that journalctl wrote; `None` for what is no entry.
pub(super) fn entry(line: &str) -> Option<Entry> {
    let fields: Map<String, Value> = serde_json::from_str(line).ok()?;
    let field = |name: &str| fields.get(name).and_then(text);
    let micros = field("__REALTIME_TIMESTAMP").and_then(|micros| micros.parse().ok());
    Some(Entry {
        time: micros.and_then(|micros| Timestamp::from_microsecond(micros).ok()),
        priority: field("PRIORITY").and_then(|priority| priority.parse().ok()),
        // What systemd itself says about a unit is filed under `UNIT`.
        unit: field("UNIT").or_else(|| field("_SYSTEMD_UNIT")),
        identifier: field("SYSLOG_IDENTIFIER").or_else(|| field("_COMM")),
        pid: field("_PID").and_then(|pid| pid.parse().ok()),
        message: field("MESSAGE").unwrap_or_default(),
        cursor: field("__CURSOR"),
    })
}

/// A field as text. What is no UTF-8 comes as numbers, and a field that is there several times as a list.
fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Array(items) if items.iter().all(Value::is_u64) => {
            let bytes: Vec<u8> = items.iter().filter_map(|item| u8::try_from(item.as_u64()?).ok()).collect();
            Some(String::from_utf8_lossy(&bytes).into_owned())
        }
        Value::Array(items) => items.first().and_then(text),
        _ => None,
    }
}

/// Whether journalctl could do what was asked, and what it held back: entries of others, to those who may not see them.
pub(super) fn judge(ended: Ended) -> Result<Option<String>, Failure> {
    let said = ended.stderr.text();
    let says = |text: &str| said.contains(text);
    if says("insufficient permissions") || says("Permission denied") {
        return Err(
            Failure::failed("journal_closed", "the journal may not be read by this agent").hint(CLOSED)
        );
    }
    if says("No journal files were found") {
        return Err(
            Failure::failed("journal_missing", "there is no journal that this agent can see").hint(NOTHING)
        );
    }
    let first = said.lines().next().unwrap_or_default().to_owned();
    if says("Failed to parse") || says("Failed to look up boot") || says("Data from the specified boot") {
        return Err(Failure::rejected(
            "invalid_arguments",
            format!("journalctl refuses what was asked: {first}"),
        ));
    }
    ended.succeeded("journalctl")?;
    Ok(says("not seeing messages from other users")
        .then(|| format!("only what is the agent's own was seen; {CLOSED}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_is_read_whatever_its_fields_are_made_of() {
        let line = r#"{"__REALTIME_TIMESTAMP":"1700000000000001","PRIORITY":"3","_SYSTEMD_UNIT":["a.service","b"],
            "MESSAGE":[104,105,255],"_PID":"7","_COMM":"app"}"#;
        let entry = entry(line).unwrap();
        assert_eq!((entry.priority, entry.pid, entry.unit.as_deref()), (Some(3), Some(7), Some("a.service")));
        assert_eq!((entry.message.as_str(), entry.identifier.as_deref()), ("hi\u{fffd}", Some("app")));
        assert_eq!(entry.time.map(at).as_deref(), Some("@1700000000.000001"));
        assert!(super::entry("-- No entries --").is_none());
        assert_eq!(super::entry("{}").unwrap().message, "");
    }

    #[test]
    fn a_boot_is_an_offset_or_an_id() {
        assert_eq!(boot("-1").unwrap(), "--boot=-1");
        assert!(boot(&"0".repeat(32)).is_ok());
        for odd in ["", "x", "1 --all", "--list"] {
            assert!(boot(odd).is_err(), "{odd}");
        }
    }
}
