//! Manifests of Kubernetes, by kubectl.

use std::collections::BTreeMap;
use std::path::PathBuf;

use op_agent::Failure;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::outlook::{Outlook, Site, digest};
use super::step::{Seen, TakenBack};
use crate::kubectl::{Applied, Change, Kubectl, Object, Reference};

/// Objects that are to be in a cluster.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Kubernetes {
    /// The manifest, a file or a directory of files; a relative path starts at the first root.
    manifest: PathBuf,
    /// The namespace of objects that name none.
    namespace: Option<String>,
    /// The context of kubectl's settings that names the cluster; the current one by default.
    context: Option<String>,
}

/// The objects of a manifest that are in a cluster. What is in secrets is not kept.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Cluster {
    objects: Vec<Object>,
    /// Digests of the secrets, by their names.
    secrets: BTreeMap<String, String>,
    /// What the manifest names and is not there.
    missing: Vec<Reference>,
}

impl Kubernetes {
    pub(super) fn target(&self) -> String {
        let context = self.context.as_ref().map(|context| format!(" in {context}")).unwrap_or_default();
        let namespace = self.namespace.as_ref().map(|name| format!(" ({name})")).unwrap_or_default();
        format!("kubernetes {}{context}{namespace}", self.manifest.display())
    }

    pub(super) async fn look(&self, site: Site<'_>) -> Result<Outlook, Failure> {
        let (kubectl, manifest) = self.kubectl(site)?;
        let now = kubectl.get(&manifest).await?;
        let then = kubectl.dry_run(&manifest).await?;
        let old: BTreeMap<_, _> = now.iter().map(|object| (object.reference(), object)).collect();
        let (mut changes, mut missing, mut lost) = (Vec::new(), Vec::new(), Vec::new());
        for object in &then {
            let reference = object.reference();
            match old.get(&reference) {
                None => {
                    changes.push(format!("{reference} would be created"));
                    missing.push(reference);
                }
                Some(old) if *old == object => {}
                Some(_) => {
                    changes.push(format!("{reference} would be changed"));
                    lost.extend(object.is_secret().then(|| reference.to_string()));
                }
            }
        }
        let irreversible =
            (!lost.is_empty()).then(|| format!("what is in secrets is not kept: {}", lost.join(", ")));
        let intent = digest(&then);
        Ok(Outlook { seen: Seen::Kubernetes(Cluster::of(now, missing)), intent, changes, irreversible })
    }

    pub(super) async fn apply(&self, site: Site<'_>) -> Result<Cluster, Failure> {
        let (kubectl, manifest) = self.kubectl(site)?;
        kubectl.apply_whole(&manifest).await?;
        Ok(Cluster::of(kubectl.get(&manifest).await?, Vec::new()))
    }

    pub(super) async fn take_back(
        &self,
        site: Site<'_>,
        before: &Cluster,
        after: Option<&Cluster>,
    ) -> Result<TakenBack, Failure> {
        let kubectl = Kubectl::new(site.desk, site.call, self.context.as_deref(), self.namespace.as_deref())?;
        let is_changed = |object: &&Object| after.is_none_or(|after| !after.objects.contains(object));
        let changed: Vec<Object> = before.objects.iter().filter(is_changed).cloned().collect();
        let named: Vec<Value> = changed.iter().map(Object::as_value).cloned().collect();
        let made: Vec<Value> = before.missing.iter().map(Reference::as_value).collect();
        let now = kubectl.find(&[named, made].concat()).await?;
        let is_so = |object: &Object| now.contains(object);
        let is_there = |reference: &&Reference| now.iter().any(|object| object.reference() == **reference);
        let changed: Vec<Object> = changed.into_iter().filter(|object| !is_so(object)).collect();
        let made = before.missing.iter().filter(is_there).cloned();
        let applied: Vec<Applied> = made.map(|object| Applied { object, change: Change::Created }).collect();
        let restored = kubectl.restore(&applied, &changed).await?;
        let done = restored.restored.iter().map(|name| format!("{name} is as it was"));
        let gone = restored.deleted.iter().map(|name| format!("{name} was deleted"));
        let left = before.lost(after).into_iter();
        let left = left.map(|name| format!("what was in {name} is not kept: apply it as it was"));
        Ok(TakenBack { done: done.chain(gone).collect(), left: left.collect() })
    }

    fn kubectl<'a>(&self, site: Site<'a>) -> Result<(Kubectl<'a>, String), Failure> {
        let manifest = format!("--filename={}", site.desk.roots.existing(&self.manifest)?.display());
        let kubectl = Kubectl::new(site.desk, site.call, self.context.as_deref(), self.namespace.as_deref())?;
        Ok((kubectl, manifest))
    }
}

impl Cluster {
    fn of(objects: Vec<Object>, missing: Vec<Reference>) -> Self {
        let (secrets, objects): (Vec<_>, Vec<_>) = objects.into_iter().partition(Object::is_secret);
        let secrets = secrets.iter().map(|secret| (secret.reference().to_string(), digest(secret))).collect();
        Self { objects, secrets, missing }
    }

    /// Whether the same objects are there with the same content.
    pub(super) fn is_like(&self, then: &Self) -> bool {
        self.objects == then.objects && self.secrets == then.secrets
    }

    /// The secrets that were changed; where nobody knows what came after, any may have been.
    fn lost(&self, after: Option<&Self>) -> Vec<String> {
        let changed = self
            .secrets
            .iter()
            .filter(|(name, digest)| after.is_none_or(|after| after.secrets.get(*name) != Some(digest)));
        changed.map(|(name, _)| name.clone()).collect()
    }
}
