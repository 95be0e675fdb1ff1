//! The agent `models`: roles played by a language model, behind any endpoint that speaks the chat completions of `OpenAI`.
//!
//! - [`chat`]: what the model is told and what its answer is read as
//! - [`endpoint`]: the request over HTTP, and the kinds of its failures
//!
//! Without a model in the settings every call is rejected and says which setting is missing. The key is read for each
//! request from its file, and is taken out of everything that comes back.

mod chat;
mod endpoint;

use std::sync::Arc;

use op_agent::{Agent, Call, Failure, Operation};
use serde_json::Value;

use crate::settings::Settings;
use crate::tools::{Desk, at};
use chat::Respond;

/// Builds the agent.
pub(crate) fn agent(settings: &Settings) -> Agent {
    let desk = &Desk::new(settings);
    Agent::new("models", env!("CARGO_PKG_VERSION"))
        .describe_as("Plays roles by a language model behind an OpenAI-compatible endpoint.")
        .max_concurrent(16)
        .operation(
            Operation::external(
                "respond",
                "Has a model play a role: answers a task with text or a JSON object.",
            ),
            at(desk, respond),
        )
}

async fn respond(desk: Arc<Desk>, call: Call, args: Respond) -> Result<Value, Failure> {
    let model = desk.settings.models.as_ref().ok_or_else(no_model)?;
    let request = args.request(&model.model)?;
    call.progress(-1.0, &format!("waiting for {}", request["model"].as_str().unwrap_or_default()));
    let reply = endpoint::post(&desk, &call, model, &request).await?;
    chat::answer(args.output, &reply)
}

fn no_model() -> Failure {
    Failure::rejected("no_model", "no model is configured")
        .hint("set `url` and `model` under `[models]` in `op-dbusd.toml`, or run with `--cast offline`")
}
