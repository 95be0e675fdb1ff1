//! What is done, in which order.

use std::fs;
use std::path::{Path, PathBuf};

use super::files::{BEFORE_NOTIFY_RELOAD, FILES};
use super::host::Host;
use super::step::Step;

/// Where the program goes.
const PROGRAM: &str = "usr/bin/op-dbus";

/// The file by which one sees that op-dbus was installed before: it is written when all is done that is done the first time only.
const MARK: &str = "usr/share/dbus-1/interfaces/org.opdbus.Orchestrator1.xml";

/// What is told after an installation on a host that runs.
const NEXT: &str = "
op-dbus is installed. Next:
  systemctl start op-dbus                start it now; after an update: systemctl restart op-dbus op-agents.target
  usermod -aG op-dbus-client USER        let a user start runs
  op-dbus doctor                         see whether everything is as it should be
Settings go to /etc/op-dbus; without any, what is built in holds.
";

/// What is told after an installation into an image.
const NEXT_BOOT: &str = "
op-dbus is installed in the image; its users and directories are made when it boots.
";

/// What an uninstallation leaves.
pub(super) const LEFT: &str = "
op-dbus is removed. What is yours is left: /var/lib/op-dbus, /etc/op-dbus, and the users op-dbus, op-dbus-client and op-agents.
";

/// What is told after an installation.
pub(super) fn next(host: &Host) -> &'static str {
    if host.is_live { NEXT } else { NEXT_BOOT }
}

/// The steps of an installation; none for what is there already and is the same. One that breaks off is gone on with by the next.
pub(super) fn install(host: &Host) -> Vec<Step> {
    let (mark, files): (Vec<_>, Vec<_>) = FILES.into_iter().partition(|(path, _)| *path == MARK);
    let mut steps: Vec<_> = files.into_iter().filter_map(|file| write(host, file)).collect();
    for file in BEFORE_NOTIFY_RELOAD {
        steps.extend(if host.knows_reload { stale(host, file.0) } else { write(host, file) });
    }
    steps.extend(copy(host));
    // What was installed before is enabled or not as its owner wants it.
    if !host.at(MARK).exists() {
        steps.push(preset(host));
    }
    steps.extend(mark.into_iter().filter_map(|file| write(host, file)));
    if host.is_live {
        steps.extend(tell());
    }
    steps
}

/// The steps of an uninstallation.
pub(super) fn uninstall(host: &Host) -> Vec<Step> {
    let mut steps = Vec::new();
    if host.is_live {
        steps.push(Step::attempt(&["systemctl", "disable", "--now", "op-dbus.service", "op-dbus.socket"]));
        steps.push(Step::attempt(&["systemctl", "stop", "op-agents.target", "op-agent@*"]));
    }
    let files = FILES.iter().chain(&BEFORE_NOTIFY_RELOAD).map(|(path, _)| *path).chain([PROGRAM]);
    steps.extend(files.filter_map(|path| stale(host, path)));
    if host.is_live {
        steps.push(Step::run(&["systemctl", "daemon-reload"]));
        steps.push(reload_bus());
    }
    steps
}

