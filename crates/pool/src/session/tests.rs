//! Sessions without a connection: the agent is what stands in the outbox, and time is moved by hand.

use std::sync::Mutex;

use futures::future::BoxFuture;
use futures::{FutureExt, StreamExt};
use op_engine::ports::{Progress, Question, Sink};
use op_proto::agent::v1::agent_frame::Frame as Said;
use op_proto::agent::v1::event::Kind;
use op_proto::agent::v1::{AgentFrame, Cancelled, HostCall, Outcome, outcome};
use op_run::{Answer, Evidence};
use tokio::task::JoinHandle;

use super::*;
use crate::wire::News;

const GRACE: Duration = Duration::from_secs(5);

/// Longer than an agent may take to end what it was asked to stop.
const LONG: Duration = Duration::from_mins(1);

/// A caller that remembers what its call asks for, and answers each with the same text.
#[derive(Default)]
struct Caller {
    asked: Mutex<Vec<u32>>,
    text: String,
}

impl Sink for Caller {
    fn take(&self, _: Progress) {}

    fn ask(&self, question: Question) -> BoxFuture<'static, Answer> {
        self.asked.lock().expect("no panic").push(question.number);
        let value = self.text.clone().into();
        async move { Answer::Succeeded { value, evidence: Evidence::default() } }.boxed()
    }
}

/// What the hub says, the hello left out.
struct Ear(Outbox);

impl Ear {
    fn heard(&mut self) -> Vec<Frame> {
        let mut heard = Vec::new();
        while let Some(Some(frame)) = self.0.next().now_or_never() {
            heard.extend(frame.frame.filter(|frame| !matches!(frame, Frame::Hello(_))));
        }
        heard
    }

    /// The calls that it hears are to stop.
    fn cancelled(&mut self) -> Vec<String> {
        let cancels = self.heard().into_iter().filter_map(|frame| match frame {
            Frame::Cancel(cancel) => Some(cancel.id),
            _ => None,
        });
        cancels.collect()
    }
}

fn session(flights: &Arc<Flights>) -> (Arc<Session>, Ear) {
    let (session, outbox) = Session::new("hub", GRACE, flights);
    (session, Ear(outbox))
}

struct Made {
    stop: CancellationToken,
    told: JoinHandle<Ended>,
}

/// Makes a call, and returns when it is with the agent.
async fn call(session: &Arc<Session>, id: &str, sink: Arc<dyn Sink>) -> Made {
    let stop = CancellationToken::new();
    let operation = Box::new(Operation { id: id.to_owned(), ..Operation::default() });
    let told = tokio::spawn({
        let (session, stop) = (Arc::clone(session), stop.clone());
        async move {
            let order = Order { sink: &sink, stop: &stop, deadline: None, grace: GRACE };
            session.call(operation, &order).await.expect("it is sent")
        }
    });
    until(|| session.flights.table().flights.contains_key(id)).await;
    Made { stop, told }
}

/// Lets other tasks go on until this holds.
async fn until(holds: impl Fn() -> bool) {
    while !holds() {
        tokio::task::yield_now().await;
    }
}

async fn give_up(call: Made) {
    call.told.abort();
    drop(call.told.await);
}

fn broken() -> Fault {
    Fault::new(FaultKind::Broken, "the wire was cut")
}

/// Another session, on which the calls of a broken one go on.
fn next(flights: &Arc<Flights>) -> (Arc<Session>, Ear) {
    let (session, ear) = session(flights);
    flights.take_up(&session, GRACE);
    (session, ear)
}

async fn hear(session: &Session, frame: Said) {
    let (news, _heard) = mpsc::channel::<News>(1);
    let frame = AgentFrame { frame: Some(frame) };
    session.take(frame, &mut Pulse::new(LONG), &news).await;
}

fn stopped(id: &str) -> Said {
    let kind = Some(outcome::Kind::Cancelled(Cancelled::default()));
    let kind = Some(Kind::Outcome(Outcome { kind, evidence: None }));
    Said::Event(op_proto::agent::v1::Event { id: id.to_owned(), sequence: 1, folded: 0, kind })
}

