//! The agent `mem0`: facts about users, agents and runs, as the API of mem0 keeps them, with their history.
//!
//! - [`add`]: adds facts, as they are said; one that is known already is refused and named, one that is outdated is superseded
//! - [`search`]: finds facts by their words, with scores
//! - [`get_all`]: tells the facts of a user, an agent or a run, with what they said before
//! - [`update`]: changes what a fact says
//! - [`delete`]: ends facts, or takes them out with all that they ever said
//!
//! A fact belongs to a `user_id`, an `agent_id`, a `run_id`, or several of these at once, and is found by any of them. It keeps its `memory_id` over
//! all of its versions; each version says who wrote it. There is no model in here: facts are kept as they are given, and none
//! is made out of a conversation.
//!
//! A store holds 1,000,000 versions and 1 GiB; a text has at most 16 KiB. What does not fit is refused.

mod add;
mod delete;
mod fact;
mod get_all;
mod owner;
mod search;
mod store;
mod update;

use std::path::Path;

use op_agent::{Agent, Call, Failure, Operation};

use crate::database::Database;
use crate::origin::Caller;
use crate::settings::Settings;

/// The file in the state directory.
const FILE: &str = "mem0.db";

/// What brings the file to its newest version.
const MIGRATIONS: [&str; 1] = [concat!(include_str!("lexicon/0001.sql"), include_str!("mem0/0001.sql"))];

/// Builds the agent.
pub(crate) fn agent(settings: &Settings) -> Agent {
    let database = &database(settings.state.as_deref());
    Agent::new("mem0", env!("CARGO_PKG_VERSION"))
        .describe_as(
            "Keeps facts about users, agents and runs, with who said them and what they said before.",
        )
        .max_concurrent(64)
        .operation(
            Operation::write(
                "add",
                "Adds facts; what is known already is refused, what is outdated superseded.",
            )
            .idempotent(),
            on(database, add::add),
        )
        .operation(
            Operation::read("search", "Finds facts by their words, the best first.").idempotent(),
            on(database, search::search),
        )
        .operation(
            Operation::read("get_all", "Tells the facts of a user, an agent or a run, with their history.")
                .idempotent(),
            on(database, get_all::get_all),
        )
        .operation(
            Operation::write("update", "Changes what a fact says; what it said before is its history.")
                .idempotent(),
            on(database, update::update),
        )
        .operation(
            Operation::write("delete", "Deletes facts, and their history where asked.").idempotent(),
            on(database, delete::delete),
        )
}

fn database(state: Option<&Path>) -> Database {
    Database::new(state, FILE, &MIGRATIONS)
}

/// The function of an operation with the database at hand.
fn on<A, F>(
    database: &Database,
    function: impl Fn(Database, Caller, A) -> F + Send + Sync + 'static,
) -> impl Fn(Call, A) -> F + Send + Sync + 'static {
    let database = database.clone();
    move |call, args| function(database.clone(), Caller::of(&call), args)
}

/// The failure for arguments that read well and make no sense.
fn invalid(message: impl Into<String>, hint: impl Into<String>) -> Failure {
    Failure::rejected("invalid_arguments", message).hint(hint)
}

#[cfg(test)]
mod tests;
