//! `op-dbus completions`: what a shell completes.

use clap::Args;
use clap_complete::Shell;

use crate::failure::{Exit, Failure};
use crate::print;

const EXAMPLES: &str = "\
Examples:
  op-dbus completions bash > ~/.local/share/bash-completion/completions/op-dbus
  op-dbus completions zsh > ~/.zfunc/_op-dbus
  op-dbus completions fish > ~/.config/fish/completions/op-dbus.fish";

/// Print the completions of a shell
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Completions {
    /// Shell
    shell: Shell,
}

impl Completions {
    /// Does it.
    pub(crate) fn run(self, grammar: &mut clap::Command) -> Result<Exit, Failure> {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, grammar, "op-dbus", &mut script);
        print::bytes(&script)?;
        Ok(Exit::Done)
    }
}