fn ask(id: &str, number: u32) -> Said {
    Said::HostCall(HostCall { id: id.to_owned(), number, ..HostCall::default() })
}

/// Why the hub refused what was asked for.
fn refusals(ear: &mut Ear) -> Vec<String> {
    let reasons = ear.heard().into_iter().filter_map(|frame| match frame {
        Frame::Reply(reply) => match reply.outcome?.kind? {
            outcome::Kind::Rejected(rejected) => Some(rejected.reason),
            _ => None,
        },
        _ => None,
    });
    reasons.collect()
}

#[tokio::test(start_paused = true)]
async fn a_call_that_was_given_up_while_parked_costs_no_other_call_the_next_session() {
    let flights = Arc::default();
    let (first, _ear) = session(&flights);
    let given_up = call(&first, "given up", Arc::<Caller>::default()).await;
    let other = call(&first, "other", Arc::<Caller>::default()).await;
    flights.leave(&first, &broken(), true);
    give_up(given_up).await;
    tokio::time::advance(LONG).await;

    let (second, mut ear) = next(&flights);
    assert_eq!(ear.cancelled(), ["given up"]);
    let mut pulse = Pulse::new(LONG);
    assert_eq!(second.look(Instant::now(), &mut pulse), None, "it was told just now");
    hear(&second, stopped("given up")).await;
    tokio::time::advance(GRACE + 2 * MARGIN).await;
    assert_eq!(second.look(Instant::now(), &mut pulse), None);
    hear(&second, stopped("other")).await;
    assert!(matches!(other.told.await.expect("no panic").end, End::Outcome(..)));
}

#[tokio::test(start_paused = true)]
async fn a_call_that_was_stopped_while_parked_costs_no_other_call_the_next_session() {
    let flights = Arc::default();
    let (first, _ear) = session(&flights);
    let made = call(&first, "stopped", Arc::<Caller>::default()).await;
    let other = call(&first, "other", Arc::<Caller>::default()).await;
    flights.leave(&first, &broken(), true);
    made.stop.cancel();
    until(|| flights.table().flights["stopped"].doomed.is_some()).await;
    // Shortly before its caller would lose patience.
    tokio::time::advance(GRACE + MARGIN / 2).await;
    let (second, mut ear) = next(&flights);
    assert_eq!(ear.cancelled(), ["stopped"]);
    tokio::time::advance(GRACE).await;
    until(|| true).await;
    assert!(!made.told.is_finished() && !second.ending.is_cancelled(), "the agent has its grace");
    hear(&second, stopped("stopped")).await;
    assert!(matches!(made.told.await.expect("no panic").end, End::Outcome(..)));
    hear(&second, stopped("other")).await;
    assert!(matches!(other.told.await.expect("no panic").end, End::Outcome(..)));
}

#[tokio::test(start_paused = true)]
async fn an_agent_that_goes_on_with_what_was_stopped_loses_its_session_once_it_was_told() {
    let flights = Arc::default();
    let (first, _ear) = session(&flights);
    let made = call(&first, "stopped", Arc::<Caller>::default()).await;
    flights.leave(&first, &broken(), true);
    made.stop.cancel();
    until(|| flights.table().flights["stopped"].doomed.is_some()).await;
    tokio::time::advance(GRACE).await;
    let (second, _ear) = next(&flights);
    let began = Instant::now();
    assert!(matches!(made.told.await.expect("no panic").end, End::Silent));
    assert!(began.elapsed() >= GRACE + MARGIN, "{:?}", began.elapsed());
    assert!(second.ending.is_cancelled());
}

