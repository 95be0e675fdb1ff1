//! The plain way to an agent: one operation, one stream.

use op_proto::agent::v1::{ExecuteRequest, Operation, outcome};
use tonic::Code;

use super::record::{MOST, Record, ending};
use super::report::{Checked, Gap, short, untried};
use super::schema;
use super::subject::{Subject, client, nobody};

/// Performs an operation to the end of its stream.
pub(super) async fn perform(subject: &Subject<'_>, operation: Operation) -> Result<Record, Gap> {
    let name = operation.operation.clone();
    let mut record = Record::new(&operation.id, None);
    let listening = listen(subject, operation, &mut record);
    let heard = tokio::time::timeout(subject.trial.patience, listening).await;
    subject.note(record.clone());
    match heard {
        Ok(heard) => heard.map(|()| record),
        Err(_) => Err(short(
            format!("the end of the stream of `{name}` within {:?}", subject.trial.patience),
            format!("{} events and no end", record.events.len()),
        )),
    }
}

async fn listen(subject: &Subject<'_>, operation: Operation, record: &mut Record) -> Result<(), Gap> {
    let name = operation.operation.clone();
    let broke = |status: tonic::Status| {
        let expected = format!("a stream of `{name}` that ends by itself; an outcome says what went wrong");
        short(expected, format!("{}: {}", status.code(), status.message()))
    };
    let mut client = client(subject.connect().await?);
    let request = ExecuteRequest { operation: Some(operation) };
    let mut events = client.execute(request).await.map_err(broke)?.into_inner();
    while let Some(response) = events.message().await.map_err(broke)? {
        let Some(event) = response.event else { continue };
        if event.id != record.id {
            return Err(short(format!("events of `{}` alone", record.id), format!("one of `{}`", event.id)));
        }
        record.hear(event);
        if record.is_flooded() {
            return Err(short(format!("at most {} MiB about `{name}`", MOST >> 20), "more"));
        }
    }
    record.closed = true;
    Ok(())
}

/// An operation that works answers with a value that fits its schema.
pub(super) async fn value(subject: &Subject<'_>) -> Checked {
    let call = subject.main()?;
    let record = perform(subject, call.order(&subject.id("value"))).await?;
    let Some(outcome) = record.outcome() else {
        return Err(short(format!("an outcome of `{}`", call.operation), "the end of the stream"));
    };
    let Some(outcome::Kind::Completed(completed)) = &outcome.kind else {
        let why =
            format!("`{}` was {}; name one that completes with --operation", call.operation, ending(outcome));
        return Err(untried(why));
    };
    if let Some(operation) = subject.operation(&call.operation) {
        schema::fits(operation, &completed.value)?;
    }
    Ok(format!("`{}` {}", call.operation, ending(outcome)))
}

/// An operation that the agent does not have is rejected, and the outcome says why.
pub(super) async fn unknown(subject: &Subject<'_>) -> Checked {
    let record = perform(subject, nobody().order(&subject.id("unknown"))).await?;
    rejected(&record)
}

/// Holds an operation that no agent has to having been rejected.
pub(super) fn rejected(record: &Record) -> Checked {
    let expected = "that an operation which it does not have is rejected, with a reason";
    match record.outcome().map(|outcome| (outcome, &outcome.kind)) {
        Some((outcome, Some(outcome::Kind::Rejected(_)))) => Ok(ending(outcome)),
        Some((outcome, _)) => Err(short(expected, ending(outcome))),
        None => Err(short(expected, "no outcome")),
    }
}

/// A write that is repeated is not done twice: it is answered as before, or its outcome is unknown.
pub(super) async fn repeat(subject: &Subject<'_>) -> Checked {
    let write = subject.trial.write.as_ref();
    let call = write.ok_or_else(|| untried("a read may be done twice; name a write with --write"))?;
    let order = call.order(&subject.id("repeat"));
    let first = perform(subject, order.clone()).await?;
    let again = perform(subject, Operation { repeat: true, ..order }).await?;
    super::repeat::once(&call.operation, &first, &again)
}

/// Whether the agent speaks no sessions, as a minimal agent may.
pub(super) async fn is_minimal(subject: &Subject<'_>) -> bool {
    let Ok((_frames, answer)) = super::hub::dial(subject, super::hub::VERSION).await else { return false };
    match answer {
        Err(status) => status.code() == Code::Unimplemented,
        Ok(mut inbox) => {
            let first = tokio::time::timeout(subject.trial.patience, inbox.message()).await;
            matches!(first, Ok(Err(status)) if status.code() == Code::Unimplemented)
        }
    }
}
