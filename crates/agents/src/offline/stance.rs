//! What a participant of a debate holds, whoever says it.

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

/// How sure somebody is who does not say.
pub(super) const UNSAID: f64 = 0.5;

/// A position, and how sure its holder is of it.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, JsonSchema)]
pub(super) struct Stance {
    /// Who holds it.
    #[serde(default, deserialize_with = "or_nothing")]
    pub(super) participant: String,
    /// What is held: the name of an option.
    pub(super) position: String,
    /// How sure, from 0 to 1.
    #[serde(default)]
    pub(super) confidence: Option<f64>,
    /// Why.
    #[serde(default, deserialize_with = "or_nothing")]
    pub(super) argument: String,
}

/// A text, which may be null.
fn or_nothing<'de, D: Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    Option::<String>::deserialize(from).map(Option::unwrap_or_default)
}

impl Stance {
    /// How sure, within its bounds.
    pub(super) fn confidence(&self) -> f64 {
        self.confidence.filter(|sure| sure.is_finite()).unwrap_or(UNSAID).clamp(0.0, 1.0)
    }

    /// Whether this position is held, however it is spelled.
    pub(super) fn holds(&self, position: &str) -> bool {
        self.position.trim().to_lowercase() == position.trim().to_lowercase()
    }
}

/// The stances in a list, or in an object by participant; who said nothing is left out.
pub(super) fn stances(value: &Value) -> Vec<Stance> {
    let read =
        |value: &Value| Stance::deserialize(value).ok().filter(|stance| !stance.position.trim().is_empty());
    match value {
        Value::Array(items) => items.iter().filter_map(read).collect(),
        Value::Object(by_name) => {
            let named = by_name.iter().filter_map(|(name, value)| read(value).map(|stance| (name, stance)));
            let named = named.map(|(name, stance)| {
                if stance.participant.is_empty() {
                    Stance { participant: name.clone(), ..stance }
                } else {
                    stance
                }
            });
            named.collect()
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Vec::new(),
    }
}

/// A number as it is told: rounded, so that it reads well and does not depend on the machine.
pub(super) fn rounded(number: f64) -> f64 {
    (number * 1000.0).round() / 1000.0
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn stances_are_read_from_lists_and_objects_and_silence_is_left_out() {
        let list = json!([{ "participant": "a", "position": "X", "confidence": 3, "argument": null }, null, { "position": " " }, 5]);
        let read = stances(&list);
        assert_eq!((read.len(), read[0].confidence(), read[0].holds("x ")), (1, 1.0, true));
        let read = stances(&json!({ "b": { "position": "Y" }, "c": null }));
        assert_eq!((read[0].participant.as_str(), read[0].confidence()), ("b", UNSAID));
        assert_eq!(stances(&json!("x")), []);
    }
}
