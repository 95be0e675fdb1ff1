//! The parts of a daemon, put together and taken apart in order.

use std::fs;
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use op_engine::guard::{chain, secret::secret, size::size};
use op_engine::ports::{Clock, Journal as _, Perform, ReadError, SystemClock};
use op_engine::recover::Recovered;
use op_engine::{Engine, Ports};
use op_grpc::Doors;
use op_grpc::peer::PeerCheck;
use op_journal::SqliteJournal;
use op_pool::{AgentSettings, ChildLaunch, Launch, Pool};
use op_proto::Address;
use tokio::net::{TcpListener, UnixListener};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::Configuration;
use crate::configuration::{ConfigurationError, bundled};
use crate::credentials::Directory;
use crate::settings::{AgentEntry, AgentsAs, Settings};
use crate::units;

/// Variables of its own environment that an agent is started with: those its programs may have, and those that lead to a bus.
const BUS_VARIABLES: [&str; 3] = ["DBUS_SESSION_BUS_ADDRESS", "DBUS_SYSTEM_BUS_ADDRESS", "XDG_RUNTIME_DIR"];

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
}

/// The parts of a daemon, with doors that are still closed: who knocks waits.
pub(crate) struct Parts {
    pub(crate) engine: Engine,
    pool: Arc<Pool>,
    journal: Arc<SqliteJournal>,
    doors: Doors,
    check: PeerCheck,
    socket: PathBuf,
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
        let journal = Arc::new(SqliteJournal::open(&settings.journal())?);
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
        let pool = Pool::new(settings.pool.clone(), agents(settings)?, Arc::clone(&clock))?;
        let doors = doors(settings).await?;
        let engine = engine(configuration, settings, Arc::clone(&journal), Arc::clone(&pool), clock);
        pool.start();
        let check = PeerCheck::allowing(settings.users.clone());
        Ok(Self { engine, pool, journal, doors, check, socket: settings.socket.clone() })
    }

    /// Wakes the runs of the journal. To be done before the doors open: a client that came earlier would find them asleep.
    pub(crate) async fn recover(&self) -> Result<Recovered, BuildError> {
        Ok(self.engine.recover().await?)
    }

    /// Opens the doors.
    pub(crate) fn open(self) -> App {
        let Self { engine, pool, journal, doors, check, socket } = self;
        let shutdown = CancellationToken::new();
        let door = tokio::spawn(op_grpc::serve(doors, engine.clone(), check, shutdown.clone()));
        App { engine, pool, journal, door, shutdown, socket }
    }
}

/// A daemon that is up.
pub(crate) struct App {
    pub(crate) engine: Engine,
    pool: Arc<Pool>,
    journal: Arc<SqliteJournal>,
    door: JoinHandle<Result<(), op_grpc::ServeError>>,
    shutdown: CancellationToken,
    socket: PathBuf,
}

impl App {
    /// Resolves when the daemon cannot go on.
    pub(crate) async fn failed(&mut self) -> FatalError {
        tokio::select! {
            cause = self.engine.failed() => FatalError::Engine(cause),
            ended = &mut self.door => match ended {
                Ok(Err(error)) => FatalError::Broken(error),
                Ok(Ok(())) | Err(_) => FatalError::Door,
            },
        }
    }

    /// Closes the doors, puts runs to sleep, ends the agents and closes the journal, in this order.
    pub(crate) async fn drain(self) {
        let Self { engine, pool, journal, door, shutdown, socket } = self;
        shutdown.cancel();
        engine.shutdown().await;
        pool.shutdown().await;
        // Clients have had the whole drain to take their last answers.
        door.abort();
        drop(door.await);
        drop(engine);
        journal.close().await;
        drop(fs::remove_file(socket));
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
    let perform = chain(vec![size(settings.arguments), secret(credentials)], performer);
    let loaded = configuration.plans();
    for diagnostic in loaded.diagnostics.iter().filter(|diagnostic| diagnostic.is_error()) {
        tracing::error!("a plan is left out\n{}", diagnostic.render(false));
    }
    let ports = Ports { journal, perform, agents: pool, clock };
    Engine::new(ports, configuration.library(loaded), settings.limits)
}

async fn doors(settings: &Settings) -> Result<Doors, BuildError> {
    let unix = Some(listen(&settings.socket, !settings.users.is_empty()).await?);
    let tcp = match settings.listen {
        None => None,
        Some(address) => {
            let listener = TcpListener::bind(address).await;
            Some(listener.map_err(|error| BuildError::Listen { address, error })?)
        }
    };
    Ok(Doors { unix, tcp })
}

/// Listens on a socket. One that nobody listens on any more is replaced. Others may connect only where users are allowed by
/// number; the kernel vouches for theirs.
async fn listen(socket: &Path, for_others: bool) -> Result<UnixListener, BuildError> {
    if tokio::net::UnixStream::connect(socket).await.is_ok() {
        return Err(BuildError::Running(socket.to_owned()));
    }
    let place = |error| BuildError::Place { path: socket.to_owned(), error };
    match fs::remove_file(socket) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(place(error)),
        Ok(()) | Err(_) => {}
    }
    let listener = UnixListener::bind(socket).map_err(place)?;
    let mode = if for_others { 0o666 } else { 0o600 };
    fs::set_permissions(socket, fs::Permissions::from_mode(mode)).map_err(place)?;
    Ok(listener)
}

