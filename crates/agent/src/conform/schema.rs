//! The schemas of arguments and values, judged by the meta-schema of their own language.

use jsonschema::draft202012;
use op_proto::agent::v1::{DescribeResponse, OperationDescription};
use serde_json::Value;

use super::report::{Checked, Gap, short};

/// The one dialect.
const DIALECT: &str = "https://json-schema.org/draft/2020-12/schema";

/// Every schema that is there is a JSON Schema of 2020-12. One that is left out allows anything.
pub(super) fn schemas(agent: &DescribeResponse) -> Checked {
    let mut judged = 0;
    for operation in &agent.operations {
        for (which, text) in [("input", &operation.input_schema), ("output", &operation.output_schema)] {
            if !text.is_empty() {
                judge(&operation.name, which, text)?;
                judged += 1;
            }
        }
    }
    Ok(format!("{judged} schemas"))
}

fn judge(operation: &str, which: &str, text: &str) -> Result<(), Gap> {
    let expected = || format!("a JSON Schema (2020-12) as the {which} schema of `{operation}`");
    let schema: Value =
        serde_json::from_str(text).map_err(|error| short(expected(), format!("no JSON: {error}")))?;
    if let Some(dialect) = schema.get("$schema").and_then(Value::as_str)
        && dialect.trim_end_matches('#') != DIALECT
    {
        return Err(short(expected(), format!("one of {dialect}")));
    }
    let wrong = |error: &dyn std::fmt::Display| short(expected(), error.to_string());
    draft202012::meta::validate(&schema).map_err(|error| wrong(&error))?;
    // References that lead nowhere show only when it is put to use.
    draft202012::new(&schema).map_err(|error| wrong(&error))?;
    Ok(())
}

/// Whether a value is as its operation says. An unusable schema has been told of already.
pub(super) fn fits(operation: &OperationDescription, value: &str) -> Result<(), Gap> {
    let Ok(schema) = serde_json::from_str::<Value>(&operation.output_schema) else { return Ok(()) };
    let (Ok(validator), Ok(value)) = (draft202012::new(&schema), serde_json::from_str::<Value>(value)) else {
        return Ok(());
    };
    validator.validate(&value).map_err(|error| {
        short(format!("a value that fits the output schema of `{}`", operation.name), error.to_string())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(schema: &str) -> Checked {
        let operation =
            OperationDescription { input_schema: schema.to_owned(), ..OperationDescription::default() };
        schemas(&DescribeResponse { operations: vec![operation], ..DescribeResponse::default() })
    }

    #[test]
    fn schemas_of_the_dialect_are_told_from_what_is_none() {
        let fine = [
            "",
            "{}",
            "true",
            r#"{"$schema": "https://json-schema.org/draft/2020-12/schema", "type": "object"}"#,
        ];
        for schema in fine {
            assert!(judged(schema).is_ok(), "{schema}: {:?}", judged(schema));
        }
        let wrong = [
            "{",
            "[]",
            r#"{"type": "strong"}"#,
            r#"{"required": "a"}"#,
            r##"{"$ref": "#/$defs/nowhere"}"##,
            r#"{"$schema": "http://json-schema.org/draft-07/schema#"}"#,
        ];
        for schema in wrong {
            assert!(judged(schema).is_err(), "{schema}");
        }
    }

    #[test]
    fn a_value_is_held_to_its_schema() {
        let operation = OperationDescription {
            output_schema: r#"{"type": "string"}"#.into(),
            ..OperationDescription::default()
        };
        assert!(fits(&operation, "\"a\"").is_ok());
        assert!(fits(&operation, "1").is_err());
    }
}
