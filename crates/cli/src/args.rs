//! The words of the command line.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::command::{
    agent, agents, call, cancel, check, completions, doctor, events, graph, logs, ls, output, plans, run,
    serve, show, tools, watch,
};

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

/// What every command takes.
#[derive(Debug, Args)]
#[command(next_help_heading = "Global options")]
pub(crate) struct Globals {
    /// Directory of the configuration, laid over what ships
    #[arg(long, global = true, value_name = "DIR")]
    pub(crate) config: Option<PathBuf>,
    /// Socket of the daemon; none is hosted here when it is given
    #[arg(long, global = true, value_name = "PATH", env = "OP_DBUS_SOCKET")]
    pub(crate) socket: Option<PathBuf>,
    /// Print JSON for programs
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// When to use colour; `NO_COLOR` is honoured
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto")]
    pub(crate) color: When,
}

/// When to use colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum When {
    /// On a terminal, unless `NO_COLOR` is set.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Run(run::Run),
    Watch(watch::Watch),
    Ls(ls::Ls),
    Show(show::Show),
    Logs(logs::Logs),
    Output(output::Output),
    Cancel(cancel::Cancel),
    Check(check::Check),
    Graph(graph::Graph),
    Plans(plans::Plans),
    Agents(agents::Agents),
    Tools(tools::Tools),
    Call(call::Call),
    Events(events::Events),
    Serve(serve::Serve),
    Agent(agent::Agent),
    Doctor(doctor::Doctor),
    Completions(completions::Completions),
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
