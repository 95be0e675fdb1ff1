//! What one sees from the street: the visible root, the names on the doors, and no way back to the machine of a builder.

use std::fs;

use crate::expect_none;
use crate::tree::{File, files, root};

/// What stands in the visible root. Dotfiles are free, and `target` is no part of the repository.
const ROOT: [&str; 8] =
    ["Cargo.lock", "Cargo.toml", "README.md", "config", "crates", "proto", "systemd", "tests"];

/// Words for a place where anything goes.
const DRAWERS: [&str; 10] =
    ["util", "utils", "helper", "helpers", "common", "manager", "misc", "impl", "stuff", "mod"];

/// Folders of one machine, and where they must not stand. A test may well write below a temporary folder.
const MACHINE: [(&str, Where); 4] = [
    ("work", Where::Anywhere),
    ("root", Where::Anywhere),
    ("home/user", Where::Anywhere),
    ("tmp", Where::Shipped),
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Where {
    Anywhere,
    Shipped,
}

fn rooted(names: &[&str]) -> Vec<String> {
    let hidden = |name: &&&str| name.starts_with('.') || **name == "target";
    let extra = names.iter().filter(|name| !hidden(name) && !ROOT.contains(name));
    let missing = ROOT.iter().filter(|name| !names.contains(name));
    let extra = extra.map(|name| format!("`{name}` does not belong in the visible root"));
    extra.chain(missing.map(|name| format!("`{name}` is missing in the visible root"))).collect()
}

fn drawers(files: &[File]) -> Vec<String> {
    let is_drawer = |path: &str| {
        // The name of an agent, as plans use it.
        let path = path.replace("context_manager", "contexts");
        let parts = path.split('/').map(|part| part.split('.').next().unwrap_or_default());
        parts.flat_map(|part| part.split(['_', '-'])).any(|word| DRAWERS.contains(&word))
    };
    let rust = files.iter().filter(|file| file.is_rust() && is_drawer(&file.path));
    rust.map(|file| format!("{} is named like a drawer for anything", file.path)).collect()
}

fn machine(files: &[File]) -> Vec<String> {
    let mut complaints = Vec::new();
    for file in files {
        let is_shipped =
            file.is_shipped() || ["config/", "proto/", "systemd/"].iter().any(|at| file.path.starts_with(at));
        for (folder, _) in MACHINE.iter().filter(|(_, place)| is_shipped || *place == Where::Anywhere) {
            let text = if is_shipped { file.before_tests() } else { &file.text };
            let lines = (1..).zip(text.lines()).filter(|(_, line)| leads_to(line, folder));
            complaints.extend(
                lines.map(|(line, _)| format!("{}:{line} leads to /{folder}/ of a machine", file.path)),
            );
        }
    }
    complaints
}

/// Whether an absolute path into a folder of the root stands in a line; `a/tmp/b` is none.
fn leads_to(line: &str, folder: &str) -> bool {
    let path = format!("/{folder}/");
    let is_inner =
        |before: &str| before.ends_with(|end: char| end.is_alphanumeric() || "._-})*".contains(end));
    line.match_indices(&path).any(|(at, _)| !is_inner(&line[..at]))
}

#[test]
fn the_visible_root_holds_what_the_plan_of_the_house_says() {
    let entries = fs::read_dir(root()).expect("the root is there");
    let names: Vec<_> =
        entries.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned()).collect();
    expect_none(&rooted(&names.iter().map(String::as_str).collect::<Vec<_>>()));
}

#[test]
fn no_file_is_named_like_a_drawer() {
    expect_none(&drawers(files()));
}

#[test]
fn no_committed_file_leads_to_a_place_of_one_machine() {
    expect_none(&machine(files()));
}

#[test]
fn what_is_missing_or_too_much_in_the_root_is_complained_of() {
    let names = [
        ".git",
        "target",
        "Cargo.lock",
        "Cargo.toml",
        "config",
        "crates",
        "proto",
        "systemd",
        "tests",
        "notes.txt",
    ];
    let complaints = rooted(&names);
    assert_eq!(
        complaints,
        ["`notes.txt` does not belong in the visible root", "`README.md` is missing in the visible root"]
    );
}

#[test]
fn drawers_are_complained_of() {
    let paths = [
        "crates/a/src/mod.rs",
        "crates/a/src/string_utils.rs",
        "crates/a/src/common/b.rs",
        "crates/a/src/model.rs",
    ];
    assert_eq!(drawers(&paths.map(|path| File::new(path, ""))).len(), 3);
}

#[test]
fn a_path_of_a_machine_is_complained_of() {
    let line = |folder: &str| format!("const PLACE: &str = \"/{folder}/main\";\n");
    let (tests, shipped) = ("crates/a/tests/b.rs", "crates/a/src/b.rs");
    assert_eq!(machine(&[File::new(tests, &line("work")), File::new(shipped, &line("tmp"))]).len(), 2);
    let below = format!("{}\n#[cfg(test)]\nmod tests {{ {} }}", line("var"), line("tmp"));
    assert!(
        machine(&[
            File::new(tests, &line("tmp")),
            File::new(shipped, &line("a/tmp")),
            File::new(shipped, &below)
        ])
        .is_empty()
    );
}
