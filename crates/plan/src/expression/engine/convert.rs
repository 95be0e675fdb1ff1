//! Between JSON and CEL values.

use std::collections::HashMap;
use std::sync::Arc;

use cel::Value as Cel;
use cel::objects::{Key, Map};
use serde_json::{Number, Value};

/// Whole numbers become CEL ints when they fit, so that they compare with what people write.
pub(super) fn to_cel(value: Value) -> Cel {
    match value {
        Value::Null => Cel::Null,
        Value::Bool(value) => Cel::Bool(value),
        Value::Number(number) => number_to_cel(&number),
        Value::String(text) => Cel::String(Arc::new(text)),
        Value::Array(items) => Cel::List(Arc::new(items.into_iter().map(to_cel).collect())),
        Value::Object(entries) => {
            let entries = entries.into_iter().map(|(key, value)| (Key::String(Arc::new(key)), to_cel(value)));
            Cel::Map(Map { map: Arc::new(entries.collect::<HashMap<_, _>>()) })
        }
    }
}

fn number_to_cel(number: &Number) -> Cel {
    match (number.as_i64(), number.as_u64()) {
        (Some(int), _) => Cel::Int(int),
        (None, Some(uint)) => Cel::UInt(uint),
        (None, None) => Cel::Float(number.as_f64().unwrap_or(f64::NAN)),
    }
}

/// The JSON value, or what the value is instead.
pub(super) fn to_json(value: &Cel) -> Result<Value, &'static str> {
    match value {
        Cel::Null => Ok(Value::Null),
        Cel::Bool(value) => Ok(Value::Bool(*value)),
        Cel::Int(int) => Ok(Value::from(*int)),
        Cel::UInt(uint) => Ok(Value::from(*uint)),
        Cel::Float(float) => Number::from_f64(*float).map(Value::Number).ok_or("not a finite number"),
        Cel::String(text) => Ok(Value::String(text.as_ref().clone())),
        Cel::Timestamp(time) => Ok(Value::String(time.to_rfc3339())),
        Cel::List(items) => items.iter().map(to_json).collect(),
        Cel::Map(map) => map_to_json(map),
        Cel::Bytes(_) => Err("bytes"),
        Cel::Duration(_) => Err("a duration"),
        Cel::Function(..) => Err("a function"),
        Cel::Opaque(_) => Err("a type"),
        Cel::Struct(_) => Err("a message"),
    }
}

fn map_to_json(map: &Map) -> Result<Value, &'static str> {
    let mut entries = serde_json::Map::new();
    for (key, value) in map.map.iter() {
        let key = match key {
            Key::String(text) => text.as_ref().clone(),
            Key::Int(int) => int.to_string(),
            Key::Uint(uint) => uint.to_string(),
            Key::Bool(value) => value.to_string(),
        };
        if entries.insert(key, to_json(value)?).is_some() {
            return Err("a map with two keys that are the same text");
        }
    }
    Ok(Value::Object(entries))
}
