//! Object paths: where things stand on the bus, and back from a path to the name of the thing.
//!
//! Letters, digits and `_` of a name stay; any other byte becomes `_` and two hexadecimal digits, as systemd does (`a-b` is
//! `a_2db`). An underscore that would read as such an escape is escaped itself (`a_2d` is `a_5f2d`), so that every path leads
//! back to one name.

use std::fmt::Write as _;

#[cfg(test)]
use zbus::ObjectPath;
use zbus::OwnedObjectPath;

/// Where the daemon stands.
pub(crate) const ROOT: &str = "/org/opdbus/Orchestrator1";

/// Where what is logged is set; a path that systemd knows.
pub(crate) const LOG: &str = "/org/freedesktop/LogControl1";

/// Agents stand below this.
pub(crate) const AGENT: &str = "agent";

/// Runs stand below this.
pub(crate) const RUN: &str = "run";

/// Plans stand below this.
pub(crate) const PLAN: &str = "plan";

/// Calls stand below this.
pub(crate) const CALL: &str = "call";

/// The path of the daemon itself.
pub(crate) fn root() -> OwnedObjectPath {
    owned(ROOT)
}

/// The path that stands for nothing.
pub(crate) fn nothing() -> OwnedObjectPath {
    owned("/")
}

/// The path of a thing.
pub(crate) fn of(kind: &str, name: &str) -> OwnedObjectPath {
    owned(&format!("{ROOT}/{kind}/{}", escape(name)))
}

fn owned(path: &str) -> OwnedObjectPath {
    OwnedObjectPath::try_from(path).expect("escaped names make valid paths")
}

/// The name of the thing of this kind that a path stands for.
#[cfg(test)]
fn name_of(kind: &str, path: &ObjectPath<'_>) -> Option<String> {
    let rest = path.as_str().strip_prefix(ROOT)?.strip_prefix('/')?.strip_prefix(kind)?;
    unescape(rest.strip_prefix('/')?)
}

fn escape(name: &str) -> String {
    let bytes = name.as_bytes();
    let mut escaped = String::with_capacity(name.len());
    for (at, byte) in bytes.iter().enumerate() {
        let is_plain = byte.is_ascii_alphanumeric() || (*byte == b'_' && !is_code(&bytes[at + 1..]));
        if is_plain {
            escaped.push(char::from(*byte));
        } else {
            write!(escaped, "_{byte:02x}").expect("a text takes every text");
        }
    }
    // A path has no empty part: the name that is none is a lone underscore, and a lone underscore is escaped.
    match escaped.as_str() {
        "" => "_".to_owned(),
        "_" => "_5f".to_owned(),
        _ => escaped,
    }
}

/// Whether two hexadecimal digits come next, as in an escape.
fn is_code(rest: &[u8]) -> bool {
    let is_digit = |byte: &u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    rest.len() >= 2 && rest[..2].iter().all(is_digit)
}

#[cfg(test)]
fn unescape(part: &str) -> Option<String> {
    if part == "_" {
        return Some(String::new());
    }
    let bytes = part.as_bytes();
    let (mut plain, mut at) = (Vec::new(), 0);
    while at < bytes.len() {
        if bytes[at] == b'_' && is_code(&bytes[at + 1..]) {
            plain.push(u8::from_str_radix(&part[at + 1..at + 3], 16).ok()?);
            at += 3;
        } else {
            plain.push(bytes[at]);
            at += 1;
        }
    }
    String::from_utf8(plain).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stay_readable_in_paths_and_every_path_leads_back() {
        assert_eq!(of(AGENT, "rust_pro").as_str(), "/org/opdbus/Orchestrator1/agent/rust_pro");
        assert_eq!(of(PLAN, "code-review").as_str(), "/org/opdbus/Orchestrator1/plan/code_2dreview");
        for name in ["a", "a-b", "a_b", "a_2d", "_2-", "a_-", "__2d", "ä ö/.", "0x", "_a\u{e9}", "_", ""] {
            assert_eq!(name_of(PLAN, &of(PLAN, name)).as_deref(), Some(name), "{name}");
        }
        assert_eq!(name_of(PLAN, &of(RUN, "a")), None);
    }
}
