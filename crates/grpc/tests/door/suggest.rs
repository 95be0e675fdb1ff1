//! What is suggested for calls, and to whom.

use std::sync::Arc;
use std::time::Duration;

use op_engine::ports::{CallRecord, Clock as _, Journal as _, SystemClock};
use op_proto::v1 as wire;
use op_proto::v1::plans_client::PlansClient;
use tonic::transport::Channel;
use tonic::{Code, Status};

use crate::serving::{DOOR, Starts, visit_as};
use crate::support::{House, assert_field, assert_refused, knock, warden};

/// Somebody else, and how the journal calls them.
const NOBODY: u32 = 65_534;
const NOBODY_IN_WORDS: &str = "uid:65534";

/// Somebody who never calls at the door of these tests.
const ABSENT: &str = "uid:4711";

/// Takes note of a habit of each of two users.
fn note(house: &House) {
    let now = SystemClock::new().now();
    let calls = [NOBODY_IN_WORDS, ABSENT].map(|user| {
        let calls = ["file_read", "w.step"].repeat(3).into_iter().map(|operation| CallRecord {
            id: String::new(),
            at: now,
            user: user.to_owned(),
            session: String::new(),
            operation: operation.to_owned(),
            outcome: "succeeded".to_owned(),
            reason: String::new(),
            duration: Duration::ZERO,
            risk: None,
        });
        calls.collect::<Vec<_>>()
    });
    calls.concat().into_iter().for_each(|call| house.journal.note(call));
}

async fn suggest(channel: Channel, of: wire::SuggestRequest) -> Result<Vec<wire::Suggestion>, Status> {
    PlansClient::new(channel).suggest(of).await.map(|answer| answer.into_inner().suggestions)
}

fn of(user: &str) -> wire::SuggestRequest {
    wire::SuggestRequest { user: user.to_owned(), ..wire::SuggestRequest::default() }
}

fn users(of: &[wire::Suggestion]) -> Vec<&str> {
    of.iter().map(|of| of.user.as_str()).collect()
}

#[tokio::test]
async fn who_may_read_what_others_did_is_told_of_everybody_or_of_one() {
    let house = House::open().await;
    note(&house);
    let all = suggest(house.channel.clone(), of("")).await.expect("told");
    assert_eq!(users(&all), [ABSENT, NOBODY_IN_WORDS]);
    assert_eq!(
        (all[0].times, all[0].operations.as_slice()),
        (3, &["file_read".to_owned(), "w.step".to_owned()][..])
    );
    assert_eq!([&all[0].plan, &all[1].plan], ["file_read_to_w_step", "file_read_to_w_step_2"]);
    let check = wire::CheckRequest { toml: all[0].toml.clone() + &all[1].toml, file: "x.toml".to_owned() };
    let checked = PlansClient::new(house.channel.clone()).check(check).await.expect("checked").into_inner();
    assert_eq!((checked.diagnostics, checked.plans.len()), (Vec::new(), 2));
    let one = suggest(house.channel.clone(), of(ABSENT)).await.expect("told");
    assert_eq!(users(&one), [ABSENT]);
    let more = wire::SuggestRequest { times: 4, ..of("") };
    assert!(suggest(house.channel.clone(), more).await.expect("told").is_empty());
}

#[tokio::test]
async fn who_may_not_is_told_of_his_own_calls_alone() {
    let house = House::guarded(warden().asking(Arc::new(Starts))).await;
    note(&house);
    // Only root can become somebody else.
    if rustix::process::geteuid().is_root() {
        visit_as(NOBODY, &house, "suggest::visitor", &[]).await;
    }
}

#[tokio::test]
#[ignore = "run as another user by the test above"]
async fn visitor() {
    let door = std::env::var(DOOR).expect("it is told");
    let channel = knock(door.as_ref()).await;
    for own in ["", NOBODY_IN_WORDS] {
        assert_eq!(users(&suggest(channel.clone(), of(own)).await.expect("told")), [NOBODY_IN_WORDS]);
    }
    assert_refused(suggest(channel, of(ABSENT)).await, Code::PermissionDenied, "NOT_AUTHORIZED");
}

#[tokio::test]
async fn what_nobody_could_look_for_is_refused() {
    let house = House::open().await;
    let once = wire::SuggestRequest { times: 1, ..of("") };
    assert_field(&suggest(house.channel.clone(), once).await.expect_err("refused"), "times");
    let never = wire::SuggestRequest { within: Some(prost_types::Duration::default()), ..of("") };
    assert_field(&suggest(house.channel.clone(), never).await.expect_err("refused"), "within");
}
