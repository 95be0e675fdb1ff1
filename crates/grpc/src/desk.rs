//! What every service of the door works with, and the questions they put to the warden.

use std::sync::Arc;

use op_engine::ports::{Caller, Right, RunRecord, Service};
use op_engine::{Engine, Warden};
use tokio_util::sync::CancellationToken;
use tonic::{Request, Status};

use crate::failure::status;
use crate::peer;

/// What stands behind the door.
#[derive(Clone)]
pub(crate) struct Desk {
    pub(crate) engine: Engine,
    pub(crate) warden: Warden,
    pub(crate) service: Arc<dyn Service>,
    /// Ends streams and stops calls when the daemon goes down.
    pub(crate) shutdown: CancellationToken,
}

/// Who asks, taken off a request before it is read.
pub(crate) struct Asker {
    pub(crate) caller: Caller,
    interactive: bool,
}

impl Asker {
    pub(crate) fn of<T>(request: &Request<T>) -> Self {
        Self { caller: peer::caller(request), interactive: peer::is_interactive(request) }
    }

    /// The caller in words, for the journal.
    pub(crate) fn name(&self) -> String {
        self.caller.name()
    }
}

impl Desk {
    /// Refuses who has not this right.
    pub(crate) async fn admit(
        &self,
        asker: &Asker,
        right: Right,
        about: &[(&str, &str)],
    ) -> Result<(), Status> {
        let admitted = self.warden.admit(&asker.caller, right, about, asker.interactive).await;
        admitted.map_err(|denied| status(&denied))
    }

    /// Whether a caller may manage agents, without a person being asked.
    pub(crate) async fn manages(&self, asker: &Asker) -> bool {
        self.warden.admit(&asker.caller, Right::ManageAgents, &[], false).await.is_ok()
    }

    /// Whether a caller may read what others did, without a person being asked.
    pub(crate) async fn reads_all(&self, asker: &Asker) -> bool {
        self.warden.admit_reading(&asker.caller, None, &[], false).await.is_ok()
    }

    /// Refuses who may not start a run of this plan.
    pub(crate) async fn admit_start(&self, asker: &Asker, plan: &str) -> Result<(), Status> {
        self.admit(asker, Right::Run, &[("definition", plan)]).await
    }

    /// Refuses who may not steer a run; tells its id, or the name it was given by to somebody who may do everything.
    pub(crate) async fn admit_control(&self, asker: &Asker, run: &str) -> Result<String, Status> {
        let Some(record) = self.asked_about(asker, run).await? else { return Ok(run.to_owned()) };
        let Asker { caller, interactive } = asker;
        let admitted = self.warden.admit_control(caller, &record.user, &about(&record), *interactive).await;
        admitted.map(|()| record.id.to_string()).map_err(|denied| status(&denied))
    }

    /// Refuses who may not read what a run did and wrote; answers as [`Desk::admit_control`].
    pub(crate) async fn admit_reading(&self, asker: &Asker, run: &str) -> Result<String, Status> {
        let Some(record) = self.asked_about(asker, run).await? else { return Ok(run.to_owned()) };
        self.admit_reading_of(asker, Some(&record.user), &about(&record)).await?;
        Ok(record.id.to_string())
    }

    /// Refuses who may not read what runs of a user did and wrote, or of whomever.
    pub(crate) async fn admit_reading_of(
        &self,
        asker: &Asker,
        owner: Option<&str>,
        about: &[(&str, &str)],
    ) -> Result<(), Status> {
        let admitted = self.warden.admit_reading(&asker.caller, owner, about, asker.interactive).await;
        admitted.map_err(|denied| status(&denied))
    }

    /// The run, where it matters whose it is: the journal is not asked for those who may do everything.
    async fn asked_about(&self, asker: &Asker, run: &str) -> Result<Option<RunRecord>, Status> {
        if self.warden.trusts(&asker.caller) {
            return Ok(None);
        }
        self.engine.find(run).await.map(Some).map_err(|error| status(&error))
    }
}

/// What an authority is told of a run.
fn about(record: &RunRecord) -> [(&'static str, &str); 2] {
    [("run", record.id.as_str()), ("definition", record.plan.as_str())]
}