fn make_folder(path: &Path) -> Result<(), BuildError> {
    let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(path);
    made.map_err(|error| BuildError::Place { path: path.to_owned(), error })
}

fn agents(settings: &Settings) -> Result<Vec<AgentSettings>, BuildError> {
    if settings.agents_as == AgentsAs::Children {
        make_folder(&settings.agent_sockets())?;
    }
    let program = std::env::current_exe().map_err(BuildError::Program)?;
    settings.agents.iter().map(|entry| agent(entry, settings, &program)).collect()
}

fn agent(entry: &AgentEntry, settings: &Settings, program: &Path) -> Result<AgentSettings, BuildError> {
    let address = match (&entry.address, settings.agents_as) {
        (Some(_), AgentsAs::Units) if entry.launch => return Err(BuildError::Placed(entry.name.clone())),
        (Some(address), _) => address.clone(),
        (None, AgentsAs::Units) => units::address(&entry.name),
        (None, AgentsAs::Children) => {
            Address::Unix(settings.agent_sockets().join(format!("{}.sock", entry.name)))
        }
    };
    let launch = if entry.launch { Some(launch(entry, settings, &address, program)?) } else { None };
    Ok(AgentSettings {
        name: entry.name.clone(),
        run_on_connection: entry.run_on_connection,
        launch,
        max_concurrent: entry.table.max_concurrent,
        known: bundled(&entry.name)?,
        address,
    })
}

fn launch(
    entry: &AgentEntry,
    settings: &Settings,
    address: &Address,
    program: &Path,
) -> Result<Launch, BuildError> {
    let told = told(entry, settings);
    match settings.agents_as {
        AgentsAs::Children => {
            told.state.as_deref().map_or(Ok(()), make_folder)?;
            Ok(Launch::Child(child(entry, address, &told, program)))
        }
        AgentsAs::Units => Ok(Launch::Unit(units::launch(&entry.name, told))),
    }
}

fn child(entry: &AgentEntry, address: &Address, told: &op_agents::Settings, program: &Path) -> ChildLaunch {
    let told_text = serde_json::to_string(told).expect("settings are plain data");
    let arguments =
        ["agent", &entry.name, "--listen", &address.to_string(), "--settings", &told_text, "--lifeline"];
    let names = told.environment.iter().map(String::as_str).chain(BUS_VARIABLES);
    let environment = names.filter_map(|name| Some((name.to_owned(), std::env::var(name).ok()?))).collect();
    ChildLaunch { program: program.to_owned(), arguments: arguments.map(str::to_owned).to_vec(), environment }
}

/// What a bundled agent is told when it starts.
fn told(entry: &AgentEntry, settings: &Settings) -> op_agents::Settings {
    let default = op_agents::Settings::default();
    let mut environment = default.environment.clone();
    environment.extend(entry.table.environment.iter().flatten().cloned());
    op_agents::Settings {
        roots: settings.roots.clone(),
        environment,
        output_limit: entry.table.output_bytes.unwrap_or(default.output_limit),
        time_limit: entry.table.time_limit.map_or(default.time_limit, |span| span.0),
        advisories: entry.table.advisories.clone(),
        state: Some(settings.state.join("agents").join(&entry.name)),
        sandbox: settings.sandbox,
        models: settings.models.clone().filter(|_| entry.name == "models"),
    }
}
