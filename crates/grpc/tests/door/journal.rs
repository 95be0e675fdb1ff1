//! `opdbus.v1.Journal`.

use op_proto::v1 as wire;
use op_proto::v1::journal_client::JournalClient;
use tonic::{Code, Streaming};

use crate::support::{House, assert_field, assert_refused};

async fn events(house: &House, request: wire::EventsRequest) -> Streaming<wire::EventsResponse> {
    JournalClient::new(house.channel.clone()).events(request).await.expect("read").into_inner()
}

async fn all(mut events: Streaming<wire::EventsResponse>) -> Vec<wire::EventsResponse> {
    let mut told = Vec::new();
    while let Some(event) = events.message().await.expect("the stream ends well") {
        told.push(event);
    }
    told
}

#[tokio::test]
async fn events_of_runs_that_were_are_told_as_asked_for() {
    let house = House::open().await;
    let first = house.start("quick").await;
    let facts = house.facts(&first, 1).await;
    let second = house.start("failing").await;
    house.facts(&second, 1).await;
    let of_first = wire::EventsRequest { run: first[..11].to_owned(), ..wire::EventsRequest::default() };
    let told = all(events(&house, of_first).await).await;
    assert!(
        told.iter()
            .all(|event| event.run == first && event.plan == "quick" && event.user.starts_with("uid:"))
    );
    assert_eq!(told.into_iter().filter_map(|event| event.event).collect::<Vec<_>>(), facts);
    let ends = wire::EventsRequest {
        kinds: vec!["run_completed".to_owned(), "run_failed".to_owned()],
        ..wire::EventsRequest::default()
    };
    let told: Vec<_> = all(events(&house, ends).await).await.into_iter().map(|event| event.run).collect();
    assert_eq!(told, [first, second.clone()]);
    let newest =
        all(events(&house, wire::EventsRequest { limit: 1, ..wire::EventsRequest::default() }).await).await;
    assert_eq!((newest.len(), newest[0].run.as_str()), (1, second.as_str()));
    let nobody = wire::EventsRequest { user: "uid:12345".to_owned(), ..wire::EventsRequest::default() };
    assert!(all(events(&house, nobody).await).await.is_empty());
}

#[tokio::test]
async fn whoever_follows_is_told_of_what_was_and_of_what_comes() {
    let house = House::open().await;
    let past = house.start("quick").await;
    let facts = house.facts(&past, 1).await.len();
    let mut told =
        events(&house, wire::EventsRequest { follow: true, ..wire::EventsRequest::default() }).await;
    for sequence in 1..=facts as u64 {
        let event = told.message().await.expect("told").expect("one more");
        assert_eq!((event.run, event.event.expect("told").sequence), (past.clone(), sequence));
    }
    let coming = house.start("failing").await;
    for sequence in 1..=house.facts(&coming, 1).await.len() as u64 {
        let event = told.message().await.expect("told").expect("one more");
        assert_eq!((event.run, event.event.expect("told").sequence), (coming.clone(), sequence));
    }
}

#[tokio::test]
async fn a_question_that_cannot_be_asked_is_refused() {
    let house = House::open().await;
    let mut journal = JournalClient::new(house.channel.clone());
    let many = wire::EventsRequest { limit: 10_001, ..wire::EventsRequest::default() };
    assert_field(&journal.events(many).await.expect_err("refused"), "limit");
    let before = prost_types::Timestamp { seconds: -1, nanos: 0 };
    let since = wire::EventsRequest { since: Some(before), ..wire::EventsRequest::default() };
    assert_field(&journal.events(since).await.expect_err("refused"), "since");
    let until = wire::EventsRequest { until: Some(before), ..wire::EventsRequest::default() };
    assert_field(&journal.events(until).await.expect_err("refused"), "until");
    let unknown = wire::EventsRequest { run: "nobody".to_owned(), ..wire::EventsRequest::default() };
    assert_refused(journal.events(unknown).await, Code::NotFound, "RUN_UNKNOWN");
}
