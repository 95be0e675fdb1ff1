//! `cargo_build`: a package compiled, and the files that came of it.

use std::path::PathBuf;
use std::sync::Arc;

use op_agent::{Call, Failure};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Desk;
use crate::cargo::{Selection, compile, project};

/// What to build.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct CargoBuild {
    /// The directory of the package or workspace; a relative path starts at the first root, which is also the default.
    path: PathBuf,
    /// Whether to optimise.
    release: bool,
    /// Only this package of the workspace.
    package: Option<String>,
    /// Features to switch on.
    features: Vec<String>,
}

/// What was built.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct CargoBuilt {
    /// The main artifact: the first executable, or the first library where there is none.
    artifact: PathBuf,
    /// All of them: executables by path, then libraries, a package before the packages that it needs.
    artifacts: Vec<PathBuf>,
    /// How many warnings there were.
    warnings: usize,
    /// The directory that was built.
    path: PathBuf,
}

/// Builds a package or workspace.
pub(super) async fn cargo_build(
    desk: Arc<Desk>,
    call: Call,
    args: CargoBuild,
) -> Result<CargoBuilt, Failure> {
    let path = project(&desk, &args.path)?;
    let CargoBuild { path: _, release, package, features } = args;
    let selection = Selection { path: path.clone(), release, package, features, ..Selection::default() };
    let finished = compile(&desk, &call, &selection, "build", &[], &[]).await?;
    finished.check()?;
    let counts = finished.compiled().counts;
    let artifacts = finished.messages.artifacts();
    let artifact = artifacts.first().cloned().ok_or_else(|| {
        let message = format!("cargo built no executable and no library of {}", path.display());
        Failure::failed("no_artifact", message).hint("set `path` to the package that is to be built")
    })?;
    Ok(CargoBuilt { artifact, artifacts, warnings: counts.warnings + counts.left_out, path })
}
