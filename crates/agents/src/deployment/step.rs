//! A step, whatever its kind is: looked at, done, taken back.

use op_agent::Failure;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::compose::{Compose, Project};
use super::container::{Container, Found};
use super::kubernetes::{Cluster, Kubernetes};
use super::outlook::{Outlook, Site};
use super::playbook::{Ansible, Hosts};
use super::unit::{Desired, Running};

/// What is to be there, of one kind.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub(super) enum Step {
    /// A unit of systemd.
    Unit(Desired),
    /// A container of docker or podman.
    Container(Container),
    /// Manifests of Kubernetes.
    Kubernetes(Kubernetes),
    /// A project of docker compose.
    Compose(Compose),
    /// A playbook of Ansible.
    Ansible(Ansible),
}

/// What is there, as it is kept.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub(super) enum Seen {
    Unit(Running),
    Container(Found),
    Kubernetes(Cluster),
    Compose(Project),
    Ansible(Hosts),
}

/// What had to be done to take a step back; nothing if everything was so already.
#[derive(Debug, Default, Serialize, JsonSchema)]
pub(super) struct TakenBack {
    /// What was done, a sentence each.
    pub(super) done: Vec<String>,
    /// What was left as it is: somebody else changed it meanwhile, or it could not be taken back and that was accepted.
    pub(super) left: Vec<String>,
}

impl Step {
    /// What it is for. No two steps of a manifest are for the same.
    pub(super) fn target(&self) -> String {
        match self {
            Self::Unit(unit) => unit.target(),
            Self::Container(container) => container.target(),
            Self::Kubernetes(kubernetes) => kubernetes.target(),
            Self::Compose(compose) => compose.target(),
            Self::Ansible(playbook) => playbook.target(),
        }
    }

    /// Refuses what can be seen to be wrong by itself.
    pub(super) fn check(&self) -> Result<(), Failure> {
        match self {
            Self::Unit(unit) => unit.check(),
            Self::Container(container) => container.check(),
            Self::Compose(compose) => compose.check(),
            Self::Kubernetes(_) | Self::Ansible(_) => Ok(()),
        }
    }

    /// Looks at what is there, and says what would change. `last` is what the deployment left behind before.
    pub(super) async fn look(&self, site: Site<'_>, last: Option<&Seen>) -> Result<Outlook, Failure> {
        match self {
            Self::Unit(unit) => unit.look(site).await,
            Self::Container(container) => container.look(site).await,
            Self::Kubernetes(kubernetes) => kubernetes.look(site).await,
            Self::Compose(compose) => {
                let last = if let Some(Seen::Compose(last)) = last { Some(last) } else { None };
                compose.look(site, last).await
            }
            Self::Ansible(playbook) => playbook.look(site).await,
        }
    }

    /// Does it, and says what is there then. When it fails, some of it may be done.
    pub(super) async fn apply(&self, site: Site<'_>, before: &Seen) -> Result<Seen, Failure> {
        match (self, before) {
            (Self::Unit(unit), Seen::Unit(_)) => unit.apply(site).await.map(Seen::Unit),
            (Self::Container(container), Seen::Container(before)) => {
                container.apply(site, before).await.map(Seen::Container)
            }
            (Self::Kubernetes(kubernetes), Seen::Kubernetes(_)) => {
                kubernetes.apply(site).await.map(Seen::Kubernetes)
            }
            (Self::Compose(compose), Seen::Compose(_)) => compose.apply(site).await.map(Seen::Compose),
            (Self::Ansible(playbook), Seen::Ansible(_)) => playbook.apply(site).await.map(Seen::Ansible),
            _ => Err(self.damaged()),
        }
    }

    /// Brings back what was there before. `after` is what was there when it was done; none if nobody knows how far it came.
    pub(super) async fn take_back(
        &self,
        site: Site<'_>,
        before: &Seen,
        after: Option<&Seen>,
    ) -> Result<TakenBack, Failure> {
        match (self, before, after) {
            (Self::Unit(unit), Seen::Unit(before), None) => unit.take_back(site, *before, None).await,
            (Self::Unit(unit), Seen::Unit(before), Some(Seen::Unit(after))) => {
                unit.take_back(site, *before, Some(*after)).await
            }
            (Self::Container(container), Seen::Container(before), None) => {
                container.take_back(site, before, None).await
            }
            (Self::Container(container), Seen::Container(before), Some(Seen::Container(after))) => {
                container.take_back(site, before, Some(after)).await
            }
            (Self::Kubernetes(kubernetes), Seen::Kubernetes(before), None) => {
                kubernetes.take_back(site, before, None).await
            }
            (Self::Kubernetes(kubernetes), Seen::Kubernetes(before), Some(Seen::Kubernetes(after))) => {
                kubernetes.take_back(site, before, Some(after)).await
            }
            (Self::Compose(compose), Seen::Compose(before), _) => compose.take_back(site, before).await,
            (Self::Ansible(playbook), Seen::Ansible(before), _) => playbook.take_back(site, before).await,
            _ => Err(self.damaged()),
        }
    }

    /// Lets go of what was set aside for bringing it back.
    pub(super) async fn forget(&self, site: Site<'_>, before: &Seen) -> Result<(), Failure> {
        match (self, before) {
            (Self::Container(container), Seen::Container(before)) => container.forget(site, before).await,
            _ => Ok(()),
        }
    }

    fn damaged(&self) -> Failure {
        Failure::failed("record_damaged", format!("what was kept of {} is of another kind", self.target()))
    }
}

impl Seen {
    /// Whether what is there now is what was there then, as far as deployments care.
    pub(super) fn is_like(&self, then: &Self) -> bool {
        match (self, then) {
            (Self::Compose(now), Self::Compose(then)) => now.is_like(then),
            (Self::Kubernetes(now), Self::Kubernetes(then)) => now.is_like(then),
            _ => self == then,
        }
    }
}
