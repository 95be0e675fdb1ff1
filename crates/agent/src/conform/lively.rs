//! What a session bears: pings, frames of later versions, frames about nobody.

use std::time::Duration;

use op_proto::agent::v1::host_frame::Frame;
use op_proto::agent::v1::{Ack, Credit, Hello, Reply, SessionOver};

use super::frames::unknown;
use super::hub::{Hub, VERSION};
use super::report::{Checked, short};
use super::subject::{Subject, nobody};

/// Pings in a row.
const PINGS: usize = 3;

/// Nobody's operation.
const STRANGER: &str = "nobody/asked/for/this";

/// Each ping is answered with its token.
pub(super) async fn ping(subject: &Subject<'_>) -> Checked {
    let mut hub = Hub::open(subject).await?;
    for _ in 0..PINGS {
        hub.settle().await?;
    }
    Ok(String::new())
}

/// Frames that the agent cannot know, and known ones about operations that it does not have, change nothing.
pub(super) async fn unknown_frames(subject: &Subject<'_>) -> Checked {
    let mut hub = Hub::open(subject).await?;
    for frame in unknown() {
        hub.send_bytes(frame);
    }
    hub.settle().await?;
    hub.send(Frame::Hello(Hello { version: VERSION, hub: "again".to_owned() }));
    hub.cancel(STRANGER, Duration::ZERO);
    hub.send(Frame::Credit(Credit { id: STRANGER.to_owned(), bytes: 1 }));
    hub.send(Frame::Ack(Ack { id: STRANGER.to_owned() }));
    hub.send(Frame::Reply(Reply { id: STRANGER.to_owned(), number: 1, outcome: None }));
    hub.settle().await?;
    hub.perform(nobody().order(&subject.id("after"))).await?;
    match hub.strays.first() {
        Some(stray) => {
            Err(short("silence about what nobody asked for", format!("an event of `{}`", stray.id)))
        }
        None => Ok(String::new()),
    }
}

/// The end of a client's session ends nothing else.
pub(super) async fn session_over(subject: &Subject<'_>) -> Checked {
    let call = subject.main()?;
    let mut hub = Hub::open(subject).await?;
    let mut order = call.order(&subject.id("session"));
    order.session = format!("client-{}", order.id);
    let session = order.session.clone();
    hub.perform(order).await?;
    for session in [session, STRANGER.to_owned()] {
        hub.send(Frame::SessionOver(SessionOver { session }));
    }
    hub.settle().await?;
    hub.perform(call.order(&subject.id("session"))).await?;
    Ok(String::new())
}

/// An operation that the agent does not have is rejected, and the outcome says why.
pub(super) async fn unknown_operation(subject: &Subject<'_>) -> Checked {
    let mut hub = Hub::open(subject).await?;
    let order = nobody().order(&subject.id("unknown"));
    hub.perform(order.clone()).await?;
    hub.settle().await?;
    super::execute::rejected(hub.record(&order.id))
}
