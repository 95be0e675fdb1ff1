//! `kubectl_apply` and `kubectl_restore`: a manifest applied whole or not at all, and taken back.

use std::path::PathBuf;
use std::sync::Arc;

use op_agent::{Call, Failure};
use schemars::JsonSchema;
use serde::Deserialize;

use super::Desk;
use crate::kubectl::{Kubectl, KubectlApplied, Restored};
use crate::undo::Undo;

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

/// Applies a manifest. When kubectl fails half-way, what it had applied is taken back.
pub(super) async fn kubectl_apply(
    desk: Arc<Desk>,
    call: Call,
    args: KubectlApply,
) -> Result<KubectlApplied, Failure> {
    let manifest = format!("--filename={}", desk.roots.existing(&args.manifest)?.display());
    let kubectl = args.kubectl(&desk, &call)?;
    kubectl.apply_whole(&manifest).await
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
