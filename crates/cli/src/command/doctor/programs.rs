//! Programs that agents run.

use std::env;
use std::path::{Path, PathBuf};

use rustix::fs::{Access, access};

use super::finding::Finding;

/// A program, what it is for, and where it comes from.
const PROGRAMS: [(&str, &str, &str); 6] = [
    ("cargo", "rust_pro cannot build, test or check anything", "install Rust: https://rustup.rs"),
    ("cargo-clippy", "rust_pro.clippy cannot work", "rustup component add clippy"),
    ("cargo-fmt", "rust_pro.fmt cannot work", "rustup component add rustfmt"),
    ("git", "plans that look at the history of a repository cannot work", "install git"),
    ("docker", "plans that build or push images cannot work", "install docker, if you want them"),
    ("ovs-vsctl", "ovs_list_bridges cannot ask Open vSwitch", "install openvswitch-switch, if you use it"),
];

/// Looks for the programs.
pub(super) fn look() -> Vec<Finding> {
    let path = env::var_os("PATH").unwrap_or_default();
    let folders: Vec<_> = env::split_paths(&path).collect();
    PROGRAMS.iter().map(|program| find(program, &folders)).collect()
}

fn find((name, lack, mend): &(&'static str, &str, &str), folders: &[PathBuf]) -> Finding {
    let found = folders.iter().map(|folder| folder.join(name)).find(|file| is_program(file));
    match found {
        Some(file) => Finding::good(name, file.display().to_string()),
        None => Finding::lacking(name, format!("not found in PATH: {lack}"), *mend),
    }
}

fn is_program(file: &Path) -> bool {
    file.is_file() && access(file, Access::EXEC_OK).is_ok()
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;
    use crate::command::doctor::finding::Health;

    #[test]
    fn a_program_is_a_file_that_can_be_run() {
        let folder = tempfile::tempdir().expect("a folder");
        let (plain, program) = (folder.path().join("git"), folder.path().join("cargo"));
        fs::write(&plain, "").expect("writes");
        fs::write(&program, "").expect("writes");
        fs::set_permissions(&plain, fs::Permissions::from_mode(0o644)).expect("sets");
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).expect("sets");
        let folders = [folder.path().to_owned()];
        let health = |name| find(&(name, "x", "y"), &folders).health;
        assert_eq!(
            (health("cargo"), health("git"), health("docker")),
            (Health::Good, Health::Lacking, Health::Lacking)
        );
    }
}
