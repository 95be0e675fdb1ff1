//! The agent `memory`: what agents remember of what they found out, by key, over restarts.
//!
//! - [`remember`]: puts entries in, one or many, all of them or none
//! - [`recall`]: answers a key exactly, or says that there is no such key; keys that are near are told apart from it
//! - [`forget`]: takes entries out, by key, tag or pattern
//! - [`search`]: finds entries by their words, with scores
//! - [`list`]: tells which entries there are
//!
//! # Scopes
//!
//! An entry is shared, or belongs to the session of a client. It is shared unless the call says `scope = "session"`: a client that runs
//! one command is a session too, and what it remembers is meant for the next one. Whoever reads sees the entries of its own session first, then the
//! shared ones, and never those of another session. The entries of a session go with it, and at the latest after a week.
//!
//! # Undo and repeats
//!
//! What a call replaced or forgot is kept for a week under the key of the call, up to a number and size, so that it can be undone, and so that
//! a call that is repeated after a crash answers what it answered before. An undo never takes back what somebody else did since.
//!
//! # Limits
//!
//! A store holds 2,000,000 entries and 4 GiB; a key has at most 512 bytes, a value 1 MiB as JSON, an entry 32 tags of 64 bytes. What
//! does not fit is refused. The number of times that an entry was recalled is written with the next change, or when the agent
//! ends; after a crash it may be behind.

mod entry;
mod forget;
mod list;
mod near;
mod past;
mod recall;
mod remember;
mod search;
mod session;
mod store;

use std::sync::Arc;

use op_agent::{Agent, Call, Failure, Operation};

use crate::origin::Caller;
use crate::settings::Settings;
use store::Store;

/// Builds the agent.
pub(crate) fn agent(settings: &Settings) -> Agent {
    let store = &Arc::new(Store::new(settings.state.as_deref()));
    let agent = Agent::new("memory", env!("CARGO_PKG_VERSION"))
        .describe_as(
            "Remembers values by key, over restarts, and finds them again by key, word, tag or pattern.",
        )
        .max_concurrent(64);
    let kept = Arc::clone(store);
    let agent = agent.on_session_over(move |session| {
        if let Err(failure) = kept.end_session(session) {
            tracing::warn!(session, %failure, "what was remembered for a session that is over is still there");
        }
    });
    reading(writing(agent, store), store)
}

fn writing(agent: Agent, store: &Arc<Store>) -> Agent {
    agent
        .operation(
            Operation::write("remember", "Remembers a value under a key, or several at once.")
                .idempotent()
                .undo("unremember"),
            on(store, remember::remember),
        )
        .operation(
            Operation::write("unremember", "Undoes remember: what was there before is back, or nothing.")
                .idempotent(),
            on(store, remember::unremember),
        )
        .operation(
            Operation::write("forget", "Forgets entries by key, tag or pattern, and says which they were.")
                .idempotent()
                .undo("restore"),
            on(store, forget::forget),
        )
        .operation(
            Operation::write("restore", "Undoes forget: what was forgotten is back.").idempotent(),
            on(store, forget::restore),
        )
}

fn reading(agent: Agent, store: &Arc<Store>) -> Agent {
    agent
        .operation(
            Operation::read("recall", "Recalls the value of a key, exactly that, or of several keys.")
                .idempotent(),
            on(store, recall::recall),
        )
        .operation(
            Operation::read(
                "search",
                "Finds entries by the words of their keys, values and tags, the best first.",
            )
            .idempotent(),
            on(store, search::search),
        )
        .operation(
            Operation::read("list", "Lists entries by key, without their values.").idempotent(),
            on(store, list::list),
        )
}

/// The function of an operation with the store at hand.
fn on<A, F>(
    store: &Arc<Store>,
    function: impl Fn(Arc<Store>, Caller, A) -> F + Send + Sync + 'static,
) -> impl Fn(Call, A) -> F + Send + Sync + 'static {
    let store = Arc::clone(store);
    move |call, args| function(Arc::clone(&store), Caller::of(&call), args)
}

/// The failure for arguments that read well and make no sense.
fn invalid(message: impl Into<String>, hint: impl Into<String>) -> Failure {
    Failure::rejected("invalid_arguments", message).hint(hint)
}

#[cfg(test)]
mod tests;
