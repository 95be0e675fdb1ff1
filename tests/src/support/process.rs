//! What runs, read off `/proc`.

use std::fs;
use std::path::Path;

use rustix::process::{Pid, Signal, kill_process};

/// A process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Process {
    /// Its number.
    pub pid: u32,
    /// Its words.
    pub line: String,
}

/// Processes other than this one that have a path below the folder among their words, or work in it. One that has ended and is not
/// reaped has neither.
///
/// # Panics
/// When there is no `/proc`.
pub fn about(folder: &Path) -> Vec<Process> {
    let entries = fs::read_dir("/proc").expect("a proc file system").flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    let found = pids.filter(|pid| *pid != std::process::id()).filter_map(|pid| {
        let line = line(pid)?;
        let works_here = fs::read_link(format!("/proc/{pid}/cwd")).is_ok_and(|cwd| cwd.starts_with(folder));
        let is_about = works_here || line.contains(folder.to_str().expect("a path of text"));
        is_about.then_some(Process { pid, line })
    });
    found.collect()
}

fn line(pid: u32) -> Option<String> {
    let words = fs::read(format!("/proc/{pid}/cmdline")).ok()?;
    let line = String::from_utf8_lossy(&words).replace('\0', " ").trim_end().to_owned();
    (!line.is_empty()).then_some(line)
}

/// Whether the kernel knows a process, be it that it runs or that nobody reaped it.
pub fn is_known(pid: u32) -> bool {
    Path::new("/proc").join(pid.to_string()).exists()
}

/// The most memory that a process had at one time, in bytes.
///
/// # Panics
/// When there is no such process.
pub fn peak_memory(pid: u32) -> u64 {
    memory(pid, "VmHWM:")
}

/// The memory that a process has now, in bytes.
///
/// # Panics
/// When there is no such process.
pub fn resident_memory(pid: u32) -> u64 {
    memory(pid, "VmRSS:")
}

fn memory(pid: u32, which: &str) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).expect("a process that runs");
    let line = status.lines().find_map(|line| line.strip_prefix(which)).expect("the kernel tells it");
    let kibibytes: u64 = line.trim().trim_end_matches(" kB").parse().expect("a number");
    kibibytes << 10
}

/// Sends a signal to a process that this test started, or that was started for it.
///
/// # Panics
/// When there is no such process.
pub fn signal(pid: u32, signal: Signal) {
    let pid = i32::try_from(pid).ok().and_then(Pid::from_raw).expect("a process number");
    kill_process(pid, signal).expect("the process is there");
}
