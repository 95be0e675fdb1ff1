//! A JSON value as YAML: blocks for lists and objects, and every text in double quotes, in which YAML reads what JSON writes.
//! <https://yaml.org/spec/1.2.2/#double-quoted-style>

use std::fmt::Write as _;

use serde_json::Value;

/// A value as a YAML document.
pub(super) fn yaml(value: &Value) -> String {
    let mut text = String::new();
    put(&mut text, value, 0);
    text.trim_start_matches('\n').trim_start_matches(' ').to_owned() + "\n"
}

/// Writes what stands behind a `-` or a key.
fn put(out: &mut String, value: &Value, depth: usize) {
    match value {
        Value::Array(items) if !items.is_empty() => {
            for item in items {
                line(out, depth);
                out.push('-');
                put(out, item, depth + 1);
            }
        }
        Value::Object(fields) if !fields.is_empty() => {
            for (key, value) in fields {
                line(out, depth);
                quote(out, key);
                out.push(':');
                put(out, value, depth + 1);
            }
        }
        Value::String(text) => {
            out.push(' ');
            quote(out, text);
        }
        value => {
            out.push(' ');
            out.push_str(&value.to_string());
        }
    }
}

fn line(out: &mut String, depth: usize) {
    out.push('\n');
    out.extend(std::iter::repeat_n("  ", depth));
}

/// A text in quotes. YAML wants escapes where JSON needs none: for what cannot be seen and for other line ends.
fn quote(out: &mut String, text: &str) {
    for letter in Value::from(text).to_string().chars() {
        let is_hidden = matches!(
            letter,
            '\u{7f}'..='\u{9f}' | '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}'
        );
        if is_hidden {
            // Writing to a text cannot fail.
            let _ = write!(out, "\\u{:04x}", u32::from(letter));
        } else {
            out.push(letter);
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values_are_blocks_and_texts_are_quoted() {
        let value = json!({
            "a": "no: \"yes\"\n- x\u{2028}",
            "b": [1.5, true, null, [], {}, [["deep"]], { "k": [2] }],
            "c: d": {},
        });
        let expected = "\"a\": \"no: \\\"yes\\\"\\n- x\\u2028\"\n\"b\":\n  - 1.5\n  - true\n  - null\n  - []\n  - {}\n  -\n    -\n      - \"deep\"\n  -\n    \"k\":\n      - 2\n\"c: d\": {}\n";
        assert_eq!(yaml(&value), expected);
        assert_eq!(yaml(&json!("x")), "\"x\"\n");
        assert_eq!(yaml(&json!([1])), "- 1\n");
    }
}
