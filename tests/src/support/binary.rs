//! The real `op-dbus`.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::time::SystemTime;

/// Variable that names a binary to be tested in place of the one that is built here.
const VARIABLE: &str = "OP_DBUS_BINARY";

static BINARY: OnceLock<PathBuf> = OnceLock::new();

/// The binary, built once by the cargo, into the target directory and with the profile of this test.
///
/// # Panics
/// When it cannot be built.
pub fn binary() -> &'static Path {
    BINARY.get_or_init(|| env::var_os(VARIABLE).map_or_else(build, PathBuf::from))
}

fn build() -> PathBuf {
    let test = env::current_exe().expect("a test knows its own path");
    // TARGET/PROFILE/deps/e2e-HASH
    let folder = test.ancestors().nth(2).expect("a test lies in the target directory");
    let target = folder.parent().expect("a profile lies in the target directory");
    let binary = folder.join("op-dbus");
    // `cargo test --workspace` has just built it, with the same features as everything else.
    if is_fresh(&binary) {
        return binary;
    }
    let profile = match folder.file_name().and_then(|name| name.to_str()) {
        Some("debug") | None => "dev",
        Some(profile) => profile,
    };
    let cargo = env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo"));
    let built = Command::new(cargo)
        .args(["build", "--quiet", "--package", "op-cli", "--bin", "op-dbus", "--profile", profile])
        .arg("--target-dir")
        .arg(target)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .status();
    assert!(built.expect("cargo starts").success(), "op-dbus is not built");
    binary
}

/// Whether the binary is there, and newer than everything it is made of.
fn is_fresh(binary: &Path) -> bool {
    let Ok(built) = modified(binary) else { return false };
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the tests lie in the workspace");
    let parts = ["Cargo.toml", "Cargo.lock", "config", "crates", "systemd"];
    parts.iter().all(|part| is_older(&workspace.join(part), built))
}

fn is_older(path: &Path, than: SystemTime) -> bool {
    match fs::read_dir(path) {
        Ok(entries) => entries.flatten().all(|entry| is_older(&entry.path(), than)),
        Err(_) => modified(path).is_ok_and(|at| at <= than),
    }
}

fn modified(path: &Path) -> io::Result<SystemTime> {
    fs::metadata(path)?.modified()
}
