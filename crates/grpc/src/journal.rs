//! `opdbus.v1.Journal`.

use futures::stream::{BoxStream, StreamExt as _, iter};
use op_engine::ports::{CallFilter, EventFilter};
use op_proto::v1 as wire;
use op_proto::v1::journal_server::Journal;
use tonic::{Request, Response, Status};

use crate::convert::{event, instant};
use crate::desk::{Asker, Desk};
use crate::failure::{bad_field, status};

/// Events answered when a request does not say how many.
const DEFAULT_LIMIT: u32 = 100;

/// Most events answered at once.
const MAX_LIMIT: u32 = 10_000;

pub(crate) struct JournalService {
    pub(crate) desk: Desk,
}

#[tonic::async_trait]
impl Journal for JournalService {
    type EventsStream = BoxStream<'static, Result<wire::EventsResponse, Status>>;

    async fn events(
        &self,
        request: Request<wire::EventsRequest>,
    ) -> Result<Response<Self::EventsStream>, Status> {
        let asker = Asker::of(&request);
        let request = request.into_inner();
        let follow = request.follow;
        let filter = self.filter(request).await?;
        self.admit(&asker, &filter).await?;
        if let Some(filter) = calls(&filter)? {
            return self.calls(filter, follow).await;
        }
        let events = if follow {
            let tail = self.desk.engine.tail(filter).await.map_err(|error| status(&error))?;
            let tail =
                tail.map(|audited| audited.map(|of| event::audited(&of)).map_err(|error| status(&error)));
            tail.take_until(self.desk.shutdown.clone().cancelled_owned()).boxed()
        } else {
            let audited = self.desk.engine.audit(&filter).await.map_err(|error| status(&error))?;
            iter(audited).map(|of| Ok(event::audited(&of))).boxed()
        };
        Ok(Response::new(events))
    }
}

impl JournalService {
    /// Calls of clients, which are no events of a run.
    async fn calls(
        &self,
        filter: CallFilter,
        follow: bool,
    ) -> Result<Response<<Self as Journal>::EventsStream>, Status> {
        let calls = if follow {
            let tail = self.desk.engine.tail_calls(filter).await.map_err(|error| status(&error))?;
            let tail = tail.map(|call| call.map(|of| event::call(&of)).map_err(|error| status(&error)));
            tail.take_until(self.desk.shutdown.clone().cancelled_owned()).boxed()
        } else {
            let calls = self.desk.engine.calls(&filter).await.map_err(|error| status(&error))?;
            iter(calls).map(|of| Ok(event::call(&of))).boxed()
        };
        Ok(Response::new(calls))
    }

    /// Refuses who may not read the events that are asked for: those of one run as its output, others as those of everybody.
    async fn admit(&self, asker: &Asker, filter: &EventFilter) -> Result<(), Status> {
        match &filter.run {
            Some(run) => self.desk.admit_reading(asker, run.as_str()).await.map(drop),
            None => self.desk.admit_reading_of(asker, filter.user.as_deref(), &[]).await,
        }
    }

    async fn filter(&self, of: wire::EventsRequest) -> Result<EventFilter, Status> {
        let run = match of.run.as_str() {
            "" => None,
            run => Some(self.desk.engine.find(run).await.map_err(|error| status(&error))?.id),
        };
        let limit = match of.limit {
            0 => DEFAULT_LIMIT,
            limit @ 1..=MAX_LIMIT => limit,
            _ => return Err(bad_field("limit", format!("must be at most {MAX_LIMIT}"))),
        };
        Ok(EventFilter {
            run,
            kinds: of.kinds,
            user: Some(of.user).filter(|user| !user.is_empty()),
            since: of.since.map(|at| instant("since", at)).transpose()?,
            until: of.until.map(|at| instant("until", at)).transpose()?,
            limit: limit as usize,
        })
    }
}

/// The calls that are asked for, where they are.
fn calls(of: &EventFilter) -> Result<Option<CallFilter>, Status> {
    if !of.kinds.iter().any(|kind| kind == event::CALL) {
        return Ok(None);
    }
    if of.kinds.len() > 1 {
        return Err(bad_field("kinds", "`call` stands alone: calls of clients are no events of runs"));
    }
    if of.run.is_some() {
        return Err(bad_field("run", "calls of clients belong to no run"));
    }
    let EventFilter { user, since, until, limit, .. } = of.clone();
    Ok(Some(CallFilter { user, since, until, limit }))
}
