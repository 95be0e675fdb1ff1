//! `opdbus.v1.Agents.CallBatch`.

use futures::stream::{BoxStream, StreamExt as _};
use op_engine::batch::{INPUT, MOST, Strategy, Summary};
use op_engine::handle::batch::Batched;
use op_proto::v1 as wire;
use op_proto::v1::call_batch_request::Strategy as Of;
use op_proto::v1::call_batch_response::Seen;
use tonic::Status;

use crate::agents::{Asked, asked};
use crate::convert::{agent, payload};
use crate::desk::{Asker, Desk};
use crate::failure::{bad_field, status};

/// Reads a batch, refuses it whole if one of its calls cannot be made, and performs it.
pub(crate) async fn batch(
    desk: &Desk,
    asker: &Asker,
    request: wire::CallBatchRequest,
) -> Result<BoxStream<'static, Result<wire::CallBatchResponse, Status>>, Status> {
    let wire::CallBatchRequest { calls, strategy } = request;
    let strategy = self::strategy(strategy)?;
    if calls.len() > MOST {
        return Err(bad_field("calls", format!("must be at most {MOST}, and are {}", calls.len())));
    }
    let mut read = Vec::with_capacity(calls.len());
    for call in &calls {
        match asked(desk, asker, call).await? {
            Asked::Call(calling) => read.push(calling),
            Asked::Skill(..) => {
                return Err(bad_field(
                    "calls",
                    format!("`{}` is answered by the hub: ask for it alone", call.target),
                ));
            }
        }
    }
    let seen = desk.engine.call_batch(read, strategy, &desk.shutdown).map_err(|error| status(&error))?;
    Ok(seen.map(|seen| Ok(response(seen))).boxed())
}

fn strategy(of: Option<Of>) -> Result<Strategy, Status> {
    let some = |number: u32| (number > 0).then_some(number as usize);
    Ok(match of.ok_or_else(|| bad_field("strategy", "is missing"))? {
        Of::Parallel(of) => Strategy::Parallel { limit: some(of.limit), stop_on_error: of.stop_on_error },
        Of::Sequential(of) => Strategy::Sequential { stop_on_error: of.stop_on_error },
        Of::FirstSuccess(wire::FirstSuccess {}) => Strategy::FirstSuccess,
        Of::Pipeline(of) if of.argument.is_empty() => Strategy::Pipeline { argument: INPUT.to_owned() },
        Of::Pipeline(of) => Strategy::Pipeline { argument: of.argument },
        Of::Voting(of) => Strategy::Voting { threshold: some(of.threshold), pointer: of.pointer },
    })
}

fn response(seen: Batched) -> wire::CallBatchResponse {
    let seen = match seen {
        Batched::Ended { place, answer } => Seen::Ended(wire::BatchOutcome {
            place: number(place),
            outcome: answer.as_ref().map(agent::outcome),
        }),
        Batched::Summary(summary) => Seen::Summary(told(&summary)),
    };
    wire::CallBatchResponse { seen: Some(seen) }
}

fn told(of: &Summary) -> wire::BatchSummary {
    wire::BatchSummary {
        succeeded: of.succeeded,
        successes: number(of.successes),
        failures: number(of.failures),
        skipped: number(of.skipped),
        value: of.value.as_ref().map(payload),
        remark: of.remark.clone(),
    }
}

fn number(of: usize) -> u32 {
    u32::try_from(of).unwrap_or(u32::MAX)
}
