//! What this host gives: a place for the journal, and a sandbox.

use std::io;
use std::path::Path;
use std::thread;

use op_agents::sandbox::Enforcement;
use op_agents::{SandboxError, SandboxReport, Settings};
use rustix::fs::{Access, access, statvfs};

use super::finding::{Finding, chain};

/// Below this much room the journal will soon be full.
const LITTLE: u64 = 512 << 20;

/// Below this much room nothing should be started any more.
const NOTHING: u64 = 16 << 20;

/// Whether the journal can be written, and for how long.
pub(super) fn state(folder: &Path) -> Vec<Finding> {
    // What is missing is made, in the nearest folder that is there.
    let Some(place) = folder.ancestors().find(|place| place.exists()) else { return Vec::new() };
    if let Err(error) = access(place, Access::WRITE_OK | Access::EXEC_OK) {
        let message = format!("`{}` cannot be written: {}", place.display(), io::Error::from(error));
        let mend = format!(
            "make `{}` writable for this user, or configure another place for the journal",
            place.display()
        );
        return vec![Finding::broken("state", message, mend)];
    }
    let written = Finding::good("state", format!("`{}` can be written", folder.display()));
    vec![written, room(place)]
}

fn room(place: &Path) -> Finding {
    let free = match statvfs(place) {
        Ok(stat) => stat.f_bavail.saturating_mul(stat.f_frsize),
        Err(error) => {
            let message = format!(
                "the room on the disk of `{}` is unknown: {}",
                place.display(),
                io::Error::from(error)
            );
            return Finding::lacking("disk", message, "look at it with `df`");
        }
    };
    judge(free)
}

fn judge(free: u64) -> Finding {
    let message = format!("{} MiB are free for the journal", free >> 20);
    let mend = "make room on the disk of the journal";
    match free {
        ..NOTHING => Finding::broken("disk", message, mend),
        NOTHING..LITTLE => Finding::lacking("disk", message, mend),
        LITTLE.. => Finding::good("disk", message),
    }
}

/// Whether the kernel can confine agents. It is tried on a thread that ends at once: a sandbox is for good, and for one thread.
pub(super) fn sandbox() -> Finding {
    let tried = thread::spawn(|| op_agents::sandbox("security_auditor", &Settings::default(), None)).join();
    told(tried.unwrap_or(Ok(SandboxReport { enforcement: Enforcement::None, places: 0 })))
}

fn told(tried: Result<SandboxReport, SandboxError>) -> Finding {
    let mend = "run Linux 6.12 or newer with landlock among its security modules (`lsm=landlock,...`)";
    match tried {
        Ok(SandboxReport { enforcement: Enforcement::Full, .. }) => {
            Finding::good("sandbox", "the kernel confines agents with landlock")
        }
        Ok(report) => {
            Finding::lacking("sandbox", report.warning().unwrap_or("agents are not confined"), mend)
        }
        Err(error) => Finding::lacking("sandbox", chain(&error), mend),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::doctor::finding::Health;

    #[test]
    fn a_disk_is_judged_by_its_room() {
        let health = [0, NOTHING, LITTLE].map(|free| judge(free).health);
        assert_eq!(health, [Health::Broken, Health::Lacking, Health::Good]);
    }

    #[test]
    fn a_state_folder_that_is_not_there_yet_is_judged_by_where_it_will_be() {
        let folder = tempfile::tempdir().expect("a folder");
        let findings = state(&folder.path().join("not/yet"));
        assert_eq!(findings[0].health, Health::Good);
        assert_eq!(findings[1].check, "disk");
    }

    #[test]
    fn trying_the_sandbox_confines_nobody_else() {
        sandbox();
        let folder = tempfile::tempdir().expect("still writable");
        std::fs::write(folder.path().join("x"), "y").expect("still writable");
    }

    #[test]
    fn a_kernel_that_confines_less_is_told() {
        let report = |enforcement| Ok(SandboxReport { enforcement, places: 1 });
        assert_eq!(told(report(Enforcement::Full)).health, Health::Good);
        assert_eq!(told(report(Enforcement::Partial)).health, Health::Lacking);
        assert_eq!(told(report(Enforcement::None)).health, Health::Lacking);
    }
}
