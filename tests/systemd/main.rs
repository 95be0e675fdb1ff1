//! The files of `systemd/` and what they promise, on a systemd that boots for each test in namespaces of its own.
//!
//! They need root, `unshare`, overlays, a cgroup2, systemd, a bus and polkit. Where one is missing a test says `SKIPPED: ...` and passes;
//! with `OP_DBUS_TESTS=require` it fails instead.
//!
//! - [`machine`]: one that boots, and what is done in it
//! - [`files`]: units verify, exposure, users, directories, actions; [`install`]: the way there and back
//! - [`agents`]: agents as units; [`daemon`]: how the daemon starts, reloads and ends; [`faults`]: what becomes of one that hangs, dies or
//!   cannot start; [`rights`]: who may do what

mod agents;
mod daemon;
mod faults;
mod files;
mod install;
mod machine;
mod rights;

use machine::Machine;
