//! Skills that are wrong are left out, each with what is wrong and where; the others stand.

use op_plan::diagnostic::render_all;
use op_plan::skill::{MAX_FILE, Skills, Written};

use super::{file, metadata, written};

/// What is wrong with a skill, and that it alone is left out.
fn complaint(broken: Written) -> String {
    let name = broken.directory.clone();
    let read = Skills::read(&[written("fine", "", "Fine."), broken]);
    assert_eq!(read.names().collect::<Vec<_>>(), ["fine"], "{name}");
    render_all(read.diagnostics(), false)
}

#[test]
fn broken_front_matter_is_shown_with_its_file_and_line() {
    for (text, place, told) in [
        ("# No front matter\n", "x/SKILL.md:1", "does not begin with front matter"),
        ("---\nname: x\ndescription: y\n", "x/SKILL.md:1", "the front matter does not end"),
        ("---\nname: x\ndescription: [a\n---\n", "x/SKILL.md:3", "cannot be read"),
        ("---\nname: x\n---\n", "x/SKILL.md:2", "description"),
        ("---\nname: x\ndescription: y\nversoin: z\n---\n", "x/SKILL.md:4", "versoin"),
        ("---\nname: x\nname: x\ndescription: y\n---\n", "x/SKILL.md:3", "name"),
        ("---\nname: x\ndescription: y\nmetadata: [a]\n---\n", "x/SKILL.md:4", "cannot be read"),
        ("---\nname: x\ndescription: y\nmetadata:\n  a: { b: c }\n---\n", "x/SKILL.md:5", "cannot be read"),
    ] {
        let told_of = complaint(file("x", text));
        assert!(told_of.contains(place) && told_of.contains(told), "{text}\n{told_of}");
    }
}

#[test]
fn broken_front_matter_is_told_in_our_words_and_with_one_place() {
    let twice = complaint(file("x", "---\nname: x\nname: x\ndescription: y\n---\n"));
    assert!(twice.contains("cannot be read: duplicate mapping key `name` is not allowed here\n"), "{twice}");
    let typo = complaint(file("x", "---\nname: x\ndescription: y\nversoin: z\n---\n"));
    for told in [twice, typo] {
        for other in ["Options", " line ", " column "] {
            assert!(!told.contains(other), "{other}: {told}");
        }
    }
}

#[test]
fn names_and_lengths_are_those_of_the_format() {
    for name in ["X", "-x", "x-", "x--y", "x_y", "x y", "ä", &"x".repeat(65)] {
        let told = complaint(file(name, &format!("---\nname: '{name}'\ndescription: y\n---\n")));
        assert!(told.contains("cannot be the name of a skill"), "{name}: {told}");
    }
    let told = complaint(file("y", "---\nname: x\ndescription: y\n---\n"));
    assert!(
        told.contains("the skill is called `x`, and its directory `y`") && told.contains("y/SKILL.md:2"),
        "{told}"
    );
    for (more, told) in [
        (format!("description: {}\n", "d".repeat(1025)), "the description has 1025 characters"),
        ("description: ' '\n".to_owned(), "the description has 0 characters"),
        (
            format!("description: d\ncompatibility: {}\n", "c".repeat(501)),
            "`compatibility` has 501 characters",
        ),
    ] {
        let complaint = complaint(file("x", &format!("---\nname: x\n{more}---\n")));
        assert!(complaint.contains(told), "{complaint}");
    }
    let long = format!("---\nname: x\ndescription: {}\n---\n", "ä".repeat(1024));
    assert_eq!(render_all(Skills::read(&[file("x", &long)]).diagnostics(), false), "");
}

#[test]
fn a_file_that_is_too_long_is_left_out() {
    let told = complaint(written("x", "", &"x".repeat(MAX_FILE)));
    assert!(told.contains("65536 is the most") && told.contains("references/"), "{told}");
    let told =
        complaint(file("x", &format!("---\nname: x\ndescription: y\n#{}\n---\n", "x".repeat(17 << 10))));
    assert!(told.contains("the front matter is longer than"), "{told}");
}

#[test]
fn what_looks_like_ours_and_is_not_is_refused_at_its_line() {
    for (lines, place, told) in [
        ("  op-dbus-tool: x\n", "SKILL.md:5", "did you mean `op-dbus-tools`?"),
        ("  op-dbus-tools: 'rust_pro.[ab]'\n", "SKILL.md:5", "has `[`"),
        ("  op-dbus-paths: ../x\n", "SKILL.md:5", "leads out of a folder"),
        ("  op-dbus-priority: high\n", "SKILL.md:5", "a whole number from 0 to 1000"),
        ("  op-dbus-priority: \"1001\"\n", "SKILL.md:5", "a whole number from 0 to 1000"),
        ("  op-dbus-constraints: require_befor a b\n", "SKILL.md:5", "did you mean `require_before`?"),
        (
            "  op-dbus-constraints: |\n    max_executions * 1\n    max_executions * x\n",
            "SKILL.md:7",
            "write `max_executions TARGET N`",
        ),
    ] {
        let complaint = complaint(written("x", &metadata(lines), ""));
        assert!(complaint.contains(place) && complaint.contains(told), "{lines}{complaint}");
    }
}

#[test]
fn links_stay_below_the_directory_of_the_skill() {
    for link in ["../other/SKILL.md", "/etc/passwd", "references/../../x", "~/x", "<../x>", "..\\x"] {
        let told = complaint(written("x", "", &format!("One.\nSee [it]({link}).\n")));
        assert!(
            told.contains("leads out of the directory") && told.contains("x/SKILL.md:6"),
            "{link}: {told}"
        );
    }
    let body = "[a](https://example.org/../x) [b](#part) `[c](../x)` [e](mailto:a@b.c)\n```\n[d](/etc/passwd)\n```\n";
    assert_eq!(render_all(Skills::read(&[written("x", "", body)]).diagnostics(), false), "");
    let read = Skills::read(&[written("x", "", "[a](references/none.md)")]);
    assert!(read.get("x").is_some(), "a link to nothing spoils nothing");
    assert!(render_all(read.diagnostics(), false).contains("leads to no text file of the skill"));
}

#[test]
fn what_is_wrong_with_the_files_of_a_skill_leaves_it_out() {
    let trouble = "`references/x` is a link that leads out of the directory of the skill".to_owned();
    let told = complaint(Written { troubles: vec![trouble.clone()], ..written("x", "", "") });
    assert!(told.contains(&trouble) && told.contains("x/SKILL.md:1:1"), "{told}");
}

#[test]
fn any_text_is_read_or_refused_and_never_a_panic() {
    let parts = [
        "---\n",
        "name: x\n",
        "description: &a [*a, *a]\n",
        "metadata:\n",
        "  op-dbus-constraints: |\n",
        "\u{feff}",
        "---",
        "](",
        "`",
        "\r\n",
        "a: !!binary x\n",
        "? - : {\n",
    ];
    for at in 0..20_000_usize {
        let pick = |place: u32| parts[(at / parts.len().pow(place)) % parts.len()];
        let text: String = std::iter::once("---\n").chain((0..4).map(pick)).collect();
        Skills::read(&[file("x", &text)]);
    }
}
