//! What there is to choose from.

use std::sync::LazyLock;

use regex::Regex;
use schemars::JsonSchema;
use serde::Deserialize;

/// An option of a question.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(from = "Given")]
pub(super) struct Choice {
    /// What it is called.
    pub(super) name: String,
    /// What speaks for it.
    pub(super) pros: Vec<String>,
    /// What speaks against it.
    pub(super) cons: Vec<String>,
}

/// An option as it is written: only its name, or with what speaks for and against it.
#[derive(Deserialize, JsonSchema)]
#[serde(untagged)]
enum Given {
    /// Its name.
    Name(String),
    /// Its name and reasons.
    Weighed {
        /// What it is called.
        name: String,
        /// What speaks for it.
        #[serde(default)]
        pros: Option<Vec<String>>,
        /// What speaks against it.
        #[serde(default)]
        cons: Option<Vec<String>>,
    },
}

impl From<Given> for Choice {
    fn from(given: Given) -> Self {
        match given {
            Given::Name(name) => Self { name, ..Self::default() },
            Given::Weighed { name, pros, cons } => {
                Self { name, pros: pros.unwrap_or_default(), cons: cons.unwrap_or_default() }
            }
        }
    }
}

/// Words, or phrases in quotes, around an "or".
static ALTERNATIVES: LazyLock<Regex> = LazyLock::new(|| {
    let name = r#"(?:["“][^"”]+["”]|[\w.+\#-]+)"#;
    let names = format!(
        r"(?xi) ({name}(?:\s*,\s*{name})*) \s*,?\s+ (?:or|vs\.?|versus|oder) \s+ (?:an?\s+|the\s+|to\s+)? ({name})"
    );
    Regex::new(&names).expect("it is a regular expression")
});

/// The options that a question names: the words, or phrases in quotes, around its "or"; else yes and no.
pub(super) fn of_question(question: &str) -> Vec<Choice> {
    let named = ALTERNATIVES.captures(question).map(|found| {
        let name = |text: &str| text.trim_matches(['"', '“', '”', '.', ' ']).to_owned();
        found[1].split(',').chain([&found[2]]).map(name).filter(|name| !name.is_empty()).collect::<Vec<_>>()
    });
    let named =
        named.filter(|names| names.len() > 1 && !names.iter().any(|name| name.eq_ignore_ascii_case("not")));
    let names = named.unwrap_or_else(|| vec!["yes".to_owned(), "no".to_owned()]);
    names.into_iter().map(|name| Choice { name, ..Choice::default() }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(question: &str) -> Vec<String> {
        of_question(question).into_iter().map(|choice| choice.name).collect()
    }

    #[test]
    fn an_option_may_be_only_a_name() {
        let options: Vec<Choice> = serde_json::from_str(r#"["A", {"name": "B", "cons": null}]"#).unwrap();
        assert_eq!((options[0].name.as_str(), options[1].name.as_str()), ("A", "B"));
    }

    #[test]
    fn options_are_read_from_the_question() {
        assert_eq!(names("Should we use PostgreSQL or SQLite for it?"), ["PostgreSQL", "SQLite"]);
        assert_eq!(names("Red, green, or the blue?"), ["Red", "green", "blue"]);
        assert_eq!(names("\"a monolith\" vs. \"small services\""), ["a monolith", "small services"]);
        assert_eq!(names("Shall we ship?"), ["yes", "no"]);
        assert_eq!(names("Shall we ship or not?"), ["yes", "no"]);
    }
}
