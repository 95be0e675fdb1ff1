//! Operations with typed ports: what workflows and debates are made of.

use std::collections::BTreeMap;

use op_plan::{Effects, Operation};
use serde_json::{Value, json};

use super::operation;

/// The tools with ports, by name.
pub(super) fn tools() -> BTreeMap<String, Operation> {
    let text = || json!({ "type": "string" });
    let texts = || json!({ "type": "array", "items": { "type": "string" } });
    let whole = || json!({ "type": "integer", "minimum": 0 });
    let maybe = || json!({ "type": ["string", "null"] });
    let built = json!({ "artifact": text(), "artifacts": texts(), "warnings": whole(), "path": text() });
    let cargo =
        json!({ "path": text(), "release": { "type": "boolean" }, "package": maybe(), "features": texts() });
    let tested = json!({ "passed": whole(), "failed": whole(), "ignored": whole(), "path": text() });
    let image = json!({ "tag": text(), "context": text(), "file": maybe(),
        "build_args": { "type": "object", "additionalProperties": { "type": "string" } } });
    let program = json!({ "image": text(), "id": text(), "program": { "$ref": "#/$defs/Kind" } });
    let push = json!({ "image": text(), "registry": maybe() });
    let pushed = json!({ "reference": text(), "digest": text() });
    let apply = json!({ "manifest": text(), "namespace": maybe(), "context": maybe() });
    let applied = json!({ "applied": { "type": "array", "items": { "type": "object", "properties": {
        "kind": { "type": "string" }, "name": { "anyOf": [{ "type": "string" }, { "type": "null" }] } } } },
        "previous": { "type": "array" } });
    let unit = json!({ "unit": text(), "action": { "enum": ["start", "stop", "restart"] }, "bus": { "enum": ["system", "session"] } });
    let state = json!({ "unit": text(), "active_state": text(), "previous_state": text() });
    let log = json!({ "message": text(), "level": { "enum": ["info", "warn", "error"] } });
    let weigh = json!({ "positions": { "type": "array", "items": { "anyOf": [{ "type": "object" }, { "type": "null" }] } },
        "threshold": { "type": "number" } });
    let weighed = json!({ "reached": { "type": "boolean" }, "score": { "type": "number" }, "text": text() });
    let undo = || json!({ "arguments": {}, "output": {} });
    let request = json!({ "url": text(), "method": text() });
    let response = json!({ "status": whole(), "body": text(), "ok": { "$ref": "#/$defs/Ok" } });
    let call =
        json!({ "destination": text(), "path": text(), "interface": text(), "method": text(), "args": {} });
    let made = [
        ("cargo_build", ports(&cargo, &[], &built)),
        ("cargo_test", ports(&json!({ "path": text() }), &[], &tested)),
        ("docker_build", undone(ports(&image, &["tag", "context"], &program), "docker_remove_image")),
        ("docker_remove_image", ports(&undo(), &["arguments", "output"], &json!({}))),
        ("docker_push", ports(&push, &["image"], &pushed)),
        ("kubectl_apply", undone(ports(&apply, &["manifest"], &applied), "tools.kubectl_restore")),
        ("kubectl_restore", ports(&undo(), &["arguments", "output"], &json!({}))),
        ("systemd_unit", undone(ports(&unit, &["unit", "action"], &state), "systemd_unit_restore")),
        ("systemd_unit_restore", ports(&undo(), &["arguments", "output"], &json!({}))),
        ("log", ports(&log, &["message"], &json!({ "message": text() }))),
        ("consensus", ports(&weigh, &["positions"], &weighed)),
        ("http_request", Operation { effects: Effects::External, ..ports(&request, &["url"], &response) }),
        ("dbus_call", ports(&call, &["destination", "path"], &json!({ "value": {} }))),
    ];
    made.into_iter().map(|(name, operation)| (name.to_owned(), operation)).collect()
}

/// What the agent `debater` does: `argue` takes what it is told and no more, `listen` the question alone, `speak` takes anything.
pub(super) fn debater() -> BTreeMap<String, Operation> {
    let input = json!({ "question": { "type": "string" }, "participant": { "type": "string" },
        "kind": { "type": "string" }, "others": { "type": "array" }, "model": { "type": ["string", "null"] } });
    let argue = ports(&input, &["question"], &json!({ "position": { "type": "string" } }));
    let open = operation(&json!({ "type": "object" }));
    let listen = ports(&json!({ "question": { "type": "string" } }), &["question"], &json!({}));
    let made = [("argue", argue), ("listen", listen), ("speak", open)];
    made.into_iter().map(|(name, made)| (name.to_owned(), made)).collect()
}

/// An operation with the given properties on both sides.
fn ports(input: &Value, required: &[&str], output: &Value) -> Operation {
    let input =
        json!({ "type": "object", "additionalProperties": false, "properties": input, "required": required });
    let output = json!({ "type": "object", "properties": output,
        "$defs": { "Kind": { "enum": ["docker", "podman"] }, "Ok": { "type": "boolean" } } });
    Operation { output, ..operation(&input) }
}

fn undone(operation: Operation, by: &str) -> Operation {
    Operation { undo: Some(by.to_owned()), effects: Effects::Write, ..operation }
}
