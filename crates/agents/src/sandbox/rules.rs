//! Which places an agent may reach, and for what.

use std::env;
use std::path::{Path, PathBuf};

use op_proto::Address;

use crate::settings::Settings;

/// What may be done at a place and below it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Grant {
    /// Read.
    Read,
    /// Read and execute.
    Run,
    /// Everything.
    Write,
    /// Read and write a device.
    Device,
    /// Make and remove a socket.
    Listen,
}

/// One place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Rule {
    /// Where.
    pub(super) path: PathBuf,
    /// What for.
    pub(super) grant: Grant,
}

/// Where programs, their libraries and their settings are installed.
const SYSTEM: [&str; 9] = ["/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/opt", "/etc", "/nix/store"];

/// What programs ask the kernel about themselves and the machine, and how names are resolved.
const ABOUT: [&str; 5] =
    ["/proc", "/sys/fs/cgroup", "/sys/devices/system", "/run/systemd/resolve", "/run/resolvconf"];

/// Devices that belong to nobody.
const DEVICES: [&str; 6] = ["/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom", "/dev/tty"];

/// What of cargo's home is read: settings and installed programs. Its credentials are not.
const CARGO_READ: [&str; 4] = ["bin", "config", "config.toml", "env"];

/// What of cargo's home is written: the sources of dependencies and the locks around them.
const CARGO_WRITE: [&str; 5] =
    ["registry", "git", ".package-cache", ".package-cache-mutate", ".global-cache"];

/// The journal and the cores of programs that crashed, which are there for looking at.
const RECORDS: [&str; 3] = ["/var/log/journal", "/run/log/journal", "/var/lib/systemd/coredump"];

/// Variables that name the settings and credentials of clusters and registries. What they name is open to the agents that work
/// with those where their settings let the variable through to programs: whoever writes it into `environment` means that programs may use it.
const NAMED: [&str; 3] = ["KUBECONFIG", "DOCKER_CONFIG", "REGISTRY_AUTH_FILE"];

/// Whether an agent runs programs that make files. One that is not known is trusted with less.
fn runs_programs(name: &str) -> bool {
    matches!(name, "tools" | "rust_pro" | "python_pro" | "deployment")
}

/// Whether an agent compiles with cargo.
fn runs_cargo(name: &str) -> bool {
    matches!(name, "tools" | "rust_pro")
}

/// Whether an agent writes below its roots.
fn writes(name: &str) -> bool {
    matches!(name, "tools" | "rust_pro" | "python_pro" | "offline" | "context_manager")
}

/// Whether an agent works with clusters and registries.
fn deploys(name: &str) -> bool {
    matches!(name, "tools" | "deployment")
}

/// Every place that the agent `name` may reach.
pub(super) fn rules(name: &str, settings: &Settings, listen: Option<&Address>) -> Vec<Rule> {
    let mut rules = Vec::new();
    let mut grant = |grant: Grant, path: &Path| rules.push(Rule { path: path.to_owned(), grant });
    let work = if writes(name) { Grant::Write } else { Grant::Read };
    let cargo = if runs_cargo(name) { Grant::Write } else { Grant::Read };

    settings.roots().as_slice().iter().for_each(|root| grant(work, root));
    settings.state.iter().for_each(|state| grant(Grant::Write, state));
    settings.advisories.iter().for_each(|advisories| grant(Grant::Read, advisories));
    let key = settings.models.iter().filter_map(|model| model.key.as_deref()).filter(|_| name == "models");
    key.for_each(|key| grant(Grant::Read, key));
    SYSTEM.iter().for_each(|path| grant(Grant::Run, Path::new(path)));
    ABOUT.iter().for_each(|path| grant(Grant::Read, Path::new(path)));
    DEVICES.iter().for_each(|path| grant(Grant::Device, Path::new(path)));
    if let Some(home) = home_of("CARGO_HOME", ".cargo") {
        CARGO_READ.iter().for_each(|part| grant(Grant::Run, &home.join(part)));
        CARGO_WRITE.iter().for_each(|part| grant(cargo, &home.join(part)));
    }
    if let Some(home) = home_of("RUSTUP_HOME", ".rustup") {
        grant(Grant::Run, &home);
    }
    if runs_programs(name) {
        // Compilers and tests make and run programs there.
        grant(Grant::Write, &env::temp_dir());
        grant(Grant::Write, Path::new("/dev/shm"));
    }
    if runs_programs(name) || name == "debugger" {
        searched().for_each(|directory| grant(Grant::Run, &directory));
    }
    if name == "python_pro" {
        interpreters().for_each(|path| grant(Grant::Run, &path));
    }
    if name == "debugger" {
        RECORDS.iter().for_each(|path| grant(Grant::Read, Path::new(path)));
    }
    if deploys(name) {
        named(settings).for_each(|path| grant(Grant::Run, &path));
    }
    if let Some(directory) = listen.and_then(directory_of) {
        grant(Grant::Listen, directory);
    }
    rules
}

fn home_of(variable: &str, below_home: &str) -> Option<PathBuf> {
    let own = env::var_os(variable).map(PathBuf::from);
    own.or_else(|| env::home_dir().map(|home| home.join(below_home))).filter(|path| path.is_absolute())
}

/// Where people install interpreters and packages of Python for themselves.
fn interpreters() -> impl Iterator<Item = PathBuf> {
    let home = env::home_dir().filter(|home| home.is_absolute());
    let below = [".local/bin", ".local/lib", ".local/share/uv"];
    let own = home.into_iter().flat_map(move |home| below.map(|part| home.join(part)));
    own.chain(home_of("PYENV_ROOT", ".pyenv"))
}

