//! The content of a context as bytes: a text as it is, anything else as JSON without blanks and with its keys in order.

use op_agent::Failure;
use serde_json::Value;
use sha2::{Digest, Sha256};

/// Bytes of the largest content.
pub(super) const LARGEST: usize = 8 << 20;

/// How bytes are to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum Form {
    /// As a text.
    Text,
    /// As JSON.
    Json,
}

impl Form {
    /// The name as it is kept.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Json => "json",
        }
    }

    /// The form of a name that was kept.
    pub(super) fn of(name: &str) -> Self {
        if name == "text" { Self::Text } else { Self::Json }
    }
}

/// The content of a context.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Content {
    pub(super) form: Form,
    pub(super) bytes: Vec<u8>,
    /// The SHA-256 of the bytes in hexadecimal digits.
    pub(super) sha256: String,
}

impl Content {
    /// The content that a value is. `null` is none.
    pub(super) fn of(value: Value) -> Result<Self, Failure> {
        let (form, bytes) = match value {
            Value::Null => {
                return Err(Failure::rejected(
                    "missing_argument",
                    "`content` is null, and there is nothing to save",
                ));
            }
            Value::String(text) => (Form::Text, text.into_bytes()),
            value => (Form::Json, value.to_string().into_bytes()),
        };
        if bytes.len() > LARGEST {
            let message = format!("a content of {} bytes is larger than {LARGEST}", bytes.len());
            return Err(Failure::rejected("too_large", message).hint("split it into several contexts"));
        }
        let sha256 = sha256(&bytes);
        Ok(Self { form, bytes, sha256 })
    }

    /// Content that was kept, once it is known to be the same.
    pub(super) fn kept(form: Form, bytes: Vec<u8>, expected: &str, whose: &str) -> Result<Self, Failure> {
        let found = sha256(&bytes);
        if found == expected {
            return Ok(Self { form, bytes, sha256: found });
        }
        let message = format!(
            "the content of {whose} is not what was saved: its SHA-256 is {found} and was {expected}"
        );
        Err(Failure::failed("damaged", message).hint(
            "load another version, or bring `contexts.db` in the agent's state directory back from a backup",
        ))
    }

    /// The value.
    pub(super) fn value(&self) -> Result<Value, Failure> {
        let damaged = |why: String| Failure::failed("damaged", format!("a content cannot be read: {why}"));
        match self.form {
            Form::Text => match std::str::from_utf8(&self.bytes) {
                Ok(text) => Ok(Value::String(text.to_owned())),
                Err(error) => Err(damaged(error.to_string())),
            },
            Form::Json => serde_json::from_slice(&self.bytes).map_err(|error| damaged(error.to_string())),
        }
    }
}

/// The SHA-256 of bytes in hexadecimal digits.
pub(super) fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_value_comes_back_as_it_was() {
        for value in [json!("text\n\"5\""), json!(5), json!({ "b": [1.1, null], "a": "x" }), json!([])] {
            let content = Content::of(value.clone()).unwrap();
            let kept = Content::kept(content.form, content.bytes.clone(), &content.sha256, "x").unwrap();
            assert_eq!(kept.value().unwrap(), value);
        }
        let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        assert_eq!(Content::of(json!("")).unwrap().sha256, empty);
    }

    #[test]
    fn nothing_and_too_much_are_refused_and_what_changed_is_damaged() {
        assert_eq!(Content::of(json!(null)).unwrap_err().reason(), "missing_argument");
        assert_eq!(Content::of(json!("x".repeat(LARGEST + 1))).unwrap_err().reason(), "too_large");
        let content = Content::of(json!("abc")).unwrap();
        let changed =
            Content::kept(Form::Text, b"abd".to_vec(), &content.sha256, "`a` version 1").unwrap_err();
        assert_eq!(changed.reason(), "damaged");
        assert!(changed.message().contains("`a` version 1"), "{changed}");
    }
}
