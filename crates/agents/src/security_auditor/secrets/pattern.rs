//! The formats of well-known credentials, and what stands behind names such as `password`.

use std::ops::Range;
use std::sync::LazyLock;

use regex::{Captures, Regex};

use super::entropy;
use crate::review::Severity;
use crate::source::File;

/// How many letters of a token are shown at most, and only of formats that begin alike for everybody.
const SHOWN: usize = 4;

/// One format.
pub(super) struct Pattern {
    kind: &'static str,
    name: &'static str,
    severity: Severity,
    regex: Regex,
    /// Whether all secrets of this format begin alike, so that its beginning gives nothing away.
    prefixed: bool,
    /// Whether a text of this format is a secret, where the format alone does not say.
    accepts: fn(&File, &Captures<'_>) -> bool,
}

/// A secret that was found. It holds where the secret is, and never the secret.
#[derive(Debug)]
pub(super) struct Match {
    /// The name of the rule.
    pub(super) kind: &'static str,
    /// What it is, for people.
    pub(super) name: &'static str,
    /// How bad it is in shipped code.
    pub(super) severity: Severity,
    /// Where it is, in bytes.
    pub(super) range: Range<usize>,
    length: usize,
    prefix: Option<String>,
}

impl Match {
    /// What may be shown of it.
    pub(super) fn evidence(&self) -> String {
        let prefix = self.prefix.as_ref().map_or(String::new(), |prefix| format!(", begins with {prefix}"));
        format!("{} characters{prefix}", self.length)
    }
}

/// The formats. The group `secret`, or else the whole match, is the secret. An earlier one wins over a later one that
/// finds the same place. Formats are those that the issuers document, so that their own scanners can find them.
pub(super) static PATTERNS: LazyLock<Vec<Pattern>> = LazyLock::new(|| {
    use Severity::{Critical, High, Medium};
    vec![
        key("encrypted_private_key", "an encrypted private key", Medium, is_encrypted),
        key("private_key", "a private key", Critical, |_, _| true),
        token(
            "github_token",
            "a GitHub token",
            Critical,
            r"\b(?:gh[pousr]_[A-Za-z0-9]{36,255}|github_pat_[A-Za-z0-9_]{22,255})\b",
        ),
        token("gitlab_token", "a GitLab token", Critical, r"\bglpat-[A-Za-z0-9_-]{20,64}"),
        token("aws_access_key_id", "an AWS access key id", High, r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b"),
        valued(
            "aws_secret_access_key",
            "an AWS secret access key",
            Critical,
            r#"(?i)aws.{0,20}secret.{0,20}?["']?\s*[=:]\s*["']?(?-i)(?P<secret>[A-Za-z0-9/+]{40})(?:[^A-Za-z0-9/+=]|$)"#,
            |_, found| entropy::bits(&found["secret"]) > 3.5 && !entropy::is_placeholder(&found["secret"]),
        ),
        token("slack_token", "a Slack token", High, r"\bxox[abeoprs]-[A-Za-z0-9-]{10,250}"),
        valued(
            "slack_webhook",
            "the address of a Slack webhook",
            Medium,
            r"https://hooks\.slack\.com/(?P<secret>services/T[A-Za-z0-9]+/B[A-Za-z0-9]+/[A-Za-z0-9]{16,})",
            |_, _| true,
        ),
        token(
            "stripe_key",
            "a Stripe key for live payments",
            Critical,
            r"\b[rs]k_live_[A-Za-z0-9]{16,247}\b",
        ),
        token("google_api_key", "a Google API key", High, r"\bAIza[A-Za-z0-9_-]{35}"),
        token("anthropic_key", "an Anthropic API key", Critical, r"\bsk-ant-[A-Za-z0-9_-]{20,200}"),
        token("openai_key", "an OpenAI API key", Critical, r"\bsk-(?:proj-|svcacct-)?[A-Za-z0-9_-]{32,200}"),
        token("npm_token", "an npm token", Critical, r"\bnpm_[A-Za-z0-9]{36}\b"),
        token("pypi_token", "a PyPI token", Critical, r"\bpypi-AgEI[A-Za-z0-9_-]{50,}"),
        token("crates_io_token", "a crates.io token", Critical, r"\bcio[A-Za-z0-9]{32}\b"),
        token("sendgrid_key", "a SendGrid key", High, r"\bSG\.[A-Za-z0-9_-]{22}\.[A-Za-z0-9_-]{43}"),
        token(
            "jwt",
            "a JSON web token",
            Medium,
            r"\beyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}",
        ),
        valued(
            "url_password",
            "a password in an address",
            High,
            r#"\b[A-Za-z][A-Za-z0-9+.-]{1,20}://[^\s:/@"'<>{}$]{0,64}:(?P<secret>[^\s@/"'<>{}$]{3,128})@[A-Za-z0-9\[]"#,
            |_, found| {
                !entropy::is_placeholder(&found["secret"])
                    && !matches!(&found["secret"], "pass" | "pwd" | "passwd" | "pw")
            },
        ),
        valued(
            "password",
            "a password",
            Medium,
            &assignment("password|passwd|passphrase|pwd"),
            |file, found| value(file, found).is_some_and(entropy::is_password),
        ),
        valued(
            "generic_secret",
            "what looks like a secret",
            High,
            &assignment(
                "secret|token|api[_-]?key|access[_-]?key|secret[_-]?key|private[_-]?key|auth[_-]?key|credentials?",
            ),
            |file, found| value(file, found).is_some_and(entropy::is_token),
        ),
    ]
});

/// A token of a format that begins alike for everybody.
fn token(kind: &'static str, name: &'static str, severity: Severity, regex: &str) -> Pattern {
    let accepts = |_: &File, found: &Captures<'_>| {
        let text = &found[0];
        // The keys that the issuers print in their own documentation end so.
        let drawn = text.contains(|letter: char| letter.is_ascii_digit()) && entropy::bits(text) > 3.0;
        drawn && !text.ends_with("EXAMPLE") && !entropy::is_placeholder(text)
    };
    Pattern { kind, name, severity, regex: compiled(regex), prefixed: true, accepts }
}

/// A secret that only its surroundings tell.
fn valued(
    kind: &'static str,
    name: &'static str,
    severity: Severity,
    regex: &str,
    accepts: fn(&File, &Captures<'_>) -> bool,
) -> Pattern {
    Pattern { kind, name, severity, regex: compiled(regex), prefixed: false, accepts }
}

/// A block of a private key: its head and some of its body, so that code that only names the head is not one.
fn key(
    kind: &'static str,
    name: &'static str,
    severity: Severity,
    accepts: fn(&File, &Captures<'_>) -> bool,
) -> Pattern {
    let regex = r#"-----BEGIN (?P<type>(?:[A-Z0-9]+ )*)PRIVATE KEY(?: BLOCK)?-----(?:\s|\\r|\\n|["'+,])*(?P<body>(?:Proc-Type|Version|Comment)?[A-Za-z0-9+/=][A-Za-z0-9+/=:, .-]{15,})"#;
    valued(kind, name, severity, regex, accepts)
}

fn is_encrypted(_: &File, found: &Captures<'_>) -> bool {
    found["type"].contains("ENCRYPTED") || found["body"].contains("ENCRYPTED")
}

/// A value given to something whose name ends with one of `names`: in quotes, or up to the end of its line.
fn assignment(names: &str) -> String {
    let name = format!(r#"(?mi)\b[a-z0-9_.-]*(?:{names})["']?\s*"#);
    let ty = r"(?::\s*&?\s*(?:'static\s+)?(?:str|string)\s*)?";
    let quoted = r#"["'](?P<secret>[^"'\s\\]{8,200})["']"#;
    let bare = r#"(?P<bare>[^\s"'#;,(){}\[\]<>|`]{8,200})[ \t]*$"#;
    format!(r"{name}{ty}(?::=|=>|=|:)\s*(?:{quoted}|{bare})")
}

/// Kinds of files in which a value needs no quotes. In others a bare word is a name.
const UNQUOTED: [&str; 8] = ["cfg", "conf", "env", "ini", "properties", "sh", "yaml", "yml"];

fn is_unquoted(file: &File) -> bool {
    file.name().rsplit('.').next().is_some_and(|kind| UNQUOTED.contains(&kind))
        || file.name().starts_with(".env")
}

/// The value of an assignment, if the file's language has values of that form.
fn value<'a>(file: &File, found: &'a Captures<'_>) -> Option<&'a str> {
    let bare = || found.name("bare").filter(|_| is_unquoted(file));
    found.name("secret").or_else(bare).map(|value| value.as_str())
}

fn compiled(regex: &str) -> Regex {
    Regex::new(regex).expect("the formats are fixed and valid")
}

/// The secrets in `text`, the content of `file`, in the order of their places.
pub(super) fn matches(file: &File, text: &str) -> Vec<Match> {
    let mut found: Vec<Match> = Vec::new();
    for pattern in PATTERNS.iter() {
        for captures in pattern.regex.captures_iter(text).filter(|captures| (pattern.accepts)(file, captures))
        {
            let next = pattern.found(&captures);
            if found
                .iter()
                .all(|other| next.range.end <= other.range.start || other.range.end <= next.range.start)
            {
                found.push(next);
            }
            if found.len() >= MOST {
                break;
            }
        }
    }
    found.sort_by_key(|found| found.range.start);
    found
}

/// After so many a file is a dump of secrets, and counting on costs more than it tells.
const MOST: usize = 500;

impl Pattern {
    fn found(&self, captures: &Captures<'_>) -> Match {
        let named = captures.name("secret").or_else(|| captures.name("bare"));
        let secret = named.unwrap_or_else(|| captures.get_match());
        Match {
            kind: self.kind,
            name: self.name,
            severity: self.severity,
            range: secret.range(),
            length: secret.as_str().chars().count(),
            prefix: self.prefixed.then(|| secret.as_str().chars().take(SHOWN).collect()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture;
    use super::*;
    use crate::source::Area;

    fn kinds(path: &str, text: &str) -> Vec<&'static str> {
        let file = File { path: path.to_owned(), area: Area::of(path) };
        matches(&file, text).into_iter().map(|found| found.kind).collect()
    }

    #[test]
    fn every_token_format_is_found_as_what_it_is() {
        let random = "q8Zt3LmV0xWc7RbN2sKd9Yf1Gh5Jp4Ue6Ia0Oo7Bv3Cx8Zn";
        for (kind, head, length) in [
            ("gitlab_token", "glpat-", 20),
            ("slack_token", "xoxb-", 30),
            ("stripe_key", "sk_live_", 24),
            ("google_api_key", "AIza", 35),
            ("anthropic_key", "sk-ant-", 40),
            ("openai_key", "sk-proj-", 40),
            ("npm_token", "npm_", 36),
            ("crates_io_token", "cio", 32),
            ("github_token", "github_pat_", 40),
        ] {
            let text = format!("x {head}{} y", &random[..length]);
            assert_eq!(kinds("a.txt", &text), [kind], "{kind}");
        }
        let sendgrid = format!("SG.{}.{}", &random[..22], &random[..43]);
        assert_eq!(kinds("a.txt", &sendgrid), ["sendgrid_key"]);
        let jwt = ["eyJ", "hbGciOiJIUzI1", ".eyJ", "zdWIiOiIxMjM0", ".q8Zt3LmV0xWc7RbN"].concat();
        assert_eq!(kinds("a.txt", &jwt), ["jwt"]);
        let hook = ["https://hooks.slack.com/", "services/T024BE7LH/B024BE7LI/", &random[..24]].concat();
        assert_eq!(kinds("a.txt", &hook), ["slack_webhook"]);
    }

    #[test]
    fn a_token_that_stands_for_one_is_none() {
        for text in [
            ["AK", "IAIOSFODNN7EXAMPLE"].concat(),
            ["gh", "p_", &"x".repeat(36)].concat(),
            ["gh", "p_", &"0".repeat(36)].concat(),
            "a risk-assessment-of-many-long-words-in-a-row".to_owned(),
            "sk-this-is-a-class-name-of-a-style-sheet".to_owned(),
        ] {
            assert_eq!(kinds("a.txt", &text), Vec::<&str>::new(), "{text}");
        }
    }

    #[test]
    fn a_private_key_is_found_by_its_block_and_not_by_its_name() {
        let body = fixture::key_body();
        let block = |head: &str, body: &str| format!("-----BEGIN {head}PRIVATE KEY-----\n{body}\n");
        assert_eq!(kinds("a.pem", &block("RSA ", &body)), ["private_key"]);
        assert_eq!(kinds("a.rs", &format!("\"{}\"", block("", &body).replace('\n', "\\n"))), ["private_key"]);
        assert_eq!(kinds("a.pem", &block("ENCRYPTED ", &body)), ["encrypted_private_key"]);
        let header = format!("Proc-Type: 4,ENCRYPTED\nDEK-Info: x\n\n{body}");
        assert_eq!(kinds("a.pem", &block("RSA ", &header)), ["encrypted_private_key"]);
        assert_eq!(
            kinds("a.rs", "if text.contains(\"-----BEGIN RSA PRIVATE KEY-----\") {}"),
            Vec::<&str>::new()
        );
        assert_eq!(kinds("a.pem", &block("", &body).replace("PRIVATE", "PUBLIC")), Vec::<&str>::new());
    }

    #[test]
    fn assignments_are_found_in_the_forms_of_many_languages() {
        let value = "q8Zt3LmV0xWc7RbN2sKd";
        for (path, text) in [
            ("a.rs", format!("const API_TOKEN: &'static str = \"{value}\";")),
            ("a.rs", format!("let secret = \"{value}\";")),
            ("a.json", format!("{{\"client_secret\": \"{value}\"}}")),
            ("a.rb", format!("'api_key' => '{value}'")),
            ("a.go", format!("authKey := \"{value}\"")),
            (".env", format!("SERVICE_TOKEN={value}\n")),
            ("a.yaml", format!("  access-key: {value}")),
        ] {
            assert_eq!(kinds(path, &text), ["generic_secret"], "{text}");
        }
        assert_eq!(kinds("a.py", "db_password = 'Tr0ub4dor&3'"), ["password"]);
    }

    #[test]
    fn names_references_and_hashes_are_no_secrets() {
        for (path, text) in [
            ("a.rs", "let token = next_token_of_2_streams();"),
            ("a.rs", "let token_path = \"q8Zt3LmV0xWc7RbN2sKd\";"),
            ("a.sh", "TOKEN=${OTHER_TOKEN_1234567}"),
            ("a.yaml", "password: ${DB_PASSWORD}"),
            ("a.rs", "let password = \"correct-horse-battery\";"),
            ("a.toml", "checksum = \"9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08\""),
            ("a.txt", "commit 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b"),
            ("a.py", "password = 'changeme123!'"),
        ] {
            assert_eq!(kinds(path, text), Vec::<&str>::new(), "{text}");
        }
    }

    #[test]
    fn a_password_in_an_address_is_found_and_a_placeholder_is_not() {
        assert_eq!(kinds("a.rs", "\"postgres://app:Tr0ub4dor3@db.internal/x\""), ["url_password"]);
        assert_eq!(kinds("a.rs", "\"redis://:Tr0ub4dor3@cache:6379\""), ["url_password"]);
        for text in [
            "postgres://user:password@localhost/x",
            "https://user:${PASSWORD}@host",
            "http://host:8080/a@b",
            "ssh://git@github.com:22/x",
            "postgres://user:{password}@host",
        ] {
            assert_eq!(kinds("a.rs", text), Vec::<&str>::new(), "{text}");
        }
    }

    #[test]
    fn one_secret_is_one_finding_of_the_most_telling_kind() {
        let text = format!("github_token = \"{}\"", fixture::github());
        assert_eq!(kinds("a.py", &text), ["github_token"]);
        let aws = format!("aws_secret_access_key = \"{}\"", "q8Zt3LmV0xWc7RbN2sKd9Yf1Gh5Jp4Ue6Ia0Oo7B");
        assert_eq!(kinds("a.ini", &aws), ["aws_secret_access_key"]);
    }

    #[test]
    fn a_megabyte_on_one_line_is_searched() {
        let text = format!("{} {}", "var a=\"b\";".repeat(100_000), fixture::github());
        assert_eq!(kinds("a.min.js", &text), ["github_token"]);
    }
}
