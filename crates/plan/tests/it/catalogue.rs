//! The agents that the plans of these tests can name.

mod nodes;

use std::collections::BTreeMap;
use std::sync::Arc;

use op_plan::catalogue::Operations;
use op_plan::catalogue::{Brief, Role};
use op_plan::{Catalogue, Effects, Operation, Performer, Risk};
use serde_json::{Value, json};

pub(crate) fn catalogue() -> Catalogue {
    let path = json!({ "type": "object", "properties": { "path": { "type": "string" } } });
    let clippy = json!({ "type": "object", "additionalProperties": false, "properties": {
        "path": { "type": "string" },
        "lints": { "type": "array", "items": { "type": "string" } },
        "package": { "type": ["string", "null"] },
        "mode": { "enum": ["fast", "slow"] },
        "limit": { "$ref": "#/$defs/limit" },
        "level": { "anyOf": [{ "type": "integer" }, { "type": "boolean" }] },
    }, "$defs": { "limit": { "type": "integer" } } });
    let read =
        json!({ "type": "object", "required": ["path"], "properties": { "path": { "type": "string" } } });
    let report = json!({ "type": "object", "required": ["reviews"], "properties": {
        "title": { "type": "string" },
        "reviews": { "type": "array", "items": { "type": "object", "properties": { "name": { "type": "string" } } } },
    } });
    let open = json!({ "type": "object" });
    let mut design = operation(&open);
    design.unavailable = Some("no model is configured".to_owned());
    let known = |operations: Vec<(&str, Operation)>| {
        let named = operations.into_iter().map(|(name, operation)| (name.to_owned(), operation));
        Operations::from(named.collect::<BTreeMap<_, _>>())
    };
    let agents = [
        (
            "tools",
            known(vec![
                ("file_read", operation(&read)),
                ("file_write", operation(&open)),
                ("report", operation(&report)),
            ]),
        ),
        (
            "rust_pro",
            known(vec![
                ("build", operation(&path)),
                ("test", operation(&path)),
                ("clippy", operation(&clippy)),
                ("review", operation(&path)),
            ]),
        ),
        (
            "backend_architect",
            known(vec![("analyze", operation(&path)), ("review", operation(&path)), ("design", design)]),
        ),
        ("security_auditor", known(vec![("audit", operation(&path))])),
        ("shredder", known(vec![("shred", Operation { risk: Risk::Critical, ..operation(&open) })])),
        ("sequential_thinking", Operations::Open),
        ("context_manager", Operations::Open),
    ];
    let Operations::Known(tools) = &agents[0].1 else { unreachable!("they are known") };
    let mut tools = BTreeMap::clone(tools);
    tools.extend(nodes::tools().into_iter().map(|(name, operation)| (name, Arc::new(operation))));
    let tools = Operations::Known(Arc::new(tools));
    let agents = agents.into_iter().chain([("tools", tools), ("debater", nodes::debater().into())]);
    let roles = [("reviewer", "backend_architect.review"), ("tester", "rust_pro.test")];
    Catalogue {
        agents: agents.map(|(name, operations)| (name.to_owned(), operations)).collect(),
        roles: roles
            .into_iter()
            .map(|(name, usual)| {
                (name.to_owned(), Role { performer: Performer::parse(usual), brief: Brief::default() })
            })
            .collect(),
        ..Catalogue::default()
    }
}

fn operation(input: &Value) -> Operation {
    Operation {
        description: String::new(),
        input: input.clone(),
        output: json!({}),
        effects: Effects::Read,
        risk: Risk::Low,
        idempotent: true,
        streaming: false,
        undo: None,
        unavailable: None,
    }
}
