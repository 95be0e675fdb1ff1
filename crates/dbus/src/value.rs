//! Between JSON and the values of the bus.
//!
//! An object is a table `a{sv}`, a list is `av`, a whole number is `x` (or `t` where it does not fit), any other number is `d`. The
//! bus knows no null: it is left out of objects and stands as an empty list elsewhere.

use std::collections::HashMap;

use serde_json::{Map, Number, Value};
use zbus::{Array, OwnedVariant, Signature, Variant};

use crate::fault::Fault;
use crate::options::Table;

/// Most bytes of output, as JSON or as text, that are answered over the bus.
pub(crate) const MAX: usize = 256 << 10;

/// A table of the bus as a JSON object.
pub(crate) fn object(what: &str, table: Table) -> Result<Map<String, Value>, Fault> {
    let entries = table.into_iter().map(|(key, value)| {
        let value =
            json(&Variant::from(value)).map_err(|why| Fault::invalid(format!("{what} `{key}` {why}")))?;
        Ok((key, value))
    });
    entries.collect()
}

/// A value of the bus as JSON.
pub(crate) fn plain(what: &str, value: OwnedVariant) -> Result<Value, Fault> {
    json(&Variant::from(value)).map_err(|why| Fault::invalid(format!("{what} {why}")))
}

fn json(value: &Variant<'_>) -> Result<Value, String> {
    Ok(match value {
        Variant::U8(number) => (*number).into(),
        Variant::Bool(flag) => (*flag).into(),
        Variant::I16(number) => (*number).into(),
        Variant::U16(number) => (*number).into(),
        Variant::I32(number) => (*number).into(),
        Variant::U32(number) => (*number).into(),
        Variant::I64(number) => (*number).into(),
        Variant::U64(number) => (*number).into(),
        Variant::F64(number) => {
            let number = Number::from_f64(*number).ok_or("is a number that JSON does not know")?;
            Value::Number(number)
        }
        Variant::Str(text) => text.as_str().into(),
        Variant::Signature(signature) => signature.to_string().into(),
        Variant::ObjectPath(path) => path.as_str().into(),
        Variant::Variant(value) => json(value)?,
        Variant::Array(array) => array.iter().map(json).collect::<Result<_, _>>()?,
        Variant::Dict(dict) => dict.iter().map(entry).collect::<Result<_, _>>()?,
        Variant::Structure(fields) => fields.fields().iter().map(json).collect::<Result<_, _>>()?,
        Variant::Fd(_) => return Err("holds a file descriptor, which is no data".to_owned()),
    })
}

fn entry((key, value): (&Variant<'_>, &Variant<'_>)) -> Result<(String, Value), String> {
    match json(key)? {
        Value::String(key) => Ok((key, json(value)?)),
        other => Ok((other.to_string(), json(value)?)),
    }
}

/// JSON as a value of the bus.
pub(crate) fn variant(value: &Value) -> Variant<'static> {
    match value {
        Value::Null => list(&[]),
        Value::Bool(flag) => Variant::Bool(*flag),
        Value::Number(number) => self::number(number),
        Value::String(text) => text.clone().into(),
        Value::Array(values) => list(values),
        Value::Object(map) => table(map).into(),
    }
}

/// A JSON object as a table of the bus.
pub(crate) fn table(map: &Map<String, Value>) -> HashMap<String, Variant<'static>> {
    let entries = map.iter().filter(|(_, value)| !value.is_null());
    entries.map(|(key, value)| (key.clone(), variant(value))).collect()
}

fn list(values: &[Value]) -> Variant<'static> {
    let mut array = Array::new(&Signature::Variant);
    for value in values {
        let element = Variant::Variant(Box::new(variant(value)));
        array.append(element).expect("an array of variants takes every variant");
    }
    Variant::Array(array)
}

fn number(number: &Number) -> Variant<'static> {
    match (number.as_i64(), number.as_u64()) {
        (Some(number), _) => Variant::I64(number),
        (None, Some(number)) => Variant::U64(number),
        (None, None) => Variant::F64(number.as_f64().unwrap_or(f64::NAN)),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn json_goes_over_the_bus_and_back() {
        let value = json!({ "a": [1, -2, 1.5, true, "x", { "y": [] }], "big": u64::MAX, "gone": null });
        let back = super::json(&variant(&value)).expect("plain data");
        assert_eq!(back, json!({ "a": [1, -2, 1.5, true, "x", { "y": [] }], "big": u64::MAX }));
        assert_eq!(super::json(&variant(&json!([null]))), Ok(json!([[]])));
    }

    #[test]
    fn typed_values_of_the_bus_become_json() {
        let typed = Variant::from(vec![("a", 1_u32), ("b", 2)]);
        assert_eq!(super::json(&typed), Ok(json!([["a", 1], ["b", 2]])));
        let typed = Variant::from(HashMap::from([(7_u32, "x")]));
        assert_eq!(super::json(&typed), Ok(json!({ "7": "x" })));
        assert!(super::json(&Variant::F64(f64::NAN)).is_err());
    }
}
