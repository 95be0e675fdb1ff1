//! A call, from admission to its one answer.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use op_engine::ports::{Perform, Request, Sink};
use op_plan::plan::FailureKind;
use op_plan::{Performer, Risk};
use op_proto::agent::v1::Operation;
use op_run::{Answer, Failure};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::agent::{Agent, Count, Probe};
use crate::answer::{Observed, answer, refused};
use crate::breaker::Pass;
use crate::flight::{End, Ended, Stopped};
use crate::pool::Pool;
use crate::wire::{Order, Wire};

/// Bytes of an operation's frame beside its arguments and names.
const FRAME: usize = 1 << 10;

#[async_trait]
impl Perform for Pool {
    /// Waits for a place, a closed breaker and a link, sends the call, and answers once. What has not left the hub is tried
    /// again a few times; what has left it never is. Dropping the future asks the agent to stop, unless the hub [goes
    /// down](Pool::go_down) and the agent does not.
    async fn perform(&self, request: Request, sink: Arc<dyn Sink>, stop: CancellationToken) -> Answer {
        let began = Instant::now();
        let Some(agent) = self.agent(&request.performer.agent) else {
            let name = &request.performer.agent;
            let failure = Failure::new(
                FailureKind::Unavailable,
                "unknown_agent",
                format!("no agent is called `{name}`"),
            )
            .hint("name it in agents.toml");
            return refused(
                failure,
                Observed { peer: name.clone(), duration: Duration::ZERO, overdue: false },
            );
        };
        agent.perform(request, &sink, &stop, began).await
    }

    fn acknowledge(&self, performer: &Performer, key: &str) {
        if let Some(agent) = self.agent(&performer.agent)
            && let Some(wire) = &agent.standing.borrow().wire
        {
            wire.acknowledge(key);
        }
    }
}

impl Agent {
    /// The request becomes a message before the future begins, which so has no room for both.
    fn perform<'a>(
        &'a self,
        request: Request,
        sink: &'a Arc<dyn Sink>,
        stop: &'a CancellationToken,
        began: Instant,
    ) -> impl Future<Output = Answer> + Send + 'a {
        let limit = request.timeout;
        let deadline = limit.and_then(|limit| began.checked_add(limit));
        let order = Order { sink, stop, deadline, grace: self.pool.grace };
        let (name, approved) = (request.performer.operation.clone(), request.approved);
        let operation = self.operation(request);
        async move {
            let result = match operation {
                Ok(operation) => self.conduct(operation, approved, &order).await,
                Err(failure) => Err(failure),
            };
            self.close(&name, limit, began.elapsed(), result)
        }
    }

    /// Counts a call and answers it.
    fn close(
        &self,
        operation: &str,
        limit: Option<Duration>,
        duration: Duration,
        result: Result<Ended, Failure>,
    ) -> Answer {
        let observed = Observed {
            peer: self.peer.clone(),
            duration,
            overdue: limit.is_some_and(|limit| duration >= limit),
        };
        let answer = match result {
            Ok(ended) => answer(ended, observed),
            Err(failure) => refused(failure, observed),
        };
        self.count(operation, duration, count(&answer));
        self.gate.used(self.clock.now());
        answer
    }

    /// Brings a call through the gate to the agent; an error says why it never left the hub.
    ///
    /// Most calls wait for nothing but their answer. What others wait for is boxed, here and further in, so that all calls
    /// stay small: a future is as large as its largest wait, and one of more than a kilobyte is slow to allocate and to move.
    async fn conduct(
        &self,
        operation: Box<Operation>,
        approved: bool,
        order: &Order<'_>,
    ) -> Result<Ended, Failure> {
        let _place = match self.gate.try_enter() {
            Some(place) => place,
            None => match Box::pin(order.unless_stopped(self.gate.enter())).await {
                Ok(place) => place.map_err(|full| self.full(full.queue))?,
                Err(why) => return Ok(unsent(why)),
            },
        };
        self.deliver(operation, approved, order).await
    }

    /// Sends a call, and sends it again as long as it has not left the hub.
    async fn deliver(
        &self,
        mut operation: Box<Operation>,
        approved: bool,
        order: &Order<'_>,
    ) -> Result<Ended, Failure> {
        let mut attempt = 0;
        loop {
            let (wire, _probe) = match self.straight() {
                Some(wire) => (wire, None),
                None => match Box::pin(order.unless_stopped(self.reach())).await {
                    Ok(reached) => reached?,
                    Err(why) => return Ok(unsent(why)),
                },
            };
            // Here the agent has said what its operations are.
            if !approved && self.risk(&operation.operation) == Some(Risk::Critical) {
                return Err(unapproved(&operation.operation));
            }
            if order.stop.is_cancelled() {
                return Ok(unsent(Stopped::Asked));
            }
            operation.timeout = order.left().and_then(|left| prost_types::Duration::try_from(left).ok());
            let back = match wire.call(operation, order).await {
                Ok(ended) => {
                    self.judge(&ended.end);
                    return Ok(ended);
                }
                Err(back) => back,
            };
            attempt += 1;
            if attempt > self.pool.max_retries {
                return Err(self.unavailable(&back.fault.reason));
            }
            operation = back.operation;
            let pause = tokio::time::sleep(self.pool.backoff.wait(attempt, rand::random()));
            if let Err(why) = Box::pin(order.unless_stopped(pause)).await {
                return Ok(unsent(why));
            }
        }
    }

    /// The call as the agent gets it.
    fn operation(&self, request: Request) -> Result<Box<Operation>, Failure> {
        let arguments = request.arguments.to_string();
        let limit = self.pool.max_message;
        if arguments.len() + request.key.len() + request.performer.operation.len() + FRAME > limit {
            let message = format!("the arguments are {} bytes, and a message holds {limit}", arguments.len());
            return Err(Failure::new(FailureKind::Refused, "arguments_too_large", message)
                .hint("pass a path instead of the content, or raise the limit of the pool"));
        }
        self.serve(&request.session);
        Ok(Box::new(Operation {
            id: request.key,
            operation: request.performer.operation,
            arguments,
            timeout: None,
            session: request.session,
            traceparent: String::new(),
            repeat: request.repeat,
        }))
    }

    /// Waits for the breaker's leave and the agent's link.
    async fn reach(&self) -> Result<(Wire, Option<Probe<'_>>), Failure> {
        let probe = match self.admit() {
            (Pass::Go, _) => None,
            (Pass::Probe, probe) => probe,
            (Pass::Wait | Pass::Refused(_), _) => self.verdict().await?,
        };
        if let Some(wire) = self.open() {
            return Ok((wire, probe));
        }
        tokio::select! {
            biased;
            ready = self.ready() => ready.map(|wire| (wire, probe)).map_err(|reason| self.unavailable(&reason)),
            () = self.opened() => Err(self.broken_open()),
        }
    }

    /// Waits for what comes of another call's probe.
    async fn verdict(&self) -> Result<Option<Probe<'_>>, Failure> {
        let mut standing = self.standing.subscribe();
        let waited = tokio::time::timeout(self.pool.connect_timeout, async {
            loop {
                match self.admit() {
                    (Pass::Go, _) => return Some(None),
                    (Pass::Probe, probe) => return Some(probe),
                    (Pass::Refused(_), _) => return None,
                    (Pass::Wait, _) => {}
                }
                standing.changed().await.ok()?;
            }
        });
        waited.await.ok().flatten().ok_or_else(|| self.broken_open())
    }

    /// Tells the breaker of an answer, whatever it says. The keeper tells it of faults.
    fn judge(&self, end: &End) {
        match end {
            End::Outcome(..) | End::Garbled(_) | End::Refused(_) => self.answered(),
            End::Broken { .. } | End::Silent | End::Unsent | End::Closed => {}
        }
    }

    fn full(&self, queue: u32) -> Failure {
        let name = &self.settings.name;
        let message = format!("{queue} calls wait for agent `{name}` already");
        Failure::new(FailureKind::Unavailable, "queue_full", message)
            .hint("call less at once, or raise the limits of the agent")
    }

    fn unavailable(&self, reason: &str) -> Failure {
        let message =
            format!("agent `{}` at {} takes no calls: {reason}", self.settings.name, self.settings.address);
        Failure::new(FailureKind::Unavailable, "not_connected", message)
            .hint("see whether the agent runs and listens at that address")
    }

    fn broken_open(&self) -> Failure {
        let faults = self.pool.breaker.threshold;
        let reason = self.standing.borrow().reason.clone();
        let name = &self.settings.name;
        let message =
            format!("agent `{name}` is not tried for now, after {faults} faults in a row: {reason}");
        Failure::new(FailureKind::Unavailable, "breaker_open", message)
            .hint("see whether the agent runs; it is tried again as soon as it is back")
    }
}

