//! JSON values as D-Bus values of a given type, and back.

use serde_json::{Number, Value};
use zbus::{Array, Dict, Error, ObjectPath, Signature, Structure, Variant};

/// Why a JSON value is not a value of a type.
#[derive(Debug, thiserror::Error)]
pub(super) enum ConvertError {
    /// It is another kind of value, or out of range.
    #[error("{value} is not a value of type `{signature}`")]
    Mismatch {
        /// The value.
        value: Value,
        /// The type.
        signature: String,
    },
    /// There are more or fewer values than types.
    #[error("`{signature}` takes {expected} values, and {given} are given")]
    Count {
        /// The types.
        signature: String,
        /// How many there are.
        expected: usize,
        /// How many values there are.
        given: usize,
    },
    /// The type cannot be written in JSON.
    #[error("a value of type `{0}` cannot be given as JSON")]
    Unsupported(String),
    /// D-Bus refuses it.
    #[error(transparent)]
    Refused(#[from] Error),
}

/// The fields of a structure.
pub(super) fn structure(signature: &Signature, values: &[Value]) -> Result<Structure<'static>, ConvertError> {
    let Signature::Structure(fields) = signature else {
        return Err(ConvertError::Unsupported(signature.to_string()));
    };
    let expected = fields.iter().count();
    if expected != values.len() {
        let signature = signature.to_string_no_parens();
        return Err(ConvertError::Count { signature, expected, given: values.len() });
    }
    let mut builder = Structure::builder();
    for (signature, value) in fields.iter().zip(values) {
        builder.push_value(variant(signature, value)?);
    }
    Ok(builder.build()?)
}

/// One value of a type.
fn variant(signature: &Signature, value: &Value) -> Result<Variant<'static>, ConvertError> {
    let wrong = || ConvertError::Mismatch { value: value.clone(), signature: signature.to_string() };
    let text = || value.as_str().ok_or_else(wrong);
    Ok(match signature {
        Signature::U8 => Variant::U8(whole(value).ok_or_else(wrong)?),
        Signature::Bool => Variant::Bool(value.as_bool().ok_or_else(wrong)?),
        Signature::I16 => Variant::I16(whole(value).ok_or_else(wrong)?),
        Signature::U16 => Variant::U16(whole(value).ok_or_else(wrong)?),
        Signature::I32 => Variant::I32(whole(value).ok_or_else(wrong)?),
        Signature::U32 => Variant::U32(whole(value).ok_or_else(wrong)?),
        Signature::I64 => Variant::I64(whole(value).ok_or_else(wrong)?),
        Signature::U64 => Variant::U64(value.as_u64().ok_or_else(wrong)?),
        Signature::F64 => Variant::F64(value.as_f64().ok_or_else(wrong)?),
        Signature::Str => Variant::Str(text()?.to_owned().into()),
        Signature::Signature => Variant::Signature(Signature::try_from(text()?).map_err(|_| wrong())?),
        Signature::ObjectPath => {
            Variant::ObjectPath(ObjectPath::try_from(text()?.to_owned()).map_err(|_| wrong())?)
        }
        Signature::Variant => Variant::Variant(Box::new(any(value)?)),
        Signature::Array(element) => array(element, value.as_array().ok_or_else(wrong)?)?,
        Signature::Dict { key, value: kind } => dict(key, kind, value)?,
        Signature::Structure(_) => {
            Variant::Structure(structure(signature, value.as_array().ok_or_else(wrong)?)?)
        }
        Signature::Unit | Signature::Fd => return Err(ConvertError::Unsupported(signature.to_string())),
    })
}

fn whole<T: TryFrom<i64>>(value: &Value) -> Option<T> {
    value.as_i64().and_then(|number| T::try_from(number).ok())
}

fn array(element: &Signature, values: &[Value]) -> Result<Variant<'static>, ConvertError> {
    let mut array = Array::new(element);
    for value in values {
        array.append(variant(element, value)?)?;
    }
    Ok(Variant::Array(array))
}

/// A dictionary: an object when its keys are text, else a list of pairs.
fn dict(key: &Signature, kind: &Signature, value: &Value) -> Result<Variant<'static>, ConvertError> {
    let mut dict = Dict::new(key, kind);
    match value {
        Value::Object(entries) => {
            for (name, value) in entries {
                dict.append(variant(key, &Value::from(name.as_str()))?, variant(kind, value)?)?;
            }
        }
        Value::Array(entries) => {
            for entry in entries {
                let [name, value] = entry.as_array().map_or(&[][..], Vec::as_slice) else {
                    let signature = Signature::dict(key.clone(), kind.clone()).to_string();
                    return Err(ConvertError::Mismatch { value: entry.clone(), signature });
                };
                dict.append(variant(key, name)?, variant(kind, value)?)?;
            }
        }
        _ => {
            let signature = Signature::dict(key.clone(), kind.clone()).to_string();
            return Err(ConvertError::Mismatch { value: value.clone(), signature });
        }
    }
    Ok(Variant::Dict(dict))
}

