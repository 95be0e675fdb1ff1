//! The agent `context_manager`: contexts by name, every one with all of its versions.
//!
//! A context is a text or any JSON value of at most 8 MiB; by `save` comes what arguments may have, which is 4 MiB for all of them, and
//! larger ones by `import` and `merge`. Its content is kept once, by its SHA-256, which is computed again whenever
//! it is read: what does not match is told as `damaged` and never answered. Deleted versions can be brought back for seven days,
//! unless their room is needed: a store holds 1,000,000 versions and 4 GiB. Contexts of a session go with it, and at the latest after a week
//! without a new version.
//!
//! - [`name`], [`content`], [`record`]: what a context is, and how it is told outside
//! - [`store`]: where contexts are kept, [`chosen`]: which of them are meant, [`room`]: how many there may be, [`repeats`]: what calls
//!   saved
//! - [`stream`]: how what is large is sent; [`archive`], [`yaml`]: the forms of exports beside JSON
//! - the operations: [`save`], [`load`], [`list`], [`export`], [`import`], [`delete`], [`merge`], [`clear`]

mod archive;
mod chosen;
mod clear;
mod content;
mod delete;
mod export;
mod import;
mod list;
mod load;
mod merge;
mod name;
mod record;
mod repeats;
mod room;
mod save;
mod store;
mod stream;
mod yaml;

use std::sync::Arc;

use op_agent::{Agent, Call, Operation};

use crate::roots::Roots;
use crate::settings::Settings;
use store::Contexts;

/// What the operations work with.
#[derive(Debug)]
struct Shelf {
    contexts: Contexts,
    /// Below these, exports are written and imports read.
    roots: Roots,
}

/// Builds the agent.
pub(crate) fn agent(settings: &Settings) -> Agent {
    let shelf = &Arc::new(Shelf { contexts: Contexts::new(settings), roots: settings.roots() });
    let agent = Agent::new("context_manager", env!("CARGO_PKG_VERSION"))
        .describe_as("Keeps contexts by name with all of their versions, checked whenever they are read.")
        .max_concurrent(4);
    let kept = Arc::clone(shelf);
    let agent = agent.on_session_over(move |session| {
        if let Err(failure) = kept.contexts.end_session(session) {
            tracing::warn!(session, %failure, "the contexts of a session that is over are still there");
        }
    });
    changing(moving(keeping(agent, shelf), shelf), shelf)
}

/// The function of an operation with the shelf at hand.
fn with<A, F>(
    shelf: &Arc<Shelf>,
    function: impl Fn(Arc<Shelf>, Call, A) -> F + Send + Sync + 'static,
) -> impl Fn(Call, A) -> F + Send + Sync + 'static {
    let shelf = Arc::clone(shelf);
    move |call, args| function(Arc::clone(&shelf), call, args)
}

fn keeping(agent: Agent, shelf: &Arc<Shelf>) -> Agent {
    agent
        .operation(
            Operation::write("save", "Saves a context as a new version, unless the newest one is the same.")
                .idempotent()
                .undo("unsave"),
            with(shelf, save::save),
        )
        .operation(
            Operation::write("unsave", "Undoes save: deletes the version that it made, if it made one.")
                .idempotent(),
            with(shelf, save::unsave),
        )
        .operation(
            Operation::read(
                "load",
                "Loads a version of a context; what is larger than 64 KiB comes as output.",
            )
            .idempotent()
            .streaming(),
            with(shelf, load::load),
        )
        .operation(
            Operation::read("list", "Lists contexts by name pattern, type and tag.").idempotent(),
            with(shelf, list::list),
        )
}

fn moving(agent: Agent, shelf: &Arc<Shelf>) -> Agent {
    agent
        .operation(
            Operation::write("export", "Exports contexts as JSON, YAML or tar, into a file or as output.")
                .idempotent()
                .streaming(),
            with(shelf, export::export),
        )
        .operation(
            Operation::write("import", "Imports contexts that were exported as JSON or tar, all or none.")
                .idempotent(),
            with(shelf, import::import),
        )
}

/// Doing these twice would forget what was there before the first time, or merge what was merged: none is idempotent.
fn changing(agent: Agent, shelf: &Arc<Shelf>) -> Agent {
    agent
        .operation(
            Operation::write("merge", "Merges contexts into a new version of one."),
            with(shelf, merge::merge),
        )
        .operation(
            Operation::write("delete", "Deletes a version of a context, or all of them.").undo("restore"),
            with(shelf, delete::delete),
        )
        .operation(
            Operation::write("clear", "Deletes every version of a type or tag; asks for `confirm = true`.")
                .undo("restore"),
            with(shelf, clear::clear),
        )
        .operation(
            Operation::write("restore", "Undoes delete and clear: brings back what they deleted.")
                .idempotent(),
            with(shelf, delete::restore),
        )
}
