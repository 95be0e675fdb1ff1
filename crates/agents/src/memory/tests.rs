//! The operations on a store in a directory, with the clock in the hand.

mod bounds;
mod finding;
mod forgetting;
mod lifetimes;
mod recalling;
mod remembering;
mod reversing;
mod sessions;
mod undoing;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use op_agent::Failure;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::forget::{Gone, Restored};
use super::list::Listed;
use super::recall::{Answer, Recalled};
use super::remember::{Change, Remembered, Unremembered};
use super::search::Found;
use super::store::{Limits, Store};
use super::*;
use crate::origin::Caller;
use crate::undo::Undo;

/// Words enough to be held against others.
const SENTENCE: &str = "the site goes out on fridays when its tests have passed";

struct Scene {
    store: Arc<Store>,
    home: TempDir,
    calls: AtomicU64,
    now: i64,
    session: &'static str,
}

fn args<A: DeserializeOwned>(args: Value) -> A {
    serde_json::from_value(args).unwrap()
}

impl Scene {
    fn new() -> Self {
        let home = tempfile::tempdir().unwrap();
        let store = Arc::new(Store::new(Some(home.path())));
        Self { store, home, calls: AtomicU64::new(1), now: 1_000_000, session: "" }
    }

    fn caller(&self) -> Caller {
        let call = self.calls.fetch_add(1, Ordering::Relaxed);
        Caller { key: format!("run-1/step/1/{call}"), session: self.session.to_owned(), now: self.now }
    }

    async fn remember(&self, what: Value) -> Result<Remembered, Failure> {
        remember::remember(Arc::clone(&self.store), self.caller(), args(what)).await
    }

    async fn put(&self, key: &str, value: impl Into<Value>) {
        self.remember(json!({ "key": key, "value": value.into() })).await.unwrap();
    }

    async fn unremember(&self, what: Value, output: Remembered) -> Result<Unremembered, Failure> {
        let undo = Undo { arguments: args(what), output };
        remember::unremember(Arc::clone(&self.store), self.caller(), undo).await
    }

    async fn recall(&self, what: Value) -> Recalled {
        recall::recall(Arc::clone(&self.store), self.caller(), args(what)).await.unwrap()
    }

    async fn value(&self, key: &str) -> Option<Value> {
        let recalled = self.recall(json!({ "key": key })).await;
        recalled.found.then_some(recalled.value)
    }

    async fn forget(&self, what: Value) -> Result<Gone, Failure> {
        forget::forget(Arc::clone(&self.store), self.caller(), args(what)).await
    }

    async fn restore(&self, output: Gone) -> Restored {
        let undo = Undo { arguments: args(json!({})), output };
        forget::restore(Arc::clone(&self.store), self.caller(), undo).await.unwrap()
    }

    async fn search(&self, what: Value) -> Result<Found, Failure> {
        search::search(Arc::clone(&self.store), self.caller(), args(what)).await
    }

    async fn found(&self, query: &str) -> Vec<String> {
        let found = self.search(json!({ "query": query })).await.unwrap();
        found.matches.into_iter().map(|found| found.entry.key).collect()
    }

    async fn list(&self, what: Value) -> Listed {
        list::list(Arc::clone(&self.store), self.caller(), args(what)).await.unwrap()
    }

    async fn keys(&self, what: Value) -> Vec<String> {
        self.list(what).await.entries.into_iter().map(|entry| entry.key).collect()
    }
}

fn names(forgotten: &Gone) -> Vec<&str> {
    forgotten.forgotten.iter().map(|name| name.key.as_str()).collect()
}
