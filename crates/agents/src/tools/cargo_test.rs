//! `cargo_test`: the tests of a package, all of them also when some fail.

use std::path::PathBuf;
use std::sync::Arc;

use op_agent::{Call, Failure};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Desk;
use crate::cargo::{Selection, project, test};

/// What to test.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct CargoTest {
    /// The directory of the package or workspace; a relative path starts at the first root, which is also the default.
    path: PathBuf,
    /// Whether to optimise.
    release: bool,
    /// Only this package of the workspace.
    package: Option<String>,
    /// Features to switch on.
    features: Vec<String>,
    /// Only tests whose name contains this.
    filter: Option<String>,
}

/// Tests of which none failed.
#[derive(Debug, PartialEq, Serialize, JsonSchema)]
pub(super) struct CargoTested {
    /// How many passed.
    passed: u64,
    /// How many failed: none, since tests that fail are a failure of the call.
    failed: u64,
    /// How many were not run.
    ignored: u64,
    /// The directory that was tested.
    path: PathBuf,
}

/// Tests a package or workspace.
pub(super) async fn cargo_test(desk: Arc<Desk>, call: Call, args: CargoTest) -> Result<CargoTested, Failure> {
    let path = project(&desk, &args.path)?;
    let CargoTest { path: _, release, package, features, filter } = args;
    let selection = Selection { path: path.clone(), release, package, features, ..Selection::default() };
    let finished = test(&desk, &call, &selection, "test", filter).await?;
    let tests = finished.tests()?;
    Ok(CargoTested { passed: tests.passed, failed: tests.failed, ignored: tests.ignored, path })
}
