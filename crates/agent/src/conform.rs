//! Holds an agent, in whatever language, against the protocol.
//!
//! It connects as a hub does, and checks what the comments of `opdbus/agent/v1/agent.proto` promise. It knows of the agent only what
//! the agent says; calls that show more, such as one that goes on for long, are named by whoever tries it. What could not be tried
//! is told as not checked, never as passed.
//!
//! - [`trial`]: what an agent is tried with; [`report`]: what was found
//! - `subject`, `hub`, `record`, `frames`: the agent, a hub's end of a session with it, what was seen of each operation
//! - `describe`, `schema`, `health`: what it says of itself
//! - `execute`, `welcome`, `lively`, `interleave`, `slow`, `repeat`, `flow`, `resume`, `ask`, `drain`: one kind of check each
//! - `rules`: what holds for every operation, judged once over all that was seen

pub mod report;
pub mod trial;

mod ask;
mod describe;
mod drain;
mod execute;
mod flow;
mod frames;
mod health;
mod hub;
mod interleave;
mod lively;
mod record;
mod repeat;
mod resume;
mod rules;
mod schema;
mod slow;
mod subject;
mod welcome;

use std::pin::Pin;

use op_proto::Address;

pub use report::{Finding, Report, Verdict};
pub use subject::ReachError;
pub use trial::{Call, ParseCallError, Trial};

use record::Record;
use report::{Checked, untried};
use subject::Subject;

/// What happens while an agent is tried.
#[derive(Debug, Clone, Copy)]
pub enum News<'a> {
    /// A check was made.
    Checked(&'a Finding),
    /// It is time to send the agent SIGTERM.
    Drain,
}

/// A check that needs the agent.
type Check = for<'a> fn(&'a Subject<'a>) -> Pin<Box<dyn Future<Output = Checked> + 'a>>;

/// A rule over all that was seen.
type Rule = fn(&[Record]) -> Checked;

/// What holds for every agent.
const EVERY: [(&str, Check); 5] = [
    ("health", |subject| Box::pin(health::serving(subject))),
    ("execute.value", |subject| Box::pin(execute::value(subject))),
    ("execute.unknown_operation", |subject| Box::pin(execute::unknown(subject))),
    ("execute.deadline", |subject| Box::pin(slow::deadline_alone(subject))),
    ("execute.repeat", |subject| Box::pin(execute::repeat(subject))),
];

/// What holds for an agent that speaks sessions.
const SESSION: [(&str, Check); 23] = [
    ("session.welcome", |subject| Box::pin(welcome::version(subject))),
    ("session.description", |subject| Box::pin(welcome::description(subject))),
    ("session.ping", |subject| Box::pin(lively::ping(subject))),
    ("session.unknown_frames", |subject| Box::pin(lively::unknown_frames(subject))),
    ("session.unknown_operation", |subject| Box::pin(lively::unknown_operation(subject))),
    ("session.interleaving", |subject| Box::pin(interleave::crowd(subject))),
    ("session.beside_slow", |subject| Box::pin(slow::beside(subject))),
    ("session.cancel", |subject| Box::pin(slow::cancel(subject))),
    ("session.deadline", |subject| Box::pin(slow::deadline(subject))),
    ("session.bye", |subject| Box::pin(slow::bye(subject))),
    ("session.over", |subject| Box::pin(lively::session_over(subject))),
    ("session.repeat", |subject| Box::pin(repeat::again(subject))),
    ("session.kept", |subject| Box::pin(repeat::kept(subject))),
    ("session.acknowledged", |subject| Box::pin(repeat::acknowledged(subject))),
    ("session.repeat_of_nothing", |subject| Box::pin(repeat::of_nothing(subject))),
    ("session.credit", |subject| Box::pin(flow::credit(subject))),
    ("session.large_output", |subject| Box::pin(flow::large(subject))),
    ("session.resume", |subject| Box::pin(resume::goes_on(subject))),
    ("session.resume_output", |subject| Box::pin(resume::output_once(subject))),
    ("session.resume_unknown", |subject| Box::pin(resume::unknown(subject))),
    ("session.host_call", |subject| Box::pin(ask::answered(subject))),
    ("session.host_call_again", |subject| Box::pin(ask::again(subject))),
    ("session.host_call_joined", |subject| Box::pin(ask::joined(subject))),
];

/// What holds for every operation.
const RULES: [(&str, Rule); 7] = [
    ("operation.accepted_first", rules::accepted),
    ("operation.sequence", rules::sequence),
    ("operation.one_outcome", rules::one_outcome),
    ("operation.outcome", rules::outcomes),
    ("operation.channel", rules::channels),
    ("operation.within_credit", rules::credit),
    ("operation.bounded", rules::bounded),
];

/// Holds the agent at an address against the protocol; `tell` hears of each check as it is made. Takes about as long as what the agent
/// is asked for, and a few seconds.
pub async fn conform(
    address: &Address,
    trial: &Trial,
    mut tell: impl FnMut(News<'_>),
) -> Result<Report, ReachError> {
    let mut report = Report::default();
    let mut add = |check: &'static str, checked: Checked, tell: &mut dyn FnMut(News<'_>)| {
        let finding = Finding { check, verdict: checked.into() };
        tell(News::Checked(&finding));
        report.findings.push(finding);
    };
    let subject = Subject::reach(address, trial).await?;
    for (check, checked) in [
        ("describe.names", describe::names(&subject.described)),
        ("describe.schemas", schema::schemas(&subject.described)),
        ("describe.effects", describe::effects(&subject.described)),
        ("describe.undo", describe::undo(&subject.described)),
    ] {
        add(check, checked, &mut tell);
    }
    for (name, check) in EVERY {
        add(name, check(&subject).await, &mut tell);
    }
    let speaks_sessions = !execute::is_minimal(&subject).await;
    for (name, check) in SESSION {
        let checked = if speaks_sessions { check(&subject).await } else { no_session() };
        add(name, checked, &mut tell);
    }
    let drained =
        if speaks_sessions { drain::drains(&subject, || tell(News::Drain)).await } else { no_session() };
    add("session.drain", drained, &mut tell);
    let log = subject.log();
    for (name, rule) in RULES {
        add(name, rule(&log), &mut tell);
    }
    Ok(report)
}

fn no_session() -> Checked {
    Err(untried("the agent answers Session with UNIMPLEMENTED: it is reached by Execute alone"))
}
