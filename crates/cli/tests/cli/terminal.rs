//! What is drawn on a terminal.

use std::fs::File;
use std::io::Read as _;
use std::os::fd::OwnedFd;
use std::process::{Command, Stdio};

use rustix::fs::{Mode, OFlags, open};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};

use crate::fake::Fake;
use crate::program::op_dbus;
use crate::scene::{RUN, asking, review};

/// A terminal of so many columns: its two ends.
fn terminal(columns: u16) -> (OwnedFd, OwnedFd) {
    let screen = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("a terminal");
    grantpt(&screen).expect("grants");
    unlockpt(&screen).expect("unlocks");
    let name = ptsname(&screen, Vec::new()).expect("a name");
    let line = open(name, OFlags::RDWR | OFlags::NOCTTY, Mode::empty()).expect("opens");
    let size = Winsize { ws_row: 30, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
    tcsetwinsize(&line, size).expect("sets the size");
    (screen, line)
}

/// What is seen when a command runs on a terminal.
fn watched(columns: u16, command: Command) -> String {
    let (seen, code) = typed(columns, command, "");
    assert_eq!(code, Some(0), "{seen}");
    seen
}

/// What is seen when somebody typed this beforehand, and the exit code.
fn typed(columns: u16, mut command: Command, text: &str) -> (String, Option<i32>) {
    let (screen, line) = terminal(columns);
    rustix::io::write(&screen, text.as_bytes()).expect("types");
    if !text.is_empty() {
        command.stdin(Stdio::from(line.try_clone().expect("clones")));
    }
    let output = line.try_clone().expect("clones");
    let mut child = command.stdout(Stdio::from(output)).stderr(Stdio::from(line)).spawn().expect("it runs");
    // Holds the other end of the terminal, which has to be closed for the screen to end.
    drop(command);
    let (mut seen, mut buffer, mut screen) = (Vec::new(), [0; 4096], File::from(screen));
    // A terminal ends with an error once nobody holds the other end.
    while let Ok(count @ 1..) = screen.read(&mut buffer) {
        seen.extend_from_slice(&buffer[..count]);
    }
    let code = child.wait().expect("it ends").code();
    (String::from_utf8_lossy(&seen).into_owned(), code)
}

fn review_command(fake: &Fake) -> Command {
    let mut command = op_dbus();
    command.arg("--socket").arg(fake.socket()).args(["run", "code_review", "title=x"]);
    command
}

#[test]
fn a_terminal_sees_the_phases_live_and_the_report_in_colour() {
    let fake = Fake::play(review());
    let seen = watched(80, review_command(&fake));
    let (live, report) = seen.split_once("Code review of /srv/project").expect("the report");
    assert!(live.contains("security_review") && live.contains("arch_review"), "{seen:?}");
    assert!(!live.contains("12:00:00"), "no plain lines on a terminal: {seen:?}");
    assert!(report.contains("\u{1b}[31m"), "{report:?}");
}

#[test]
fn on_a_terminal_an_answer_shows_what_it_is_given_to() {
    let fake = Fake::play(asking());
    let mut command = op_dbus();
    command
        .env("NO_COLOR", "1")
        .arg("--socket")
        .arg(fake.socket())
        .args(["approve", RUN])
        .stdin(Stdio::null());
    let seen = watched(80, command);
    assert!(seen.contains("Publish the report?") && seen.contains("tools.report"), "{seen:?}");
    assert!(seen.contains("digest 5f3a9c") && seen.contains("goes on"), "{seen:?}");
}

#[test]
fn who_answers_on_a_terminal_is_asked_once_more() {
    let answer = |text: &str| {
        let fake = Fake::play(asking());
        let mut command = op_dbus();
        command.env("NO_COLOR", "1").arg("--socket").arg(fake.socket()).args(["approve", RUN]);
        let (seen, code) = typed(80, command, text);
        assert!(seen.contains("let it go on? [y/N]"), "{seen:?}");
        (code, seen.contains("nothing was answered"))
    };
    assert_eq!(answer("n\n"), (Some(2), true));
    assert_eq!(answer("yes\n"), (Some(0), false));
}

#[test]
fn no_color_is_honoured() {
    let fake = Fake::play(review());
    let mut command = review_command(&fake);
    command.env("NO_COLOR", "1");
    let seen = watched(80, command);
    let coloured = |text: &str| {
        text.split("\u{1b}[").skip(1).any(|part| {
            part.split(|c: char| c.is_alphabetic())
                .next()
                .is_some_and(|code| part[code.len()..].starts_with('m') && !code.is_empty() && code != "0")
        })
    };
    assert!(!coloured(&seen), "{seen:?}");
    assert!(seen.contains("security_review"), "{seen:?}");
}

#[test]
fn lines_follow_the_width_of_the_terminal() {
    let fake = Fake::play(review());
    let mut command = review_command(&fake);
    command.env("NO_COLOR", "1");
    let seen = watched(50, command);
    let report = seen.split_once("Code review of").expect("the report").1;
    let widest = report.lines().map(|line| console::measure_text_width(line.trim_end_matches('\r'))).max();
    assert!(widest.is_some_and(|width| width <= 50), "{widest:?}: {report}");
}

#[test]
fn a_dumb_terminal_gets_plain_lines() {
    let fake = Fake::play(review());
    let mut command = review_command(&fake);
    command.env("TERM", "dumb");
    let seen = watched(80, command);
    assert!(seen.contains("12:00:00 security_review started"), "{seen:?}");
    assert!(!seen.contains('\u{1b}'), "{seen:?}");
}
