//! Addresses that are asked without encryption.

use super::Risk;
use crate::review::Severity;

/// Hosts of addresses that are names (of namespaces and schemas) and that nobody connects to, or that stand for any
/// host in documentation ([RFC 2606](https://www.rfc-editor.org/rfc/rfc2606)).
const NAMES: [&str; 8] = [
    "example.com",
    "example.net",
    "example.org",
    "json-schema.org",
    "purl.org",
    "www.w3.org",
    "xmlns.com",
    "xml.org",
];

/// The longest host that is shown; a name may have no more letters.
const LONGEST: usize = 253;

/// `"http://host/..."` where the host is neither this machine nor a mere name.
pub(super) fn literal(text: &str) -> Option<Risk> {
    let rest = text.strip_prefix("http://")?;
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    // What stands before the last @ may be a password.
    let host = authority.rsplit('@').next().unwrap_or_default();
    let name = if host.starts_with('[') { host } else { host.split(':').next().unwrap_or_default() };
    if !is_host(name) || is_loopback(name) || is_name(name) {
        return None;
    }
    Some(Risk {
        severity: Severity::Low,
        rule: "plain_http",
        message: "an address is asked without encryption",
        evidence: format!("http://{name}"),
        suggestion: "use https",
    })
}

/// Whether `name` is a host and not the place where one is put in.
fn is_host(name: &str) -> bool {
    let allowed =
        |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '.' | '-' | '[' | ']' | ':');
    (1..=LONGEST).contains(&name.len()) && name.contains(['.', '[']) && name.chars().all(allowed)
}

fn is_loopback(name: &str) -> bool {
    name.starts_with("127.") || name.starts_with("[::1]") || name == "0.0.0.0" || name.ends_with(".localhost")
}

fn is_name(name: &str) -> bool {
    let host = name.to_ascii_lowercase();
    let reserved = [".example", ".test", ".invalid"].iter().any(|ending| host.ends_with(ending));
    reserved
        || host.starts_with("schemas.")
        || NAMES
            .iter()
            .any(|known| host == *known || host.strip_suffix(known).is_some_and(|sub| sub.ends_with('.')))
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{findings, finds, finds_nothing};

    #[test]
    fn a_plain_address_is_found_by_its_host_alone() {
        finds("plain_http", "get(\"http://insecure.io/download?key=1\");");
        let text = ["fn a() { get(\"http://user:", "hush", "@insecure.io:80/x\"); }"].concat();
        let found = findings("src/a.rs", &text);
        assert_eq!(found[0].evidence.as_deref(), Some("http://insecure.io"));
        assert!(!format!("{found:?}").contains("hush"));
        finds("plain_http", "println!(\"{}\", get(\"http://10.0.0.1/x\"));");
    }

    #[test]
    fn this_machine_names_and_other_schemes_are_left_alone() {
        for address in [
            "https://insecure.io/x",
            "http://localhost:80/x",
            "http://127.0.0.1/x",
            "http://[::1]:80/x",
            "http://www.w3.org/2000/svg",
            "http://schemas.microsoft.com/x",
            "http://api.example.com/x",
            "http://{host}/x",
            "http://",
            "see http://insecure.io",
        ] {
            finds_nothing(&format!("get({address:?});"));
        }
    }
}
