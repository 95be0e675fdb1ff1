//! What ships, overlaid by a directory key by key: settings, plans, roles, skills.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use op_agents::ModelSettings;
use op_agents::settings::Settings as AgentSettings;
use op_engine::Library;
use op_engine::guard::rate::RateLimits;
use op_engine::session::SessionLimits;
use op_plan::catalogue::{KnownOperations, Operations};
use op_plan::skill::{Skills, Written};
use op_plan::{Catalogue, Loaded, Source, load};
use op_pool::PoolSettings;

use crate::places;
use crate::settings::agents::{AgentsError, AgentsFile};
use crate::settings::daemon::{DaemonFile, LimitsTable, ModelsTable};
use crate::settings::fragment::{FragmentError, parse};
use crate::settings::roles::RolesFile;
use crate::settings::{ARGUMENTS, AgentsAs, BusChoice, DRAIN, MODEL_PATIENCE, Settings};
use crate::skills;

/// The lowest layer, built in so that the shipped plans run anywhere.
const SHIPPED_DAEMON: &str = include_str!("../../../config/op-dbusd.toml");
const SHIPPED_AGENTS: &str = include_str!("../../../config/agents.toml");
const SHIPPED_PLANS: &str = include_str!("../../../config/workstacks.toml");
const SHIPPED_MORE: [(&str, &str); 5] = [
    ("workflows", include_str!("../../../config/plans.d/workflows.toml")),
    ("machines", include_str!("../../../config/plans.d/machines.toml")),
    ("templates", include_str!("../../../config/plans.d/templates.toml")),
    ("debates", include_str!("../../../config/plans.d/debates.toml")),
    ("casts", include_str!("../../../config/plans.d/casts.toml")),
];
const SHIPPED_ROLES: &str = include_str!("../../../config/roles.toml");

/// Everything that was configured.
#[derive(Debug, Clone)]
pub struct Configuration {
    /// The directory that was asked for.
    asked: Option<PathBuf>,
    directory: Option<PathBuf>,
    settings: Settings,
    catalogue: Catalogue,
    skills: Vec<Written>,
    sources: Vec<Source>,
    notes: Vec<String>,
    /// Whether a file says where the socket is.
    names_socket: bool,
}

