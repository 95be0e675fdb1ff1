//! A process as it is told.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use super::proc::{self, Limit, Stat};

/// Longest command line that is told, in bytes.
const COMMAND: usize = 4096;

/// Most parents that are told.
const PARENTS: usize = 64;

/// Why open files cannot be counted.
const FILES: &str = "open files: only the user of the process and root see them";

/// Why the program cannot be seen.
const PROGRAM: &str = "program: only those who may trace the process see it, and nobody in a sandbox of landlock sees that of a process \
                       outside (`sandbox` in op-dbusd.toml)";

/// A process.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct View {
    /// Its number.
    pid: u32,
    /// Its name; the kernel keeps 15 bytes of it.
    name: String,
    /// The words it was started with; what is longer than 4096 bytes together is cut.
    command: Vec<String>,
    /// Its program; null if that is hidden, and for processes of the kernel.
    program: Option<PathBuf>,
    /// `running`, `sleeping`, `waiting for a device`, `stopped`, `traced`, `zombie`, `idle`, `dead`.
    state: String,
    /// The number of its user.
    user: Option<u32>,
    /// When it was started, as RFC 3339; null if the time of the boot is hidden.
    started: Option<String>,
    /// How many threads it has.
    threads: u64,
    /// Its use of processors.
    cpu: Cpu,
    /// Its memory; null for processes of the kernel.
    memory: Option<Memory>,
    /// How many files it has open; null if that is hidden.
    open_files: Option<usize>,
    /// Its limits.
    limits: Vec<Limit>,
    /// Its control group.
    cgroup: Option<String>,
    /// The unit it belongs to; null if it belongs to none.
    unit: Option<String>,
    /// Who started it, who started that, and so on.
    parents: Vec<Parent>,
    /// What was hidden from the agent, and why.
    hidden: Vec<String>,
}

/// The use of processors.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Cpu {
    /// How much of one processor it used while it was watched, in percent: 200 are two processors.
    percent: f64,
    /// How long its own code has run in all, in seconds.
    user_seconds: f64,
    /// How long the kernel has run for it in all, in seconds.
    system_seconds: f64,
}

/// Memory, in bytes.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Memory {
    /// What is in memory now.
    resident: u64,
    /// The most that ever was.
    peak: u64,
    /// What is reserved.
    reserved: u64,
    /// What is swapped out.
    swapped: u64,
}

/// A process that started another.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Parent {
    /// Its number.
    pid: u32,
    /// Its name; null if it is hidden.
    name: Option<String>,
}

impl View {
    /// A process that had used so many ticks a while ago; `None` if it is gone.
    pub(super) fn of(proc: &Path, pid: u32, before: Option<u64>, elapsed: Duration) -> Option<Self> {
        let stat = proc::stat(proc, pid)?;
        let status = proc::text(proc, pid, "status").unwrap_or_default();
        let (cgroup, unit) = proc::cgroup(&proc::text(proc, pid, "cgroup").unwrap_or_default());
        let directory = proc.join(pid.to_string());
        let open_files = fs::read_dir(directory.join("fd")).map(Iterator::count).ok();
        let program = fs::read_link(directory.join("exe"));
        let is_closed = program.as_ref().is_err_and(|error| error.kind() == ErrorKind::PermissionDenied);
        let mut hidden: Vec<String> = Vec::new();
        hidden.extend(open_files.is_none().then(|| FILES.to_owned()));
        hidden.extend(is_closed.then(|| PROGRAM.to_owned()));
        let started = proc::booted(proc).and_then(|booted| since_boot(booted, stat.started));
        if started.is_none() {
            hidden.push("when it was started: /proc shows processes alone (`ProcSubset=pid`)".to_owned());
        }
        Some(Self {
            pid,
            command: short(proc::command(proc, pid).unwrap_or_default()),
            program: program.ok(),
            state: state(stat.state).to_owned(),
            user: proc::status(&status, "Uid").and_then(|ids| ids.split_whitespace().next()?.parse().ok()),
            started,
            threads: stat.threads,
            cpu: cpu(&stat, before, elapsed),
            memory: memory(&status),
            open_files,
            limits: proc::limits(&proc::text(proc, pid, "limits").unwrap_or_default()),
            cgroup,
            unit,
            parents: parents(proc, stat.parent),
            hidden,
            name: stat.name,
        })
    }
}

