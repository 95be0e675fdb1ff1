//! Plans of the tests, and steps that wait for a test to let them go on.

use std::fs::File;
use std::path::PathBuf;

use op_tests::support::{Place, until};
use rustix::fs::{CWD, FileType, Mode, mknodat};

/// Writes a workstack of these phases, as TOML after `[[workstacks.NAME.phases]]`, below these keys.
pub(crate) fn plan(place: &Place, name: &str, keys: &str, phases: &[&str]) {
    let phases: String =
        phases.iter().map(|phase| format!("[[workstacks.{name}.phases]]\n{phase}\n")).collect();
    place.write(&format!("config/plans.d/{name}.toml"), &format!("[workstacks.{name}]\n{keys}\n{phases}"));
}

/// A phase of one shell script.
pub(crate) fn shell(id: &str, script: &str) -> String {
    format!("id = \"{id}\"\ntools = [{}]", sh(script))
}

/// A call of `command` with a shell script.
pub(crate) fn sh(script: &str) -> String {
    format!("{{ tool = \"command\", args = {{ program = \"sh\", args = [\"-c\", {script:?}] }} }}")
}

/// A phase that waits at the gate.
pub(crate) const WAIT: &str =
    "id = \"wait\"\ntools = [{ tool = \"command\", args = { program = \"cat\", args = [\"gate\"] } }]";

/// A named pipe in `work`; a program that reads it waits until it is opened.
pub(crate) struct Gate(PathBuf);

/// Makes the gate `work/gate`.
pub(crate) fn gate(place: &Place) -> Gate {
    let path = place.at("work/gate");
    mknodat(CWD, &path, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).expect("a named pipe");
    Gate(path)
}

impl Gate {
    /// Lets one reader go on, which must be there.
    pub(crate) fn open(&self) {
        drop(File::options().write(true).open(&self.0).expect("somebody waits at the gate"));
    }
}

/// Waits until a program reads the gate.
pub(crate) async fn is_waiting(place: &Place) {
    runs(place, "cat gate").await;
}

/// Waits until a program with these words runs in a place, and returns its number.
pub(crate) async fn runs(place: &Place, line: &str) -> u32 {
    until(line, async || {
        place.processes().iter().find(|process| process.line == line).map(|process| process.pid)
    })
    .await
}
