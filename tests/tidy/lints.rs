//! Every package takes the lints of the workspace, and those forbid unsafe code.

use toml::Table;

use crate::expect_none;
use crate::tree::{File, files};

fn is_package(path: &str) -> bool {
    let room = path.strip_prefix("crates/").and_then(|path| path.strip_suffix("/Cargo.toml"));
    path == "tests/Cargo.toml" || room.is_some_and(|room| !room.contains('/'))
}

fn complaints(files: &[File]) -> Vec<String> {
    let mut complaints = Vec::new();
    for file in files.iter().filter(|file| is_package(&file.path) || file.path == "Cargo.toml") {
        let Ok(manifest) = file.text.parse::<Table>() else {
            complaints.push(format!("{} is no TOML", file.path));
            continue;
        };
        if file.path == "Cargo.toml" {
            let level = manifest["workspace"]["lints"]["rust"]["unsafe_code"].as_str();
            if level != Some("forbid") {
                complaints.push(format!("the workspace does not forbid unsafe code: {level:?}"));
            }
        } else if manifest.get("lints")
            != Some(&Table::from_iter([("workspace".to_owned(), true.into())]).into())
        {
            complaints
                .push(format!("{} does not take the lints of the workspace, or has its own", file.path));
        }
    }
    complaints
}

#[test]
fn every_package_takes_the_lints_of_the_workspace() {
    assert!(files().iter().filter(|file| is_package(&file.path)).count() > 10);
    expect_none(&complaints(files()));
}

#[test]
fn a_package_with_lints_of_its_own_is_complained_of() {
    let takes = File::new("crates/a/Cargo.toml", "[lints]\nworkspace = true\n");
    let own = File::new("crates/b/Cargo.toml", "[lints.rust]\nunsafe_code = \"allow\"\n");
    let none = File::new("tests/Cargo.toml", "[package]\nname = \"c\"\n");
    let weak = File::new("Cargo.toml", "[workspace.lints.rust]\nunsafe_code = \"warn\"\n");
    assert_eq!(complaints(&[takes, own, none, weak]).len(), 3);
}
