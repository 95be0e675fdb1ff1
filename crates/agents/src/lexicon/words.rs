//! What a word is: letters and digits in a row, in lower case.

use std::collections::BTreeSet;

use serde_json::Value;

/// Most bytes of a word; the rest of a longer one is dropped.
const LONGEST: usize = 64;

/// The words of a text, in its order.
pub(crate) fn words(text: &str) -> impl Iterator<Item = String> {
    text.split(|letter: char| !letter.is_alphanumeric()).filter(|word| !word.is_empty()).map(|word| {
        let mut word = word.to_lowercase();
        word.truncate(word.floor_char_boundary(LONGEST));
        word
    })
}

/// The words of a JSON value: of its texts, numbers, truths and names of fields.
pub(crate) fn of_value(value: &Value) -> Vec<String> {
    let mut found = Vec::new();
    collect(value, &mut found);
    found
}

fn collect(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Null => {}
        Value::Bool(_) | Value::Number(_) => found.extend(words(&value.to_string())),
        Value::String(text) => found.extend(words(text)),
        Value::Array(values) => values.iter().for_each(|value| collect(value, found)),
        Value::Object(fields) => fields.iter().for_each(|(name, value)| {
            found.extend(words(name));
            collect(value, found);
        }),
    }
}

/// Each word once, sorted.
pub(crate) fn distinct(words: &[String]) -> BTreeSet<&str> {
    words.iter().map(String::as_str).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn words_are_letters_and_digits_in_lower_case() {
        let found: Vec<String> = words("Deploy-Key_2: Straße, ÉTÉ (v1.2)").collect();
        assert_eq!(found, ["deploy", "key", "2", "straße", "été", "v1", "2"]);
        assert_eq!(words(" .,;- ").count(), 0);
    }

    #[test]
    fn a_word_without_end_is_cut_between_letters() {
        let word = words(&"é".repeat(100)).next().unwrap();
        assert_eq!(word.len(), 64);
    }

    #[test]
    fn a_value_has_the_words_of_its_texts_numbers_and_names() {
        let value = json!({ "port": 8080, "host": ["db one", null, true] });
        assert_eq!(of_value(&value), ["host", "db", "one", "true", "port", "8080"]);
    }
}