fn write(host: &Host, (path, text): (&str, &'static str)) -> Option<Step> {
    let path = host.at(path);
    let is_same = fs::read_to_string(&path).is_ok_and(|there| there == text);
    (!is_same).then_some(Step::Write { path, text })
}

fn stale(host: &Host, path: &str) -> Option<Step> {
    let path = host.at(path);
    let is_drop_in = |folder: &PathBuf| folder.extension().is_some_and(|extension| extension == "d");
    let folder = path.parent().map(PathBuf::from).filter(is_drop_in).filter(|folder| !is_shared(folder));
    path.exists().then_some(Step::Remove { path, folder })
}

/// Folders such as `sysusers.d` are the host's; those of drop-ins for our units are ours.
fn is_shared(folder: &Path) -> bool {
    !folder.file_name().is_some_and(|name| name.to_string_lossy().starts_with("op-"))
}

fn copy(host: &Host) -> Option<Step> {
    let to = host.at(PROGRAM);
    let is_itself = fs::canonicalize(&to).is_ok_and(|there| there == host.program);
    (!is_itself).then_some(Step::Copy { from: host.program.clone(), to })
}

/// Makes users and directories, and lets systemd read what is new. The bus and polkit watch their folders; the bus is asked as well,
/// since it does not watch one that was not there when it started.
fn tell() -> [Step; 4] {
    [
        Step::run(&["systemd-sysusers", "op-dbus.conf"]),
        Step::run(&["systemd-tmpfiles", "--create", "op-dbus.conf"]),
        Step::run(&["systemctl", "daemon-reload"]),
        reload_bus(),
    ]
}

/// A host without a bus has nothing to reload.
fn reload_bus() -> Step {
    let name = "org.freedesktop.DBus";
    Step::attempt(&["busctl", "call", "--quiet", name, "/org/freedesktop/DBus", name, "ReloadConfig"])
}

/// Enables what the preset says, unless a preset of the host says otherwise.
fn preset(host: &Host) -> Step {
    let root = format!("--root={}", host.root.display());
    let units = ["op-dbus.service", "op-dbus.socket"];
    if host.is_live {
        Step::run(&["systemctl", "preset", units[0], units[1]])
    } else {
        Step::attempt(&["systemctl", &root, "preset", units[0], units[1]])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host(root: PathBuf) -> Host {
        Host { root, program: "/proc/self/exe".into(), is_live: false, knows_reload: true }
    }

    fn told(steps: &[Step], host: &Host) -> Vec<String> {
        let root = format!("{}/", host.root.display());
        steps.iter().map(|step| step.to_string().replace(&root, "/")).collect()
    }

    #[test]
    fn what_is_there_and_the_same_is_not_written_again() {
        let folder = tempfile::tempdir().expect("a folder");
        let host = host(folder.path().into());
        let first = install(&host);
        assert_eq!(first.iter().filter(|step| matches!(step, Step::Write { .. })).count(), FILES.len());
        first
            .iter()
            .filter(|step| !matches!(step, Step::Run { .. }))
            .for_each(|step| step.take().expect("writes"));
        assert_eq!(told(&install(&host), &host), ["copy   /proc/self/exe to /usr/bin/op-dbus"]);
    }

    #[test]
    fn an_uninstallation_removes_all_that_was_written_and_our_folders() {
        let folder = tempfile::tempdir().expect("a folder");
        let host = host(folder.path().into());
        let written = install(&host);
        written
            .iter()
            .filter(|step| !matches!(step, Step::Run { .. }))
            .for_each(|step| step.take().expect("writes"));
        uninstall(&host).iter().for_each(|step| step.take().expect("removes"));
        assert!(uninstall(&host).is_empty());
        let units =
            fs::read_dir(folder.path().join("usr/lib/systemd/system")).expect("the host's folder stays");
        assert_eq!(units.count(), 0);
    }

    #[test]
    fn an_older_systemd_gets_its_way_to_reload_and_loses_it_when_it_is_newer() {
        let folder = tempfile::tempdir().expect("a folder");
        let old = Host { knows_reload: false, ..host(folder.path().into()) };
        let drop_in = "write  /usr/lib/systemd/system/op-dbus.service.d/10-reload.conf";
        let steps = install(&old);
        assert!(told(&steps, &old).contains(&drop_in.to_owned()));
        steps
            .iter()
            .filter(|step| !matches!(step, Step::Run { .. }))
            .for_each(|step| step.take().expect("writes"));
        let new = Host { knows_reload: true, ..old };
        assert!(told(&install(&new), &new).contains(&drop_in.replace("write ", "remove")));
    }

    #[test]
    fn a_host_that_runs_is_told_and_one_that_was_installed_before_keeps_its_choice() {
        let folder = tempfile::tempdir().expect("a folder");
        let live = Host { is_live: true, ..host(folder.path().into()) };
        let runs = |steps: &[Step]| {
            told(steps, &live).into_iter().filter(|step| step.starts_with("run")).collect::<Vec<_>>()
        };
        let first = runs(&install(&live));
        assert_eq!(first.len(), 5);
        assert_eq!(first[0], "run    systemctl preset op-dbus.service op-dbus.socket");
        fs::create_dir_all(live.at(MARK).parent().expect("a folder")).expect("makes");
        fs::write(live.at(MARK), "older").expect("writes");
        assert_eq!(runs(&install(&live)), first[1..]);
    }

    #[test]
    fn an_installation_that_breaks_off_anywhere_enables_the_service_the_next_time() {
        let is_preset = |step: &Step| step.to_string().contains("systemctl preset");
        for taken in 0..=FILES.len() + 5 {
            let folder = tempfile::tempdir().expect("a folder");
            let live = Host { is_live: true, ..host(folder.path().into()) };
            let steps = install(&live);
            let taken = &steps[..taken];
            taken
                .iter()
                .filter(|step| !matches!(step, Step::Run { .. }))
                .for_each(|step| step.take().expect("writes"));
            let is_enabled = taken.iter().any(is_preset);
            let next = install(&live);
            assert!(is_enabled || next.iter().any(is_preset), "broken off before {}", steps[taken.len()]);
        }
    }
}