/// Why a configuration cannot be taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConfigurationError {
    /// The directory that was asked for is not there.
    #[error("the configuration directory {} cannot be read: {error}", path.display())]
    Directory {
        /// The directory.
        path: PathBuf,
        /// Why.
        error: String,
    },
    /// A file cannot be taken.
    #[error(transparent)]
    Fragment(#[from] FragmentError),
    /// The agents do not fit together.
    #[error("agents.toml: {0}")]
    Agents(#[from] AgentsError),
    /// Clients may come in over TCP on loopback only.
    #[error("op-dbusd.toml: `grpc.listen = \"{0}\"` is not on loopback; listen on 127.0.0.1 or [::1]")]
    Listen(std::net::SocketAddr),
    /// A path must be absolute, since the daemon has no folder of its own.
    #[error("op-dbusd.toml: `{key} = \"{}\"` is not an absolute path", path.display())]
    Relative {
        /// The key.
        key: &'static str,
        /// The path.
        path: PathBuf,
    },
    /// `[models]` is not complete.
    #[error("`[models]`: {0}")]
    Models(&'static str),
    /// A bundled agent describes itself wrongly.
    #[error("the bundled agent `{name}`: {error}")]
    Bundled {
        /// The agent.
        name: &'static str,
        /// Why.
        error: String,
    },
}

impl Configuration {
    /// Reads a directory over what ships. Without one, that of the host, `/etc/op-dbus`, when it exists.
    ///
    /// # Errors
    /// When a file cannot be read or taken; the error shows the place.
    pub fn load(directory: Option<&Path>) -> Result<Self, ConfigurationError> {
        let asked = directory.map(Path::to_owned);
        let directory = match directory {
            Some(path) => {
                fs::read_dir(path).map_err(|error| ConfigurationError::Directory {
                    path: path.to_owned(),
                    error: error.to_string(),
                })?;
                Some(path.to_owned())
            }
            None => Some(PathBuf::from(places::SYSTEM_CONFIGURATION)).filter(|path| path.is_dir()),
        };
        let layers = Layers { directory: directory.as_deref() };
        let daemon = layers.fragments("op-dbusd", SHIPPED_DAEMON, DaemonFile::overlaid)?;
        let agents = layers.fragments("agents", SHIPPED_AGENTS, AgentsFile::overlaid)?;
        let roles = layers.fragments("roles", SHIPPED_ROLES, |mut below: RolesFile, above| {
            below.roles.extend(above.roles);
            below
        })?;
        let mut sources = SHIPPED_MORE.map(shipped).to_vec();
        sources.extend(layers.sources("workstacks", SHIPPED_PLANS)?);
        sources.extend(layers.drop_ins("plans.d")?);
        let names_socket = daemon.grpc.socket.is_some();
        let directories = daemon.skills.directories.clone().unwrap_or_default();
        for place in &directories {
            absolute("skills.directories", place)?;
        }
        let skills = skills::layers(&directories, directory.as_deref(), places::skills().as_deref());
        let settings = settings(daemon, &agents)?;
        let mut catalogue = catalogue(&settings, roles)?;
        catalogue.skills = Arc::new(Skills::read(&skills));
        let notes = notes(&settings);
        Ok(Self { asked, directory, settings, catalogue, skills, sources, notes, names_socket })
    }

    /// Reads the same directory again.
    ///
    /// # Errors
    /// As [`Configuration::load`].
    pub(crate) fn reread(&self) -> Result<Self, ConfigurationError> {
        Ok(Self::load(self.asked.as_deref())?
            .with_agents_as(self.settings.agents_as)
            .with_bus(self.settings.bus.clone()))
    }

    /// This configuration, with bundled agents that run as this.
    #[must_use]
    pub fn with_agents_as(mut self, agents_as: AgentsAs) -> Self {
        self.settings.agents_as = agents_as;
        self
    }

    /// This configuration, of a daemon that is controlled over this bus.
    #[must_use]
    pub fn with_bus(mut self, bus: BusChoice) -> Self {
        self.settings.bus = bus;
        self
    }

    /// This configuration, with the skills of the repository that a folder is in. It is for who may read that folder anyway, and not
    /// for a daemon that serves others.
    #[must_use]
    pub fn with_repository(mut self, folder: &Path) -> Self {
        let found = skills::of_repository(folder);
        if !found.is_empty() {
            self.skills.extend(found);
            self.catalogue.skills = Arc::new(Skills::read(&self.skills));
        }
        self
    }

    /// Everything the daemon is built from, but its plans.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// What plans can name before any agent is connected.
    pub fn catalogue(&self) -> Catalogue {
        self.catalogue.clone()
    }

    /// The plans, and what is wrong with them.
    pub fn plans(&self) -> Loaded {
        load(&self.sources, &self.catalogue)
    }

    /// The plans with these files on top, and what is wrong with them.
    pub fn check(&self, extra: &[Source]) -> Loaded {
        let sources: Vec<_> = self.sources.iter().chain(extra).cloned().collect();
        load(&sources, &self.catalogue)
    }

    /// What can be run of what was loaded.
    pub fn library(&self, loaded: Loaded) -> Library {
        Library {
            plans: loaded.plans,
            casts: loaded.casts,
            roles: self.catalogue.roles.clone(),
            skills: Arc::clone(&self.catalogue.skills),
            grants: self.settings.grants(),
        }
    }

    /// Where the daemon listens for clients.
    pub fn socket(&self) -> PathBuf {
        self.settings.socket.clone()
    }

    /// Where a client looks for a daemon: the socket of this configuration, and then that of the host's service, unless the
    /// configuration names a socket itself.
    pub fn sockets(&self) -> Vec<PathBuf> {
        let own = self.settings.socket.clone();
        let system = PathBuf::from(places::SYSTEM_SOCKET);
        if self.names_socket || own == system { vec![own] } else { vec![own, system] }
    }

    /// Where what must last is kept.
    pub fn state(&self) -> PathBuf {
        self.settings.state.clone()
    }

    /// The directory that was read.
    pub fn directory(&self) -> Option<&Path> {
        self.directory.as_deref()
    }

    /// What people should know of this configuration.
    pub fn notes(&self) -> Vec<String> {
        self.notes.clone()
    }
}

fn shipped((name, text): (&str, &str)) -> Source {
    Source { name: format!("shipped plans.d/{name}.toml"), text: text.to_owned() }
}

/// Files of one directory over what ships.
struct Layers<'a> {
    directory: Option<&'a Path>,
}

impl Layers<'_> {
    /// `NAME.toml` over what ships, and `NAME.d/*.toml` in name order over both.
    fn sources(&self, name: &str, shipped: &str) -> Result<Vec<Source>, FragmentError> {
        let mut sources = vec![Source { name: format!("shipped {name}.toml"), text: shipped.to_owned() }];
        if let Some(directory) = self.directory {
            let file = directory.join(format!("{name}.toml"));
            if file.exists() {
                sources.push(read(&file)?);
            }
            sources.extend(self.drop_ins(&format!("{name}.d"))?);
        }
        Ok(sources)
    }

    fn drop_ins(&self, folder: &str) -> Result<Vec<Source>, FragmentError> {
        let Some(entries) = self.directory.and_then(|directory| fs::read_dir(directory.join(folder)).ok())
        else {
            return Ok(Vec::new());
        };
        let mut files: Vec<_> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
        files.retain(|file| file.extension().is_some_and(|extension| extension == "toml"));
        files.sort();
        files.iter().map(|file| read(file)).collect()
    }

    fn fragments<T: serde::de::DeserializeOwned>(
        &self,
        name: &str,
        shipped: &str,
        overlay: impl Fn(T, T) -> T,
    ) -> Result<T, FragmentError> {
        let mut merged: Option<T> = None;
        for source in self.sources(name, shipped)? {
            let fragment = parse(Path::new(&source.name), &source.text)?;
            merged = Some(match merged {
                None => fragment,
                Some(below) => overlay(below, fragment),
            });
        }
        Ok(merged.expect("what ships is the first layer"))
    }
}

