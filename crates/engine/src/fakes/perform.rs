//! A performer that does what a test says.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use futures::future::BoxFuture;
use op_plan::Performer;
use op_run::{Answer, Evidence};
use serde_json::Value;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::ports::{Perform, Request, Sink};

type Script = dyn Fn(Request, Arc<dyn Sink>, CancellationToken) -> BoxFuture<'static, Answer> + Send + Sync;

/// Performs by a script for each operation, and remembers what it was asked.
#[derive(Default)]
pub struct ScriptedPerform {
    scripts: HashMap<String, Arc<Script>>,
    asked: Mutex<Vec<Request>>,
    acknowledged: Mutex<Vec<String>>,
    count: watch::Sender<usize>,
}

impl ScriptedPerform {
    /// Says what the operation `agent.operation` does.
    #[must_use]
    pub fn on<F, Fut>(mut self, operation: &str, script: F) -> Self
    where
        F: Fn(Request, Arc<dyn Sink>, CancellationToken) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Answer> + Send + 'static,
    {
        let script = move |request, sink, stop| -> BoxFuture<'static, Answer> {
            Box::pin(script(request, sink, stop))
        };
        self.scripts.insert(operation.to_owned(), Arc::new(script));
        self
    }

    /// What it was asked so far, in order.
    pub fn asked(&self) -> Vec<Request> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Keys that were acknowledged so far, in order.
    pub fn acknowledged(&self) -> Vec<String> {
        self.acknowledged.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Returns once it was asked so many times.
    pub async fn was_asked(&self, times: usize) {
        self.count.subscribe().wait_for(|count| *count >= times).await.expect("the performer is alive");
    }
}

#[async_trait]
impl Perform for ScriptedPerform {
    async fn perform(&self, request: Request, sink: Arc<dyn Sink>, stop: CancellationToken) -> Answer {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).push(request.clone());
        self.count.send_modify(|count| *count += 1);
        match self.scripts.get(&request.performer.to_string()) {
            Some(script) => script(request, sink, stop).await,
            None => succeed(Value::Null),
        }
    }

    fn acknowledge(&self, _performer: &Performer, key: &str) {
        self.acknowledged.lock().unwrap_or_else(PoisonError::into_inner).push(key.to_owned());
    }
}

/// Success with a value.
pub fn succeed(value: Value) -> Answer {
    Answer::Succeeded { value, evidence: Evidence { peer: "scripted".to_owned(), ..Evidence::default() } }
}
