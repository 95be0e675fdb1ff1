//! The words of the command line.

use std::process::ExitCode;

use clap::Parser;

use crate::command::Command;
use crate::options::Globals;

const CODES: &str = "\
Exit codes:
  0  done; for `run` and `watch`: the run completed, whatever it found
  1  something broke on the way: the daemon, the connection, the set-up
  2  refused before anything started: wrong usage or input, unknown plan or run, errors in a plan
  3  the run or the call failed
  4  the run was cancelled or rolled back, or you left with Ctrl-C
  5  the run is stuck: an undo failed and a person must look

With no daemon running, op-dbus hosts one in its own process for as long as the command lasts.";

/// Runs plans over a pool of agents, and never loses a run.
#[derive(Debug, Parser)]
#[command(name = "op-dbus", version, after_help = CODES, arg_required_else_help = true, propagate_version = true)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) globals: Globals,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Reads the command line. What clap has to say itself, such as help or wrong usage, is said here.
pub(crate) fn parse() -> Result<Cli, ExitCode> {
    Cli::try_parse().map_err(|error| {
        // Help for a pipe that is closed has no reader.
        let _ = error.print();
        ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2))
    })
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn global_options_stand_before_or_after_the_command() {
        for line in [["op-dbus", "--json", "ls"], ["op-dbus", "ls", "--json"]] {
            assert!(Cli::try_parse_from(line).expect("parses").globals.json);
        }
    }

    #[test]
    fn every_command_but_the_plumbing_shows_examples() {
        let cli = Cli::command();
        for command in cli.get_subcommands().filter(|command| !command.is_hide_set()) {
            let text = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            assert!(text.contains("op-dbus "), "{} has no example", command.get_name());
        }
    }
}
