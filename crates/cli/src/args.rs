//! The words of the command line.

use std::fmt::Write as _;
use std::process::ExitCode;

use clap::{CommandFactory as _, FromArgMatches as _, Parser};

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

With no daemon running, op-dbus hosts one in its own process for as long as the command lasts.
A run that is steered then is followed until it ends or waits for a person.";

/// How `op-dbus --help` is laid out: the groups of commands stand before the options.
const TEMPLATE: &str = "\
{about-with-newline}
{usage-heading} {usage}

{before-help}Options:
{options}{after-help}";

/// The commands in the groups in which people look for them. What is in none is for programs.
const GROUPS: [(&str, &[&str]); 5] = [
    ("Run", &["run", "call", "session", "watch", "ls"]),
    ("Understand a run", &["show", "explain", "logs", "output", "events", "compare", "graph"]),
    (
        "Steer runs",
        &[
            "approve", "reject", "signal", "pause", "resume", "cancel", "rollback", "retry", "resolve",
            "recast",
        ],
    ),
    (
        "What there is",
        &[
            "plans",
            "casts",
            "schedules",
            "schedule",
            "check",
            "suggest",
            "agents",
            "tools",
            "skills",
            "sessions",
        ],
    ),
    (
        "This machine",
        &["serve", "agent", "reload", "doctor", "install", "uninstall", "completions", "man", "help"],
    ),
];

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
    let parsed = grammar().try_get_matches().and_then(|words| Cli::from_arg_matches(&words));
    parsed.map_err(|error| {
        // Help for a pipe that is closed has no reader.
        let _ = error.print();
        ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2))
    })
}

/// The whole command line. Its help tells the commands in groups, each with what it says of itself.
pub(crate) fn grammar() -> clap::Command {
    let mut grammar = Cli::command();
    // Gives every command its help.
    grammar.build();
    let help = groups(&grammar);
    Cli::command().help_template(TEMPLATE).before_help(help)
}

fn groups(grammar: &clap::Command) -> String {
    let mut text = String::new();
    for (title, names) in GROUPS {
        let _ = writeln!(text, "{title}:");
        for name in names {
            let about = grammar.find_subcommand(name).and_then(clap::Command::get_about);
            let about = about.map(ToString::to_string).unwrap_or_default();
            let _ = writeln!(text, "  {name:<12} {about}");
        }
        text.push('\n');
    }
    text.trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_stands_in_one_group_of_the_help() {
        let mut grammar = Cli::command();
        grammar.build();
        let mut told: Vec<_> = GROUPS.iter().flat_map(|(_, names)| names.iter().copied()).collect();
        let mut there: Vec<_> = grammar
            .get_subcommands()
            .filter(|command| !command.is_hide_set())
            .map(clap::Command::get_name)
            .collect();
        told.sort_unstable();
        there.sort_unstable();
        assert_eq!(told, there);
    }

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
