//! Calls to a workstack, as text: a phase for each call, in their order.
//!
//! What an operation must be given is an input of the plan. Two calls share none, also where both name it alike: nothing says that
//! they are to be given the same. What need not be given is left out, and said in a comment. What cannot be taken back waits for a
//! person.

use std::fmt::Write as _;

use indexmap::IndexSet;
use toml::{Table, Value};

use crate::catalogue::{Catalogue, Performer, Risk, TOOLS};
use crate::check::arguments::{Needed, needed, optional};
use crate::expression::{Reference, StepField, is_identifier};
use crate::input::InputType;
use crate::shape::TAKEN;

/// Longest name that is made of others: room is left in an id for a number.
const LONGEST: usize = 90;

/// Most arguments that a comment names.
const MOST: usize = 12;

/// An argument that is a file or folder, as all agents call it. Schemas do not tell those from other texts.
const PATH: &str = "path";

/// A call as it is written.
struct Call<'a> {
    performer: &'a Performer,
    /// Its phase.
    phase: String,
    /// What it must be given; `None` where nobody knows.
    needed: Option<Vec<Needed<'a>>>,
    /// What it may be given beside that.
    optional: Vec<&'a str>,
    risk: Option<Risk>,
}

/// An id for a plan of these calls that is not taken.
pub fn id(calls: &[Performer], is_taken: impl Fn(&str) -> bool) -> String {
    let ends: IndexSet<_> = calls.first().into_iter().chain(calls.last()).map(word).collect();
    let id: String = ends.into_iter().collect::<Vec<_>>().join("_to_");
    unique(&id, is_taken)
}

/// A workstack of these calls, one after the other. It has no error where the catalogue has every operation.
pub fn workstack(id: &str, calls: &[Performer], catalogue: &Catalogue) -> String {
    let calls = read(calls, catalogue);
    let inputs = inputs(&calls);
    let mut text = format!("[workstacks.{id}]\n");
    let names: Vec<_> = calls.iter().map(|call| call.performer.to_string()).collect();
    let _ = writeln!(text, "description = {}", quoted(&format!("Calls {}", names.join(", then "))));
    if let Some(last) = calls.last() {
        let output = Reference::Step { id: last.phase.clone(), field: StepField::Output };
        let _ = writeln!(text, "output = {}", quoted(&format!("${{{output}}}")));
    }
    if inputs.iter().any(|names| !names.is_empty()) {
        let _ = writeln!(text, "\n[workstacks.{id}.inputs]");
    }
    for (call, names) in calls.iter().zip(&inputs) {
        for (needed, name) in call.needed.iter().flatten().zip(names) {
            let _ = writeln!(text, "{name} = {}", input(needed));
        }
    }
    for (call, names) in calls.iter().zip(&inputs) {
        let _ = write!(text, "\n[[workstacks.{id}.phases]]\n{}", phase(call, names));
    }
    text
}

fn read<'a>(calls: &'a [Performer], catalogue: &'a Catalogue) -> Vec<Call<'a>> {
    let mut phases = IndexSet::new();
    for performer in calls {
        let phase = unique(&word(performer), |id| phases.contains(id));
        phases.insert(phase);
    }
    let read = calls.iter().zip(phases).map(|(performer, phase)| {
        let known = catalogue.operation(performer);
        let needed = known.map(|known| needed(&known.input));
        let optional = known.map(|known| optional(&known.input)).unwrap_or_default();
        Call { performer, phase, needed, optional, risk: known.map(|known| known.risk) }
    });
    read.collect()
}

