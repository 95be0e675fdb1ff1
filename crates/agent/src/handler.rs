//! Typed functions behind one untyped face: JSON text in, JSON text or a failure out.

use std::future::{Future, ready};
use std::pin::Pin;

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::{Call, Failure};

/// Largest value or detail of an outcome, as JSON. Anything larger belongs into a file or the output.
pub(crate) const MAX_VALUE: usize = 4 << 20;

/// One performance of an operation.
pub(crate) type Work = Pin<Box<dyn Future<Output = Result<String, Failure>> + Send>>;

/// An operation's function; takes the arguments as JSON text.
pub(crate) type Handler = Box<dyn Fn(Call, &str) -> Work + Send + Sync>;

/// A function made untyped, with the schemas of what it takes and returns.
pub(crate) struct Typed {
    pub(crate) handler: Handler,
    pub(crate) input_schema: String,
    pub(crate) output_schema: String,
}

/// Makes a typed function untyped.
pub(crate) fn untyped<A, R, F, Fut>(function: F) -> Typed
where
    F: Fn(Call, A) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<R, Failure>> + Send + 'static,
    A: DeserializeOwned + JsonSchema,
    R: Serialize + JsonSchema,
{
    let input = SchemaSettings::draft2020_12().for_deserialize().into_generator().into_root_schema_for::<A>();
    let output = SchemaSettings::draft2020_12().for_serialize().into_generator().into_root_schema_for::<R>();
    let hint = hint(&input);
    let handler = move |call: Call, arguments: &str| -> Work {
        match parse::<A>(arguments) {
            Ok(arguments) => {
                let work = function(call, arguments);
                Box::pin(async move { encode(&work.await?) })
            }
            Err(failure) => Box::pin(ready(Err(failure.hint(hint.as_str())))),
        }
    };
    Typed {
        handler: Box::new(handler),
        input_schema: input.as_value().to_string(),
        output_schema: output.as_value().to_string(),
    }
}

fn parse<A: DeserializeOwned>(arguments: &str) -> Result<A, Failure> {
    // A struct would also read from an array, field by field; the protocol knows arguments by name only.
    if !arguments.trim_start().starts_with('{') {
        return Err(Failure::rejected("invalid_arguments", "the arguments are not a JSON object"));
    }
    serde_json::from_str(arguments).map_err(|_| locate::<A>(arguments))
}

/// Reads wrong arguments once more, this time keeping track of where.
fn locate<A: DeserializeOwned>(arguments: &str) -> Failure {
    let deserializer = &mut serde_json::Deserializer::from_str(arguments);
    let message = match serde_path_to_error::deserialize::<_, A>(deserializer) {
        Ok(_) => "there is text behind the arguments".to_owned(),
        Err(error) => match error.path().to_string().as_str() {
            "." => error.inner().to_string(),
            path => format!("argument `{path}`: {}", error.inner()),
        },
    };
    Failure::rejected("invalid_arguments", message)
}

/// Lists the arguments that a schema knows.
fn hint(schema: &Schema) -> String {
    let Some(properties) = schema.get("properties").and_then(Value::as_object).filter(|all| !all.is_empty())
    else {
        return "the operation takes no arguments by name; see its input schema".to_owned();
    };
    let required = schema.get("required").and_then(Value::as_array);
    let names = properties.keys().map(|name| {
        let needed = required.is_some_and(|all| all.iter().any(|one| one.as_str() == Some(name)));
        if needed { format!("`{name}`") } else { format!("`{name}` (optional)") }
    });
    format!("it takes {}", names.collect::<Vec<_>>().join(", "))
}

fn encode(value: &impl Serialize) -> Result<String, Failure> {
    let text = serde_json::to_string(value)
        .map_err(|error| Failure::failed("invalid_value", format!("the value is not JSON: {error}")))?;
    if text.len() <= MAX_VALUE {
        return Ok(text);
    }
    let message =
        format!("the value has {} bytes as JSON; an outcome carries at most {MAX_VALUE}", text.len());
    Err(Failure::failed("value_too_large", message).hint("ask for less at a time"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, serde::Deserialize, JsonSchema)]
    #[serde(deny_unknown_fields)]
    #[allow(dead_code, reason = "only read into")]
    struct Args {
        path: String,
        limit: Option<u32>,
    }

    fn refusal(arguments: &str) -> String {
        let failure = parse::<Args>(arguments).expect_err(arguments);
        assert_eq!((failure.kind(), failure.reason()), (crate::Kind::Rejected, "invalid_arguments"));
        failure.message().to_owned()
    }

    #[test]
    fn a_wrong_argument_is_named() {
        assert!(refusal(r#"{"path": 5}"#).contains("argument `path`: invalid type: integer `5`"));
        assert!(refusal(r#"{"path": "x", "limit": "y"}"#).contains("`limit`"));
        assert!(refusal("{}").contains("missing field `path`"));
        assert!(refusal(r#"{"path": "x", "pth": 1}"#).contains("unknown field `pth`"));
    }

    #[test]
    fn arguments_are_an_object_and_nothing_else() {
        for text in ["", "null", r#"["x", 1]"#, r#""x""#] {
            assert!(refusal(text).contains("not a JSON object"), "{text}");
        }
        assert!(refusal(r#"{"path": "x"} {}"#).contains("behind"));
        assert!(refusal(r#"{"path": "#).contains("EOF"));
        assert!(parse::<Args>(r#" {"path": "x"} "#).is_ok());
    }

    #[test]
    fn the_hint_lists_the_arguments() {
        let schema = schemars::schema_for!(Args);
        assert_eq!(hint(&schema), "it takes `limit` (optional), `path`");
    }

    #[test]
    fn a_value_above_the_limit_is_a_failure() {
        assert_eq!(encode(&"x".repeat(MAX_VALUE - 2)).map(|text| text.len()), Ok(MAX_VALUE));
        let failure = encode(&"x".repeat(MAX_VALUE)).expect_err("two bytes too many");
        assert_eq!((failure.kind(), failure.reason()), (crate::Kind::Failed, "value_too_large"));
    }
}
