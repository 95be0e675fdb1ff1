//! `think`: adds thoughts to a chain, each streamed as it is made.
//!
//! Thoughts come from two places: those that the caller gives in `thought`, and those that are [read](super::reading) in whatever other
//! arguments there are. A chain is started unless one is named. What was added is kept all of it or nothing, but for one case: a
//! reading that is stopped leaves the new chain as far as it came, in the state `error`.

use op_agent::{Call, Failure};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use tokio::sync::mpsc;

use super::chain::{Chain, MOST_STEPS, STEPS, State};
use super::contradictions::{Going, judging};
use super::findings::{Finding, findings};
use super::given::Given;
use super::reading::{Read, Reader};
use super::store::Chains;
use super::style::Style;
use super::thought::{Draft, Thought, invalid};
use crate::scope::Scope;
use crate::tools::blocking;

/// How it is done, in one sentence.
const METHOD: &str = "plain rules: thoughts are taken as given, and texts are read for requirements, what is vague in them, \
                      contradictions and order; no model thinks here";

/// How it is done with a model.
const WITH_A_MODEL: &str = "a model added thoughts to those that were given; texts were read and all of it was judged by plain rules";

/// Lines that may wait to be sent.
const WAITING: usize = 64;

/// What to think about.
#[derive(Debug, Deserialize, JsonSchema)]
pub(super) struct Think {
    /// Thoughts: a text, an object with `text` and, if wanted, `type`, `confidence`, `builds_on`, `revises`, `refutes` and
    /// `source`, or a list of these.
    #[serde(default, alias = "thoughts")]
    thought: Value,
    /// The chain to go on with; a new one if not said.
    #[serde(default)]
    chain: Option<String>,
    /// What a new chain is about.
    #[serde(default)]
    question: Option<String>,
    /// How a new chain is thought.
    #[serde(default)]
    style: Option<Style>,
    /// How many thoughts a new chain may have: if not said 10, or 500 when there is something to be read.
    #[serde(default)]
    max_steps: Option<u32>,
    /// Who sees a new chain; everybody if not said.
    #[serde(default)]
    scope: Option<Scope>,
    /// Have a model add thoughts to those that are given. The hub is asked for it, and the call fails as that does.
    #[serde(default)]
    expand: bool,
    /// Anything else is read: texts, files as `file_read` answers them, reviews, values of any form.
    #[serde(flatten)]
    rest: Map<String, Value>,
}

/// What was thought.
#[derive(Debug, PartialEq, Serialize, JsonSchema)]
pub(super) struct Thinking {
    /// The chain.
    chain: String,
    /// How far it is.
    state: State,
    /// What it is about.
    question: String,
    /// How it is thought.
    style: Style,
    /// The thoughts that were added, by step.
    thoughts: Vec<Thought>,
    /// What is wrong with the chain, the weightiest first.
    findings: Vec<Finding>,
    /// What the texts came to.
    #[serde(flatten)]
    read: Read,
    /// How it was done.
    method: String,
}

/// The thoughts in a value, whoever made them: a text, an object with `text`, or a list of these.
pub(super) fn thoughts_of(value: &Value) -> Result<Vec<Draft>, Failure> {
    match value {
        Value::Null => Ok(Vec::new()),
        Value::String(text) => Ok(vec![Draft::plain(text)]),
        Value::Array(items) if items.iter().any(Value::is_array) => {
            Err(invalid("a list of thoughts holds no lists"))
        }
        Value::Array(items) => {
            items.iter().map(thoughts_of).collect::<Result<Vec<_>, _>>().map(|lists| lists.concat())
        }
        value => {
            let draft = Draft::deserialize(value)
                .map_err(|error| invalid(&format!("a thought cannot be read: {error}")))?;
            Ok(vec![draft])
        }
    }
}