fn read(path: &Path) -> Result<Source, FragmentError> {
    let text = fs::read_to_string(path)
        .map_err(|error| FragmentError::Read { path: path.to_owned(), error: error.to_string() })?;
    Ok(Source { name: path.display().to_string(), text })
}

fn settings(daemon: DaemonFile, agents: &AgentsFile) -> Result<Settings, ConfigurationError> {
    let DaemonFile { state, allowed_roots, sandbox, credentials, grpc, limits, models, skills: _ } = daemon;
    let pool = agents.pool.settings();
    let listen = match grpc.listen {
        Some(address) if !address.ip().is_loopback() => return Err(ConfigurationError::Listen(address)),
        listen => listen,
    };
    let roots = allowed_roots.unwrap_or_default();
    for root in &roots {
        absolute("allowed_roots", root)?;
    }
    let credentials = credentials.or_else(places::credentials);
    Ok(Settings {
        models: models_of(models, credentials.as_deref())?,
        state: absolute_or("state", state, places::state)?,
        socket: absolute_or("grpc.socket", grpc.socket, || places::runtime().join("grpc.sock"))?,
        listen,
        users: grpc.users.unwrap_or_default(),
        roots,
        credentials,
        sandbox: sandbox.unwrap_or_default(),
        arguments: limits.argument_bytes.unwrap_or(ARGUMENTS),
        results: limits.result_bytes.unwrap_or(op_journal::Options::default().results),
        limits: bounds(&limits, &pool),
        agents: agents.entries(&op_agents::NAMES)?,
        agents_as: AgentsAs::default(),
        bus: BusChoice::default(),
        pool,
    })
}

