//! The host that is changed, as it is now.

use std::fs;
use std::path::{Path, PathBuf};

use rustix::process::geteuid;

use crate::failure::Failure;

/// Where systemd says that it runs.
const BOOTED: &str = "/run/systemd/system";

/// What dpkg keeps of a package that is installed.
const PACKAGE: &str = "/var/lib/dpkg/info/op-dbus.list";

/// How the library of systemd is called, before its version.
const LIBRARY: &str = "libsystemd-shared-";

/// The first systemd that knows `Type=notify-reload`.
const NOTIFY_RELOAD: u32 = 253;

/// The host.
#[derive(Debug, Clone)]
pub(super) struct Host {
    pub(super) root: PathBuf,
    /// This program.
    pub(super) program: PathBuf,
    /// systemd runs here and can be told.
    pub(super) is_live: bool,
    /// Its systemd knows how a service reloads by itself.
    pub(super) knows_reload: bool,
}

impl Host {
    /// Looks at the host.
    pub(super) fn look(root: PathBuf) -> Result<Self, Failure> {
        let program = std::env::current_exe()
            .map_err(|error| Failure::broken("the path of this program is not known").because(&error))?;
        let is_live = root == Path::new("/") && Path::new(BOOTED).is_dir();
        let knows_reload = version(&root).is_none_or(|version| version >= NOTIFY_RELOAD);
        Ok(Self { root, program, is_live, knows_reload })
    }

    /// A path of the host.
    pub(super) fn at(&self, path: &str) -> PathBuf {
        self.root.join(path)
    }

    /// Whether this user may change it, and nobody else has it in their care.
    pub(super) fn may_change(&self) -> Result<(), Failure> {
        if self.root != Path::new("/") {
            return Ok(());
        }
        if !geteuid().is_root() {
            return Err(Failure::refused("only root may change what is installed on this host")
                .hint("say `sudo op-dbus ...`; `--dry-run` shows what would be done, `--root DIR` does it elsewhere"));
        }
        if Path::new(PACKAGE).exists() {
            return Err(Failure::refused(
                "op-dbus was installed here as a package, which keeps its own files",
            )
            .hint("use `apt install` and `apt remove`"));
        }
        Ok(())
    }
}

/// The version of the systemd below a root, which need not be that of this machine: read off its library. `None` where there is none.
fn version(root: &Path) -> Option<u32> {
    let entries = |folder: PathBuf| fs::read_dir(folder).into_iter().flatten().flatten();
    // Debian keeps it in the folder of the architecture, Fedora in `lib64`.
    let folders = entries(root.join("usr/lib")).map(|entry| entry.path().join("systemd"));
    let folders = folders.chain(["usr/lib", "usr/lib64"].map(|folder| root.join(folder).join("systemd")));
    let versions = folders.flat_map(entries).filter_map(|entry| parse(entry.file_name().to_str()?));
    versions.max()
}

/// `libsystemd-shared-252.so` is 252, `libsystemd-shared-255.4-1.fc40.so` is 255.
fn parse(library: &str) -> Option<u32> {
    let rest = library.strip_prefix(LIBRARY)?;
    rest.split(|at: char| !at.is_ascii_digit()).next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_of_systemd_is_that_of_the_root_wherever_its_library_lies() {
        for (library, expected) in [
            ("usr/lib/systemd/libsystemd-shared-249.so", Some(249)),
            ("usr/lib/x86_64-linux-gnu/systemd/libsystemd-shared-252.so", Some(252)),
            ("usr/lib64/systemd/libsystemd-shared-255.4-1.fc40.so", Some(255)),
            ("usr/lib/systemd/libsystemd-core-252.so", None),
            ("usr/lib/systemd/libsystemd-shared-.so", None),
        ] {
            let root = tempfile::tempdir().expect("a folder");
            let path = root.path().join(library);
            fs::create_dir_all(path.parent().expect("a folder")).expect("makes");
            fs::write(path, "").expect("writes");
            assert_eq!(version(root.path()), expected, "{library}");
        }
    }

    #[test]
    fn an_image_of_an_older_systemd_is_told_so_whatever_runs_here() {
        let root = tempfile::tempdir().expect("a folder");
        let folder = root.path().join("usr/lib/systemd");
        fs::create_dir_all(&folder).expect("makes");
        fs::write(folder.join("libsystemd-shared-252.so"), "").expect("writes");
        assert!(!Host::look(root.path().into()).expect("looks").knows_reload);
        fs::rename(folder.join("libsystemd-shared-252.so"), folder.join("libsystemd-shared-253.so"))
            .expect("moves");
        assert!(Host::look(root.path().into()).expect("looks").knows_reload);
    }
}
