//! Skills from the command line, with a hosted daemon.

use std::fs;

use crate::hosted::{home, ran};

#[test]
fn skills_are_listed_shown_and_read_and_those_of_the_repository_are_among_them() {
    let home = home();
    let own = home.path().join(".op-dbus/skills/shop-rules");
    fs::create_dir_all(own.join("references")).expect("creates");
    let text = "---\nname: shop-rules\ndescription: How we work here.\nmetadata:\n  op-dbus-tools: file_read\n---\n# Rules\n\nBe kind.\n";
    fs::write(own.join("SKILL.md"), text).expect("writes");
    fs::write(own.join("references/why.md"), "Because.\n").expect("writes");
    let listed = ran(home.path(), &["skills", "--json"]);
    assert_eq!(listed.code, Some(0), "{}", listed.page());
    let names: Vec<_> =
        listed.json().as_array().expect("a list").iter().map(|skill| skill["name"].clone()).collect();
    assert_eq!(names.len(), 8);
    assert!(names.contains(&"shop-rules".into()) && names.contains(&"tdd-workflow".into()), "{names:?}");
    assert!(ran(home.path(), &["skills"]).out.contains("shop-rules"));
    let shown = ran(home.path(), &["skills", "show", "shop_rules"]);
    for part in [
        "shop-rules",
        "How we work here.",
        "performers  file_read",
        "references/why.md",
        "# Rules\n\nBe kind.\n",
    ] {
        assert!(shown.out.contains(part), "{part}: {}", shown.page());
    }
    assert_eq!(ran(home.path(), &["skills", "show", "shop-rules", "references/why.md"]).out, "Because.\n");
    let unknown = ran(home.path(), &["skills", "show", "shop-rule"]);
    assert_eq!(unknown.code, Some(2), "{}", unknown.page());
    assert!(unknown.err.contains("did you mean `shop-rules`?"), "{}", unknown.page());
}

#[test]
fn a_broken_skill_is_told_of_and_the_others_are_listed() {
    let home = home();
    let own = home.path().join("config/skills/broken");
    fs::create_dir_all(&own).expect("creates");
    fs::write(own.join("SKILL.md"), "---\nname: broken\n---\n").expect("writes");
    let listed = ran(home.path(), &["skills", "--json"]);
    assert_eq!(listed.json().as_array().map(Vec::len), Some(7));
    assert!(listed.err.contains("broken/SKILL.md:2"), "{}", listed.page());
}

#[test]
fn the_hub_answers_calls_about_skills() {
    let home = home();
    let read = ran(home.path(), &["call", "skill_tdd_workflow", "--json"]);
    assert_eq!(read.code, Some(0), "{}", read.page());
    assert!(read.out.contains("# Test-driven workflow"), "{}", read.page());
    let described = ran(home.path(), &["call", "skill_describe", "name=systemd-management", "--json"]);
    assert!(described.out.contains("require_before systemd_unit(action=restart)"), "{}", described.page());
}

#[test]
fn a_restart_that_nothing_looked_at_before_is_refused() {
    let home = home();
    let plan = "[workstacks.again]\n[[workstacks.again.phases]]\nid = 'restart'\ntools = [{ tool = 'systemd_unit', args = { unit = 'x.service', action = 'restart', bus = 'unix:path=/nonexistent' } }]\n";
    fs::write(home.path().join("config/plans.d/again.toml"), plan).expect("writes");
    let refused = ran(home.path(), &["run", "again", "--json"]);
    assert_eq!(refused.code, Some(3), "{}", refused.page());
    assert!(
        refused.out.contains("the skill `systemd-management` does not let systemd_unit be called"),
        "{}",
        refused.page()
    );
    let run = refused.json()["run"]["id"].as_str().expect("an id").to_owned();
    let events = ran(home.path(), &["events", "--run", &run, "--json"]);
    assert!(events.out.contains("skill_activated"), "{}", events.page());
}
