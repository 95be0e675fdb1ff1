//! The host that is changed, as it is now.

use std::path::{Path, PathBuf};
use std::process::Command;

use rustix::process::geteuid;

use crate::failure::Failure;

/// Where systemd says that it runs.
const BOOTED: &str = "/run/systemd/system";

/// What dpkg keeps of a package that is installed.
const PACKAGE: &str = "/var/lib/dpkg/info/op-dbus.list";

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
        Ok(Self {
            root,
            program,
            is_live,
            knows_reload: version().is_none_or(|version| version >= NOTIFY_RELOAD),
        })
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

/// The version of the systemd of this machine; `None` where there is none.
fn version() -> Option<u32> {
    let told = Command::new("systemctl").arg("--version").output().ok()?;
    parse(&String::from_utf8_lossy(&told.stdout))
}

/// `systemd 252 (252.38-1~deb12u1)` is 252.
fn parse(told: &str) -> Option<u32> {
    told.split_whitespace().nth(1)?.split(['.', '~']).next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_is_the_second_word() {
        assert_eq!(parse("systemd 252 (252.38-1~deb12u1)\n+PAM"), Some(252));
        assert_eq!(parse("systemd 258.1 (258.1-1)"), Some(258));
        assert_eq!(parse(""), None);
    }
}