/// The directories in which programs are looked for.
fn searched() -> impl Iterator<Item = PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path).filter(|directory| directory.is_absolute()).collect::<Vec<_>>().into_iter()
}

/// What the variables name that are let through: each one path, or several as in PATH.
fn named(settings: &Settings) -> impl Iterator<Item = PathBuf> {
    let is_open = |name: &&&str| settings.environment.iter().any(|allowed| allowed == **name);
    let values = NAMED.iter().filter(is_open).filter_map(env::var_os);
    let paths = values.flat_map(|value| env::split_paths(&value).collect::<Vec<_>>());
    paths.filter(|path| path.is_absolute()).collect::<Vec<_>>().into_iter()
}

fn directory_of(listen: &Address) -> Option<&Path> {
    match listen {
        Address::Unix(socket) => socket.parent(),
        Address::Tcp { .. } => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::ModelSettings;

    fn granted(name: &str, path: &str) -> Option<Grant> {
        let settings = Settings {
            roots: vec!["/srv/work".into()],
            advisories: Some("/srv/advisories".into()),
            state: Some("/var/lib/agent".into()),
            models: Some(ModelSettings {
                url: String::new(),
                model: String::new(),
                key: Some("/srv/key".into()),
                timeout: std::time::Duration::ZERO,
            }),
            ..Settings::default()
        };
        let listen = Address::Unix("/run/op-dbus/agent.sock".into());
        let rules = rules(name, &settings, Some(&listen));
        rules.iter().find(|rule| rule.path == Path::new(path)).map(|rule| rule.grant)
    }

    #[test]
    fn agents_that_work_may_write_below_their_roots_and_agents_that_look_may_not() {
        assert_eq!(granted("tools", "/srv/work"), Some(Grant::Write));
        assert_eq!(granted("rust_pro", "/srv/work"), Some(Grant::Write));
        assert_eq!(granted("offline", "/srv/work"), Some(Grant::Write));
        assert_eq!(granted("context_manager", "/srv/work"), Some(Grant::Write));
        assert_eq!(granted("sequential_thinking", "/srv/work"), Some(Grant::Read));
        assert_eq!(granted("backend_architect", "/srv/work"), Some(Grant::Read));
        assert_eq!(granted("security_auditor", "/srv/work"), Some(Grant::Read));
        assert_eq!(granted("memory", "/srv/work"), Some(Grant::Read));
        assert_eq!(granted("mem0", "/srv/work"), Some(Grant::Read));
        assert_eq!(granted("somebody_new", "/srv/work"), Some(Grant::Read));
    }

    #[test]
    fn an_agent_that_runs_no_programs_writes_in_no_place_of_theirs() {
        let shared = env::temp_dir().display().to_string();
        assert_eq!(granted("tools", &shared), Some(Grant::Write));
        assert_eq!(granted("offline", &shared), None);
    }

    #[test]
    fn interpreters_below_the_home_are_run_by_the_agent_for_python_and_cargo_is_left_alone_by_it() {
        if let Some(home) = env::home_dir() {
            let local = home.join(".local/lib").display().to_string();
            assert_eq!(granted("python_pro", &local), Some(Grant::Run));
            assert_eq!(granted("rust_pro", &local), None);
        }
        if let Some(home) = home_of("CARGO_HOME", ".cargo") {
            let registry = home.join("registry").display().to_string();
            assert_eq!(granted("python_pro", &registry), Some(Grant::Read));
            assert_eq!(granted("rust_pro", &registry), Some(Grant::Write));
        }
    }

    #[test]
    fn the_debugger_reads_records_and_the_deployment_writes_no_tree() {
        assert_eq!(granted("debugger", "/var/log/journal"), Some(Grant::Read));
        assert_eq!(granted("tools", "/var/log/journal"), None);
        let shared = env::temp_dir().display().to_string();
        assert_eq!(
            (granted("debugger", "/srv/work"), granted("debugger", &shared)),
            (Some(Grant::Read), None)
        );
        assert_eq!(granted("deployment", "/srv/work"), Some(Grant::Read));
        assert_eq!(granted("deployment", &shared), Some(Grant::Write));
    }

    #[test]
    fn the_key_of_a_model_is_read_by_nobody_else() {
        assert_eq!(granted("models", "/srv/key"), Some(Grant::Read));
        assert_eq!(granted("tools", "/srv/key"), None);
        assert_eq!(granted("offline", "/srv/key"), None);
    }

    #[test]
    fn each_setting_opens_its_place() {
        assert_eq!(granted("security_auditor", "/srv/advisories"), Some(Grant::Read));
        assert_eq!(granted("tools", "/var/lib/agent"), Some(Grant::Write));
        assert_eq!(granted("memory", "/var/lib/agent"), Some(Grant::Write));
        assert_eq!(granted("tools", "/run/op-dbus"), Some(Grant::Listen));
    }

    #[test]
    fn neither_the_home_nor_the_whole_of_the_system_is_open() {
        for path in ["/", "/home", "/root", "/var", "/run", "/dev", "/sys", "/boot"] {
            assert_eq!(granted("tools", path), None, "{path}");
        }
        if let Some(home) = home_of("CARGO_HOME", ".cargo") {
            assert_eq!(granted("tools", &home.display().to_string()), None);
            assert_eq!(granted("tools", &home.join("credentials.toml").display().to_string()), None);
        }
    }
}
