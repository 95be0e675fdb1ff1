//! Whether a value looks like it was drawn at random, or typed by a person who meant it.

/// Random base64 of 20 letters has about 4 bits for each letter, English words of that length about 3.2.
const TOKEN_BITS: f64 = 3.5;

/// Random hexadecimal text of 32 digits has about 3.6 bits for each digit and can have no more than 4.
const HEX_BITS: f64 = 3.0;

/// Shorter hexadecimal texts are colours, ids and numbers.
const HEX_LENGTH: usize = 32;

/// Passwords are chosen by people; below this they are a word that repeats its letters.
const PASSWORD_BITS: f64 = 2.5;

/// Words that people write where a secret will stand.
const PLACEHOLDERS: [&str; 22] = [
    "abcdef",
    "changeme",
    "change-me",
    "change_me",
    "default",
    "dummy",
    "example",
    "fake",
    "foobar",
    "hunter2",
    "insert",
    "not-a",
    "password",
    "placeholder",
    "redacted",
    "replace",
    "sample",
    "secret",
    "test",
    "todo",
    "xxxx",
    "your",
];

/// Shannon's entropy of `value`, in bits for each letter.
pub(super) fn bits(value: &str) -> f64 {
    let letters: Vec<char> = value.chars().collect();
    let mut sorted = letters.clone();
    sorted.sort_unstable();
    let total = crate::source::ratio(1, letters.len());
    sorted
        .chunk_by(|a, b| a == b)
        .map(|group| crate::source::ratio(group.len(), 1) * total)
        .map(|share| -share * share.log2())
        .sum()
}

/// Whether `value` may be a token that a machine has drawn.
pub(super) fn is_token(value: &str) -> bool {
    if is_placeholder(value) || is_reference(value) {
        return false;
    }
    let hexadecimal = value.len() >= HEX_LENGTH && value.chars().all(|letter| letter.is_ascii_hexdigit());
    let mixed = value.contains(|letter: char| letter.is_ascii_digit())
        && value.contains(|letter: char| letter.is_ascii_alphabetic());
    mixed && bits(value) >= if hexadecimal { HEX_BITS } else { TOKEN_BITS }
}

/// Whether `value` may be a password that a person has chosen.
pub(super) fn is_password(value: &str) -> bool {
    let has = |kind: fn(char) -> bool| usize::from(value.contains(kind));
    let kinds = has(|letter| letter.is_ascii_lowercase())
        + has(|letter| letter.is_ascii_uppercase())
        + has(|letter| letter.is_ascii_digit())
        + has(|letter| letter.is_ascii_punctuation() && !matches!(letter, '-' | '_' | '.'));
    kinds >= 2 && !is_placeholder(value) && !is_reference(value) && bits(value) >= PASSWORD_BITS
}

/// Whether `value` only says that something is to be put there.
pub(super) fn is_placeholder(value: &str) -> bool {
    let lower = value.to_ascii_lowercase();
    PLACEHOLDERS.iter().any(|word| lower.contains(word))
        || value.contains(['*', '<', '>', '…'])
        || value.contains("...")
        || "0123456789".contains(value)
}

/// Whether `value` names where the secret is kept: a variable, a path, an address.
fn is_reference(value: &str) -> bool {
    value.starts_with(['$', '/', '.', '~', '%', '@', '&', '{'])
        || ["${", "{{", "%(", "$(", "://", "::", "()"].iter().any(|mark| value.contains(mark))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entropy_is_that_of_shannon() {
        assert!((bits("aaaa") - 0.0).abs() < 1e-9);
        assert!((bits("abab") - 1.0).abs() < 1e-9);
        assert!((bits("abcdefgh") - 3.0).abs() < 1e-9);
        assert!(bits("").abs() < 1e-9);
    }

    #[test]
    fn drawn_tokens_are_told_from_names_and_references() {
        for token in ["q8Zt3LmV0xWc7RbN2sKd", "9f86d081884c7d659a2feaa0c55ad015"] {
            assert!(is_token(token), "{token}");
        }
        for other in [
            "session_token_for_users",
            "${API_TOKEN}",
            "/run/secrets/token1",
            "your-token-here-123456",
            "aaaaaaaa1111",
            "0123456789",
            "std::env::var1",
            "https://a.b/c1d2e3f4g5h6",
        ] {
            assert!(!is_token(other), "{other}");
        }
    }

    #[test]
    fn chosen_passwords_are_told_from_words() {
        for password in ["Tr0ub4dor&3", "kitten!Mittens", "Winter2024x"] {
            assert!(is_password(password), "{password}");
        }
        for other in
            ["correct-horse-battery", "changeme123!", "********", "<password>", "$DB_PASSWORD", "aaaaaaaA"]
        {
            assert!(!is_password(other), "{other}");
        }
    }
}
