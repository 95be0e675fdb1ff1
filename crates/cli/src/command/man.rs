//! `op-dbus man`: manual pages.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use clap::Args;
use clap_mangen::Man as Page;
use clap_mangen::roff::{Roff, roman};

use crate::failure::{Exit, Failure};
use crate::print;

const EXAMPLES: &str = "\
Examples:
  op-dbus man | man -l -                        # reads the page of op-dbus
  op-dbus man ~/.local/share/man/man1           # then `man op-dbus-run` reads that of a command";

/// Print the manual page, or write those of all commands
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Man {
    /// Directory to write all pages to, made when it is not there; `op-dbus.1` is printed otherwise
    #[arg(value_name = "DIR")]
    folder: Option<PathBuf>,
}

impl Man {
    /// Does it.
    pub(crate) fn run(self, grammar: clap::Command) -> Result<Exit, Failure> {
        let mut grammar = grammar.disable_help_subcommand(true);
        // Gives every command the name of its page.
        grammar.build();
        match self.folder {
            None => print::bytes(&page(grammar)?)?,
            Some(folder) => {
                let pages = pages(&grammar)?;
                write(&folder, &pages).map_err(|error| refused(&folder, &error))?;
                print::note(&format!("wrote {} pages to {}", pages.len(), folder.display()));
            }
        }
        Ok(Exit::Done)
    }
}

fn refused(folder: &Path, error: &io::Error) -> Failure {
    let failure = Failure::broken(format!("cannot write manual pages to {}", folder.display()));
    failure.because(error).hint("name a directory that this user can write")
}

/// Every page with the name of its file: that of op-dbus, and one for each command that people type.
fn pages(grammar: &clap::Command) -> io::Result<Vec<(String, Vec<u8>)>> {
    let commands = grammar.get_subcommands().filter(|command| !command.is_hide_set());
    let all = std::iter::once(grammar).chain(commands).cloned();
    all.map(|command| Ok((Page::new(command.clone()).get_filename(), page(command)?))).collect()
}

fn write(folder: &Path, pages: &[(String, Vec<u8>)]) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    pages.iter().try_for_each(|(name, page)| fs::write(folder.join(name), page))
}

/// What `--help` says, laid out as a manual page.
fn page(command: clap::Command) -> io::Result<Vec<u8>> {
    let has_options = command.get_arguments().any(|argument| !argument.is_hide_set());
    let has_commands = command.get_subcommands().any(|command| !command.is_hide_set());
    let more = command.get_after_help().map(ToString::to_string).unwrap_or_default();
    let page = Page::new(command);
    let mut bytes = Vec::new();
    page.render_title(&mut bytes)?;
    page.render_name_section(&mut bytes)?;
    page.render_synopsis_section(&mut bytes)?;
    page.render_description_section(&mut bytes)?;
    if has_options {
        page.render_options_section(&mut bytes)?;
    }
    if has_commands {
        page.render_subcommands_section(&mut bytes)?;
    }
    sections(&more).to_writer(&mut bytes)?;
    Ok(bytes)
}

/// What stands at the end of the help: each heading begins a section, whose lines stay as they are.
fn sections(more: &str) -> Roff {
    let mut roff = Roff::new();
    for part in more.split("\n\n").filter(|part| !part.is_empty()) {
        let (first, rest) = part.split_once('\n').unwrap_or((part, ""));
        let lines = if let Some(heading) = first.strip_suffix(':') {
            roff.control("SH", [heading.to_uppercase().as_str()]);
            rest
        } else {
            roff.control("PP", []);
            part
        };
        roff.control("nf", []);
        for line in lines.lines() {
            roff.text([roman(line)]);
        }
        roff.control("fi", []);
    }
    roff
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args;

    fn text(command: &str) -> String {
        let mut grammar = args::grammar().disable_help_subcommand(true);
        grammar.build();
        let pages = pages(&grammar).expect("memory takes it");
        let (_, page) = pages.into_iter().find(|(name, _)| name == command).expect("it has a page");
        String::from_utf8(page).expect("text")
    }

    #[test]
    fn the_page_of_a_command_has_its_options_and_its_examples_as_they_are_typed() {
        let page = text("op-dbus-casts.1");
        for part in [".TH op-dbus-casts 1", ".SH NAME", ".SH SYNOPSIS", ".SH OPTIONS", ".SH EXAMPLES\n.nf\n"]
        {
            assert!(page.contains(part), "{part}: {page}");
        }
        assert!(page.contains("  op\\-dbus casts\n  op\\-dbus casts thorough"), "{page}");
        assert!(page.contains(".PP\n.nf\nA cast says who plays"), "{page}");
    }

    #[test]
    fn the_first_page_leads_to_the_others_and_says_the_exit_codes() {
        let page = text("op-dbus.1");
        assert!(page.contains("op\\-dbus\\-run(1)") && page.contains(".SH \"EXIT CODES\"\n"), "{page}");
        assert!(page.contains("op\\-dbus\\-agent(1)"), "{page}");
    }
}