/// Thinks.
pub(super) async fn think(chains: Chains, call: Call, args: Think) -> Result<Thinking, Failure> {
    let mut drafts = thoughts_of(&args.thought)?;
    let given = Given::of(&args.rest);
    if drafts.is_empty() && given.is_empty() {
        return Err(Failure::rejected("missing_argument", "there is nothing to think about")
            .hint("give a `thought`, or texts to read under any names, such as `requirements`"));
    }
    if args.expand {
        drafts.extend(expanded(&call, &args).await?);
    }
    let mut thinking = match args.chain.clone() {
        Some(id) => go_on(&chains, &call, id, &args, drafts, given).await,
        None => begin(&chains, &call, &args, drafts, given).await,
    }?;
    if args.expand {
        WITH_A_MODEL.clone_into(&mut thinking.method);
    }
    Ok(thinking)
}

/// What a model adds. It is told what is given, and answers with thoughts as `thought` takes them.
async fn expanded(call: &Call, args: &Think) -> Result<Vec<Draft>, Failure> {
    let question = json!({
        "task": { "name": "think", "description": args.question.as_deref().unwrap_or("Think this through.") },
        "prompt": "Add the thoughts that are missing. Answer with an object whose `thoughts` is a list of objects with `type` \
                   (observation, hypothesis, analysis, conclusion, question or reflection), `text` and `confidence` (0 to 1).",
        "output": "json",
        "given": args.thought,
        "texts": args.rest,
    });
    let answer = call.ask("models.respond", &question).await?;
    thoughts_of(answer.get("thoughts").unwrap_or(&answer))
}

async fn begin(
    chains: &Chains,
    call: &Call,
    args: &Think,
    drafts: Vec<Draft>,
    given: Given,
) -> Result<Thinking, Failure> {
    let owner = args.scope.unwrap_or_default().owner(call.session())?;
    let question = args.question.clone().unwrap_or_else(|| about(&drafts, &args.rest));
    let usual = if given.is_empty() { STEPS } else { MOST_STEPS };
    let chain = Chain::new(&question, args.style.unwrap_or_default(), args.max_steps.unwrap_or(usual))?;
    let (mut chain, read) = streamed(call, chain, drafts, given).await?;
    let is_stopped = read.is_none();
    if is_stopped {
        chain.state = State::Error;
    }
    let id = chains.create(owner, chain.clone()).await?;
    match read {
        Some(read) => judging(call, move |going| Ok(told(id, &chain, 0, read, going))).await,
        None => Err(Failure::cancelled(format!(
            "the reading was stopped after {} thoughts; they are in chain `{id}`",
            chain.last()
        ))),
    }
}

async fn go_on(
    chains: &Chains,
    call: &Call,
    id: String,
    args: &Think,
    drafts: Vec<Draft>,
    given: Given,
) -> Result<Thinking, Failure> {
    if args.question.is_some() || args.style.is_some() || args.max_steps.is_some() || args.scope.is_some() {
        let message = "`question`, `style`, `max_steps` and `scope` belong to a new chain, and `chain` names an old one";
        return Err(Failure::rejected("conflicting_arguments", message)
            .hint("leave them out, or fork the chain with them"));
    }
    let chain = chains.load(call, &id).await?;
    let before = chain.last();
    let (grown, read) = streamed(call, chain, drafts, given).await?;
    let read =
        read.ok_or_else(|| Failure::cancelled("the reading was stopped, and the chain is as it was"))?;
    let chain = grown.clone();
    chains.replace(call, &id, before, grown).await?;
    judging(call, move |going| Ok(told(id, &chain, before, read, going))).await
}

/// Adds all thoughts to a chain, and streams each while the next ones are made. Without what was read when it was stopped.
async fn streamed(
    call: &Call,
    mut chain: Chain,
    drafts: Vec<Draft>,
    given: Given,
) -> Result<(Chain, Option<Read>), Failure> {
    let (tx, mut lines) = mpsc::channel::<String>(WAITING);
    let stop = call.clone();
    let work = blocking(move || {
        // Nobody listens any more when the call was dropped.
        let going = || !stop.is_cancelled();
        let mut tell = |thought: &Thought| going() && tx.blocking_send(line(thought)).is_ok();
        let read = grow(&mut chain, drafts, &given, &mut tell, &going)?;
        Ok((chain, read))
    });
    let sending = async {
        while let Some(line) = lines.recv().await {
            call.stdout(line).await;
        }
    };
    let (done, ()) = tokio::join!(work, sending);
    done
}

