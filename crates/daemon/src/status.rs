//! How the daemon stands, in a sentence: `5/5 agents connected, 2 runs active, 0 stuck`.

use std::sync::Arc;
use std::time::Duration;

use futures::future::ready;
use futures::stream::{BoxStream, pending};
use futures::{FutureExt as _, StreamExt as _};
use op_engine::Engine;
use op_engine::ports::{AgentState, EventFilter, RunFilter, Service, Standing};
use op_run::run::State;

use crate::systemd;

/// Shortest time between two sentences.
const PACE: Duration = Duration::from_millis(500);

/// Stuck runs that are counted; more are told as so many.
const COUNTED: usize = 1000;

/// Tells systemd how the daemon stands, now and after every change.
pub(crate) async fn tell(engine: Engine, service: Arc<dyn Service>) {
    // To follow every run costs something.
    if !systemd::listens() {
        return;
    }
    let mut standing = service.standing();
    let mut agents = engine.agents().watch().chain(pending()).fuse();
    let mut events = events(&engine).await;
    let mut told = String::new();
    loop {
        // What is there by now is in the sentence.
        while agents.next().now_or_never().is_some() {}
        while events.next().now_or_never().flatten().is_some() {}
        let now = standing.borrow_and_update().clone();
        let sentence = sentence(&engine, &now).await;
        if sentence != told {
            systemd::status(&sentence);
            told = sentence;
        }
        tokio::select! {
            _ = agents.next() => {}
            event = events.next() => if event.is_none() { events = self::events(&engine).await },
            changed = standing.changed() => if changed.is_err() { return },
        }
        tokio::time::sleep(PACE).await;
    }
}

/// Every event from now on; ends when they come faster than they are looked at.
async fn events(engine: &Engine) -> BoxStream<'static, ()> {
    let tail = engine.tail(EventFilter { limit: 1, ..EventFilter::default() }).await;
    match tail {
        Ok(tail) => tail.take_while(|event| ready(event.is_ok())).map(drop).boxed(),
        Err(error) => {
            tracing::warn!(%error, "the status does not follow the runs");
            pending().boxed()
        }
    }
}

/// How the daemon stands.
pub(crate) async fn sentence(engine: &Engine, standing: &Standing) -> String {
    let agents = engine.agents().list();
    let held: Vec<_> = agents.iter().filter(|agent| agent.run_on_connection).collect();
    let ready = held.iter().filter(|agent| agent.state == AgentState::Ready).count();
    let filter = RunFilter { states: vec![State::Stuck], limit: COUNTED, ..RunFilter::default() };
    let stuck = engine.list(&filter).await.map_or_else(|_| "?".to_owned(), |stuck| stuck.len().to_string());
    let active = engine.live_runs();
    let runs = if active == 1 { "run" } else { "runs" };
    let mut sentence =
        format!("{ready}/{} agents connected, {active} {runs} active, {stuck} stuck", held.len());
    if engine.is_draining() {
        sentence.push_str("; drained: no new runs are taken");
    }
    if let Some(error) = standing.errors.first() {
        sentence.push_str("; configuration: ");
        // A status is one line.
        sentence.push_str(error.lines().next().unwrap_or_default());
    }
    sentence
}
