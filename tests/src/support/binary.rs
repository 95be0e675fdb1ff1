//! The real `op-dbus`.

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

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
    folder.join("op-dbus")
}
