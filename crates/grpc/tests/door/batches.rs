//! `opdbus.v1.Agents.CallBatch`, limits of calls, and what is noted of them.

use op_proto::v1 as wire;
use op_proto::v1::agents_client::AgentsClient;
use op_proto::v1::call_batch_request::Strategy;
use op_proto::v1::call_batch_response::Seen;
use op_proto::v1::call_outcome::Kind;
use op_proto::v1::journal_client::JournalClient;
use tonic::Code;
use tonic::transport::Channel;
use tonic_types::StatusExt as _;

use crate::support::{House, assert_field, assert_refused, reason};

fn client(house: &House) -> AgentsClient<Channel> {
    AgentsClient::new(house.channel.clone())
}

fn call(target: &str) -> wire::CallRequest {
    wire::CallRequest { target: target.to_owned(), ..wire::CallRequest::default() }
}

fn batch(targets: &[&str], strategy: Strategy) -> wire::CallBatchRequest {
    let calls = targets.iter().map(|target| call(target)).collect();
    wire::CallBatchRequest { calls, strategy: Some(strategy) }
}

async fn seen(house: &House, request: wire::CallBatchRequest) -> Vec<Seen> {
    let mut stream = client(house).call_batch(request).await.expect("begun").into_inner();
    let mut seen = Vec::new();
    while let Some(response) = stream.message().await.expect("the stream ends well") {
        seen.extend(response.seen);
    }
    seen
}

const PARALLEL: Strategy = Strategy::Parallel(wire::Parallel { limit: 0, stop_on_error: false });

#[tokio::test]
async fn a_batch_streams_each_outcome_and_then_what_came_of_all() {
    let house = House::open().await;
    let seen = seen(&house, batch(&["w.step", "w.fail", "file_read"], PARALLEL)).await;
    let (last, ended) = seen.split_last().expect("something is seen");
    let mut places: Vec<_> = ended
        .iter()
        .map(|seen| match seen {
            Seen::Ended(ended) => (ended.place, ended.outcome.is_some()),
            Seen::Summary(summary) => panic!("{summary:?}"),
        })
        .collect();
    places.sort_unstable();
    assert_eq!(places, [(0, true), (1, true), (2, true)]);
    let Seen::Summary(summary) = last else { panic!("{last:?}") };
    assert_eq!((summary.succeeded, summary.successes, summary.failures), (false, 2, 1));
}

#[tokio::test]
async fn the_losers_of_a_race_are_stopped() {
    let house = House::open().await;
    let race = Strategy::FirstSuccess(wire::FirstSuccess {});
    let seen = seen(&house, batch(&["w.held", "w.step", "w.held"], race)).await;
    house.was_stopped(2).await;
    let Some(Seen::Summary(summary)) = seen.last() else { panic!("{seen:?}") };
    assert!(summary.succeeded && summary.value.is_some());
}

#[tokio::test]
async fn a_batch_that_cannot_be_made_is_refused_whole() {
    let house = House::open().await;
    let mut agents = client(&house);
    assert_refused(agents.call_batch(batch(&[], PARALLEL)).await, Code::InvalidArgument, "BATCH_INVALID");
    let unknown = batch(&["w.step", "nobody.step"], PARALLEL);
    assert_refused(agents.call_batch(unknown).await, Code::NotFound, "AGENT_UNKNOWN");
    let many = batch(&["w.step"; 257], PARALLEL);
    assert_field(&agents.call_batch(many).await.map(drop).expect_err("refused"), "calls");
    let none = wire::CallBatchRequest { strategy: None, ..batch(&["w.step"], PARALLEL) };
    assert_field(&agents.call_batch(none).await.map(drop).expect_err("refused"), "strategy");
    let voting = Strategy::Voting(wire::Voting { threshold: 2, pointer: String::new() });
    let never = batch(&["w.step"], voting);
    assert_refused(agents.call_batch(never).await, Code::InvalidArgument, "BATCH_INVALID");
    assert!(house.perform.asked().is_empty());
}

#[tokio::test]
async fn who_calls_too_often_is_told_when_to_come_back_and_all_of_it_is_noted() {
    let house = House::open().await;
    let mut agents = client(&house);
    for _ in 0..60 {
        agents.call(call("w.step")).await.expect("one of sixty a minute");
    }
    let refused = agents.call(call("w.step")).await.expect_err("too many");
    assert_eq!((refused.code(), reason(&refused).as_str()), (Code::ResourceExhausted, "RATE_LIMITED"));
    let again = refused.get_error_details().retry_info().and_then(|info| info.retry_delay).expect("told");
    assert!(again.as_secs() >= 1 && again.as_secs() <= 61, "{again:?}");
    // In a batch it is the answer of the call.
    let seen = seen(&house, batch(&["w.step"], PARALLEL)).await;
    let Some(Seen::Ended(wire::BatchOutcome { outcome: Some(outcome), .. })) = seen.first() else {
        panic!("{seen:?}")
    };
    let Some(Kind::Failure(failure)) = &outcome.kind else { panic!("{outcome:?}") };
    assert_eq!((failure.kind.as_str(), failure.reason.as_str()), ("refused", "rate_limited"));
    let noted = events(&house, &["call"], 3).await;
    let kinds: Vec<_> = noted.iter().map(|event| event.kind.as_str()).collect();
    assert_eq!(kinds, ["call", "call", "call"]);
    assert!(noted[0].message.contains("called `w.step`: succeeded after"), "{}", noted[0].message);
    assert!(noted[2].json.contains("\"reason\":\"rate_limited\""), "{}", noted[2].json);
}

async fn events(house: &House, kinds: &[&str], limit: u32) -> Vec<wire::Event> {
    let kinds = kinds.iter().map(|kind| (*kind).to_owned()).collect();
    let request = wire::EventsRequest { kinds, limit, ..wire::EventsRequest::default() };
    let mut journal = JournalClient::new(house.channel.clone());
    let mut stream = journal.events(request).await.expect("read").into_inner();
    let mut events = Vec::new();
    while let Some(response) = stream.message().await.expect("the stream ends well") {
        events.extend(response.event);
    }
    events
}

#[tokio::test]
async fn calls_stand_alone_among_events() {
    let house = House::open().await;
    let mut journal = JournalClient::new(house.channel.clone());
    let kinds = vec!["call".to_owned(), "step_failed".to_owned()];
    let mixed = wire::EventsRequest { kinds, ..wire::EventsRequest::default() };
    assert_field(&journal.events(mixed).await.map(drop).expect_err("refused"), "kinds");
    let run = house.start("quick").await;
    let of_a_run = wire::EventsRequest { run, kinds: vec!["call".to_owned()], ..Default::default() };
    assert_field(&journal.events(of_a_run).await.map(drop).expect_err("refused"), "run");
}
