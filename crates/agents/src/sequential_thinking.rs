//! The agent `sequential_thinking`: chains of thoughts, kept and judged by rules.
//!
//! There is no model in here, and no thought is invented. A caller brings thoughts, or texts that the agent reads line by line; the
//! agent keeps them in order, says what contradicts what, what rests on nothing and what is open, and closes a chain only with a
//! conclusion that is supported.
//!
//! - a chain: [`thought`], [`chain`], [`style`], kept in [`store`]
//! - reading: [`given`] takes arguments apart, [`passages`] and [`requirements`] read texts, [`vague`] asks, [`breakdown`] orders,
//!   [`reading`] makes thoughts of all that
//! - judging: [`claim`] and [`quantity`] say what a sentence says, [`contradictions`], [`questions`], [`findings`] and [`support`] what
//!   to think of it
//! - the operations: [`think`], [`plan`], [`analyze`], [`conclude`], [`reflect`]; [`chains`] starts, extends, shows and forks chains
//!
//! [`thoughts_of`](think::thoughts_of) is the one place where thoughts that others have made, in whatever form, become drafts.

mod analyze;
mod breakdown;
mod chain;
mod chains;
mod claim;
mod conclude;
mod contradictions;
mod findings;
mod given;
mod mentions;
mod order;
mod passages;
mod plan;
mod quantity;
mod questions;
mod reading;
mod reflect;
mod requirements;
mod store;
mod style;
mod support;
mod think;
mod thought;
mod vague;

use op_agent::{Agent, Call, Operation};

use crate::settings::Settings;
use store::Chains;

/// Builds the agent.
pub(crate) fn agent(settings: &Settings) -> Agent {
    let chains = &Chains::new(settings);
    let agent = Agent::new("sequential_thinking", env!("CARGO_PKG_VERSION"))
        .describe_as(
            "Keeps chains of thoughts and judges them by rules: contradictions, open questions, support.",
        )
        .max_concurrent(8);
    let kept = chains.clone();
    let agent = agent.on_session_over(move |session| {
        if let Err(failure) = kept.end_session(session) {
            tracing::warn!(session, %failure, "the chains of a session that is over are still there");
        }
    });
    judging(keeping(agent, chains), chains)
}

/// The function of an operation with the chains at hand.
fn with<A, F>(
    chains: &Chains,
    function: impl Fn(Chains, Call, A) -> F + Send + Sync + 'static,
) -> impl Fn(Call, A) -> F + Send + Sync + 'static {
    let chains = chains.clone();
    move |call, args| function(chains.clone(), call, args)
}

fn keeping(agent: Agent, chains: &Chains) -> Agent {
    agent
        .operation(
            Operation::write(
                "think",
                "Adds thoughts to a chain: given ones, and what is read in given texts.",
            )
            .streaming(),
            with(chains, think::think),
        )
        .operation(
            Operation::write("start_chain", "Starts a chain without thoughts."),
            with(chains, chains::start),
        )
        .operation(
            Operation::write("add_thought", "Adds one thought to a chain and says what is wrong with it."),
            with(chains, chains::add),
        )
        .operation(
            Operation::read("get_chain", "Shows a chain with what still stands of it.").idempotent(),
            with(chains, chains::get),
        )
        .operation(
            Operation::write("fork_chain", "Starts a chain with the first thoughts of another one."),
            with(chains, chains::fork),
        )
}

fn judging(agent: Agent, chains: &Chains) -> Agent {
    agent
        .operation(
            Operation::read("plan", "Brings steps into an order that respects what each depends on.")
                .idempotent(),
            plan::plan,
        )
        .operation(
            Operation::read(
                "analyze",
                "Scores a chain: contradictions, what is unsupported, gaps, open questions.",
            )
            .idempotent(),
            with(chains, analyze::analyze),
        )
        .operation(
            Operation::write("conclude", "Closes a chain with a supported conclusion and its confidence.")
                .idempotent(),
            with(chains, conclude::conclude),
        )
        .operation(
            Operation::read(
                "reflect",
                "Says what changed in a chain, what is weakest, and what would raise its confidence.",
            )
            .idempotent(),
            with(chains, reflect::reflect),
        )
}