fn bounds(of: &LimitsTable, pool: &PoolSettings) -> op_engine::Limits {
    let default = op_engine::Limits::default();
    op_engine::Limits {
        runs: of.runs.unwrap_or(default.runs),
        output: of.output_bytes.unwrap_or(default.output),
        drain: of.drain.map_or(DRAIN, |span| span.0),
        call: of.call.map_or(pool.request_timeout, |span| span.0),
        sessions: SessionLimits {
            total: of.sessions.unwrap_or(default.sessions.total),
            user: of.user_sessions.unwrap_or(default.sessions.user),
        },
        rate: RateLimits {
            minute: of.calls_per_minute.unwrap_or(default.rate.minute),
            hour: of.calls_per_hour.unwrap_or(default.rate.hour),
            at_once: of.calls_at_once.unwrap_or(default.rate.at_once),
        },
    }
}

fn absolute_or(
    key: &'static str,
    path: Option<PathBuf>,
    default: impl FnOnce() -> PathBuf,
) -> Result<PathBuf, ConfigurationError> {
    match path {
        Some(path) => absolute(key, &path).map(|()| path),
        None => Ok(default()),
    }
}

/// A model is told by its address and its name; a key stays in its file, and agents are told where that is.
fn models_of(
    of: ModelsTable,
    credentials: Option<&Path>,
) -> Result<Option<ModelSettings>, ConfigurationError> {
    let ModelsTable { url, model, key, timeout } = of;
    let (url, model) = match (url, model) {
        (Some(url), Some(model)) => (url, model),
        (None, None) if key.is_none() => return Ok(None),
        (None, _) => return Err(ConfigurationError::Models("it does not say its `url`")),
        (_, None) => return Err(ConfigurationError::Models("it does not say its `model`")),
    };
    let key = match key {
        None => None,
        Some(name) if name.is_empty() || name.contains('/') || name.starts_with('.') => {
            return Err(ConfigurationError::Models("`key` is the name of a file in the credentials folder"));
        }
        Some(name) => match credentials {
            Some(folder) => Some(folder.join(name)),
            None => return Err(ConfigurationError::Models("`key` needs `credentials`, the folder it is in")),
        },
    };
    let timeout = timeout.map_or(MODEL_PATIENCE, |span| span.0);
    Ok(Some(ModelSettings { url, model, key, timeout }))
}

fn absolute(key: &'static str, path: &Path) -> Result<(), ConfigurationError> {
    if path.is_absolute() { Ok(()) } else { Err(ConfigurationError::Relative { key, path: path.to_owned() }) }
}

/// The operations of bundled agents are known before they run; those of others when they are connected.
fn catalogue(settings: &Settings, roles: RolesFile) -> Result<Catalogue, ConfigurationError> {
    let mut catalogue = Catalogue::default();
    for entry in &settings.agents {
        let operations = match bundled(&entry.name)? {
            Some(operations) => Operations::Known(operations),
            None => Operations::Open,
        };
        catalogue.agents.insert(entry.name.clone(), operations);
    }
    catalogue.roles = roles.roles.into_iter().map(|(name, role)| (name, role.into())).collect();
    Ok(catalogue)
}

/// What a bundled agent performs; `None` when there is none of this name.
fn bundled(name: &str) -> Result<Option<KnownOperations>, ConfigurationError> {
    let Some(name) = op_agents::NAMES.into_iter().find(|known| *known == name) else { return Ok(None) };
    let agent = op_agents::build(name, &AgentSettings::default()).expect("every name builds an agent");
    let known = op_pool::known(agent.description());
    known.map(Some).map_err(|error| ConfigurationError::Bundled { name, error })
}

fn notes(settings: &Settings) -> Vec<String> {
    let missing = settings.roots.iter().filter(|root| !root.is_dir());
    missing.map(|root| format!("the allowed root {} is not a folder", root.display())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_looks_for_the_hosts_daemon_unless_a_file_names_a_socket() {
        let directory = tempfile::tempdir().expect("a folder");
        let load = || Configuration::load(Some(directory.path())).expect("nothing is wrong");
        assert_eq!(load().sockets().last(), Some(&PathBuf::from(places::SYSTEM_SOCKET)));
        fs::write(directory.path().join("op-dbusd.toml"), "grpc.socket = \"/x/y.sock\"\n").expect("writes");
        assert_eq!(load().sockets(), [PathBuf::from("/x/y.sock")]);
    }
}