/// The names of the inputs of each call: those of its arguments, with its phase before them where another call has one called so.
fn inputs(calls: &[Call<'_>]) -> Vec<Vec<String>> {
    let wanted: Vec<Vec<_>> = calls
        .iter()
        .map(|call| call.needed.iter().flatten().map(|needed| plain(needed.name)).collect())
        .collect();
    let is_shared = |name: &String| wanted.iter().flatten().filter(|other| *other == name).count() > 1;
    let mut taken: IndexSet<String> = TAKEN.iter().map(|taken| (*taken).to_owned()).collect();
    let mut named = Vec::new();
    for (call, names) in calls.iter().zip(&wanted) {
        let names = names.iter().map(|name| {
            let is_fit = is_identifier(name) && !taken.contains(name) && !is_shared(name);
            let name = if is_fit { name.clone() } else { cut(&format!("{}_{name}", call.phase)) };
            let name = unique(&name, |name| taken.contains(name));
            taken.insert(name.clone());
            name
        });
        named.push(names.collect());
    }
    named
}

fn input(needed: &Needed<'_>) -> String {
    let kind = quoted(kind(needed).word());
    let description = needed.description.split_whitespace().collect::<Vec<_>>().join(" ");
    let description = match description.as_str() {
        "" => String::new(),
        description => format!(", description = {}", quoted(description)),
    };
    format!("{{ type = {kind}, required = true{description} }}")
}

fn kind(needed: &Needed<'_>) -> InputType {
    let types = needed.types.iter().flatten().copied().filter(|name| *name != "null");
    match types.collect::<Vec<_>>().as_slice() {
        ["string"] if needed.name == PATH => InputType::Path,
        ["string"] => InputType::String,
        ["integer"] => InputType::Integer,
        ["number"] | ["integer", "number"] => InputType::Number,
        ["boolean"] => InputType::Boolean,
        ["array"] => InputType::List,
        ["object"] => InputType::Map,
        _ => InputType::Json,
    }
}

fn phase(call: &Call<'_>, inputs: &[String]) -> String {
    let Performer { agent, operation } = call.performer;
    let mut text = format!("id = {}\n", quoted(&call.phase));
    if call.risk == Some(Risk::Critical) {
        // Who is asked sees the call itself.
        text += "approval = { message = \"This cannot be taken back. Do it?\" }\n";
    }
    text += &comment(call);
    let (list, who) = if agent == TOOLS {
        ("tools", format!("tool = {}", quoted(operation)))
    } else {
        ("agents", format!("agent = {}, operation = {}", quoted(agent), quoted(operation)))
    };
    let names = call.needed.iter().flatten().map(|needed| needed.name.to_owned());
    let args: Table = names.zip(inputs.iter().map(|name| Value::from(format!("${{{name}}}")))).collect();
    let args = if args.is_empty() { String::new() } else { format!(", args = {}", Value::Table(args)) };
    let _ = writeln!(text, "{list} = [{{ {who}{args} }}]");
    text
}

/// What whoever reads it may want to add.
fn comment(call: &Call<'_>) -> String {
    if call.needed.is_none() {
        return "# What it must be given is not known: add it as `args`.\n".to_owned();
    }
    // A name that would not stand in a comment by itself is not one to be typed.
    let names: Vec<_> = call.optional.iter().filter(|name| is_identifier(name)).copied().collect();
    match names.get(..MOST) {
        _ if names.is_empty() => String::new(),
        Some(first) => format!("# It may be given {}, and more.\n", first.join(", ")),
        None => format!("# It may be given {}.\n", names.join(", ")),
    }
}

/// An operation as one word.
fn word(performer: &Performer) -> String {
    cut(&plain(&performer.to_string()))
}

/// A name of letters, digits and `_` alone, the first of them no digit.
fn plain(name: &str) -> String {
    let begin = if name.starts_with(|letter: char| letter.is_ascii_digit()) { "_" } else { "" };
    let letters = name.chars().map(|letter| if letter.is_ascii_alphanumeric() { letter } else { '_' });
    begin.chars().chain(letters).collect()
}

fn cut(name: &str) -> String {
    name.chars().take(LONGEST).collect()
}

/// A name, counted on as long as it is taken.
fn unique(name: &str, is_taken: impl Fn(&str) -> bool) -> String {
    let name = cut(name);
    if !is_taken(&name) {
        return name;
    }
    let mut counted = (2_u32..).map(|number| format!("{name}_{number}"));
    counted.find(|name| !is_taken(name)).expect("there are more numbers than names")
}

fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}
