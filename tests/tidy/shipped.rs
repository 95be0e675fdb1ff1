//! What lies below `systemd/` is what `op-dbus install` writes: a file that is not in its list would never reach a host.

use crate::expect_none;
use crate::tree::{File, files};

/// The list.
const LIST: &str = "crates/cli/src/command/install/files.rs";

/// Where the tree of a host begins.
const TREES: [&str; 2] = ["systemd/", "systemd/bookworm/"];

fn missing(files: &[File]) -> Vec<String> {
    let Some(list) = files.iter().find(|file| file.path == LIST) else {
        return vec![format!("{LIST} does not exist")];
    };
    let shipped = files.iter().filter_map(|file| Some((place(&file.path)?, &file.path)));
    let missing = shipped.filter(|(place, path)| {
        !list.text.contains(&format!("(\"{place}\", include_str!(\"../../../../../{path}\"))"))
    });
    missing.map(|(place, path)| format!("{path} is not in the list of {LIST}, as `{place}`")).collect()
}

/// Where a file goes on a host, from its root.
fn place(path: &str) -> Option<&str> {
    TREES.iter().filter_map(|tree| path.strip_prefix(tree)).find(|place| place.starts_with("usr/"))
}

#[test]
fn every_file_for_a_host_is_installed() {
    assert!(files().iter().filter(|file| place(&file.path).is_some()).count() > 15);
    expect_none(&missing(files()));
}

#[test]
fn a_file_that_is_not_in_the_list_is_complained_of() {
    let list = File::new(LIST, "    (\"usr/lib/a\", include_str!(\"../../../../../systemd/usr/lib/a\")),\n");
    let tree = |path: &str| File::new(path, "");
    let files = [
        list,
        tree("systemd/usr/lib/a"),
        tree("systemd/bookworm/usr/lib/b"),
        tree("systemd/debian/postinst"),
    ];
    assert_eq!(missing(&files).len(), 1);
}
