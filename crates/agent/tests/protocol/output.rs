//! Output and its flow control.

use op_proto::agent::v1::event;

use crate::bench::{Served, agent};
use crate::hub::{Hub, told};

const INITIAL: usize = 256 << 10;

/// Reads pieces of output until there are `bytes` of it.
async fn read(hub: &mut Hub, bytes: usize) {
    let mut got = 0;
    while got < bytes {
        match hub.event().await.kind {
            Some(event::Kind::Output(output)) => {
                assert!(output.data.len() <= 64 << 10);
                got += output.data.len();
            }
            Some(event::Kind::Accepted(_)) => {}
            other => panic!("{other:?} after {got} bytes"),
        }
    }
    assert_eq!(got, bytes);
}

#[tokio::test]
async fn output_stops_where_the_credit_ends_and_goes_on_with_more() {
    let served = Served::start(agent().0).await;
    let mut hub = served.hub().await;
    hub.ask("a", "say", r#"{"bytes": 400000}"#).await;
    read(&mut hub, INITIAL).await;
    for grant in [1, 50_000] {
        assert!(hub.settle().await.is_empty(), "without credit there is no output");
        hub.credit("a", grant).await;
        read(&mut hub, usize::try_from(grant).expect("small")).await;
    }
    hub.credit("a", 1 << 20).await;
    read(&mut hub, 400_000 - INITIAL - 50_001).await;
    let (_, ended) = hub.outcome().await;
    assert_eq!(told(&ended), ("completed", "400000"));
    assert_eq!(ended.evidence.map(|evidence| evidence.bytes), Some(400_000));
}

#[tokio::test]
async fn an_operation_without_credit_holds_up_no_other() {
    let served = Served::start(agent().0).await;
    let mut hub = served.hub().await;
    hub.ask("a", "say", r#"{"bytes": 400000}"#).await;
    read(&mut hub, INITIAL).await;
    hub.ask("b", "echo", r#"{"text": "free"}"#).await;
    let (id, ended) = hub.outcome().await;
    assert_eq!((id.as_str(), told(&ended)), ("b", ("completed", r#""free""#)));
}

#[tokio::test]
async fn an_operation_that_waits_for_credit_can_be_cancelled() {
    let served = Served::start(agent().0).await;
    let mut hub = served.hub().await;
    hub.ask("a", "say", r#"{"bytes": 400000}"#).await;
    read(&mut hub, INITIAL).await;
    hub.cancel("a", std::time::Duration::from_secs(20)).await;
    let (_, ended) = hub.outcome().await;
    assert_eq!(told(&ended).0, "completed", "the write returns at once, and the function ends by itself");
}

#[tokio::test]
async fn a_hub_that_reads_late_loses_no_output() {
    let served = Served::start(agent().0).await;
    let mut hub = served.hub().await;
    // More than the queue, the windows and the socket hold together.
    for number in 0..100 {
        hub.ask(&number.to_string(), "say", r#"{"bytes": 262144}"#).await;
    }
    let (mut bytes, mut ended) = (0, 0);
    while ended < 100 {
        match hub.event().await.kind {
            Some(event::Kind::Output(output)) => bytes += output.data.len(),
            Some(event::Kind::Outcome(_)) => ended += 1,
            Some(event::Kind::Accepted(_) | event::Kind::Progress(_)) | None => {}
        }
    }
    assert_eq!(bytes, 100 * INITIAL);
}
