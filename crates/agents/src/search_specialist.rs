//! The agent `search_specialist`: finds text, symbols and references in trees of source code.
//!
//! It reads and never writes. `search` knows lines; `outline` and `references` know the languages of [`grammar`] and read identifiers off
//! the syntax tree, so that words in comments and strings are no symbols. Files with syntax errors are read as far as they go and named.

mod answer;
mod files;
mod grammar;
mod outline;
mod parse;
mod pattern;
mod references;
mod search;
mod syntax;

use op_agent::{Agent, Operation};

use crate::settings::Settings;
use crate::tools::{Desk, at};

/// Builds the agent.
pub(crate) fn agent(settings: &Settings) -> Agent {
    let desk = &Desk::new(settings);
    let look = |name: &str, about: &str| Operation::read(name, about).idempotent().streaming();
    Agent::new("search_specialist", env!("CARGO_PKG_VERSION"))
        .describe_as(
            "Searches text, lists symbols and finds the definitions and uses of a symbol in source code.",
        )
        .max_concurrent(2)
        .operation(
            look("search", "Searches files for a regular expression or a literal text, with context lines."),
            at(desk, search::search),
        )
        .operation(
            look("outline", "Lists the symbols of a file or a tree with their kinds, places and parents."),
            at(desk, outline::outline),
        )
        .operation(
            look("references", "Finds where a symbol is defined and used, by syntax and not by text."),
            at(desk, references::references),
        )
}
