//! Payloads, as they are shown.

use op_proto::v1::Payload;
use op_proto::v1::payload::Kind;
use serde_json::{Value, json};

/// A payload as JSON; bytes that are no text are told by their number.
pub(crate) fn json(payload: Option<&Payload>) -> Value {
    match payload.and_then(|payload| payload.kind.as_ref()) {
        None => Value::Null,
        Some(Kind::Json(text)) => serde_json::from_str(text).unwrap_or_else(|_| Value::from(text.as_str())),
        Some(Kind::Text(text)) => Value::from(text.as_str()),
        Some(Kind::Data(data)) => match std::str::from_utf8(data) {
            Ok(text) => Value::from(text),
            Err(_) => json!({ "bytes": data.len() }),
        },
    }
}

/// A payload as it is printed: text and bytes as they are, JSON laid out, a JSON string as its text. Ends with a line break
/// unless it is bytes or nothing at all.
pub(crate) fn bytes(payload: Option<&Payload>) -> Vec<u8> {
    match payload.and_then(|payload| payload.kind.as_ref()) {
        None => Vec::new(),
        Some(Kind::Data(data)) => data.to_vec(),
        Some(Kind::Text(text)) => lined(text),
        Some(Kind::Json(_)) => match json(payload) {
            Value::String(text) => lined(&text),
            value => format!("{value:#}\n").into_bytes(),
        },
    }
}

fn lined(text: &str) -> Vec<u8> {
    format!("{}\n", text.strip_suffix('\n').unwrap_or(text)).into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn payload(kind: Kind) -> Payload {
        Payload { kind: Some(kind) }
    }

    #[test]
    fn a_string_is_printed_as_its_text_and_an_object_laid_out() {
        assert_eq!(bytes(Some(&payload(Kind::Json("\"a\\nb\\n\"".into())))), b"a\nb\n");
        assert_eq!(bytes(Some(&payload(Kind::Json("{\"a\":1}".into())))), b"{\n  \"a\": 1\n}\n");
        assert_eq!(bytes(None), b"");
    }

    #[test]
    fn bytes_are_printed_as_they_are_and_counted_in_json() {
        let data = payload(Kind::Data(vec![0xff, 0x00].into()));
        assert_eq!(bytes(Some(&data)), [0xff, 0x00]);
        assert_eq!(json(Some(&data)), json!({ "bytes": 2 }));
    }
}
