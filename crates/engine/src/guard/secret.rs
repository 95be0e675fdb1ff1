//! Puts secrets into arguments where a call leaves the hub, and takes them out of everything that comes back: a secret never
//! enters the journal, a log or an event.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use op_plan::Performer;
use op_plan::input::SECRET;
use op_run::Answer;
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use super::{Guard, refuse};
use crate::ports::{Chunk, Perform, Progress, Request, Sink};

/// What stands where a secret stood.
const MASK: &str = "[secret]";

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
        let masks: Arc<[String]> =
            values.into_iter().map(|(_, value)| value).filter(|value| !value.is_empty()).collect();
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

fn named(value: &Value) -> Option<&str> {
    let fields = value.as_object().filter(|fields| fields.len() == 1)?;
    fields.get(SECRET)?.as_str()
}

fn mask_answer(answer: &mut Answer, masks: &[String]) {
    match answer {
        Answer::Succeeded { value, .. } => mask_value(value, masks),
        Answer::Failed { failure, .. } => {
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
        Value::Object(fields) => fields.values_mut().for_each(|field| mask_value(field, masks)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn mask_text(text: &mut String, masks: &[String]) {
    for mask in masks.iter().filter(|mask| text.contains(mask.as_str())).collect::<Vec<_>>() {
        *text = text.replace(mask, MASK);
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
}

impl Masked {
    fn mask(&self, chunk: &Chunk) -> Chunk {
        let mut text = String::from_utf8_lossy(&chunk.data).into_owned();
        mask_text(&mut text, &self.masks);
        Chunk { channel: chunk.channel, data: Bytes::from(text) }
    }
}