fn since_boot(booted: i64, ticks: u64) -> Option<String> {
    let after = jiff::SignedDuration::try_from(proc::time(ticks)).ok()?;
    Some(Timestamp::from_second(booted).ok()?.checked_add(after).ok()?.to_string())
}

fn cpu(stat: &Stat, before: Option<u64>, elapsed: Duration) -> Cpu {
    let used = proc::time((stat.user + stat.system).saturating_sub(before.unwrap_or(u64::MAX)));
    let percent = if elapsed.is_zero() { 0.0 } else { 100.0 * used.as_secs_f64() / elapsed.as_secs_f64() };
    Cpu {
        percent: (percent * 10.0).round() / 10.0,
        user_seconds: proc::time(stat.user).as_secs_f64(),
        system_seconds: proc::time(stat.system).as_secs_f64(),
    }
}

fn memory(status: &str) -> Option<Memory> {
    let bytes = |name: &str| {
        let kibibytes = proc::status(status, name)?.strip_suffix("kB")?.trim().parse::<u64>().ok()?;
        Some(kibibytes * 1024)
    };
    Some(Memory {
        resident: bytes("VmRSS")?,
        peak: bytes("VmHWM")?,
        reserved: bytes("VmSize")?,
        swapped: bytes("VmSwap").unwrap_or_default(),
    })
}

fn parents(proc: &Path, parent: u32) -> Vec<Parent> {
    let mut parents: Vec<Parent> = Vec::new();
    let mut next = parent;
    // A number may be given anew while this looks, so that a circle is not out of the question.
    while next != 0 && parents.len() < PARENTS {
        let stat = proc::stat(proc, next);
        parents.push(Parent { pid: next, name: stat.as_ref().map(|stat| stat.name.clone()) });
        next = stat.map_or(0, |stat| stat.parent);
    }
    parents
}

fn short(words: Vec<String>) -> Vec<String> {
    let mut left = COMMAND;
    let fits = words.into_iter().map_while(|mut word| {
        word.truncate(word.floor_char_boundary(left));
        let is_cut = left == 0;
        left = left.saturating_sub(word.len());
        (!is_cut).then_some(word)
    });
    fits.collect()
}

fn state(letter: char) -> &'static str {
    match letter {
        'R' => "running",
        'S' => "sleeping",
        'D' => "waiting for a device",
        'T' => "stopped",
        't' => "traced",
        'Z' => "zombie",
        'I' => "idle",
        _ => "dead",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_very_process_is_told_with_its_parents() {
        let view = View::of(Path::new("/proc"), std::process::id(), Some(0), Duration::from_secs(1)).unwrap();
        assert!(view.threads >= 1 && view.memory.unwrap().resident > 0);
        assert!(view.open_files.unwrap() >= 3);
        assert_eq!(view.parents[0].pid, std::os::unix::process::parent_id());
        assert!(view.limits.iter().any(|limit| format!("{limit:?}").contains("open files")));
        assert!(view.started.unwrap() <= Timestamp::now().to_string());
        assert!(View::of(Path::new("/proc"), u32::MAX, None, Duration::ZERO).is_none());
    }

    #[test]
    fn what_is_hidden_is_null_and_said() {
        let place = tempfile::tempdir().unwrap();
        let process = place.path().join("7");
        fs::create_dir(&process).unwrap();
        let stat = "7 (app) S 1 7 7 0 -1 4194560 1 2 3 4 50 6 0 0 20 0 3 0 1234 9 8 7";
        fs::write(process.join("stat"), stat).unwrap();
        let view = View::of(place.path(), 7, Some(6), Duration::from_secs(1)).unwrap();
        assert_eq!((view.open_files, view.started, view.hidden.len()), (None, None, 2));
        assert!((view.cpu.percent - 50.0).abs() < 0.01);
        assert_eq!(view.parents.len(), 1);
        assert!(view.parents[0].name.is_none());
    }

    #[test]
    fn a_long_command_line_is_cut() {
        let words = short(vec!["x".repeat(COMMAND - 1), "abc".to_owned(), "d".to_owned()]);
        assert_eq!((words.len(), words[1].as_str()), (2, "a"));
    }
}
