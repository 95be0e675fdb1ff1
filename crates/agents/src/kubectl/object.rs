//! Objects of a cluster, as kubectl writes them.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::process::Kept;

/// Where kubectl keeps what it applied last. It writes that itself when it applies.
const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// What the cluster writes into an object by itself. Applied again, some of it would be taken for a claim that nobody changed the
/// object meanwhile.
const OWN: [&str; 6] =
    ["creationTimestamp", "generation", "managedFields", "resourceVersion", "selfLink", "uid"];

/// Which object.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Reference {
    /// The version of its kind, such as `apps/v1`.
    api_version: String,
    /// Its kind, such as `Deployment`.
    kind: String,
    /// Its namespace; null for objects of the whole cluster.
    namespace: Option<String>,
    /// Its name.
    name: String,
}

/// An object, without what the cluster writes into it by itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub(crate) struct Object(Value);

impl Reference {
    /// The least that names the object to kubectl.
    pub(crate) fn as_value(&self) -> Value {
        let mut metadata = json!({ "name": self.name });
        if let Some(namespace) = &self.namespace {
            metadata["namespace"] = json!(namespace);
        }
        json!({ "apiVersion": self.api_version, "kind": self.kind, "metadata": metadata })
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.namespace {
            Some(namespace) => write!(f, "{} {namespace}/{}", self.kind, self.name),
            None => write!(f, "{} {}", self.kind, self.name),
        }
    }
}

impl Object {
    fn new(mut value: Value) -> Self {
        if let Some(object) = value.as_object_mut() {
            object.remove("status");
        }
        if let Some(metadata) = value.get_mut("metadata").and_then(Value::as_object_mut) {
            OWN.iter().for_each(|name| drop(metadata.remove(*name)));
            if let Some(annotations) = metadata.get_mut("annotations").and_then(Value::as_object_mut) {
                annotations.remove(LAST_APPLIED);
                if annotations.is_empty() {
                    metadata.remove("annotations");
                }
            }
        }
        Self(value)
    }

    /// The object as JSON.
    pub(crate) fn as_value(&self) -> &Value {
        &self.0
    }

    /// Which one it is.
    pub(crate) fn reference(&self) -> Reference {
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let metadata = &self.0["metadata"];
        Reference {
            api_version: text(&self.0["apiVersion"]).unwrap_or_default(),
            kind: text(&self.0["kind"]).unwrap_or_default(),
            namespace: text(&metadata["namespace"]),
            name: text(&metadata["name"]).unwrap_or_default(),
        }
    }

    /// Whether it holds what must not be written down.
    pub(crate) fn is_secret(&self) -> bool {
        self.0["kind"] == "Secret"
    }
}

/// Reads what kubectl writes: nothing, one object, or a list of them.
pub(super) fn read(said: &Kept) -> Result<Vec<Object>, String> {
    if said.dropped > 0 {
        return Err(format!(
            "the objects are too large to be read: {} bytes more than {}",
            said.dropped,
            said.bytes.len()
        ));
    }
    if said.bytes.trim_ascii().is_empty() {
        return Ok(Vec::new());
    }
    let mut value: Value = serde_json::from_slice(&said.bytes)
        .map_err(|error| format!("what kubectl says about the objects is no JSON: {error}"))?;
    match value.get_mut("items").map(Value::take) {
        Some(Value::Array(items)) if value["kind"] == "List" => {
            Ok(items.into_iter().map(Object::new).collect())
        }
        None if value.is_object() => Ok(vec![Object::new(value)]),
        _ => Err("what kubectl says about the objects is neither an object nor a list of them".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn objects(text: &str) -> Result<Vec<Object>, String> {
        read(&Kept { bytes: text.into(), dropped: 0 })
    }

    #[test]
    fn nothing_one_and_many_are_read() {
        assert!(objects("\n").unwrap().is_empty());
        let one = r#"{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a","namespace":"n"}}"#;
        assert_eq!(objects(one).unwrap()[0].reference().to_string(), "ConfigMap n/a");
        assert_eq!(objects(&format!(r#"{{"kind":"List","items":[{one},{one}]}}"#)).unwrap().len(), 2);
        for odd in ["error", "[]", "7", r#"{"kind":"List","items":null}"#] {
            assert!(objects(odd).is_err(), "{odd}");
        }
        assert!(read(&Kept { bytes: one.into(), dropped: 1 }).is_err());
    }

    #[test]
    fn what_the_cluster_writes_by_itself_is_left_out() {
        let full = json!({ "apiVersion": "v1", "kind": "Service", "spec": { "x": 1 }, "status": { "y": 2 },
            "metadata": { "name": "a", "uid": "u", "resourceVersion": "7", "managedFields": [],
                "annotations": { LAST_APPLIED: "{}" }, "labels": { "l": "m" } } });
        let read = objects(&full.to_string()).unwrap().remove(0);
        let expected = json!({ "apiVersion": "v1", "kind": "Service", "spec": { "x": 1 },
            "metadata": { "name": "a", "labels": { "l": "m" } } });
        assert_eq!(read, Object(expected));
    }

    #[test]
    fn a_reference_is_enough_to_name_an_object() {
        let value = json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": "a" } });
        assert_eq!(Object(value.clone()).reference().as_value(), value);
    }
}
