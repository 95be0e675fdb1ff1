//! Puts secrets into arguments where a call leaves the hub, and takes them out of everything that comes back: a secret never
//! enters the journal, a log or an event.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::{Buf as _, Bytes};
use futures::future::BoxFuture;
use op_plan::Performer;
use op_plan::input::SECRET;
use op_run::Answer;
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use super::{Guard, refuse};
use crate::ports::{Chunk, Perform, Progress, Question, Request, Sink};

/// What stands where a secret stood.
const MASK: &str = "[secret]";

/// Bytes from which on a line of a secret is one by itself; shorter ones stand in text by chance.
const LINE: usize = 8;

/// Reads a credential by its name.
pub trait Credentials: Send + Sync + 'static {
    /// The credential, or why there is none, in one sentence.
    ///
    /// # Errors
    /// When there is none of this name or it cannot be read.
    fn read(&self, name: &str) -> Result<String, String>;
}

/// A guard that resolves `{"$secret": NAME}` in arguments, for names the run was given as secret inputs.
pub fn secret(credentials: Arc<dyn Credentials>) -> Guard {
    Box::new(move |inner| Arc::new(Secret { credentials, inner }))
}

struct Secret {
    credentials: Arc<dyn Credentials>,
    inner: Arc<dyn Perform>,
}

#[async_trait]
impl Perform for Secret {
    async fn perform(&self, mut request: Request, sink: Arc<dyn Sink>, stop: CancellationToken) -> Answer {
        if request.secrets.is_empty() {
            return self.inner.perform(request, sink, stop).await;
        }
        let mut values = Vec::new();
        for name in &request.secrets {
            match self.credentials.read(name) {
                Ok(value) => values.push((name.clone(), value)),
                Err(why) => {
                    let message = format!("the secret `{name}` cannot be read: {why}");
                    return refuse(
                        "secret_missing",
                        message,
                        "put it into the credentials directory of the daemon",
                    );
                }
            }
        }
        reveal(Arc::make_mut(&mut request.arguments), &values);
        let masks = masks(values.iter().map(|(_, value)| value.as_str()));
        let sink = Arc::new(Masked { masks: Arc::clone(&masks), inner: sink });
        let mut answer = self.inner.perform(request, sink, stop).await;
        mask_answer(&mut answer, &masks);
        answer
    }

    fn acknowledge(&self, performer: &Performer, key: &str) {
        self.inner.acknowledge(performer, key);
    }
}

fn reveal(value: &mut Value, secrets: &[(String, String)]) {
    if let Some(secret) = named(value).and_then(|name| secrets.iter().find(|(known, _)| known == name)) {
        *value = Value::String(secret.1.clone());
        return;
    }
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| reveal(item, secrets)),
        Value::Object(fields) => fields.values_mut().for_each(|field| reveal(field, secrets)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// Whether a secret is named anywhere in a value.
pub(crate) fn names_secret(value: &Value) -> bool {
    named(value).is_some()
        || match value {
            Value::Array(items) => items.iter().any(names_secret),
            Value::Object(fields) => fields.values().any(names_secret),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
        }
}

fn named(value: &Value) -> Option<&str> {
    let fields = value.as_object().filter(|fields| fields.len() == 1)?;
    fields.get(SECRET)?.as_str()
}

/// What is taken out: each secret as it is, as JSON writes it, and line by line, since performers send lines. The longest goes
/// first, so that a secret within another one leaves no rest of that.
fn masks<'a>(secrets: impl Iterator<Item = &'a str>) -> Arc<[String]> {
    let mut masks: Vec<_> = secrets.flat_map(spellings).collect();
    masks.sort_by_key(|mask| std::cmp::Reverse(mask.len()));
    masks.dedup();
    masks.into()
}

fn spellings(secret: &str) -> impl Iterator<Item = String> {
    let json = Value::from(secret).to_string();
    let lines = secret.lines().map(str::trim).filter(|line| line.len() >= LINE).map(str::to_owned);
    let whole = [secret.to_owned(), json[1..json.len() - 1].to_owned()];
    whole.into_iter().chain(lines).filter(|mask| !mask.is_empty())
}

fn mask_answer(answer: &mut Answer, masks: &[String]) {
    match answer {
        Answer::Succeeded { value, .. } => mask_value(value, masks),
        Answer::Failed { failure, .. } => {
            mask_text(&mut failure.reason, masks);
            mask_text(&mut failure.message, masks);
            mask_text(&mut failure.hint, masks);
            failure.detail.iter_mut().for_each(|detail| mask_value(detail, masks));
        }
    }
}

fn mask_value(value: &mut Value, masks: &[String]) {
    match value {
        Value::String(text) => mask_text(text, masks),
        Value::Array(items) => items.iter_mut().for_each(|item| mask_value(item, masks)),
        Value::Object(fields) => {
            *fields = std::mem::take(fields).into_iter().map(|field| mask_field(field, masks)).collect();
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn mask_field((mut key, mut value): (String, Value), masks: &[String]) -> (String, Value) {
    mask_text(&mut key, masks);
    mask_value(&mut value, masks);
    (key, value)
}

fn mask_text(text: &mut String, masks: &[String]) {
    for mask in masks {
        if text.contains(mask.as_str()) {
            *text = text.replace(mask, MASK);
        }
    }
}

/// Masks output chunk by chunk. Performers send whole lines, so a secret is not cut in two unless it has a line break in it.
struct Masked {
    masks: Arc<[String]>,
    inner: Arc<dyn Sink>,
}

impl Sink for Masked {
    fn take(&self, progress: Progress) {
        self.inner.take(match progress {
            Progress::Output(chunk) => Progress::Output(self.mask(&chunk)),
            Progress::Fraction { fraction, mut note } => {
                mask_text(&mut note, &self.masks);
                Progress::Fraction { fraction, note }
            }
        });
    }

    fn ask(&self, question: Question) -> BoxFuture<'static, Answer> {
        self.inner.ask(question)
    }
}

impl Masked {
    fn mask(&self, chunk: &Chunk) -> Chunk {
        let mut data = chunk.data.clone();
        for mask in self.masks.iter() {
            mask_bytes(&mut data, mask.as_bytes());
        }
        Chunk { channel: chunk.channel, data }
    }
}

/// Output need not be text, so it is searched as the bytes it is.
fn mask_bytes(data: &mut Bytes, mask: &[u8]) {
    let mut masked = Vec::new();
    while let Some(at) = data.windows(mask.len()).position(|window| window == mask) {
        masked.extend_from_slice(&data.split_to(at));
        masked.extend_from_slice(MASK.as_bytes());
        data.advance(mask.len());
    }
    if !masked.is_empty() {
        masked.extend_from_slice(data);
        *data = masked.into();
    }
}