fn grow(
    chain: &mut Chain,
    drafts: Vec<Draft>,
    given: &Given,
    tell: &mut dyn FnMut(&Thought) -> bool,
    going: Going<'_>,
) -> Result<Option<Read>, Failure> {
    for draft in drafts {
        let step = chain.add(draft)?;
        if !chain.at(step).is_some_and(&mut *tell) {
            return Ok(None);
        }
    }
    Ok(Reader::new(chain, tell, going).read(given))
}

fn told(id: String, chain: &Chain, before: u32, read: Read, going: Going<'_>) -> Thinking {
    Thinking {
        chain: id,
        state: chain.state,
        question: chain.question.clone(),
        style: chain.style,
        thoughts: chain.thoughts[before as usize..].to_vec(),
        findings: findings(chain, going),
        read,
        method: METHOD.to_owned(),
    }
}

/// What a chain is about when nobody says: its first thought, or the names of what is read.
fn about(drafts: &[Draft], rest: &Map<String, Value>) -> String {
    let names = || rest.keys().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(" and ");
    drafts.first().map_or_else(
        || format!("What do {} ask for?", names()),
        |draft| draft.text.chars().take(200).collect(),
    )
}

/// A thought as people see it: `3 question (README.md:12) on 1: Who?`.
fn line(thought: &Thought) -> String {
    let source = thought
        .source
        .as_ref()
        .map(|source| format!(" ({}:{})", source.input, source.line))
        .unwrap_or_default();
    let on = thought.builds_on.iter().map(u32::to_string).collect::<Vec<_>>().join(", ");
    let on = if on.is_empty() { on } else { format!(" on {on}") };
    format!("{} {}{source}{on}: {}\n", thought.step, thought.kind.name(), thought.text.replace('\n', " "))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::thought::{Kind, Source};
    use super::*;

    #[test]
    fn thoughts_come_in_any_of_three_forms() {
        let kinds = |value: Value| {
            thoughts_of(&value).unwrap().into_iter().map(|draft| draft.kind).collect::<Vec<_>>()
        };
        assert_eq!(kinds(json!(null)), []);
        assert_eq!(kinds(json!("It rains.")), [Kind::Observation]);
        assert_eq!(kinds(json!({ "text": "So.", "type": "conclusion" })), [Kind::Conclusion]);
        assert_eq!(
            kinds(json!(["Why?", { "text": "So.", "type": "analysis" }])),
            [Kind::Question, Kind::Analysis]
        );
        for bad in
            [json!(5), json!({ "txt": "x" }), json!([["x"]]), json!({ "text": "x", "type": "feeling" })]
        {
            assert_eq!(thoughts_of(&bad).unwrap_err().reason(), "invalid_thought", "{bad}");
        }
    }

    #[test]
    fn a_line_says_all_of_a_thought() {
        let mut chain = Chain::new("x", Style::Default, 5).unwrap();
        chain.add(Draft::plain("One.")).unwrap();
        let source = Source { input: "r.md".into(), line: 7 };
        chain.add(Draft::new(Kind::Question, "Who\nis it?", 0.5).on(vec![1]).from(source)).unwrap();
        let lines: Vec<_> = chain.thoughts.iter().map(line).collect();
        assert_eq!(lines, ["1 observation: One.\n", "2 question (r.md:7) on 1: Who is it?\n"]);
    }

    #[test]
    fn a_chain_is_about_its_first_thought_or_what_is_read() {
        let rest = json!({ "a": 1, "b": 2 });
        assert_eq!(about(&[], rest.as_object().unwrap()), "What do `a` and `b` ask for?");
        assert_eq!(about(&[Draft::plain("It rains.")], rest.as_object().unwrap()), "It rains.");
    }
}
