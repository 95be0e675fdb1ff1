//! The health of an agent, by [`grpc.health.v1`](https://grpc.io/docs/guides/health-checking/).

use tonic::Code;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

use super::report::{Checked, short, untried};
use super::subject::{Subject, in_time};

/// An agent that tells its health is healthy while it serves.
pub(super) async fn serving(subject: &Subject<'_>) -> Checked {
    let mut client = HealthClient::new(subject.connect().await?);
    match in_time(subject.trial.patience, client.check(HealthCheckRequest::default())).await {
        Ok(answer) => match answer.into_inner().status() {
            ServingStatus::Serving => Ok(String::new()),
            other => Err(short("SERVING", other.as_str_name())),
        },
        Err(status) if status.code() == Code::Unimplemented => {
            Err(untried("the agent does not serve grpc.health.v1: a hub goes by its session alone"))
        }
        Err(status) => Err(short("SERVING", format!("{}: {}", status.code(), status.message()))),
    }
}
