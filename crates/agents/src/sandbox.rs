//! The kernel holds an agent, and every program it runs, to what it was given.
//!
//! The paths are checked by [`roots`](crate::roots) first, for clear errors; landlock is the wall behind them. The rules
//! start from nothing: what is not in the list below cannot be opened.

mod rules;

use landlock::{
    ABI, Access, AccessFs, CompatLevel, Compatible, PathBeneath, PathFd, PathFdError, RestrictionStatus,
    Ruleset, RulesetAttr, RulesetCreatedAttr, RulesetError, RulesetStatus, Scope,
};
use op_proto::Address;
use rustix::fs::{FileType, fstat};

use crate::settings::{Confinement, Settings};
use rules::{Grant, Rule, rules};

/// The newest version of landlock that the rules are written for (Linux 6.12). Older kernels hold the agent to less, which
/// the report says.
const VERSION: ABI = ABI::V6;

/// How far the kernel holds an agent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Enforcement {
    /// To all of the rules.
    Full,
    /// To those rules that this kernel knows.
    Partial,
    /// To none: this kernel has no landlock.
    None,
    /// To none: the settings switch it off.
    Off,
}

/// What became of the sandbox of an agent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SandboxReport {
    /// How far the kernel holds the agent.
    pub enforcement: Enforcement,
    /// How many places it may reach.
    pub places: usize,
}

impl SandboxReport {
    /// What a person should know; `None` when everything is as it should be.
    pub fn warning(&self) -> Option<&'static str> {
        match self.enforcement {
            Enforcement::Full => None,
            Enforcement::Partial => {
                Some("the kernel is older than Linux 6.12 and enforces only some of the sandbox")
            }
            Enforcement::None => Some("the kernel has no landlock: the agent is not sandboxed"),
            Enforcement::Off => Some("the sandbox is switched off in the settings"),
        }
    }
}

/// Why an agent cannot be sandboxed.
#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    /// The kernel refused the rules.
    #[error("setting up the sandbox")]
    Rules(#[from] RulesetError),
    /// The settings require the sandbox, and this kernel cannot enforce all of it.
    #[error("the settings require the sandbox, and this kernel enforces it {0}")]
    Required(&'static str),
}

/// Confines this thread and every thread and program it starts from now on; so it comes before the threads of a runtime.
/// It cannot be undone.
///
/// `name` is one of [`NAMES`](crate::NAMES); `listen` is where the agent will make its socket, if it makes one.
pub fn sandbox(
    name: &str,
    settings: &Settings,
    listen: Option<&Address>,
) -> Result<SandboxReport, SandboxError> {
    let rules = rules(name, settings, listen);
    let enforcement = match settings.sandbox {
        Confinement::Off => Enforcement::Off,
        Confinement::Prefer | Confinement::Require => enforcement(&restrict(&rules)?),
    };
    match (settings.sandbox, enforcement) {
        (Confinement::Require, Enforcement::Partial) => Err(SandboxError::Required("only in part")),
        (Confinement::Require, Enforcement::None) => Err(SandboxError::Required("not at all")),
        _ => Ok(SandboxReport { enforcement, places: rules.len() }),
    }
}

fn restrict(rules: &[Rule]) -> Result<RestrictionStatus, RulesetError> {
    Ruleset::default()
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(AccessFs::from_all(VERSION))?
        .scope(Scope::Signal)?
        .create()?
        .add_rules(rules.iter().filter_map(|rule| opened(rule).ok()).map(Ok::<_, RulesetError>))?
        .restrict_self()
}

fn enforcement(status: &RestrictionStatus) -> Enforcement {
    match status.ruleset {
        RulesetStatus::FullyEnforced => Enforcement::Full,
        RulesetStatus::PartiallyEnforced => Enforcement::Partial,
        RulesetStatus::NotEnforced => Enforcement::None,
    }
}

/// A rule as the kernel takes it. A place that is not there needs no rule.
fn opened(rule: &Rule) -> Result<PathBeneath<PathFd>, PathFdError> {
    let place = PathFd::new(&rule.path)?;
    let directory = fstat(&place).is_ok_and(|stat| FileType::from_raw_mode(stat.st_mode).is_dir());
    let asked = match rule.grant {
        Grant::Read => AccessFs::ReadFile | AccessFs::ReadDir,
        Grant::Run => AccessFs::from_read(VERSION),
        Grant::Write => AccessFs::from_all(VERSION),
        Grant::Device => AccessFs::ReadFile | AccessFs::WriteFile | AccessFs::IoctlDev | AccessFs::Truncate,
        Grant::Listen => AccessFs::MakeSock | AccessFs::RemoveFile,
    };
    let access = if directory { asked } else { asked & AccessFs::from_file(VERSION) };
    Ok(PathBeneath::new(place, access))
}
