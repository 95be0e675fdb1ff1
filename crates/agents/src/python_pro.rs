//! The agent `python_pro`: Python programs, tests, linters, type checkers and formatters, watched and answered as data.
//!
//! What is run is the project's own: its virtual environment (`.venv` or `venv`, in the directory or above it, below the roots) comes
//! before the PATH of the agent. Names and paths of a call are checked so that none of them is an option of a program. The code of
//! the project is run by `run` and `test`, and may be by plugins that its own settings name for the other tools.

mod diagnostic;
mod format;
mod lint;
mod project;
mod report;
mod run;
mod test;
mod tool;
mod typecheck;

use op_agent::{Agent, Operation};

use crate::settings::Settings;
use crate::tools::{Desk, at};

/// Builds the agent.
pub(crate) fn agent(settings: &Settings) -> Agent {
    let desk = &Desk::new(settings);
    let python = |name: &str, about: &str| Operation::write(name, about).streaming();
    Agent::new("python_pro", env!("CARGO_PKG_VERSION"))
        .describe_as("Runs, tests, lints, type-checks and formats Python code with the tools of the project.")
        .max_concurrent(2)
        .operation(python("run", "Runs a script or a module."), at(desk, run::run))
        .operation(
            python("test", "Runs tests with pytest, or with unittest where there is no pytest."),
            at(desk, test::test),
        )
        .operation(
            python("lint", "Lints with ruff, flake8 or pyflakes; without them only the syntax is checked.")
                .idempotent(),
            at(desk, lint::lint),
        )
        .operation(
            python("typecheck", "Checks types with mypy or pyright.").idempotent(),
            at(desk, typecheck::typecheck),
        )
        .operation(
            python("format", "Checks with ruff or black that code is formatted, or formats it.").idempotent(),
            at(desk, format::format),
        )
}
