//! `kubectl_apply` and `kubectl_restore`: a manifest applied whole or not at all, and taken back.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use op_agent::{Call, Failure};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::Desk;
use super::kubectl::{Applied, Change, Kubectl, Object, Restored};
use super::undo::Undo;
use crate::process::Ended;

/// How much of what was there before can be answered, as JSON: an outcome carries 4 MiB.
const AFFORDABLE: usize = 3 * 1024 * 1024;

/// What to apply, where.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct KubectlApply {
    /// The manifest, a file or a directory of files; a relative path starts at the first root.
    manifest: PathBuf,
    /// The namespace of objects that name none.
    namespace: Option<String>,
    /// The context of kubectl's settings that names the cluster; the current one by default.
    context: Option<String>,
}

/// A manifest that was applied.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(super) struct KubectlApplied {
    /// Its objects, and what became of each.
    applied: Vec<Applied>,
    /// The objects that were changed, as they were before; secrets are not among them.
    previous: Vec<Object>,
}

/// Applies a manifest. When kubectl fails half-way, what it had applied is taken back.
pub(super) async fn kubectl_apply(
    desk: Arc<Desk>,
    call: Call,
    args: KubectlApply,
) -> Result<KubectlApplied, Failure> {
    let manifest = format!("--filename={}", desk.roots.existing(&args.manifest)?.display());
    let kubectl = args.kubectl(&desk, &call)?;
    let before = kubectl.get(&manifest).await?;
    affordable(&before)?;
    let ended = kubectl.apply(&manifest).await?;
    if ended.status.success() {
        return Ok(compared(&before, &kubectl.get(&manifest).await?));
    }
    let taken_back = match kubectl.get(&manifest).await {
        Ok(after) => {
            let done = compared(&before, &after);
            kubectl.restore(&done.applied, &done.previous).await
        }
        Err(failure) => Err(failure),
    };
    Err(failed(&ended, taken_back))
}

/// Undoes `kubectl_apply`: what was changed is applied as it was, what was made is deleted.
pub(super) async fn kubectl_restore(
    desk: Arc<Desk>,
    call: Call,
    args: Undo<KubectlApply, KubectlApplied>,
) -> Result<Restored, Failure> {
    let KubectlApplied { applied, previous } = args.output;
    args.arguments.kubectl(&desk, &call)?.restore(&applied, &previous).await
}

impl KubectlApply {
    fn kubectl<'a>(&self, desk: &'a Desk, call: &'a Call) -> Result<Kubectl<'a>, Failure> {
        Kubectl::new(desk, call, self.context.as_deref(), self.namespace.as_deref())
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
