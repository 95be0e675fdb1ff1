//! `test` and `bench`: what the programs of the test harness come to.

use std::sync::Arc;

use op_agent::{Call, Failure};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::json;

use super::arguments::Test;
use crate::cargo::{self, Compiled, Measured, Tests};
use crate::tools::Desk;

/// Tests that passed.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Tested {
    #[serde(flatten)]
    compiled: Compiled,
    /// The tests, counted.
    tests: Tests,
    /// What the test programs said, from its beginning.
    output: String,
}

/// Benchmarks that ran.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Benched {
    #[serde(flatten)]
    compiled: Compiled,
    /// The benchmarks of the standard harness; those of others are in the output.
    benches: Vec<Measured>,
    /// What the benchmarks said, from its beginning.
    output: String,
}

/// Runs the tests, the rest of them also when some fail.
pub(super) async fn test(desk: Arc<Desk>, call: Call, mut args: Test) -> Result<Tested, Failure> {
    let filter = args.filter.take();
    let finished = cargo::test(&desk, &call, &args.selection(), "test", filter).await?;
    let tests = finished.tests()?.clone();
    Ok(Tested { compiled: finished.compiled(), tests, output: finished.said() })
}

/// Runs the benchmarks.
pub(super) async fn bench(desk: Arc<Desk>, call: Call, mut args: Test) -> Result<Benched, Failure> {
    let filter = args.filter.take();
    let finished = cargo::test(&desk, &call, &args.selection(), "bench", filter).await?;
    let output = finished.said();
    if finished.status.success() {
        return Ok(Benched {
            compiled: finished.compiled(),
            benches: finished.messages.tally.measured,
            output,
        });
    }
    let detail = finished.detail(json!({ "output": output }));
    Err(Failure::failed("bench_failed", "a benchmark failed").detail(detail))
}
