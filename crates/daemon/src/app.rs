//! The parts of a daemon, put together and taken apart in order.

use std::fs;
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use op_engine::guard::{cache::cache, chain, secret::secret, size::size};
use op_engine::ports::{Agents, Clock, Journal as _, Perform, ReadError, Results, Service, SystemClock};
use op_engine::recover::Recovered;
use op_engine::{Engine, Ports, Warden};
use op_journal::{Options, SqliteJournal};
use op_pool::Pool;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::agents::agents;
use crate::bus;
use crate::configuration::{Configuration, ConfigurationError};
use crate::credentials::Directory;
use crate::doors::{self, Opened};
use crate::settings::{BusChoice, Settings};

/// Why a daemon does not come up.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// A folder or socket cannot be made.
    #[error("cannot make {}", path.display())]
    Place {
        /// The folder or socket.
        path: PathBuf,
        /// Why.
        #[source]
        error: io::Error,
    },
    /// Another daemon listens on the socket.
    #[error("a daemon listens on {} already", .0.display())]
    Running(PathBuf),
    /// The TCP port cannot be had.
    #[error("cannot listen on {address}")]
    Listen {
        /// The address.
        address: std::net::SocketAddr,
        /// Why.
        #[source]
        error: io::Error,
    },
    /// What systemd hands over cannot be listened on.
    #[error("the socket that systemd hands over cannot be listened on")]
    Inherited(#[from] op_agent::InheritError),
    /// The door on the message bus does not open.
    #[error("cannot be on the message bus")]
    Bus(#[from] op_dbus::OpenError),
    /// The journal does not open.
    #[error(transparent)]
    Journal(#[from] op_journal::OpenError),
    /// The journal does not tell which runs there are.
    #[error("cannot recover the runs of the journal")]
    Recover(#[from] ReadError),
    /// The pool cannot be built of these agents.
    #[error("the agents do not fit together")]
    Pool(#[from] op_pool::BuildError),
    /// A bundled agent describes itself wrongly.
    #[error(transparent)]
    Configuration(#[from] ConfigurationError),
    /// An agent that runs as a unit listens where the unit says.
    #[error(
        "agent `{0}` has an `address`, but as a unit it listens on the socket of the unit; remove the address, or say `launch = false`"
    )]
    Placed(String),
    /// The path of this program is not known, so it cannot start agents.
    #[error("the path of this program is not known")]
    Program(#[source] io::Error),
}

/// Why a daemon ended by itself.
#[derive(Debug, thiserror::Error)]
pub enum FatalError {
    /// The engine cannot go on.
    #[error("the engine cannot go on: {0}")]
    Engine(String),
    /// The door closed.
    #[error("the gRPC door closed by itself")]
    Door,
    /// The door broke.
    #[error(transparent)]
    Broken(#[from] op_grpc::ServeError),
    /// The door on the message bus broke.
    #[error(transparent)]
    Bus(#[from] op_dbus::ServeError),
    /// A task broke off.
    #[error("a task of the daemon broke off")]
    Task(#[from] tokio::task::JoinError),
}

/// The parts of a daemon, with doors that are still closed: who knocks waits.
pub(crate) struct Parts {
    pub(crate) engine: Engine,
    pub(crate) pool: Arc<Pool>,
    journal: Arc<SqliteJournal>,
    opened: Opened,
    warden: Warden,
}

impl Parts {
    /// Builds the parts. Runs of the journal sleep on until [`Parts::recover`].
    pub(crate) async fn build(
        configuration: &Configuration,
        settings: &Settings,
    ) -> Result<Self, BuildError> {
        if let Err(error) = op_pool::adopt() {
            tracing::warn!(%error, "the programs of an agent that is killed may survive it");
        }
        let folder = settings.socket.parent().unwrap_or(Path::new("/"));
        make_folder(&settings.state)?;
        make_folder(folder)?;
        let options = Options { results: settings.results, ..Options::default() };
        let journal = Arc::new(SqliteJournal::open_with(&settings.journal(), &options)?);
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
        let pool = Pool::new(
            settings.pool.clone(),
            agents(settings, &configuration.catalogue())?,
            Arc::clone(&clock),
        )?;
        let opened = doors::open(settings).await?;
        let engine = engine(configuration, settings, Arc::clone(&journal), Arc::clone(&pool), clock);
        pool.start();
        let warden = bus::warden(&settings.bus, settings.users.clone());
        Ok(Self { engine, pool, journal, opened, warden })
    }

    /// Wakes the runs of the journal. To be done before the doors open: a client that came earlier would find them asleep.
    pub(crate) async fn recover(&self) -> Result<Recovered, BuildError> {
        Ok(self.engine.recover().await?)
    }

    /// Opens the doors.
    pub(crate) async fn open(self, choice: &BusChoice, service: Arc<dyn Service>) -> Result<App, BuildError> {
        let Self { engine, pool, journal, opened, warden } = self;
        let Opened { doors, socket, is_own } = opened;
        let (shutdown, mut tasks) = (CancellationToken::new(), JoinSet::new());
        let endpoints = vec![format!("unix:{}", socket.display())];
        let on_bus = bus::open(choice, &engine, &warden, &service, endpoints, &shutdown).await?;
        if let Some(door) = on_bus {
            tasks.spawn(async { door.serve().await.map_or_else(|error| Some(error.into()), |()| None) });
        }
        let door = op_grpc::serve(doors, engine.clone(), warden, service, shutdown.clone());
        tasks
            .spawn(async { door.await.map_or_else(|error| Some(error.into()), |()| Some(FatalError::Door)) });
        Ok(App { engine, pool, journal, tasks, shutdown, socket, is_own })
    }
}

/// A daemon that is up.
pub(crate) struct App {
    pub(crate) engine: Engine,
    pool: Arc<Pool>,
    journal: Arc<SqliteJournal>,
    /// What goes on beside the runs; one that ends may tell why the daemon cannot go on.
    tasks: JoinSet<Option<FatalError>>,
    shutdown: CancellationToken,
    pub(crate) socket: PathBuf,
    is_own: bool,
}

impl App {
    /// Does something beside the runs, until it ends or the daemon does.
    pub(crate) fn beside(&mut self, task: impl Future<Output = ()> + Send + 'static) {
        self.tasks.spawn(async {
            task.await;
            None
        });
    }

    /// Resolves when the daemon cannot go on.
    pub(crate) async fn failed(&mut self) -> FatalError {
        loop {
            tokio::select! {
                cause = self.engine.failed() => return FatalError::Engine(cause),
                Some(ended) = self.tasks.join_next() => match ended {
                    Ok(None) => {}
                    Ok(Some(fatal)) => return fatal,
                    Err(error) => return error.into(),
                },
            }
        }
    }

    /// Closes the doors, puts runs to sleep, ends the agents and closes the journal, in this order. Agents that outlive the daemon keep
    /// what they are at, for the next one.
    pub(crate) async fn drain(self) {
        let Self { engine, pool, journal, mut tasks, shutdown, socket, is_own } = self;
        shutdown.cancel();
        pool.go_down();
        engine.shutdown().await;
        pool.shutdown().await;
        // Clients have had the whole drain to take their last answers.
        tasks.shutdown().await;
        drop(engine);
        journal.close().await;
        if is_own {
            drop(fs::remove_file(socket));
        }
    }
}

fn engine(
    configuration: &Configuration,
    settings: &Settings,
    journal: Arc<SqliteJournal>,
    pool: Arc<Pool>,
    clock: Arc<dyn Clock>,
) -> Engine {
    let credentials = Arc::new(Directory { path: settings.credentials.clone() });
    let performer: Arc<dyn Perform> = Arc::clone(&pool) as _;
    let (results, agents): (Arc<dyn Results>, Arc<dyn Agents>) = (Arc::clone(&journal) as _, pool);
    let kept = cache(Arc::clone(&results), Arc::clone(&agents), Arc::clone(&clock));
    let perform = chain(vec![size(settings.arguments), kept, secret(credentials)], performer);
    let loaded = configuration.plans();
    for diagnostic in loaded.diagnostics.iter().filter(|diagnostic| diagnostic.is_error()) {
        tracing::error!("a plan is left out\n{}", diagnostic.render(false));
    }
    let library = configuration.library(loaded);
    for diagnostic in library.skills.diagnostics().iter().filter(|diagnostic| diagnostic.is_error()) {
        tracing::error!("a skill is left out\n{}", diagnostic.render(false));
    }
    let ports = Ports { journal, perform, results, agents, clock };
    Engine::new(ports, library, settings.limits)
}

pub(crate) fn make_folder(path: &Path) -> Result<(), BuildError> {
    let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(path);
    made.map_err(|error| BuildError::Place { path: path.to_owned(), error })
}
