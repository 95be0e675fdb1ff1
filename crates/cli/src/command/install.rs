//! `op-dbus install`: puts what is in this binary where the host looks for it.

mod files;
mod host;
mod order;
mod step;

use std::path::PathBuf;

use clap::Args;

use crate::failure::{Exit, Failure};
use crate::print;
use host::Host;
use step::Step;

const EXAMPLES: &str = "\
Examples:
  op-dbus install --dry-run
  sudo op-dbus install
  op-dbus install --root ./image

Writes the units, the rights for D-Bus and polkit, and this program below /usr; nothing in /etc but the links that
enable the units. What is there already and is the same stays. --root prepares an image: users and directories
are made when it boots.";

const GOODBYE: &str = "\
Examples:
  op-dbus uninstall --dry-run
  sudo op-dbus uninstall

Stops the daemon and its agents and removes what `install` wrote. The journal, the settings and the users stay.";

/// Install the service of this host: units, rights, this program
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Install {
    #[command(flatten)]
    aim: Aim,
}

/// Remove what `install` put there
#[derive(Debug, Args)]
#[command(after_help = GOODBYE)]
pub(crate) struct Uninstall {
    #[command(flatten)]
    aim: Aim,
}

/// Where, and whether.
#[derive(Debug, Args)]
struct Aim {
    /// Root of the system that is changed
    #[arg(long, value_name = "DIR", default_value = "/")]
    root: PathBuf,
    /// Tell every step and take none
    #[arg(long)]
    dry_run: bool,
}

impl Install {
    /// Does it.
    pub(crate) fn run(self) -> Result<Exit, Failure> {
        let host = Host::look(self.aim.root)?;
        take(&order::install(&host), self.aim.dry_run, &host)?;
        if !self.aim.dry_run {
            print::text(order::next(&host))?;
        }
        Ok(Exit::Done)
    }
}

impl Uninstall {
    /// Does it.
    pub(crate) fn run(self) -> Result<Exit, Failure> {
        let host = Host::look(self.aim.root)?;
        take(&order::uninstall(&host), self.aim.dry_run, &host)?;
        if !self.aim.dry_run {
            print::text(order::LEFT)?;
        }
        Ok(Exit::Done)
    }
}

/// Takes the steps one by one and tells each; a dry run only tells them.
fn take(steps: &[Step], dry_run: bool, host: &Host) -> Result<(), Failure> {
    if !dry_run {
        host.may_change()?;
    }
    for step in steps {
        print::text(&format!("{step}\n"))?;
        if !dry_run {
            step.take()?;
        }
    }
    Ok(())
}
