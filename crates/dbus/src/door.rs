//! The door: opened on a bus, served until the daemon goes down.

use std::sync::Arc;

use op_engine::ports::{ReadError, Service};
use op_engine::{Engine, Warden};
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::bus::Bus;
use crate::herald::Herald;
use crate::house::{House, Pace};
use crate::link::OpenError;

/// Why the door closed by itself.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// What happens to runs cannot be read any more.
    #[error("the runs under way cannot be read from the journal")]
    Read(#[from] ReadError),
}

/// A door that is open.
pub struct Door {
    house: Arc<House>,
    herald: Herald,
    /// No task of the door outlives it, whether it was served or not.
    _over: DropGuard,
}

impl Door {
    /// Opens the door: every object stands on the bus, and then the daemon owns its name. `endpoints` are told to clients as where
    /// gRPC is. Runs go on whatever becomes of the bus.
    ///
    /// # Errors
    /// When the bus cannot be reached, the name belongs to somebody else, or the journal cannot be read.
    pub async fn open(
        bus: Bus,
        engine: Engine,
        warden: Warden,
        service: Arc<dyn Service>,
        endpoints: Vec<String>,
        shutdown: CancellationToken,
    ) -> Result<Self, OpenError> {
        Self::paced(bus, engine, warden, service, endpoints, shutdown, Pace::default()).await
    }

    /// Opens the door at another pace than the usual one.
    ///
    /// # Errors
    /// As [`Door::open`].
    pub async fn paced(
        bus: Bus,
        engine: Engine,
        warden: Warden,
        service: Arc<dyn Service>,
        endpoints: Vec<String>,
        shutdown: CancellationToken,
        pace: Pace,
    ) -> Result<Self, OpenError> {
        let over = shutdown.child_token();
        let (house, words) = House::new(engine, warden, service, endpoints, over.clone(), pace);
        let over = over.drop_guard();
        let mut herald = Herald::new(Arc::clone(&house), bus, words).await?;
        herald.dial().await?;
        Ok(Self { house, herald, _over: over })
    }

    /// Tells the bus what happens until the daemon goes down. A bus that goes away, or answers no more, is tried again until it is
    /// back. When it returns, the name is given up and no task of the door is left.
    ///
    /// # Errors
    /// When the journal cannot be read any more.
    pub async fn serve(mut self) -> Result<(), ServeError> {
        let served = self.herald.serve().await;
        self.house.shutdown.cancel();
        self.house.tasks.close();
        self.house.tasks.wait().await;
        Ok(served?)
    }
}
