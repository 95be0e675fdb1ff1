//! A site, specified: what is handed from the one who specifies to the one who builds.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The pages of a site and what stands on them. Texts are in the small markdown of [`markdown`](super::markdown).
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub(super) struct Specification {
    /// What the site is called.
    #[serde(default)]
    pub(super) title: String,
    /// Its pages; the one named `index` comes first.
    pub(super) pages: Vec<Page>,
    /// How it was made.
    #[serde(default)]
    pub(super) method: String,
}

/// A page.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub(super) struct Page {
    /// Its file's name without `.html`.
    #[serde(default)]
    pub(super) name: String,
    /// What it is called.
    #[serde(default)]
    pub(super) title: String,
    /// What stands on it.
    #[serde(default)]
    pub(super) sections: Vec<Section>,
}

/// A part of a page.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub(super) struct Section {
    /// What it is called; none when it is empty.
    #[serde(default)]
    pub(super) heading: String,
    /// Its text.
    #[serde(default)]
    pub(super) text: String,
}

/// Longest name of a page, in letters.
const LONGEST: usize = 60;

/// A text as the name of a file or an anchor: small letters, digits and single hyphens; empty when nothing of it is left.
pub(super) fn slug(text: &str) -> String {
    let mut slug = String::new();
    for letter in text.chars().flat_map(char::to_lowercase) {
        match plain(letter) {
            Some(plain) => slug.push_str(plain),
            None if letter.is_ascii_alphanumeric() => slug.push(letter),
            None if !slug.is_empty() && !slug.ends_with('-') => slug.push('-'),
            None => {}
        }
        if slug.len() >= LONGEST {
            break;
        }
    }
    slug.trim_end_matches('-').to_owned()
}

/// How letters beyond ASCII that are common in Western Europe are written with those within.
fn plain(letter: char) -> Option<&'static str> {
    Some(match letter {
        'ä' | 'æ' => "ae",
        'ö' | 'œ' => "oe",
        'ü' => "ue",
        'ß' => "ss",
        'à' | 'á' | 'â' | 'ã' | 'å' => "a",
        'ç' => "c",
        'è' | 'é' | 'ê' | 'ë' => "e",
        'ì' | 'í' | 'î' | 'ï' => "i",
        'ñ' => "n",
        'ò' | 'ó' | 'ô' | 'õ' | 'ø' => "o",
        'ù' | 'ú' | 'û' => "u",
        _ => return None,
    })
}

/// `wanted`, or with the first number behind it that makes it a name that `taken` does not know.
pub(super) fn unique(wanted: &str, taken: impl Fn(&str) -> bool) -> String {
    let numbered = (2_u32..).map(|number| format!("{wanted}-{number}"));
    std::iter::once(wanted.to_owned()).chain(numbered).find(|name| !taken(name)).expect("numbers do not end")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slug_is_a_plain_file_name() {
        for (text, expected) in [
            ("About us", "about-us"),
            ("Über München", "ueber-muenchen"),
            ("../../etc/passwd", "etc-passwd"),
            ("  C++ & Rust! ", "c-rust"),
            ("日本", ""),
        ] {
            assert_eq!(slug(text), expected);
        }
        assert!(slug(&"x".repeat(500)).len() <= LONGEST);
    }

    #[test]
    fn a_taken_name_gets_a_number() {
        assert_eq!(unique("a", |name| ["a", "a-2"].contains(&name)), "a-3");
    }
}
