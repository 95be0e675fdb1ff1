//! Skills where they lie: what ships, what a configuration brings, and what tries to lead elsewhere.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use op_daemon::Configuration;
use op_plan::diagnostic::render_all;
use op_plan::skill::Skills;
use tempfile::TempDir;

const SHIPPED: [(&str, u32); 7] = [
    ("documentation", 5),
    ("ovs-networking", 10),
    ("python-debugging", 10),
    ("rust-optimization", 10),
    ("security-audit", 20),
    ("systemd-management", 10),
    ("tdd-workflow", 15),
];

fn folder() -> TempDir {
    tempfile::tempdir().expect("a folder")
}

/// Writes a skill below a folder, and returns its directory.
fn write(skills: &Path, name: &str, body: &str) -> std::path::PathBuf {
    let directory = skills.join(name);
    fs::create_dir_all(&directory).expect("creates");
    let text = format!("---\nname: {name}\ndescription: About {name}.\n---\n{body}\n");
    fs::write(directory.join("SKILL.md"), text).expect("writes");
    directory
}

fn load(directory: &Path) -> Configuration {
    Configuration::load(Some(directory)).expect("nothing else is wrong")
}

fn skills(configuration: &Configuration) -> std::sync::Arc<Skills> {
    configuration.catalogue().skills
}

fn body(skills: &Skills, name: &str) -> String {
    skills.get(name).unwrap_or_else(|| panic!("{name} is there")).body.clone()
}

fn complaints(skills: &Skills) -> String {
    render_all(skills.diagnostics(), false)
}

#[test]
fn seven_skills_ship_and_nothing_is_wrong_with_them() {
    let folder = folder();
    let skills = skills(&load(folder.path()));
    for (name, priority) in SHIPPED {
        let skill = skills.get(&name.replace('-', "_")).unwrap_or_else(|| panic!("{name} is there"));
        let lines = skill.body.lines().count();
        assert_eq!(skill.priority, priority, "{name}");
        assert!((40..=120).contains(&lines), "{name} has {lines} lines");
        assert!(!skill.tools.is_empty() || !skill.paths.is_empty(), "{name} is never active by itself");
    }
    assert!(!complaints(&skills).contains("shipped"), "{}", complaints(&skills));
}

#[test]
fn performers_that_shipped_skills_name_are_there_or_come_with_agents_that_are_named() {
    let folder = folder();
    let catalogue = load(folder.path()).catalogue();
    let unit = op_plan::Performer::parse("systemd_unit");
    assert!(catalogue.has(&unit), "a restart is one of its actions");
    let management = catalogue.skills.get("systemd-management").expect("it is there");
    let restart = serde_json::json!({ "unit": "x", "action": "restart" });
    assert!(management.because(&unit, &restart).is_some());
    assert!(management.constraints.iter().any(|demand| demand.target.matches(&unit, &restart)));
    let call = op_plan::Performer::parse("dbus_call");
    for member in ["RestartUnit", "TryRestartUnit", "ReloadOrRestartUnit"] {
        let restart = serde_json::json!({ "member": member });
        assert!(management.because(&call, &restart).is_some());
        assert!(
            management.constraints.iter().any(|demand| demand.target.matches(&call, &restart)),
            "{member}"
        );
    }
    for name in ["rust_pro.test", "security_auditor.audit", "ovs_list_bridges", "cargo_test"] {
        let performer = op_plan::Performer::parse(name);
        assert!(catalogue.has(&performer), "{name}");
        let active =
            catalogue.skills.iter().any(|skill| skill.because(&performer, &serde_json::json!({})).is_some());
        assert!(active, "{name}");
    }
}

#[test]
fn a_configuration_brings_skills_of_its_own_over_named_directories_over_what_ships() {
    let (folder, trusted) = (folder(), folder());
    for (skills, said) in [(trusted.path().to_owned(), "trusted"), (folder.path().join("skills"), "own")] {
        write(&skills, "tdd-workflow", said);
        write(&skills, &format!("only-{said}"), said);
    }
    let settings = format!("[skills]\ndirectories = [\"{}\"]\n", trusted.path().display());
    fs::write(folder.path().join("op-dbusd.toml"), settings).expect("writes");
    let skills = skills(&load(folder.path()));
    assert_eq!(body(&skills, "tdd-workflow"), "own");
    assert_eq!(
        (body(&skills, "only-own"), body(&skills, "only-trusted")),
        ("own".to_owned(), "trusted".to_owned())
    );
    fs::write(folder.path().join("op-dbusd.toml"), "[skills]\ndirectories = [\"here\"]\n").expect("writes");
    let refused = Configuration::load(Some(folder.path())).expect_err("it is not absolute");
    assert!(
        refused.to_string().contains("`skills.directories = \"here\"` is not an absolute path"),
        "{refused}"
    );
}

#[test]
fn a_repository_adds_skills_and_takes_none_away() {
    let (folder, world) = (folder(), folder());
    let repository = world.path().join("shop");
    write(&repository.join(".agents/skills"), "tdd-workflow", "nothing is demanded");
    write(&repository.join(".agents/skills"), "shop", "for all clients");
    write(&repository.join("part/.op-dbus/skills"), "shop", "of the part");
    write(&world.path().join(".op-dbus/skills"), "beyond", "beyond");
    fs::create_dir(repository.join(".git")).expect("creates");
    let part = repository.join("part/deep");
    fs::create_dir_all(&part).expect("creates");
    let skills = skills(&load(folder.path()).with_repository(&part));
    assert_ne!(body(&skills, "tdd-workflow"), "nothing is demanded");
    assert_eq!(body(&skills, "shop"), "of the part", "the nearest stands");
    assert!(skills.get("beyond").is_none());
    assert!(complaints(&skills).contains("the skill `tdd-workflow` is left out"), "{}", complaints(&skills));
    let alone = load(folder.path()).with_repository(&repository);
    assert!(alone.catalogue().skills.get("shop").is_some());
}

