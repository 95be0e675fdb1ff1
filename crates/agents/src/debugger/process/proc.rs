//! Reading [/proc](https://www.kernel.org/doc/html/latest/filesystems/proc.html).

use std::fs;
use std::path::Path;
use std::time::Duration;

use schemars::JsonSchema;
use serde::Serialize;

/// In what the kernel counts time for /proc: hundredths of a second on every machine that Rust runs Linux on.
const TICK: Duration = Duration::from_millis(10);

/// The fields of `/proc/PID/stat` that are used.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Stat {
    pub(super) name: String,
    pub(super) state: char,
    pub(super) parent: u32,
    pub(super) user: u64,
    pub(super) system: u64,
    pub(super) threads: u64,
    pub(super) started: u64,
}

/// A limit of a process.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub(super) struct Limit {
    /// What is limited, in the words of the kernel, such as `open files`.
    name: String,
    /// The limit in force; `unlimited` or a number.
    soft: String,
    /// How far it may be raised.
    hard: String,
    /// In what it is counted; empty for numbers.
    unit: String,
}

/// `/proc/PID/stat`; `None` when there is no such process, or it is hidden.
pub(super) fn stat(proc: &Path, pid: u32) -> Option<Stat> {
    parse_stat(&text(proc, pid, "stat")?)
}

fn parse_stat(text: &str) -> Option<Stat> {
    // The name may hold anything, parentheses too.
    let (head, rest) = text.rsplit_once(')')?;
    let name = head.split_once('(')?.1.to_owned();
    let fields: Vec<&str> = rest.split_ascii_whitespace().collect();
    // The first field here is the third of proc_pid_stat(5).
    let number = |field: usize| fields.get(field - 3)?.parse::<u64>().ok();
    Some(Stat {
        name,
        state: fields.first()?.chars().next()?,
        parent: u32::try_from(number(4)?).ok()?,
        user: number(14)?,
        system: number(15)?,
        threads: number(20)?,
        started: number(22)?,
    })
}

/// How long a process has used processors, in ticks.
pub(super) fn ticks(proc: &Path, pid: u32) -> Option<u64> {
    stat(proc, pid).map(|stat| stat.user + stat.system)
}

/// Ticks as a time.
pub(super) fn time(ticks: u64) -> Duration {
    TICK.saturating_mul(u32::try_from(ticks).unwrap_or(u32::MAX))
}

/// The numbers of the processes that have a name, or whose program has it.
pub(super) fn named(proc: &Path, name: &str) -> Vec<u32> {
    let entries = fs::read_dir(proc).into_iter().flatten().flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    let mut pids: Vec<u32> = pids.filter(|pid| has_name(proc, *pid, name)).collect();
    pids.sort_unstable();
    pids
}

fn has_name(proc: &Path, pid: u32, name: &str) -> bool {
    let is_called = stat(proc, pid).is_some_and(|stat| stat.name == name);
    is_called
        || command(proc, pid)
            .and_then(|words| words.first().map(|program| program.rsplit('/').next() == Some(name)))
            .unwrap_or(false)
}

/// The words that a process was started with; none for one of the kernel's own.
pub(super) fn command(proc: &Path, pid: u32) -> Option<Vec<String>> {
    let text = text(proc, pid, "cmdline")?;
    Some(text.split_terminator('\0').map(str::to_owned).collect())
}

/// A field of `/proc/PID/status`.
pub(super) fn status<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    text.lines().find_map(|line| Some(line.strip_prefix(name)?.strip_prefix(':')?.trim()))
}