/// A value whose type is its own: said beside it, or the plainest that holds it.
fn any(value: &Value) -> Result<Variant<'static>, ConvertError> {
    if let Some((signature, value)) = typed(value) {
        let parsed =
            Signature::try_from(signature).map_err(|_| ConvertError::Unsupported(signature.to_owned()))?;
        return variant(&parsed, value);
    }
    match value {
        Value::Null => Err(ConvertError::Unsupported("v".to_owned())),
        Value::Bool(_) => variant(&Signature::Bool, value),
        Value::Number(number) if whole::<i32>(value).is_some() && !number.is_f64() => {
            variant(&Signature::I32, value)
        }
        Value::Number(number) if number.is_i64() => variant(&Signature::I64, value),
        Value::Number(number) if number.is_u64() => variant(&Signature::U64, value),
        Value::Number(_) => variant(&Signature::F64, value),
        Value::String(_) => variant(&Signature::Str, value),
        Value::Array(values) => array(&Signature::Variant, values),
        Value::Object(_) => dict(&Signature::Str, &Signature::Variant, value),
    }
}

/// `{"signature": .., "value": ..}` and nothing else.
fn typed(value: &Value) -> Option<(&str, &Value)> {
    let object = value.as_object().filter(|object| object.len() == 2)?;
    Some((object.get("signature")?.as_str()?, object.get("value")?))
}

/// A D-Bus value as JSON. Numbers that JSON has no word for become text; keys of dictionaries always do.
pub(super) fn json(variant: &Variant<'_>) -> Value {
    match variant {
        Variant::U8(value) => Value::from(*value),
        Variant::Bool(value) => Value::from(*value),
        Variant::I16(value) => Value::from(*value),
        Variant::U16(value) => Value::from(*value),
        Variant::I32(value) => Value::from(*value),
        Variant::U32(value) => Value::from(*value),
        Variant::I64(value) => Value::from(*value),
        Variant::U64(value) => Value::from(*value),
        Variant::F64(value) => {
            Number::from_f64(*value).map_or_else(|| Value::from(value.to_string()), Value::Number)
        }
        Variant::Str(value) => Value::from(value.as_str()),
        Variant::Signature(value) => Value::from(value.to_string()),
        Variant::ObjectPath(value) => Value::from(value.as_str()),
        Variant::Variant(value) => json(value),
        Variant::Array(values) => values.inner().iter().map(json).collect(),
        Variant::Dict(entries) => entries.iter().map(|(key, value)| (word(key), json(value))).collect(),
        Variant::Structure(fields) => fields.fields().iter().map(json).collect(),
        Variant::Fd(_) => Value::from("a file descriptor"),
    }
}

fn word(key: &Variant<'_>) -> String {
    match json(key) {
        Value::String(text) => text,
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json as j;

    use super::*;

    #[test]
    fn every_type_comes_back_as_it_was_given() {
        for (signature, value) in [
            ("y", j!(255)),
            ("b", j!(true)),
            ("n", j!(-32768)),
            ("q", j!(65535)),
            ("i", j!(-1)),
            ("u", j!(4_294_967_295_u32)),
            ("x", j!(i64::MIN)),
            ("t", j!(u64::MAX)),
            ("d", j!(1.5)),
            ("s", j!("grüße")),
            ("o", j!("/org/x")),
            ("g", j!("a{sv}")),
            ("as", j!(["a", "b"])),
            ("ay", j!([1, 2])),
            ("a{si}", j!({"a": 1, "b": 2})),
            ("(sib)", j!(["a", 1, false])),
            ("a(so)", j!([["a", "/x"]])),
            ("v", j!({"k": [1, "two", 3.5]})),
            ("a{sv}", j!({"n": 1, "s": "t", "a": [true]})),
        ] {
            let parsed = Signature::try_from(signature).unwrap();
            assert_eq!(json(&variant(&parsed, &value).expect(signature)), value, "{signature}");
        }
    }

    #[test]
    fn a_variant_has_the_type_that_is_said_or_the_plainest() {
        let kind = |value: Value| any(&value).unwrap().value_signature().to_string();
        assert_eq!(kind(j!({"signature": "u", "value": 5})), "u");
        assert_eq!(kind(j!(5)), "i");
        assert_eq!(kind(j!(5_000_000_000_i64)), "x");
        assert_eq!(kind(j!(u64::MAX)), "t");
        assert_eq!(kind(j!(0.5)), "d");
        assert_eq!(kind(j!(["a"])), "av");
        assert_eq!(kind(j!({"signature": "u"})), "a{sv}");
        assert!(any(&Value::Null).is_err());
        assert!(any(&j!({"signature": "y", "value": 256})).is_err());
    }

    #[test]
    fn keys_that_are_not_text_come_as_pairs() {
        let signature = Signature::try_from("a{us}").unwrap();
        let value = variant(&signature, &j!([[1, "a"], [2, "b"]])).unwrap();
        assert_eq!(json(&value), j!({"1": "a", "2": "b"}));
        assert!(variant(&signature, &j!([[1]])).is_err());
        assert!(variant(&signature, &j!("x")).is_err());
    }

    #[test]
    fn the_number_of_fields_must_fit() {
        let signature = Signature::try_from("(ss)").unwrap();
        let error = structure(&signature, &[j!("a")]).unwrap_err();
        assert_eq!(error.to_string(), "`ss` takes 2 values, and 1 are given");
    }
}