#[test]
fn without_a_repository_only_the_folder_itself_is_looked_into() {
    let (folder, home) = (folder(), folder());
    write(&home.path().join(".agents/skills"), "above", "above");
    write(&home.path().join("here/.agents/skills"), "here", "here");
    let skills = skills(&load(folder.path()).with_repository(&home.path().join("here")));
    assert!(skills.get("here").is_some() && skills.get("above").is_none());
}

#[test]
fn files_beside_a_skill_are_read_as_far_as_they_are_text_and_small() {
    let folder = folder();
    let own = write(&folder.path().join("skills"), "rich", "See [more](references/more.md).");
    fs::create_dir_all(own.join("references/a/b/c/d")).expect("creates");
    fs::write(own.join("references/more.md"), "More.").expect("writes");
    fs::write(own.join("references/a/b/c/d/too-deep.md"), "x").expect("writes");
    fs::write(own.join("picture.png"), [0xff, 0xfe, 0]).expect("writes");
    fs::write(own.join(".hidden"), "x").expect("writes");
    fs::write(own.join("large.txt"), "x".repeat((64 << 10) + 1)).expect("writes");
    let skills = skills(&load(folder.path()));
    let rich = skills.get("rich").expect("it is there");
    assert_eq!(rich.resources.keys().collect::<Vec<_>>(), ["references/more.md"]);
    assert!(complaints(&skills).contains("`large.txt` is left out"), "{}", complaints(&skills));
}

#[test]
fn links_that_lead_out_of_a_skill_leave_it_out_and_the_others_stand() {
    let (folder, outside) = (folder(), folder());
    let place = folder.path().join("skills");
    fs::write(outside.path().join("secret"), "secret").expect("writes");
    let foreign = write(outside.path(), "foreign", "foreign");
    write(&place, "fine", "fine");
    let file = write(&place, "linked-file", "x");
    fs::remove_file(file.join("SKILL.md")).expect("removes");
    symlink(foreign.join("SKILL.md"), file.join("SKILL.md")).expect("links");
    symlink(outside.path().join("secret"), write(&place, "linked-resource", "x").join("notes.md"))
        .expect("links");
    symlink(&foreign, place.join("foreign")).expect("links");
    symlink("fine", place.join("twin")).expect("links");
    symlink("SKILL.md", write(&place, "linked-within", "x").join("again.md")).expect("links");
    let skills = skills(&load(folder.path()));
    let names: Vec<_> =
        skills.names().filter(|name| !SHIPPED.iter().any(|(shipped, _)| shipped == name)).collect();
    assert_eq!(names, ["fine", "linked-within"]);
    let told = complaints(&skills);
    for (skill, why) in [
        ("linked-file/SKILL.md:1", "`SKILL.md` is a link that leads out"),
        ("linked-resource/SKILL.md:1", "`notes.md` is a link that leads out"),
        ("foreign/SKILL.md:1", "its directory is a link"),
        ("twin/SKILL.md:1", "its directory is a link"),
    ] {
        assert!(told.contains(skill) && told.contains(why), "{skill}: {told}");
    }
}

#[test]
fn what_is_no_text_or_no_file_is_left_out_and_said() {
    let folder = folder();
    let place = folder.path().join("skills");
    fs::write(write(&place, "binary", "x").join("SKILL.md"), [b'-', 0xff, 0xfe]).expect("writes");
    let own = place.join("nested");
    fs::create_dir_all(own.join("SKILL.md")).expect("creates");
    fs::write(write(&place, "endless", "x").join("SKILL.md"), format!("---\n{}", "x".repeat(1 << 20)))
        .expect("writes");
    fs::create_dir_all(place.join("no-skill")).expect("creates");
    let told = complaints(&skills(&load(folder.path())));
    for (skill, why) in [("binary", "is no UTF-8 text"), ("nested", "is no file"), ("endless", "is the most")]
    {
        assert!(told.contains(skill) && told.contains(why), "{skill}: {told}");
    }
    assert!(!told.contains("no-skill"));
}

#[test]
fn a_plan_names_a_skill_of_its_configuration() {
    let folder = folder();
    write(&folder.path().join("skills"), "house-rules", "Wipe your feet.");
    let plan = "[workstacks.p]\n[[workstacks.p.phases]]\nid = 'a'\ntools = [{ tool = 'file_list', args = { path = '.' }, skills = ['house_rules'] }]\n";
    fs::write(folder.path().join("workstacks.toml"), plan).expect("writes");
    let configuration = load(folder.path());
    let loaded = configuration.plans();
    assert_eq!(loaded.plans["p"].phases()[0].steps[0].skills, ["house-rules"]);
    assert_eq!(
        configuration.library(loaded).skills.get("house-rules").map(|skill| skill.body.clone()).as_deref(),
        Some("Wipe your feet.")
    );
}
