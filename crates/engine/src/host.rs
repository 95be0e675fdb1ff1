//! What operations ask the hub for while they are performed: tools, operations of other agents, models, memory. It is performed as
//! part of the call that asks, if its agent may have it, under the same guards as any other call. Workers never talk to each other.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use op_plan::Performer;
use op_plan::input::SECRET;
use op_plan::plan::{FailureKind, digest};
use op_run::{Answer, Evidence, Failure};
use serde_json::Value;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

mod approval;
mod grants;
mod record;
mod repetition;

pub use grants::Grants;
pub(crate) use record::Record;
use repetition::{Repetition, hash};

use crate::guard::secret::names_secret;
use crate::guard::skill;
use crate::handle::Engine;
use crate::handle::call::within;
use crate::handle::noted::Noted;
use crate::names::NameError;
use crate::ports::{CallRecord, Deaf, Progress, Question, Request, Sink};

/// How deep calls may ask for calls.
const MAX_DEPTH: usize = 4;

/// Host calls that one call may make in all.
const MAX_CALLS: usize = 1000;

/// The call that asks.
#[derive(Debug, Clone)]
pub(crate) struct Asker {
    /// Its key.
    pub(crate) key: String,
    /// Who performs it.
    pub(crate) performer: Performer,
    /// The session for whose sake it is made.
    pub(crate) session: String,
    /// When its time is over.
    pub(crate) deadline: Option<Instant>,
    /// Up to which number it may have asked before, when the hub was restarted since.
    pub(crate) asked: u32,
    /// Credentials that its arguments named, which what it asks for may give away.
    pub(crate) secrets: Vec<String>,
}

/// A sink that answers what its call asks for.
#[derive(Clone)]
pub(crate) struct Host(Arc<Inner>);

struct Inner {
    engine: Engine,
    asker: Asker,
    /// Agents whose calls this one is part of, its own included.
    chain: Vec<String>,
    /// The run in which it is written down; what calls outside of runs ask for, and calls of calls, are noted beside those calls.
    record: Option<Record>,
    sink: Arc<dyn Sink>,
    book: Mutex<Book>,
}

/// Something that is asked for.
struct Wish {
    number: u32,
    key: String,
    performer: Performer,
    arguments: Arc<Value>,
    /// Tells it from others of the same call.
    hash: u64,
    /// What is written down of it in a run.
    digest: String,
    timeout: Option<Duration>,
}

/// What was asked for so far.
#[derive(Default)]
struct Book {
    calls: usize,
    repetition: Repetition,
    /// Calls whose outcomes their performers keep until the call that asked has ended.
    ended: Vec<(Performer, String)>,
}

impl Host {
    /// A host for a call, whose progress goes to `sink`.
    pub(crate) fn new(engine: Engine, asker: Asker, record: Option<Record>, sink: Arc<dyn Sink>) -> Self {
        let chain = vec![asker.performer.agent.clone()];
        Self(Arc::new(Inner { engine, asker, chain, record, sink, book: Mutex::default() }))
    }

    /// A host for what a call asked for.
    fn nested(&self, key: &str, performer: &Performer, deadline: Option<Instant>, is_repeat: bool) -> Self {
        let Inner { engine, asker, chain, .. } = &*self.0;
        // What it asked for before is written down nowhere: each may have been sent.
        let asked = if is_repeat { u32::MAX } else { 0 };
        let asker = Asker {
            key: key.to_owned(),
            performer: performer.clone(),
            session: asker.session.clone(),
            deadline,
            asked,
            secrets: asker.secrets.clone(),
        };
        let chain = chain.iter().cloned().chain([performer.agent.clone()]).collect();
        let inner = Inner {
            engine: engine.clone(),
            asker,
            chain,
            record: None,
            sink: Arc::new(Deaf),
            book: Mutex::default(),
        };
        Self(Arc::new(inner))
    }
}

impl Sink for Host {
    fn take(&self, progress: Progress) {
        self.0.sink.take(progress);
    }

    fn ask(&self, question: Question) -> BoxFuture<'static, Answer> {
        let host = self.clone();
        async move { host.answer(question).await.unwrap_or_else(refused) }.boxed()
    }
}

impl Host {
    async fn answer(&self, question: Question) -> Result<Answer, Failure> {
        let Inner { engine, asker, record, .. } = &*self.0;
        let wish = self.read(&question)?;
        let Wish { number, key, performer, hash, digest, .. } = &wish;
        self.book().enter(performer, *hash)?;
        if let Some(record) = record {
            record.started(*number, performer, digest).await?;
        }
        // What a step asks for stands in its run, and what a call asks for beside the call.
        let noted = record.is_none().then(|| {
            let user = CallRecord::agent(&asker.performer.agent);
            Noted::begin(engine, key, &user, &asker.session, performer)
        });
        let answer = self.perform(&wish).await;
        self.book().repetition.ended(*hash, &answer);
        noted.into_iter().for_each(|mut noted| noted.end(&answer));
        if let Some(record) = record {
            record.ended(*number, &answer).await?;
        }
        tracing::debug!(call = asker.key, number, %performer, "answered what a call asked for");
        Ok(answer)
    }

