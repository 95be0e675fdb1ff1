//! `op-dbus call`: one operation, without a plan around it.

mod batch;

use std::env;
use std::time::Duration;

use clap::Args;
use op_proto::v1::call_outcome::Kind;
use op_proto::v1::call_stream_response::Seen;
use op_proto::v1::{AgentStatus, CallOutcome, CallRequest, CallStreamRequest, OperationStatus, Progress};
use serde_json::{Map, Value};
use tokio_stream::StreamExt as _;

use batch::Batch;

use super::agents::known;
use crate::client::Client;
use crate::failure::{Exit, Failure};
use crate::render::run::blame;
use crate::render::text::one_line;
use crate::render::{time, value};
use crate::seat::{Context, Session};
use crate::terminal::Terminal;
use crate::words::{Typed, Word};

use crate::{json, print};

const EXAMPLES: &str = "\
Examples:
  op-dbus call file_read path=README.md
  op-dbus call rust_pro.test path=.
  op-dbus call command program=git args:='[\"status\", \"--short\"]'
  op-dbus call --batch checks.jsonl --strategy parallel --stop-on-error
  op-dbus call http_request --args '{\"method\": \"GET\", \"url\": \"http://localhost:8080/\"}' --timeout 5s

Output of the operation goes to standard error as it comes, its value to standard output. Relative paths are those
of the first directory that the agent may work in: this one, unless a daemon is running.
A batch is a file of {\"target\": ..., \"arguments\": {...}}, one in each line or all in a list. Its values go to standard output
as its calls end; of the first success, a pipeline and a vote it is the one value that comes of all.";

/// The agent of the operations that are called by their bare names.
const TOOLS: &str = "tools";

/// Call an operation of an agent, or a tool
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Call {
    /// AGENT.OPERATION, or a tool by its bare name
    #[arg(required_unless_present = "batch")]
    target: Option<String>,
    /// Arguments: KEY=VALUE by the type the operation wants, or KEY:=JSON
    #[arg(value_name = "KEY=VALUE")]
    words: Vec<Word>,
    /// Arguments as a JSON object; words are laid over it
    #[arg(long, value_name = "JSON")]
    args: Option<String>,
    /// How long it may take
    #[arg(long, value_name = "DURATION", value_parser = time::duration)]
    timeout: Option<Duration>,
    /// Session that it is for, as `op-dbus session` printed it
    #[arg(long, value_name = "ID")]
    session: Option<String>,
    /// A person was asked and agreed; operations of critical risk are refused without it
    #[arg(long)]
    approved: bool,
    #[command(flatten)]
    batch: Batch,
}

impl Call {
    /// Does it.
    pub(crate) async fn run(self, ctx: &Context) -> Result<Exit, Failure> {
        let here = env::current_dir()
            .map_err(|error| Failure::broken("the current directory is gone").because(&error))?;
        ctx.with(vec![here], async |session| {
            let Some(target) = self.target.clone() else {
                return self
                    .batch
                    .run(session, &self.call(String::new(), String::new()), &ctx.terminal)
                    .await;
            };
            is_operation(&session.client, &target).await?;
            let arguments = self.arguments(session, &target).await?;
            let outcome = follow(session, self.call(target, arguments), &ctx.terminal).await?;
            conclude(&outcome, &ctx.terminal)
        })
        .await
    }

    /// A call with what was said of it.
    fn call(&self, target: String, arguments: String) -> CallRequest {
        CallRequest {
            target,
            arguments,
            timeout: self.timeout.map(time::wire),
            session: self.session.clone().unwrap_or_default(),
            approved: self.approved,
        }
    }

    async fn arguments(&self, session: &Session, target: &str) -> Result<String, Failure> {
        let mut arguments: Map<String, Value> = match &self.args {
            Some(text) => serde_json::from_str(text)
                .map_err(|error| Failure::refused("--args is no JSON object").because(&error))?,
            None => Map::new(),
        };
        // Only text that reads as something else can be mistaken.
        let is_doubtful =
            |word: &Word| matches!(word.value, Typed::Text(_)) && !word.value.guess().is_string();
        let schema = if self.words.iter().any(is_doubtful) {
            schema(&session.client, target).await?
        } else {
            Value::Null
        };
        for word in &self.words {
            arguments.insert(word.key.clone(), read(word, &schema));
        }
        Ok(Value::Object(arguments).to_string())
    }
}

/// Refuses an agent in the place of an operation, and says which operations it has.
async fn is_operation(client: &Client, target: &str) -> Result<(), Failure> {
    if target.contains('.') {
        return Ok(());
    }
    let name = target.strip_prefix("agent_").unwrap_or(target);
    let is_tool = |tools: AgentStatus| tools.operations.iter().any(|tool| tool.name == target);
    let Some(agent) = known(client, name).await? else { return Ok(()) };
    if known(client, TOOLS).await?.is_some_and(is_tool) {
        return Ok(());
    }
    let prefix = if name == TOOLS { String::new() } else { format!("{name}.") };
    let operations: Vec<_> =
        agent.operations.iter().map(|operation| format!("{prefix}{}", operation.name)).collect();
    let message =
        format!("`{name}` is an agent, and one of its operations is called: {}", operations.join(", "));
    Err(Failure::refused(message).hint(format!("`op-dbus agents {name}` tells what they do and take")))
}

/// The value of a word, by what the schema wants for it.
fn read(word: &Word, schema: &Value) -> Value {
    let wants = &schema["properties"][&word.key]["type"];
    let is_text = wants == "string"
        || wants.as_array().is_some_and(|types| types.iter().all(|one| one == "string" || one == "null"));
    match &word.value {
        Typed::Text(text) if is_text => Value::from(text.as_str()),
        Typed::Text(_) | Typed::Json(_) => word.value.guess(),
    }
}

/// The schema of an operation's arguments; null when it is not known, so that the agent decides.
async fn schema(client: &Client, target: &str) -> Result<Value, Failure> {
    let target = target.strip_prefix("agent_").unwrap_or(target);
    let (agent, operation) = target.split_once('.').unwrap_or((TOOLS, target));
    let Some(agent) = known(client, agent).await? else { return Ok(Value::Null) };
    let found = agent.operations.into_iter().find(|known| known.name == operation);
    let text = found.map(|OperationStatus { input_schema, .. }| input_schema).unwrap_or_default();
    Ok(serde_json::from_str(&text).unwrap_or_default())
}

async fn follow(session: &Session, call: CallRequest, terminal: &Terminal) -> Result<CallOutcome, Failure> {
    let request = CallStreamRequest { call: Some(call) };
    let mut stream = session.client.agents().call_stream(request).await?.into_inner();
    while let Some(seen) = stream.next().await {
        match seen?.seen {
            Some(Seen::Progress(progress)) => show(&progress, terminal),
            Some(Seen::Outcome(outcome)) => return Ok(outcome),
            None => {}
        }
    }
    Err(Failure::broken("the daemon went away before the call had an outcome"))
}

fn show(progress: &Progress, terminal: &Terminal) {
    progress.output.iter().for_each(|chunk| print::aside_bytes(&chunk.data));
    if !progress.note.is_empty() {
        print::note(&terminal.aside.dim(one_line(&progress.note)));
    }
}

fn conclude(outcome: &CallOutcome, terminal: &Terminal) -> Result<Exit, Failure> {
    if terminal.json {
        print::json(&json::outcome(outcome))?;
    }
    match &outcome.kind {
        Some(Kind::Value(payload)) => {
            if !terminal.json {
                print::bytes(&value::bytes(Some(payload)))?;
            }
            Ok(Exit::Done)
        }
        Some(Kind::Failure(failure)) => {
            if !terminal.json {
                print::aside(&blame(failure, "", terminal.aside, terminal.width));
                print::bytes(&value::bytes(failure.detail.as_ref()))?;
            }
            Ok(Exit::Failed)
        }
        None => Err(Failure::broken("the daemon told no outcome")),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn text_that_reads_as_a_number_stays_text_where_text_is_wanted() {
        let schema = json!({ "properties": {
            "path": { "type": "string" }, "cwd": { "type": ["string", "null"] }, "limit": { "type": "integer" },
        } });
        let read = |text: &str| read(&text.parse().expect(text), &schema);
        assert_eq!(
            (read("path=12"), read("cwd=12"), read("limit=12")),
            (json!("12"), json!("12"), json!(12))
        );
        assert_eq!((read("other=12"), read("path:=12")), (json!(12), json!(12)));
    }
}
