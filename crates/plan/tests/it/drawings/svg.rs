//! Plans as images.

use insta::assert_snapshot;
use op_plan::drawing::{Tint, svg};

use super::machine::website;
use super::{marks, phases, plan, shipped, talkative};

/// Reads an image as XML: every element is closed, attributes stand in quotes and each once, and nothing else is a sign.
/// Returns the names of its elements.
fn elements(text: &str) -> Vec<&str> {
    let mut names = Vec::new();
    let mut open = Vec::new();
    let mut rest = text.trim_end();
    while let Some((words, tag)) = rest.split_once('<') {
        check_text(words);
        let (tag, after) = tag.split_once('>').expect("a tag ends");
        rest = after;
        if let Some(name) = tag.strip_prefix('/') {
            assert_eq!(open.pop(), Some(name), "{text}");
            continue;
        }
        let (tag, is_empty) = tag.strip_suffix('/').map_or((tag, false), |tag| (tag, true));
        let (name, attributes) = tag.split_once(' ').unwrap_or((tag, ""));
        assert!(!name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric()), "<{tag}>");
        check_attributes(attributes);
        names.push(name);
        if !is_empty {
            open.push(name);
        }
    }
    assert!(rest.is_empty() && open.is_empty(), "{open:?} are not closed");
    assert_eq!(names.first(), Some(&"svg"));
    names
}

fn check_attributes(attributes: &str) {
    let mut names = Vec::new();
    let mut rest = attributes.trim();
    while !rest.is_empty() {
        let (name, after) = rest.split_once("=\"").expect("an attribute has a value in quotes");
        let (value, after) = after.split_once('"').expect("a value ends");
        assert!(
            !names.contains(&name) && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == ':')
        );
        check_text(value);
        names.push(name);
        rest = after.trim_start();
    }
}

fn check_text(text: &str) {
    assert!(!text.contains(|c: char| c.is_control() && c != '\n'), "{text:?}");
    for after in text.split('&').skip(1) {
        let (name, _) = after.split_once(';').expect("a reference ends");
        let is_known = ["amp", "lt", "gt", "quot"].contains(&name) || name.starts_with('#');
        assert!(is_known, "&{name};");
    }
}

#[test]
fn the_review_is_an_image() {
    assert_snapshot!(svg(&shipped("code_review"), &[]));
}

#[test]
fn a_machine_is_an_image_with_its_states() {
    let drawing = svg(&website(), &marks(&[Tint::Good, Tint::Running, Tint::Pending]));
    assert_snapshot!(drawing);
    assert_eq!(elements(&drawing).iter().filter(|name| **name == "rect").count(), 7 + 9);
}

#[test]
fn every_image_is_well_formed_and_needs_nothing_from_outside() {
    let wild = plan(
        "[[workstacks.p.phases]]\nid = 'a'\nname = \"<script>alert('x')</script> & \\\"q\\\" ]]> \\u0001 漢字 é\"\nagents = ['rust_pro.test']\n",
    );
    for drawing in [
        svg(&wild, &[]),
        svg(&talkative(), &marks(&Tint::ALL)),
        svg(&website(), &marks(&Tint::ALL)),
        svg(&shipped("full_stack_feature"), &marks(&[Tint::Odd])),
    ] {
        let names = elements(&drawing);
        let known = ["svg", "title", "style", "g", "rect", "text", "path"];
        assert!(names.iter().all(|name| known.contains(name)), "{names:?}");
        for outside in ["href", "url(", "@import", "<script"] {
            assert!(!drawing.contains(outside), "{outside}");
        }
    }
}

#[test]
fn an_image_can_be_told() {
    let drawing = svg(&shipped("code_review"), &marks(&[Tint::Good, Tint::Bad]));
    assert!(drawing.contains("role=\"img\" aria-label=\"Plan code_review, 4 phases. "), "{drawing}");
    assert!(drawing.contains(": done, ") && drawing.contains("<title>Plan code_review</title>"));
}

/// Boxes of an image: left, top, width, height.
fn boxes(drawing: &str) -> Vec<[f64; 4]> {
    let rects = drawing.lines().filter(|line| line.starts_with("<rect "));
    let number = |line: &str, name: &str| -> f64 {
        let (_, after) = line.split_once(&format!(" {name}=\"")).expect("it is there");
        after.split_once('"').and_then(|(value, _)| value.parse().ok()).expect("it is a number")
    };
    rects.map(|line| ["x", "y", "width", "height"].map(|name| number(line, name))).collect()
}

#[test]
fn no_two_boxes_touch() {
    let names: Vec<_> = (0..60).map(|at| format!("phase_{at}")).collect();
    let waits: Vec<_> = (0..60_usize)
        .map(|at| {
            let waits = [at / 2, at / 3, at.saturating_sub(7)].into_iter().filter(|other| *other < at);
            let mut waits: Vec<_> = waits.map(|other| format!("'phase_{other}'")).collect();
            waits.dedup();
            waits.sort();
            waits.dedup();
            waits.join(", ")
        })
        .collect();
    let many: Vec<_> = names.iter().zip(&waits).map(|(id, waits)| (id.as_str(), waits.as_str())).collect();
    for drawing in [svg(&phases(&many), &[]), svg(&website(), &[]), svg(&shipped("code_review"), &[])] {
        let boxes = boxes(&drawing);
        for (at, [x, y, width, height]) in boxes.iter().enumerate() {
            for [left, top, wide, high] in &boxes[..at] {
                let is_apart = x + width < *left || left + wide < *x || y + height < *top || top + high < *y;
                assert!(is_apart, "{at}: {drawing}");
            }
            assert!(*x >= 0.0 && *y >= 0.0);
        }
    }
}

#[test]
fn a_plan_of_very_many_long_ways_is_an_image() {
    for count in [300, 3_000] {
        let names: Vec<_> = (0..count).map(|at| format!("p{at}")).collect();
        let waits = |at: usize| match at {
            0 => String::new(),
            1 => "'p0'".to_owned(),
            at => format!("'p{}', 'p0'", at - 1),
        };
        let waits: Vec<_> = (0..count).map(waits).collect();
        let chain: Vec<_> =
            names.iter().zip(&waits).map(|(id, waits)| (id.as_str(), waits.as_str())).collect();
        assert!(svg(&phases(&chain), &[]).contains(&format!("p{}", count - 1)));
    }
}
