//! The health of a connected agent, by [`grpc.health.v1`](https://grpc.io/docs/guides/health-checking/).

use std::time::Duration;

use tokio::sync::mpsc;
use tonic::transport::Channel;
use tonic::{Code, Status};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

use crate::wire::News;

/// Tells the keeper each change of the agent's health: as it comes where the agent can be watched, by asking where not.
/// Ends when the agent speaks no health at all, or with its connection.
pub(crate) async fn watch(channel: Channel, interval: Duration, news: mpsc::Sender<News>) {
    let mut client = HealthClient::new(channel);
    loop {
        let again = match listen(&mut client, &news).await {
            // The watch ended; the connection may stand all the same.
            Ok(()) => true,
            Err(status) if status.code() == Code::Unimplemented => false,
            Err(status) if is_gone(&status) => return,
            Err(_) => true,
        };
        if !again {
            return ask(&mut client, interval, &news).await;
        }
        tokio::time::sleep(interval).await;
    }
}

async fn listen(client: &mut HealthClient<Channel>, news: &mpsc::Sender<News>) -> Result<(), Status> {
    let mut changes = client.watch(HealthCheckRequest::default()).await?.into_inner();
    while let Some(change) = changes.message().await? {
        if let Some(serving) = verdict(change.status())
            && news.send(News::Health(serving)).await.is_err()
        {
            break;
        }
    }
    Ok(())
}

async fn ask(client: &mut HealthClient<Channel>, interval: Duration, news: &mpsc::Sender<News>) {
    loop {
        match client.check(HealthCheckRequest::default()).await {
            Ok(answer) => {
                if let Some(serving) = verdict(answer.into_inner().status())
                    && news.send(News::Health(serving)).await.is_err()
                {
                    return;
                }
            }
            Err(status) if status.code() == Code::Unimplemented || is_gone(&status) => return,
            Err(_) => {}
        }
        tokio::time::sleep(interval).await;
    }
}

/// Whether the agent is serving; none where it serves health, and not its own.
fn verdict(status: ServingStatus) -> Option<bool> {
    match status {
        ServingStatus::Serving => Some(true),
        ServingStatus::NotServing => Some(false),
        ServingStatus::Unknown | ServingStatus::ServiceUnknown => None,
    }
}

/// The session, or the watch of a connection without one, tells the keeper what became of the connection.
fn is_gone(status: &Status) -> bool {
    matches!(status.code(), Code::Unavailable | Code::Unknown | Code::Cancelled | Code::Internal)
}
