//! What an agent says of itself, checked.

use std::collections::BTreeMap;
use std::sync::Arc;

use op_plan::catalogue::KnownOperations;
use op_plan::{Effects, Operation, Risk};
use op_proto::agent::v1::{self as wire, DescribeResponse, OperationDescription};

use crate::fault::{Fault, FaultKind};

/// What an agent says of itself.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Described {
    pub(crate) version: String,
    pub(crate) operations: KnownOperations,
    /// How many operations it performs side by side; 0 leaves it to the hub.
    pub(crate) max_concurrent: u32,
}

/// Reads the description of the agent that should be called `name`.
pub(crate) fn described(name: &str, said: DescribeResponse) -> Result<Described, Fault> {
    if said.name != name {
        let reason = format!("whoever listens there is called `{}`, not `{name}`", said.name);
        return Err(Fault::new(FaultKind::Refused, reason));
    }
    let mut operations = BTreeMap::new();
    for operation in said.operations {
        let name = operation.name.clone();
        let read = operation_of(operation).map_err(|what| {
            Fault::new(FaultKind::Refused, format!("the agent describes `{name}` wrongly: {what}"))
        })?;
        if operations.insert(name.clone(), Arc::new(read)).is_some() {
            return Err(Fault::new(FaultKind::Refused, format!("the agent describes `{name}` twice")));
        }
    }
    Ok(Described {
        version: said.version,
        operations: Arc::new(operations),
        max_concurrent: said.max_concurrent,
    })
}

/// The operations in a description, for agents whose description is known before they are connected.
///
/// # Errors
/// When the description is wrong, in one sentence.
pub fn known(said: DescribeResponse) -> Result<KnownOperations, String> {
    let name = said.name.clone();
    described(&name, said).map(|described| described.operations).map_err(|fault| fault.reason)
}

fn operation_of(said: OperationDescription) -> Result<Operation, String> {
    let effects = match said.effects() {
        wire::Effects::Read => Effects::Read,
        wire::Effects::Write => Effects::Write,
        wire::Effects::External => Effects::External,
        wire::Effects::Unspecified => return Err("it does not say what it touches".to_owned()),
    };
    let risk = match said.risk() {
        wire::Risk::Unspecified => Risk::of(effects),
        wire::Risk::Low => Risk::Low,
        wire::Risk::Medium => Risk::Medium,
        wire::Risk::High => Risk::High,
        wire::Risk::Critical => Risk::Critical,
    };
    Ok(Operation {
        input: schema("input", &said.input_schema)?,
        output: schema("output", &said.output_schema)?,
        description: said.description,
        effects,
        risk,
        idempotent: said.idempotent,
        streaming: said.streaming,
        undo: Some(said.undo).filter(|undo| !undo.is_empty()),
        unavailable: Some(said.unavailable).filter(|why| !why.is_empty()),
    })
}

/// A schema that is left out allows anything.
fn schema(which: &str, text: &str) -> Result<serde_json::Value, String> {
    if text.is_empty() {
        return Ok(serde_json::Value::Bool(true));
    }
    serde_json::from_str(text).map_err(|error| format!("its {which} schema is no JSON: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn operation(name: &str) -> OperationDescription {
        OperationDescription {
            name: name.into(),
            input_schema: r#"{"type":"object"}"#.into(),
            effects: wire::Effects::Write.into(),
            undo: "undo_it".into(),
            ..OperationDescription::default()
        }
    }

    fn read(operations: Vec<OperationDescription>) -> Result<Described, Fault> {
        described("a", DescribeResponse { name: "a".into(), operations, ..DescribeResponse::default() })
    }

    #[test]
    fn a_description_is_read_in_full() {
        let described = read(vec![operation("do_it")]).expect("a right description");
        let read = &described.operations["do_it"];
        assert_eq!(read.effects, Effects::Write);
        assert_eq!(read.undo.as_deref(), Some("undo_it"));
        assert_eq!(read.unavailable, None);
        assert_eq!(read.input, serde_json::json!({"type": "object"}));
    }

    #[test]
    fn a_risk_that_is_not_told_follows_what_is_touched() {
        let told = |effects: wire::Effects, risk: wire::Risk| {
            let said = OperationDescription { effects: effects.into(), risk: risk.into(), ..operation("x") };
            read(vec![said]).expect("a right description").operations["x"].risk
        };
        assert_eq!(told(wire::Effects::Read, wire::Risk::Unspecified), Risk::Low);
        assert_eq!(told(wire::Effects::Write, wire::Risk::Unspecified), Risk::Medium);
        assert_eq!(told(wire::Effects::External, wire::Risk::Unspecified), Risk::Medium);
        assert_eq!(told(wire::Effects::Read, wire::Risk::Critical), Risk::Critical);
    }

    #[test]
    fn a_wrong_description_is_refused_with_the_operation_and_what_is_wrong() {
        let garbage = OperationDescription { output_schema: "{".into(), ..operation("x") };
        let silent = OperationDescription { effects: 0, ..operation("x") };
        for (operations, what) in [
            (vec![garbage], "output schema"),
            (vec![silent], "touches"),
            (vec![operation("x"), operation("x")], "twice"),
        ] {
            let fault = read(operations).expect_err(what);
            assert!(fault.reason.contains("`x`") && fault.reason.contains(what), "{fault}");
        }
    }

    #[test]
    fn an_agent_of_another_name_is_refused() {
        let fault = described("b", DescribeResponse { name: "a".into(), ..DescribeResponse::default() });
        assert_eq!(fault.expect_err("another name").kind, FaultKind::Refused);
    }
}
