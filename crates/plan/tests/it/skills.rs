//! Skills: read as they are written, named by steps, carried by players.

use std::collections::BTreeMap;
use std::sync::Arc;

use op_plan::cast::{Assigned, assign};
use op_plan::diagnostic::render_all;
use op_plan::skill::{Active, Because, Skills, Written};
use op_plan::{Catalogue, Loaded, Performer, Source, load};
use serde_json::json;

mod broken;

/// A skill in a directory of its name.
fn written(name: &str, more: &str, body: &str) -> Written {
    let text = format!("---\nname: {name}\ndescription: Tells what {name} is.\n{more}---\n{body}");
    file(name, &text)
}

fn file(directory: &str, text: &str) -> Written {
    let source = Source { name: format!("skills/{directory}/SKILL.md"), text: text.to_owned() };
    Written { directory: directory.to_owned(), source, ..Written::default() }
}

/// Skills in which nothing is wrong.
fn skills(written: &[Written]) -> Skills {
    let skills = Skills::read(written);
    assert_eq!(render_all(skills.diagnostics(), false), "");
    skills
}

fn metadata(lines: &str) -> String {
    format!("metadata:\n{lines}")
}

fn catalogue() -> Catalogue {
    let written = [
        written("rust-care", &metadata("  op-dbus-tools: rust_pro.*\n  op-dbus-priority: \"10\"\n"), "Care."),
        written("docs", &metadata("  op-dbus-paths: \"**/*.md\"\n  op-dbus-priority: \"5\"\n"), "Docs."),
        written("idle", "", "Idle."),
    ];
    Catalogue { skills: Arc::new(skills(&written)), ..crate::catalogue::catalogue() }
}

fn load_with_skills(text: &str) -> Loaded {
    load(&[Source { name: "plans.toml".to_owned(), text: text.to_owned() }], &catalogue())
}

fn cast(text: &str) -> Assigned {
    let loaded = load_with_skills(text);
    assert_eq!(render_all(&loaded.diagnostics, false), "");
    assign::<()>(&loaded.plans["p"], &catalogue(), &[], |_| Ok(())).expect("everybody is there")
}

fn phase(lines: &str) -> String {
    format!("[[workstacks.p.phases]]\nid = 'a'\n{lines}\n")
}

#[test]
fn every_key_of_the_format_is_kept() {
    let more = "license: MIT\ncompatibility: Needs git.\nallowed-tools: Bash(git:*) Read\nmetadata:\n  author: somebody\n  version: 1.0\n  \
                op-dbus-tools: rust_pro.* file_?rite\n  op-dbus-paths: '**/*.rs Cargo.toml'\n  op-dbus-priority: \"20\"\n  \
                op-dbus-constraints: |\n    # why\n    require_argument file_write path  # always\n\n    max_executions * 3\n";
    let mut written = written("all-of-it", more, "# Title\n\nText, see [more](references/more.md).\n");
    written.resources.insert("references/more.md".to_owned(), "More.".to_owned());
    let skills = skills(&[written]);
    let skill = skills.get("all_of_it").expect("it is there by its other spelling too");
    assert_eq!((skill.name.as_str(), skill.license.as_str(), skill.priority), ("all-of-it", "MIT", 20));
    assert_eq!(
        (skill.compatibility.as_str(), skill.allowed_tools.join(",")),
        ("Needs git.", "Bash(git:*),Read".to_owned())
    );
    assert_eq!((skill.metadata["author"].as_str(), skill.metadata["version"].as_str()), ("somebody", "1.0"));
    assert_eq!(skill.body, "# Title\n\nText, see [more](references/more.md).");
    let lines: Vec<_> = skill.constraints.iter().map(ToString::to_string).collect();
    assert_eq!(lines, ["require_argument file_write path", "max_executions * 3"]);
    let because = |performer: &str, arguments| {
        skill.because(&Performer::parse(performer), &arguments).map(|why| why.to_string())
    };
    assert_eq!(because("rust_pro.test", json!({})).as_deref(), Some("the performer is `rust_pro.*`"));
    assert_eq!(
        because("file_read", json!({ "paths": ["a", "/b/c.rs"] })).as_deref(),
        Some("a path is `**/*.rs`")
    );
    assert_eq!(because("file_read", json!({ "text": "c.rs", "path": "a" })), None);
    let endless = format!("{}c.rs", "b/".repeat(1 << 20));
    assert_eq!(because("file_read", json!({ "path": endless })), None, "it leads to no file");
    let deep = format!("{}c.rs", "b/".repeat(2000));
    assert!(because("file_read", json!({ "path": deep })).is_some());
}

