//! `backtrace`: where the threads of a process or of a crash stand, by gdb.

mod crash;
mod frames;

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use op_agent::{Call, Failure};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::process::{Ended, Program, read};
use crate::tools::Desk;
use crash::Crash;
use frames::{Stacks, Thread};

/// How much of what gdb writes is read.
const MOST: usize = 32 * 1024 * 1024;

/// Most frames of a thread.
const FRAMES: u32 = 512;

/// Most frames of an answer: they fit into an outcome.
const ALL_FRAMES: usize = 6000;

/// What gdb is told before it looks at anything. Nothing that lies beside a program, or in it, may tell gdb what to do; nothing is
/// fetched from the network; no values are told, which may be secrets.
const QUIET: [&str; 10] = [
    "set auto-load off",
    "set debuginfod enabled off",
    "set confirm off",
    "set pagination off",
    "set width 0",
    "set print frame-arguments none",
    "set print entry-values no",
    "set print address on",
    "set style enabled off",
    "set backtrace past-main off",
];

/// Whose threads. One of `pid`, `core` and `crash`.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Backtrace {
    /// A process that runs. It is stopped while gdb looks at it.
    pid: Option<u32>,
    /// A core file; a relative path starts at the first root.
    core: Option<PathBuf>,
    /// The program that left the core file, where gdb does not find it by itself; below the roots.
    program: Option<PathBuf>,
    /// A crash that systemd-coredump keeps, the newest that fits: a number of a process, a name or path of a program, or a unit.
    crash: Option<String>,
    /// How many frames of each thread, the innermost; at most 512.
    #[serde(default = "some_frames")]
    frames: u32,
}

/// Where threads stand.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Backtraced {
    /// What was looked at.
    source: String,
    /// The signal that ended the program, such as `SIGSEGV`; null for one that runs.
    signal: Option<String>,
    /// The command line of the program that left the core file; null for one that runs.
    command: Option<String>,
    /// The threads, as gdb orders them.
    threads: Vec<Thread>,
    /// Whether frames or threads beyond what can be answered were left out.
    truncated: bool,
    /// What gdb complains of, such as missing symbols.
    complaints: Vec<String>,
}

/// Asks gdb for the frames of all threads.
pub(super) async fn backtrace(desk: Arc<Desk>, call: Call, args: Backtrace) -> Result<Backtraced, Failure> {
    match (args.pid, &args.core, &args.crash) {
        (Some(pid), None, None) if args.program.is_none() => {
            if pid == std::process::id() {
                let message = "the agent cannot be stopped by a program that waits for it";
                return Err(Failure::rejected("invalid_arguments", message));
            }
            look(&desk, &call, format!("process {pid}"), &[format!("--pid={pid}").into()], args.frames).await
        }
        (None, Some(core), None) => {
            let core = desk.roots.existing(core)?;
            let program = args.program.as_deref().map(|path| desk.roots.existing(path)).transpose()?;
            let target = of_core(&core, program.as_deref());
            look(&desk, &call, core.display().to_string(), &target, args.frames).await
        }
        (None, None, Some(which)) if args.program.is_none() => {
            let crash = Crash::find(&desk, &call, which).await?;
            let target = of_core(crash.core(), crash.program.as_deref());
            look(&desk, &call, crash.to_string(), &target, args.frames).await
        }
        _ => Err(Failure::rejected(
            "invalid_arguments",
            "what is looked at is a process, a core file or a crash",
        )
        .hint("give one of `pid`, `core` and `crash`; `program` goes with `core`")),
    }
}

fn of_core(core: &Path, program: Option<&Path>) -> Vec<OsString> {
    let flag = |name: &str, path: &Path| {
        let mut flag = OsString::from(name);
        flag.push(path);
        flag
    };
    let program = program.into_iter().flat_map(|path| [flag("--exec=", path), flag("--symbols=", path)]);
    program.chain([flag("--core=", core)]).collect()
}

async fn look(
    desk: &Desk,
    call: &Call,
    source: String,
    target: &[OsString],
    frames: u32,
) -> Result<Backtraced, Failure> {
    let ended = read(gdb(desk, target, frames.clamp(1, FRAMES)), call).await?;
    let said = String::from_utf8_lossy(&ended.stdout.bytes).into_owned();
    let Stacks { signal, command, mut threads, mut truncated } = frames::read(&said);
    if threads.is_empty() {
        return Err(refused(&source, ended));
    }
    let mut left = ALL_FRAMES;
    for thread in &mut threads {
        truncated |= thread.cut(left);
        left -= thread.len();
    }
    let complaints = ended.stderr.text().lines().take(20).map(str::to_owned).collect();
    let truncated = truncated || ended.stdout.dropped > 0;
    Ok(Backtraced { source, signal, command, threads, truncated, complaints })
}

/// gdb, far from the trees it works for, where no file can tell it what to do.
fn gdb<'a>(desk: &'a Desk, target: &[OsString], frames: u32) -> Program<'a> {
    Program::new(&desk.settings, "gdb", Path::new("/"))
        .args(["--batch", "-nx", "-nh", "-q"])
        .args(QUIET.iter().flat_map(|order| ["-iex", *order]))
        .args(target)
        .args(["-ex", &format!("thread apply all backtrace {frames}")])
        .keeping(MOST)
}

/// Why gdb told no thread.
fn refused(source: &str, ended: Ended) -> Failure {
    let said = ended.stderr.text() + &ended.stdout.text();
    let says = |text: &str| said.contains(text);
    if says("Operation not permitted") || says("Permission denied") {
        return Failure::failed("not_allowed", format!("{source} may not be looked at by this agent"))
            .hint(allowance())
            .detail(ended.detail());
    }
    if says("No such process") {
        return Failure::failed("not_found", format!("there is no {source}"));
    }
    if says("not a core dump") || says("file format not recognized") {
        return Failure::rejected("not_a_core", format!("{source} is no core file that gdb can read"));
    }
    match ended.succeeded("gdb") {
        Ok(ended) => {
            Failure::failed("no_threads", format!("gdb told no thread of {source}")).detail(ended.detail())
        }
        Err(failure) => failure,
    }
}

/// What stands between the agent and a process, as far as this host tells.
fn allowance() -> String {
    let scope = fs::read_to_string("/proc/sys/kernel/yama/ptrace_scope").unwrap_or_default();
    let scope = match scope.trim() {
        "" | "0" => String::new(),
        scope => format!("; Yama restricts tracing here (kernel.yama.ptrace_scope is {scope})"),
    };
    format!(
        "a process is traced by its own user or root, and by nobody in a sandbox of landlock: set `sandbox = \"off\"` in \
         op-dbusd.toml, or let it leave a core file (`gcore PID`) below the roots{scope}"
    )
}

fn some_frames() -> u32 {
    64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gdb_is_told_to_heed_no_file_before_it_is_told_of_any() {
        let all = QUIET.join("\n");
        assert!(all.contains("auto-load off") && all.contains("debuginfod enabled off"));
        let target = of_core(Path::new("/a/core"), Some(Path::new("/a/-x")));
        assert_eq!(target, ["--exec=/a/-x", "--symbols=/a/-x", "--core=/a/core"]);
    }
}