#[tokio::test(start_paused = true)]
async fn a_call_that_was_stopped_while_parked_is_stopped_however_late_its_agent_returns() {
    let flights = Arc::default();
    let (first, _ear) = session(&flights);
    let made = call(&first, "stopped", Arc::<Caller>::default()).await;
    flights.leave(&first, &broken(), true);
    made.stop.cancel();
    let ended = made.told.await.expect("no panic");
    assert!(matches!(ended.end, End::Broken { .. }), "{ended:?}");
    tokio::time::advance(LONG).await;

    let (second, mut ear) = next(&flights);
    assert_eq!(ear.cancelled(), ["stopped"]);
    hear(&second, stopped("stopped")).await;
    assert!(flights.table().flights.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_call_that_was_stopped_while_parked_is_forgotten_when_its_agent_does_not_return() {
    let flights: Arc<Flights> = Arc::default();
    let (first, _ear) = session(&flights);
    let made = call(&first, "stopped", Arc::<Caller>::default()).await;
    flights.leave(&first, &broken(), true);
    made.stop.cancel();
    made.told.await.expect("no panic");
    assert!(flights.has_parked());
    flights.give_up(Instant::now());
    assert!(!flights.has_parked() && flights.table().flights.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_call_of_a_client_that_is_stopped_gets_nothing_more() {
    let flights = Arc::default();
    let (session, mut ear) = session(&flights);
    let caller = Arc::new(Caller::default());
    let made = call(&session, "1", Arc::clone(&caller) as Arc<dyn Sink>).await;
    hear(&session, ask("1", 1)).await;
    made.stop.cancel();
    until(|| flights.table().flights["1"].doomed.is_some()).await;
    hear(&session, ask("1", 2)).await;
    assert_eq!(*caller.asked.lock().expect("no panic"), [1]);
    assert_eq!(refusals(&mut ear), ["call_over"]);
}

#[tokio::test(start_paused = true)]
async fn what_an_agent_asks_for_is_numbered_from_1() {
    let flights = Arc::default();
    let (session, mut ear) = session(&flights);
    let caller = Arc::new(Caller::default());
    let _made = call(&session, "1", Arc::clone(&caller) as Arc<dyn Sink>).await;
    hear(&session, ask("1", 0)).await;
    assert_eq!(refusals(&mut ear), ["invalid_number"]);
    assert!(caller.asked.lock().expect("no panic").is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_hub_that_goes_down_leaves_its_calls_with_their_agent() {
    let parting = Arc::<std::sync::atomic::AtomicBool>::default();
    let flights = Arc::new(Flights::new(Arc::clone(&parting)));
    let (session, mut ear) = session(&flights);
    let caller = Arc::new(Caller::default());
    let left = call(&session, "left", Arc::clone(&caller) as Arc<dyn Sink>).await;
    let made = call(&session, "stopped", Arc::<Caller>::default()).await;
    ear.heard();
    parting.store(true, std::sync::atomic::Ordering::SeqCst);
    give_up(left).await;
    hear(&session, ask("left", 1)).await;
    assert_eq!(ear.heard(), [], "it goes on, and the next hub answers it");
    assert!(caller.asked.lock().expect("no panic").is_empty());
    made.stop.cancel();
    until(|| flights.table().flights["stopped"].doomed.is_some()).await;
    assert_eq!(ear.cancelled(), ["stopped"]);
    session.part(Fault::new(FaultKind::Released, "the hub is shutting down"));
    assert_eq!(ear.0.next().await, None, "a bye would stop it");
}

#[tokio::test(start_paused = true)]
async fn a_hub_that_goes_down_says_bye_where_it_has_no_call() {
    let flights = Arc::default();
    let (session, mut ear) = session(&flights);
    session.part(Fault::new(FaultKind::Released, "the hub is shutting down"));
    assert!(matches!(ear.heard()[..], [Frame::Bye(_)]));
}

#[tokio::test(start_paused = true)]
async fn an_agent_that_reads_nothing_loses_its_session_however_it_makes_the_hub_talk() {
    let flights = Arc::default();
    let (session, mut ear) = session(&flights);
    let caller = Arc::new(Caller { text: "x".repeat(4 << 20).split_off(100), ..Caller::default() });
    let _made = call(&session, "1", Arc::clone(&caller) as Arc<dyn Sink>).await;
    ear.heard();
    hear(&session, ask("1", 1)).await;
    until(|| !flights.table().flights["1"].is_asking(1)).await;
    let mut asked = 0;
    while !session.flooded.is_cancelled() {
        assert!(asked < 100, "it is bounded");
        hear(&session, ask("1", 1)).await;
        asked += 1;
    }
    assert!(asked > 8, "an agent may have many answers on their way: {asked}");
    assert_eq!(*caller.asked.lock().expect("no panic"), [1]);
}