/// What cannot be taken back is not done before a person approved of it.
fn unapproved(operation: &str) -> Failure {
    let message = format!("`{operation}` cannot be taken back, and no person approved of it");
    let hint = "ask a person, and call it with `--approved`; in a plan, put `approval` before the step";
    Failure::new(FailureKind::Refused, "approval_required", message).hint(hint)
}

fn unsent(why: Stopped) -> Ended {
    Ended { end: End::Unsent, stopped: Some(why) }
}

fn count(answer: &Answer) -> Count {
    match answer {
        Answer::Succeeded { .. } => Count::Success,
        Answer::Failed { failure, .. } => match failure.kind {
            FailureKind::Unavailable | FailureKind::Lost => Count::Fault,
            FailureKind::Failed
            | FailureKind::Rejected
            | FailureKind::Refused
            | FailureKind::TimedOut
            | FailureKind::Cancelled
            | FailureKind::Unresolved => Count::Failure,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use op_engine::ports::SystemClock;
    use op_proto::Address;

    use crate::settings::{AgentSettings, PoolSettings};

    #[test]
    fn a_call_takes_less_than_a_kilobyte() {
        let clock = Arc::new(SystemClock::new());
        let settings = AgentSettings::new("a", Address::Unix("/a".into()));
        let (agent, _wishes) =
            Agent::new(settings, Arc::new(PoolSettings::default()), clock, CancellationToken::new());
        let request = Request {
            key: "r/s/1/1".into(),
            performer: Performer::new("a", "act"),
            arguments: Arc::new(serde_json::json!({})),
            timeout: None,
            repeat: false,
            secrets: Vec::new(),
            session: String::new(),
            approved: false,
            keep: None,
        };
        let (sink, stop): (Arc<dyn Sink>, _) = (Arc::new(Nobody), CancellationToken::new());
        let request_twice = 2 * std::mem::size_of_val(&request);
        let call = agent.perform(request, &sink, &stop, Instant::now());
        assert!(std::mem::size_of_val(&call) + request_twice < 1000, "{}", std::mem::size_of_val(&call));
    }

    struct Nobody;

    impl Sink for Nobody {
        fn take(&self, _: op_engine::ports::Progress) {}
    }
}