#[test]
fn the_digest_is_that_of_the_file_and_what_lies_beside_it() {
    let digest = |body: &str, resources: &[(&str, &str)]| {
        let resources =
            resources.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect();
        skills(&[Written { resources, ..written("x", "", body) }])
            .get("x")
            .expect("it is there")
            .digest
            .clone()
    };
    let digests =
        [digest("a", &[]), digest("b", &[]), digest("a", &[("n", "t")]), digest("a", &[("nt", "")])];
    assert_eq!(digests.iter().collect::<std::collections::BTreeSet<_>>().len(), 4);
    assert_eq!(digests[0], digest("a", &[]));
}

#[test]
fn a_skill_stands_for_one_of_its_name_below_it_unless_it_gives_way() {
    let (low, high) = (
        written("x", "", "low"),
        Written {
            source: Source { name: "high".to_owned(), ..written("x", "", "high").source },
            ..written("x", "", "")
        },
    );
    assert_eq!(skills(&[low.clone(), high.clone()]).get("x").expect("x").body, "high");
    let read = Skills::read(&[low, Written { gives_way: true, ..high }]);
    assert_eq!(read.get("x").expect("x").body, "low");
    let told = render_all(read.diagnostics(), false);
    assert!(told.contains("the skill `x` is left out") && told.contains("high:1:1"), "{told}");
}

#[test]
fn skills_stand_by_priority_and_then_by_name() {
    let of = |name: &str, priority: &str| {
        written(name, &metadata(&format!("  op-dbus-priority: \"{priority}\"\n")), "")
    };
    let skills = skills(&[of("b", "1"), of("c", "7"), of("a", "1"), written("d", "", "")]);
    assert_eq!(
        skills.by_priority().map(|skill| skill.name.as_str()).collect::<Vec<_>>(),
        ["c", "a", "b", "d"]
    );
    assert_eq!(skills.names().collect::<Vec<_>>(), ["a", "b", "c", "d"]);
}

#[test]
fn a_player_carries_what_its_step_names_and_what_can_be_active_in_its_calls() {
    let text = phase(
        "tools = [{ tool = 'file_read', args = { path = 'x' } }, { tool = 'report', args = { reviews = [] } }]\nagents = [{ agent = 'rust_pro.test', skills = ['idle'] }]",
    );
    let cast = cast(&text).cast;
    let carried = |step: usize| {
        let skills = &cast[step][0].skills;
        skills.iter().map(|of| (of.skill.clone(), of.active.clone())).collect::<BTreeMap<_, _>>()
    };
    assert!(matches!(&carried(0)["docs"], Active::Paths(_)), "only a path can tell");
    assert!(carried(1).is_empty(), "it has no path to tell by");
    assert_eq!(carried(2)["idle"], Active::Always(Because::Named));
    assert!(matches!(&carried(2)["rust-care"], Active::Always(Because::Performer(_))));
    assert_eq!(
        cast[2][0].skills.iter().map(|of| of.skill.as_str()).collect::<Vec<_>>(),
        ["rust-care", "docs", "idle"]
    );
}

#[test]
fn skills_of_a_phase_are_those_of_its_calls_that_name_none() {
    let text = phase(
        "skills = ['idle']\nagents = ['rust_pro.test', { agent = 'rust_pro.build', skills = ['docs'] }, { agent = 'rust_pro.review', skills = [] }]",
    );
    let loaded = load_with_skills(&text);
    let steps = &loaded.plans["p"].phases()[0].steps;
    assert_eq!(steps.iter().map(|step| step.skills.join(",")).collect::<Vec<_>>(), ["idle", "docs", ""]);
}

#[test]
fn a_step_names_skills_that_there_are_and_calls_somebody() {
    for (lines, told) in [
        ("agents = [{ agent = 'rust_pro.test', skills = ['rust_car'] }]", "unknown skill `rust_car`"),
        ("agents = [{ agent = 'rust_pro.test', skills = ['rust_car'] }]", "did you mean `rust-care`?"),
        (
            "agents = [{ agent = 'rust_pro.test', skills = ['rust-care', 'rust_care'] }]",
            "the skill `rust_care` stands twice",
        ),
        ("agents = [{ agent = 'rust_pro.test', skills = 'idle' }]", "`skills` must be a list"),
        ("skills = ['idle']\nsignal = 'go'", "`skills` of phase `a` are given to calls"),
    ] {
        let complaint = render_all(&load_with_skills(&phase(lines)).diagnostics, false);
        assert!(complaint.contains(told), "{lines}: {complaint}");
    }
    let machine = "[machines.p]\n[[machines.p.steps]]\nid = 'a'\nsignal = 'go'\nskills = ['idle']\non_success = 'done'\n[[machines.p.steps]]\nid = 'done'\nterminal = 'success'\n";
    let complaint = render_all(&load_with_skills(machine).diagnostics, false);
    assert!(complaint.contains("`skills` are given to a call, and the step makes none"), "{complaint}");
}
