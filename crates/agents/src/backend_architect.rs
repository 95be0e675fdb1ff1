//! `backend_architect`: the structure of a repository, read off its manifests, its lockfile and its sources.
//!
//! - `analyze`: the numbers and the structure behind them
//! - `review`: what is wrong with it, with evidence ([`Review`])
//! - `suggest`: what to do about it, the most worthwhile first
//! - `design`: needs a model, and says so
//!
//! Each analysis is a file: what it counts, the thresholds it judges by and why, and its findings.

use op_agent::{Agent, Call, Failure, Operation};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::review::{Review, Unchecked};
use crate::roots::Roots;
use crate::settings::Settings;
use crate::source::{self, Pace, Repository, Stopped};

mod crates;
mod cycle;
mod duplicates;
mod modules;
mod panics;
mod sizes;
mod study;
mod suggest;
mod surface;
mod survey;
mod testing;
mod weight;

use study::Study;
use suggest::Suggestions;

/// Why `design` cannot be performed.
const NO_MODEL: &str = "designing needs a model, and none is configured (setting models in op-dbusd.toml)";

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Place {
    /// The directory of the repository. A relative path starts at the agent's first root.
    path: String,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Requirements {
    /// What the design has to achieve.
    #[expect(dead_code, reason = "part of the operation's schema; nothing reads it until there is a model")]
    requirements: String,
}

/// The structure of a repository in numbers and lists.
#[derive(Serialize, JsonSchema)]
struct Analysis {
    /// In one sentence.
    summary: String,
    /// From 0 to 100: 100 less the cost of every finding, each rule counted up to a bound.
    score: u64,
    /// Numbers, by name.
    metrics: Map<String, Value>,
    /// What the numbers are taken from.
    structure: Study,
    /// What was looked at.
    checked: Vec<String>,
    /// What was not, and why.
    unchecked: Vec<Unchecked>,
}

/// Builds the agent.
pub(crate) fn agent(settings: &Settings) -> Agent {
    let read = |name, about| Operation::read(name, about).idempotent().streaming();
    Agent::new("backend_architect", env!("CARGO_PKG_VERSION"))
        .describe_as("Analyses the structure of a repository: crates, modules, sizes, tests, duplication.")
        .operation(
            read(
                "analyze",
                "Measures a repository: crate graph, modules, sizes, public surface, dependencies, tests.",
            ),
            on(settings.roots(), analyze),
        )
        .operation(
            read(
                "review",
                "Reviews the architecture of a repository: findings with file, line and evidence.",
            ),
            on(settings.roots(), review),
        )
        .operation(
            read("suggest", "Suggests what to change in a repository, ranked by impact and effort."),
            on(settings.roots(), suggest),
        )
        .operation(
            Operation::read("design", "Designs a system by its requirements.").unavailable(NO_MODEL),
            design,
        )
}

/// An operation that does `work` on the repository it is given.
fn on<T: Send + 'static>(
    roots: Roots,
    work: fn(&Repository, &Pace<'_>) -> Result<T, Stopped>,
) -> impl Fn(Call, Place) -> std::pin::Pin<Box<dyn Future<Output = Result<T, Failure>> + Send>>
+ Send
+ Sync
+ 'static {
    move |call, place| Box::pin(source::run(call, roots.clone(), place.path, work))
}

fn analyze(repository: &Repository, pace: &Pace<'_>) -> Result<Analysis, Stopped> {
    let structure = Study::of(repository, pace)?;
    let review = structure.review(repository);
    let score = review.metrics.get("score").and_then(Value::as_u64).unwrap_or(0);
    Ok(Analysis {
        summary: format!("{} of 100 points; {}", score, review.summary),
        score,
        metrics: review.metrics,
        structure,
        checked: review.checked,
        unchecked: review.unchecked,
    })
}

fn review(repository: &Repository, pace: &Pace<'_>) -> Result<Review, Stopped> {
    Ok(Study::of(repository, pace)?.review(repository))
}

fn suggest(repository: &Repository, pace: &Pace<'_>) -> Result<Suggestions, Stopped> {
    review(repository, pace).map(Suggestions::of)
}

async fn design(_: Call, _: Requirements) -> Result<Value, Failure> {
    Err(Failure::failed("not_configured", NO_MODEL).hint("name a provider under models in op-dbusd.toml"))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::review::Severity;

    /// The source of this crate.
    fn own() -> Repository {
        Repository::load(Path::new(env!("CARGO_MANIFEST_DIR"))).unwrap()
    }

    #[test]
    fn the_agents_own_source_can_be_analysed() {
        let analysis = analyze(&own(), &Pace::free()).unwrap();
        let number = |name: &str| analysis.metrics[name].as_u64().unwrap();
        assert!(number("rust_files") > 20, "{} files", number("rust_files"));
        assert!(number("code_lines") > 1500 && number("test_lines") > 500);
        assert!((3..=30).contains(&number("function_median")), "{}", number("function_median"));
        assert!(number("function_largest") < 200);
        assert!(analysis.score > 50, "{}", analysis.score);
        assert!(serde_json::to_value(&analysis).is_ok());
    }

    #[test]
    fn the_review_of_the_agents_own_source_has_places_that_exist() {
        let repository = own();
        let review = review(&repository, &Pace::free()).unwrap();
        assert!(
            review.findings.iter().all(|finding| finding.severity > Severity::High),
            "{:#?}",
            review.findings
        );
        for finding in &review.findings {
            let (file, line) = (finding.file.as_deref().unwrap(), finding.line.unwrap() as usize);
            let text = repository.text(file).unwrap().unwrap();
            assert!((1..=text.lines().count()).contains(&line), "{file}:{line}");
        }
    }

    #[test]
    fn the_operations_are_declared_with_their_schemas() {
        let described = agent(&Settings::default()).description();
        let names: Vec<&str> = described.operations.iter().map(|operation| operation.name.as_str()).collect();
        assert_eq!(names, ["analyze", "review", "suggest", "design"]);
    }
}