/// A file of a process.
pub(super) fn text(proc: &Path, pid: u32, file: &str) -> Option<String> {
    let bytes = fs::read(proc.join(pid.to_string()).join(file)).ok()?;
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

/// `/proc/PID/limits`.
pub(super) fn limits(text: &str) -> Vec<Limit> {
    text.lines().skip(1).filter_map(limit).collect()
}

/// A line of it: the name is in words, and at least two spaces stand before the first limit.
fn limit(line: &str) -> Option<Limit> {
    let (name, rest) = line.split_once("  ")?;
    let mut words = rest.split_ascii_whitespace().map(str::to_owned);
    let name = name.trim_start_matches("Max ").to_owned();
    Some(Limit { name, soft: words.next()?, hard: words.next()?, unit: words.next().unwrap_or_default() })
}

/// The control group of a process below the root of all, and the unit that it belongs to.
pub(super) fn cgroup(text: &str) -> (Option<String>, Option<String>) {
    // Version 2 has one line, `0::PATH`; where both are there, systemd keeps units in `name=systemd`.
    let line = text.lines().find_map(|line| {
        line.strip_prefix("0::").or_else(|| line.split_once(":name=systemd:").map(|line| line.1))
    });
    let is_unit =
        |part: &&str| [".service", ".scope", ".socket", ".mount"].iter().any(|suffix| part.ends_with(suffix));
    let unit = line.and_then(|path| path.split('/').rev().find(is_unit));
    (line.map(str::to_owned), unit.map(str::to_owned))
}

/// How /proc hides processes of others; `None` if it does not.
pub(super) fn hides(proc: &Path) -> Option<String> {
    let mounts = fs::read_to_string(proc.join("self/mountinfo")).ok()?;
    hidepid(&mounts)
}

/// The last mount at a place is the one that is seen.
fn hidepid(mounts: &str) -> Option<String> {
    let mount = mounts.lines().rev().find(|line| line.split(' ').nth(4) == Some("/proc"))?;
    let how = mount.rsplit(' ').next()?.split(',').find_map(|option| option.strip_prefix("hidepid="))?;
    (!matches!(how, "0" | "off")).then(|| how.to_owned())
}

/// When the host was booted, in seconds since 1970.
pub(super) fn booted(proc: &Path) -> Option<i64> {
    let text = fs::read_to_string(proc.join("stat")).ok()?;
    text.lines().find_map(|line| line.strip_prefix("btime ")?.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_may_hold_parentheses_and_spaces() {
        let text = "7 (a) (b c) S 1 7 7 0 -1 4194560 1 2 3 4 50 6 0 0 20 0 3 0 1234 9 8 7";
        let stat = parse_stat(text).unwrap();
        assert_eq!((stat.name.as_str(), stat.state, stat.parent, stat.threads), ("a) (b c", 'S', 1, 3));
        assert_eq!((stat.user, stat.system, stat.started), (50, 6, 1234));
        assert_eq!(time(stat.user + stat.system), Duration::from_millis(560));
        assert!(parse_stat("7 (a) S 1").is_none());
    }

    #[test]
    fn limits_are_read_with_names_of_several_words_and_without_units() {
        let text = "Limit                     Soft Limit           Hard Limit           Units     \n\
                    Max open files            1024                 1048576              files     \n\
                    Max nice priority         0                    unlimited                      \n";
        let limits = limits(text);
        assert_eq!(
            (limits[0].name.as_str(), limits[0].soft.as_str(), limits[0].unit.as_str()),
            ("open files", "1024", "files")
        );
        assert_eq!((limits[1].hard.as_str(), limits[1].unit.as_str()), ("unlimited", ""));
    }

    #[test]
    fn a_control_group_names_its_unit() {
        let (group, unit) = cgroup("0::/system.slice/ssh.service/worker\n");
        assert_eq!(
            (group.as_deref(), unit.as_deref()),
            (Some("/system.slice/ssh.service/worker"), Some("ssh.service"))
        );
        let (_, unit) = cgroup("4:memory:/x\n1:name=systemd:/user.slice/session-1.scope\n");
        assert_eq!(unit.as_deref(), Some("session-1.scope"));
        assert_eq!(cgroup("0::/\n"), (Some("/".to_owned()), None));
    }

    #[test]
    fn what_hides_processes_is_read_from_the_mount_that_is_seen() {
        let plain = "22 1 0:21 / /proc rw,nosuid - proc proc rw";
        let hiding = "99 1 0:21 / /proc rw - proc proc rw,hidepid=invisible,subset=pid";
        assert_eq!(hidepid(plain), None);
        assert_eq!(hidepid(&format!("{plain}\n{hiding}")).as_deref(), Some("invisible"));
        assert_eq!(hidepid(&format!("{hiding}\n{plain}")), None);
        assert_eq!(hidepid("1 1 0:1 / /proc rw - proc proc rw,hidepid=off"), None);
    }
}
