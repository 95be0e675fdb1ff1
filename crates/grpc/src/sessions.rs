//! `opdbus.v1.Sessions`.

use futures::future::ready;
use futures::stream::{BoxStream, StreamExt as _, once, pending};
use op_engine::handle::session::SessionStatus;
use op_engine::ports::Right;
use op_proto::v1 as wire;
use op_proto::v1::open_session_response::Told;
use op_proto::v1::sessions_server::Sessions;
use tonic::{Request, Response, Status};

use crate::convert::{agent, timestamp};
use crate::desk::{Asker, Desk};
use crate::failure::{bad_field, status};

/// Most characters in which a client says what it is.
const MAX_CLIENT: usize = 100;

pub(crate) struct SessionsService {
    pub(crate) desk: Desk,
}

type Reply<T> = Result<Response<T>, Status>;

#[tonic::async_trait]
impl Sessions for SessionsService {
    type OpenStream = BoxStream<'static, Result<wire::OpenSessionResponse, Status>>;

    async fn open(&self, request: Request<wire::OpenSessionRequest>) -> Reply<Self::OpenStream> {
        let asker = Asker::of(&request);
        let client = request.into_inner().client;
        if client.chars().count() > MAX_CLIENT {
            return Err(bad_field("client", format!("must have at most {MAX_CLIENT} characters")));
        }
        self.desk.admit(&asker, Right::Run, &[("session", &client)]).await?;
        let opened = self.desk.engine.open_session(&asker.name(), &client);
        let session = opened.map_err(|error| status(&error))?;
        let (standing, changes) =
            session.attend().ok_or_else(|| Status::aborted("the session was closed as it was opened"))?;
        let (closed, down) = (session.closed(), self.desk.shutdown.clone().cancelled_owned());
        let told = once(ready(Told::Session(told(standing))));
        let told = told.chain(changes.map(|of| Told::Agent(agent::status(of)))).chain(pending());
        let told = told.take_until(closed).take_until(down).map(move |told| {
            // It lasts as long as its stream.
            let _held = &session;
            Ok(wire::OpenSessionResponse { told: Some(told) })
        });
        Ok(Response::new(told.boxed()))
    }

    async fn close(&self, request: Request<wire::CloseSessionRequest>) -> Reply<wire::CloseSessionResponse> {
        let asker = Asker::of(&request);
        let session = request.into_inner().session;
        let own = asker.name();
        let user = if self.desk.manages(&asker).await { None } else { Some(own.as_str()) };
        self.desk.engine.close_session(&session, user).map_err(|error| status(&error))?;
        Ok(Response::new(wire::CloseSessionResponse {}))
    }

    async fn list(&self, request: Request<wire::ListSessionsRequest>) -> Reply<wire::ListSessionsResponse> {
        let asker = Asker::of(&request);
        let (own, sees_all) = (asker.name(), self.desk.manages(&asker).await);
        let sessions = self.desk.engine.sessions().into_iter();
        let sessions = sessions.filter(|of| sees_all || of.record.user == own).map(told).collect();
        Ok(Response::new(wire::ListSessionsResponse { sessions }))
    }
}

fn told(of: SessionStatus) -> wire::Session {
    let SessionStatus { record, agents } = of;
    wire::Session {
        id: record.id,
        user: record.user,
        client: record.client,
        since: Some(timestamp(record.since)),
        agents: agents.into_iter().map(agent::status).collect(),
        calls: record.calls,
        runs: record.runs,
    }
}
