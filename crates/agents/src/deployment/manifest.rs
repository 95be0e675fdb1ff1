//! A manifest: the steps of a deployment, as they are written.

use std::collections::BTreeSet;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use op_agent::Failure;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::step::Step;
use crate::tools::{Desk, blocking};

/// Longest manifest, in bytes.
const LONGEST: u64 = 1024 * 1024;

/// Most steps of a manifest.
const STEPS: usize = 100;

/// What is to be there.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Manifest {
    /// The name of the deployment: small letters, digits, `-` and `_`; its revisions are kept under it.
    pub(super) name: String,
    /// What is done, in this order; each step for a target of its own.
    pub(super) steps: Vec<Step>,
}

/// The manifest that a call gives, checked: a file below the roots, in TOML, or in JSON if its name ends so; or the manifest itself.
/// Paths in it start at the first root, wherever it lies.
pub(super) async fn load(
    desk: &Arc<Desk>,
    path: Option<PathBuf>,
    inline: Option<Manifest>,
) -> Result<Manifest, Failure> {
    let manifest = match (path, inline) {
        (Some(path), None) => {
            let desk = Arc::clone(desk);
            blocking(move || read(&desk, &path)).await?
        }
        (None, Some(manifest)) => manifest,
        _ => {
            let message = "a manifest is either a file or stands in the call";
            return Err(invalid(message).hint("give one of `manifest` and `inline`"));
        }
    };
    manifest.check()?;
    Ok(manifest)
}

impl Manifest {
    /// A manifest of one step.
    pub(super) fn of(name: String, step: Step) -> Self {
        Self { name, steps: vec![step] }
    }

    /// Refuses what can be seen to be wrong by itself.
    pub(super) fn check(&self) -> Result<(), Failure> {
        name(&self.name)?;
        if self.steps.is_empty() || self.steps.len() > STEPS {
            let message = format!("a manifest has 1 to {STEPS} steps, and this one has {}", self.steps.len());
            return Err(invalid(message));
        }
        let mut targets = BTreeSet::new();
        for step in &self.steps {
            step.check()?;
            if !targets.insert(step.target()) {
                let message =
                    format!("two steps are for {}, and what was there before is kept once", step.target());
                return Err(invalid(message).hint("put them into one step, or into two manifests"));
            }
        }
        Ok(())
    }
}

/// Whether a deployment may have a name; it is the name of a folder too.
pub(super) fn name(name: &str) -> Result<(), Failure> {
    let plain =
        |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit() || matches!(letter, '-' | '_');
    if !name.is_empty() && name.len() <= 64 && name.chars().all(plain) {
        return Ok(());
    }
    let message = format!("`{name}` is no name of a deployment");
    Err(invalid(message).hint("use small letters, digits, `-` and `_`, 64 at most"))
}

/// Arguments that cannot be right.
pub(super) fn invalid(message: impl Into<String>) -> Failure {
    Failure::rejected("invalid_arguments", message)
}

fn read(desk: &Desk, path: &Path) -> Result<Manifest, Failure> {
    let mut text = String::new();
    let read = desk.roots.open(path)?.take(LONGEST + 1).read_to_string(&mut text);
    read.map_err(|error| Failure::failed("io_error", format!("reading {}: {error}", path.display())))?;
    if text.len() as u64 > LONGEST {
        return Err(invalid(format!("{} is longer than {LONGEST} bytes", path.display())));
    }
    let is_json = path.extension().is_some_and(|extension| extension == "json");
    let manifest = if is_json {
        serde_json::from_str(&text).map_err(|error| error.to_string())
    } else {
        toml::from_str(&text).map_err(|error| error.to_string())
    };
    manifest.map_err(|error| {
        Failure::rejected("invalid_manifest", format!("{} is no manifest: {error}", path.display()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checked(text: &str) -> Result<(), String> {
        let manifest: Manifest = toml::from_str(text).map_err(|error| error.to_string())?;
        manifest.check().map_err(|failure| failure.message().to_owned())
    }

    #[test]
    fn every_kind_of_step_is_read_and_keys_that_nobody_knows_are_not() {
        let good = r#"
            name = "shop"
            [[steps]]
            kind = "unit"
            unit = "nginx"
            active = true
            [[steps]]
            kind = "container"
            name = "web"
            image = "web:1"
            ports = ["8080:80"]
            [[steps]]
            kind = "kubernetes"
            manifest = "k8s"
            [[steps]]
            kind = "compose"
            project = "shop"
            file = "compose.yaml"
            [[steps]]
            kind = "ansible"
            playbook = "site.yml"
        "#;
        checked(good).unwrap();
        let odd = good.replace("active = true", "actve = true");
        assert!(checked(&odd).unwrap_err().contains("actve"));
        assert!(checked(&good.replace("\"unit\"", "\"units\"")).unwrap_err().contains("units"));
    }

    #[test]
    fn what_is_wrong_by_itself_is_refused_before_anything_is_looked_at() {
        let step = "[[steps]]\nkind = \"unit\"\nunit = \"a\"\nactive = true\n";
        for (text, says) in [
            ("name = \"a\"\nsteps = []".to_owned(), "1 to 100 steps"),
            (format!("name = \"A/b\"\n{step}"), "no name of a deployment"),
            (format!("name = \"a\"\n{step}{step}"), "two steps are for"),
            ("name = \"a\"\n[[steps]]\nkind = \"unit\"\nunit = \"a\"\n".to_owned(), "nothing is asked of"),
        ] {
            assert!(checked(&text).unwrap_err().contains(says), "{text}");
        }
    }
}
