//! What a step would do: what is there, what would change, and what could not be brought back.

use op_agent::{Call, Failure};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::manifest::Manifest;
use super::record::Store;
use super::step::Seen;
use crate::tools::Desk;

/// A call at work.
#[derive(Clone, Copy)]
pub(super) struct Site<'a> {
    pub(super) desk: &'a Desk,
    pub(super) call: &'a Call,
}

/// What a step would do.
#[derive(Debug, Clone)]
pub(super) struct Outlook {
    /// What is there now.
    pub(super) seen: Seen,
    /// A digest of what the step would bring about, as far as it can be known.
    pub(super) intent: String,
    /// What would change, a sentence each; none if everything is so already.
    pub(super) changes: Vec<String>,
    /// Why what would change could not be brought back; none if it could be.
    pub(super) irreversible: Option<String>,
}

/// A manifest that was looked at.
#[derive(Debug)]
pub(super) struct Survey {
    pub(super) manifest: Manifest,
    pub(super) outlooks: Vec<Outlook>,
}

/// What a step would do, as it is told.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub(super) struct PlannedStep {
    /// Its number, from 1.
    number: usize,
    /// What it is for, such as `unit nginx.service`.
    target: String,
    /// What would change; empty if everything is so already.
    changes: Vec<String>,
    /// Why that could not be brought back; null if it could be.
    irreversible: Option<String>,
}

impl PlannedStep {
    /// Whether what would change could not be brought back.
    pub(super) fn is_irreversible(&self) -> bool {
        self.irreversible.is_some()
    }
}

impl Survey {
    /// Looks at everything that a manifest names. `store` is what was applied before.
    pub(super) async fn take(
        site: Site<'_>,
        manifest: Manifest,
        store: Option<&Store>,
    ) -> Result<Self, Failure> {
        let mut outlooks = Vec::new();
        for (index, step) in manifest.steps.iter().enumerate() {
            let last = store.map(|store| store.left_behind(&step.target())).transpose()?.flatten();
            let named = |failure: Failure| in_step(index, &step.target(), failure);
            outlooks.push(step.look(site, last.as_ref()).await.map_err(named)?);
        }
        Ok(Self { manifest, outlooks })
    }

    /// Stands for the manifest and for everything that was seen.
    pub(super) fn digest(&self) -> String {
        let seen: Vec<_> = self.outlooks.iter().map(|outlook| (&outlook.seen, &outlook.intent)).collect();
        digest(&(&self.manifest, seen))
    }

    /// How many changes there would be.
    pub(super) fn changes(&self) -> usize {
        self.outlooks.iter().map(|outlook| outlook.changes.len()).sum()
    }

    /// The steps, as they are told.
    pub(super) fn steps(&self) -> Vec<PlannedStep> {
        let steps = self.manifest.steps.iter().zip(&self.outlooks);
        let told = steps.enumerate().map(|(index, (step, outlook))| PlannedStep {
            number: index + 1,
            target: step.target(),
            changes: outlook.changes.clone(),
            irreversible: outlook.irreversible.clone(),
        });
        told.collect()
    }
}

/// A digest of a value.
pub(super) fn digest(value: &impl Serialize) -> String {
    let text = serde_json::to_vec(value).expect("these values have texts as keys");
    Sha256::digest(&text).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A failure that says in which step it was.
pub(super) fn in_step(index: usize, target: &str, failure: Failure) -> Failure {
    failure.within(&format!("step {} ({target})", index + 1))
}