    /// What it is that is asked for, unless it is nothing that the agent may have.
    fn read(&self, question: &Question) -> Result<Wish, Failure> {
        let Inner { engine, asker, .. } = &*self.0;
        let arguments = Arc::new(object(&question.arguments)?);
        let performer = Performer::parse(&question.performer);
        if !approval::is_asked(&performer) {
            let unknown = |error: NameError| refusal("unknown_operation", error.to_string(), "");
            engine.check_name(&performer).map_err(unknown)?;
        }
        self.admit(&performer)?;
        let lessons = skill::outside(engine, &performer, &arguments, skill::OF_AGENTS)?;
        Ok(Wish {
            number: question.number,
            key: format!("{}/{}", asker.key, question.number),
            hash: hash(&(&performer, &arguments)),
            digest: self.digest(&performer, &arguments),
            arguments: skill::teach(&arguments, &lessons),
            timeout: question.timeout,
            performer,
        })
    }

    /// Empty where nothing is written down, or a short secret might be guessed from it.
    fn digest(&self, performer: &Performer, arguments: &Value) -> String {
        let is_told = self.0.record.is_some() && self.0.asker.secrets.is_empty();
        if is_told { digest(&(performer, arguments)) } else { String::new() }
    }

    /// Lets an agent have what its settings grant, and nothing that leads back to one that waits for it.
    fn admit(&self, performer: &Performer) -> Result<(), Failure> {
        let Inner { engine, asker, chain, .. } = &*self.0;
        let agent = &asker.performer.agent;
        if !engine.library().grants.allow(agent, performer) {
            let message = format!("agent `{agent}` may not have `{performer}` performed");
            let hint = format!("add it to `may_ask` of [agents.{agent}] in agents.toml if it is to have it");
            return Err(refusal("not_allowed", message, &hint));
        }
        if chain.contains(&performer.agent) {
            let message = format!(
                "`{performer}` would come back to an agent that waits for it: {}",
                chain.join(" -> ")
            );
            return Err(refusal("host_loop", message, "let the agent do it itself"));
        }
        if chain.len() >= MAX_DEPTH {
            let message = format!("calls ask for calls {MAX_DEPTH} deep already: {}", chain.join(" -> "));
            return Err(refusal("too_deep", message, "let the plan call it"));
        }
        Ok(())
    }

    async fn perform(&self, wish: &Wish) -> Answer {
        let Inner { engine, asker, .. } = &*self.0;
        let Wish { number, key, performer, arguments, .. } = wish;
        let limit = self.limit(wish.timeout);
        if approval::is_asked(performer) {
            return approval::ask(engine, asker, key, arguments, limit).await;
        }
        let is_repeat = *number <= asker.asked;
        let request = Request {
            key: key.clone(),
            performer: performer.clone(),
            arguments: Arc::clone(arguments),
            timeout: Some(limit),
            repeat: is_repeat,
            secrets: asker.secrets.clone(),
            session: asker.session.clone(),
            // Nobody approved of what an agent makes up.
            approved: false,
            keep: None,
        };
        let sink = self.nested(key, performer, Instant::now().checked_add(limit), is_repeat);
        let stop = CancellationToken::new();
        self.book().ended.push((performer.clone(), key.clone()));
        within(limit, engine.hall.ports.perform.perform(request, Arc::new(sink), stop.clone()), stop).await
    }

    /// How long it may take: never longer than the call that asks.
    fn limit(&self, wanted: Option<Duration>) -> Duration {
        let Inner { engine, asker, .. } = &*self.0;
        let left = asker.deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
        let own = wanted.or(left).unwrap_or(engine.call_limit());
        left.map_or(own, |left| own.min(left))
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        self.0.book.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Book {
    fn enter(&mut self, performer: &Performer, hash: u64) -> Result<(), Failure> {
        if self.calls == MAX_CALLS {
            let message = format!("the call asked for {MAX_CALLS} things already");
            return Err(refusal("too_many_host_calls", message, "ask for more at a time"));
        }
        self.calls += 1;
        if self.repetition.is_stuck(hash) {
            let message = format!(
                "`{performer}` was asked for with the same arguments again and again, and says the same"
            );
            return Err(refusal("no_progress", message, "ask for something else, or end"));
        }
        Ok(())
    }
}

impl Drop for Inner {
    /// The call that asked has ended, and nobody comes back for what it asked for.
    fn drop(&mut self) {
        // Of a daemon that goes down, the next one comes back.
        if self.engine.hall.shutdown.is_cancelled() {
            return;
        }
        let book = self.book.get_mut().unwrap_or_else(PoisonError::into_inner);
        for (performer, key) in book.ended.drain(..) {
            self.engine.hall.ports.perform.acknowledge(&performer, &key);
        }
    }
}

/// The arguments in a text. Secrets are named in plans alone.
fn object(text: &str) -> Result<Value, Failure> {
    let wrong = |what: String| refusal("invalid_arguments", format!("the arguments {what}"), "");
    match serde_json::from_str(text) {
        Ok(object @ Value::Object(_)) if names_secret(&object) => {
            Err(wrong(format!("name a secret, and `{SECRET}` is for plans")))
        }
        Ok(object @ Value::Object(_)) => Ok(object),
        Ok(_) => Err(wrong("are no JSON object".to_owned())),
        Err(error) => Err(wrong(format!("are no JSON: {error}"))),
    }
}

fn refusal(reason: &str, message: String, hint: &str) -> Failure {
    Failure::new(FailureKind::Refused, reason, message).hint(hint)
}

/// What the hub itself answers to what it does not let be performed.
pub(crate) fn refused(failure: Failure) -> Answer {
    Answer::Failed { failure, evidence: Evidence { peer: "hub".to_owned(), ..Evidence::default() } }
}
