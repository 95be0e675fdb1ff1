//! `key=value` and `key:=JSON`, as people type arguments.

use std::str::FromStr;

use serde_json::Value;

/// One argument as it was typed.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Word {
    pub(crate) key: String,
    pub(crate) value: Typed,
}

/// The value as it was typed.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Typed {
    /// `key=text`: what it means depends on what is wanted.
    Text(String),
    /// `key:=JSON`: means what it says.
    Json(Value),
}

impl Typed {
    /// The value where nobody says what is wanted: JSON if it reads as such, else text.
    pub(crate) fn guess(&self) -> Value {
        match self {
            Self::Text(text) => serde_json::from_str(text).unwrap_or_else(|_| Value::from(text.as_str())),
            Self::Json(value) => value.clone(),
        }
    }
}

/// Why a word is no argument.
#[derive(Debug, thiserror::Error)]
pub(crate) enum WordError {
    #[error("write KEY=VALUE, or KEY:=JSON")]
    Form,
    #[error("what follows `:=` is not JSON: {0}")]
    Json(#[from] serde_json::Error),
}

impl FromStr for Word {
    type Err = WordError;

    fn from_str(word: &str) -> Result<Self, Self::Err> {
        let (key, text) = word.split_once('=').ok_or(WordError::Form)?;
        let (key, value) = match key.strip_suffix(':') {
            Some(key) => (key, Typed::Json(serde_json::from_str(text)?)),
            None => (key, Typed::Text(text.to_owned())),
        };
        if key.is_empty() { Err(WordError::Form) } else { Ok(Self { key: key.to_owned(), value }) }
    }
}

/// Reads `KEY=VALUE` where both are text, for options.
pub(crate) fn pair(text: &str) -> Result<(String, String), String> {
    let (key, value) = text.split_once('=').ok_or("write KEY=VALUE")?;
    if key.is_empty() || value.is_empty() {
        Err("write KEY=VALUE".into())
    } else {
        Ok((key.into(), value.into()))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn word(text: &str) -> Word {
        text.parse().expect(text)
    }

    #[test]
    fn text_stays_text_until_somebody_says_what_is_wanted() {
        assert_eq!(word("limit=3").value, Typed::Text("3".to_owned()));
        assert_eq!(word("limit=3").value.guess(), json!(3));
        assert_eq!(word("name=three").value.guess(), json!("three"));
        assert_eq!(word("query=a=b").value, Typed::Text("a=b".to_owned()));
    }

    #[test]
    fn a_colon_makes_it_json() {
        let word = word("files:=[\"a\", \"b\"]");
        assert_eq!((word.key.as_str(), word.value), ("files", Typed::Json(json!(["a", "b"]))));
    }

    #[test]
    fn what_is_no_argument_is_refused() {
        for text in ["path", "=x", ":=1", "a:=nope"] {
            assert!(text.parse::<Word>().is_err(), "{text}");
        }
        assert!(pair("a=").is_err() && pair("=b").is_err() && pair("a").is_err());
    }
}
