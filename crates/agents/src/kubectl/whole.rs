//! A manifest that is applied whole or not at all.

use std::collections::BTreeMap;

use op_agent::Failure;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{Applied, Change, Kubectl, Object, Restored};
use crate::process::Ended;

/// How much of what was there before can be answered, as JSON: an outcome carries 4 MiB.
const AFFORDABLE: usize = 3 * 1024 * 1024;

/// A manifest that was applied.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct KubectlApplied {
    /// Its objects, and what became of each.
    pub(crate) applied: Vec<Applied>,
    /// The objects that were changed, as they were before; secrets are not among them.
    pub(crate) previous: Vec<Object>,
}

impl Kubectl<'_> {
    /// Applies a manifest. When kubectl fails half-way, what it had applied is taken back.
    pub(crate) async fn apply_whole(&self, manifest: &str) -> Result<KubectlApplied, Failure> {
        let before = self.get(manifest).await?;
        affordable(&before)?;
        let ended = self.apply(manifest).await?;
        if ended.status.success() {
            return Ok(compared(&before, &self.get(manifest).await?));
        }
        let taken_back = match self.get(manifest).await {
            Ok(after) => {
                let done = compared(&before, &after);
                self.restore(&done.applied, &done.previous).await
            }
            Err(failure) => Err(failure),
        };
        Err(failed(&ended, taken_back))
    }
}

/// What became of each object, and what there must be to take it back.
fn compared(before: &[Object], after: &[Object]) -> KubectlApplied {
    let before: BTreeMap<_, _> = before.iter().map(|object| (object.reference(), object)).collect();
    let mut done = KubectlApplied { applied: Vec::new(), previous: Vec::new() };
    for now in after {
        let object = now.reference();
        let change = match before.get(&object) {
            None => Change::Created,
            Some(old) if *old == now => Change::Unchanged,
            Some(old) => {
                done.previous.extend(Some(*old).filter(|old| !old.is_secret()).cloned());
                Change::Configured
            }
        };
        done.applied.push(Applied { object, change });
    }
    done
}

/// Refuses what could not be answered afterwards, and so not be undone.
fn affordable(before: &[Object]) -> Result<(), Failure> {
    let bytes: usize = before.iter().map(|object| json!(object).to_string().len()).sum();
    if bytes <= AFFORDABLE {
        return Ok(());
    }
    let message = format!(
        "what is there now has {bytes} bytes as JSON; at most {AFFORDABLE} can be kept for undoing it"
    );
    Err(Failure::rejected("too_large", message).hint("apply the manifest in parts"))
}

fn failed(ended: &Ended, taken_back: Result<Restored, Failure>) -> Failure {
    let mut detail = ended.detail();
    let message = match taken_back {
        Ok(restored) if restored == Restored::default() => {
            "`kubectl apply` failed and changed nothing".to_owned()
        }
        Ok(restored) => {
            detail["taken_back"] = json!(restored);
            "`kubectl apply` failed; what it had applied is taken back".to_owned()
        }
        Err(failure) => {
            format!(
                "`kubectl apply` failed, and what it had applied is not all taken back: {}",
                failure.message()
            )
        }
    };
    Failure::failed("exit_status", message).detail(detail)
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    fn object(kind: &str, name: &str, data: u32) -> Object {
        let metadata = json!({ "name": name, "namespace": "n" });
        let value = json!({ "apiVersion": "v1", "kind": kind, "metadata": metadata, "data": { "a": data } });
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn each_object_is_told_with_what_became_of_it_and_secrets_are_not_kept() {
        let before = [object("ConfigMap", "a", 1), object("ConfigMap", "b", 1), object("Secret", "c", 1)];
        let after = [
            object("ConfigMap", "a", 1),
            object("ConfigMap", "b", 2),
            object("Secret", "c", 2),
            object("ConfigMap", "d", 1),
        ];
        let done = compared(&before, &after);
        let changes: Vec<Change> = done.applied.iter().map(|applied| applied.change).collect();
        assert_eq!(changes, [Change::Unchanged, Change::Configured, Change::Configured, Change::Created]);
        assert_eq!(done.previous, [object("ConfigMap", "b", 1)]);
    }

    #[test]
    fn what_is_too_large_to_be_kept_is_refused_before_anything_is_done() {
        let large: Object = serde_json::from_value(Value::String("x".repeat(AFFORDABLE))).unwrap();
        assert_eq!(affordable(&[large]).unwrap_err().reason(), "too_large");
        assert!(affordable(&[object("ConfigMap", "a", 1)]).is_ok());
    }
}
