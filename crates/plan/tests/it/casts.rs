//! Who plays what: words of a run, `[casts.NAME]`, and what is done when nobody is cast.

use std::collections::BTreeMap;

use insta::assert_snapshot;
use op_plan::cast::{Assigned, Cast, CastError, Player, assign, assign_some, parts, unknown, usual};
use op_plan::catalogue::{Brief, Role};
use op_plan::plan::{Action, Call, Part};
use op_plan::{Catalogue, Draft, Mapping, Operation, Performer, Phase, Plan, Shape, Step};
use serde_json::json;

use crate::{complaints, plan, read};

type Words = BTreeMap<String, String>;

/// Roles of the source document, in this order of declaration.
fn catalogue(roles: &[(&str, &str)]) -> Catalogue {
    let mut catalogue = crate::catalogue::catalogue();
    let asks = Operation {
        input: json!({ "properties": { "role": {}, "task": {} } }),
        ..catalogue.operation(&Performer::parse("rust_pro.test")).expect("it is there").clone()
    };
    let operations = BTreeMap::from([("answer".to_owned(), asks)]);
    catalogue.agents.insert("models".to_owned(), operations.into());
    let roles = roles.iter().map(|(name, performer)| {
        let performer = match performer.split_once('.') {
            Some(_) => Performer::parse(performer),
            None => Performer::new(*performer, ""),
        };
        let brief = Brief { prompt: format!("You are {name}."), ..Brief::default() };
        ((*name).to_owned(), Role { performer, brief })
    });
    catalogue.roles = roles.collect();
    catalogue
}

const ROLES: [(&str, &str); 3] =
    [("senior_reviewer", "models.answer"), ("tester", "rust_pro.test"), ("loose", "rust_pro")];

fn template() -> std::sync::Arc<Plan> {
    plan("[[templates.p.steps]]\nname = 'Analyze Code'\n[[templates.p.steps]]\nname = 'Store Result'\n")
}

fn words(words: &[(&str, &str)]) -> Words {
    words.iter().map(|(part, who)| ((*part).to_owned(), (*who).to_owned())).collect()
}

fn cast(plan: &Plan, catalogue: &Catalogue, words: &[&Words]) -> Result<Assigned, CastError<String>> {
    assign(plan, catalogue, words, |performer| {
        if catalogue.has(performer) { Ok(()) } else { Err(format!("no `{performer}`")) }
    })
}

/// Who plays each step, as `role=performer`, with those that take over after a `|`.
fn played(assigned: &Assigned) -> Vec<String> {
    let one = |player: &Player| match &player.role {
        Some(role) => format!("{role}={}", player.performer),
        None => player.performer.to_string(),
    };
    assigned.cast.iter().map(|players| players.iter().map(one).collect::<Vec<_>>().join("|")).collect()
}

fn by(plan: &Plan, pairs: &[(&str, &str)]) -> Vec<String> {
    played(&cast(plan, &catalogue(&ROLES), &[&words(pairs)]).expect("it can be played"))
}

fn refused(plan: &Plan, roles: &[(&str, &str)], pairs: &[(&str, &str)]) -> String {
    cast(plan, &catalogue(roles), &[&words(pairs)]).expect_err("it cannot be played").to_string()
}

/// A plan whose parts are given, each a step of a phase of its own, with those that take over.
fn of(parts: &[(&str, Part, &[Part])]) -> Plan {
    let phases = parts.iter().map(|(id, part, fallback)| {
        let call = Call { part: part.clone(), arguments: Mapping::empty() };
        let step = Step { fallback: fallback.to_vec(), ..Step::new(*id, Action::Call(call)) };
        Phase { name: format!("The {id}"), ..Phase::new(*id, vec![step]) }
    });
    Plan::seal(Draft::new("p", Shape::Debate, phases.collect())).expect("it is valid")
}

fn role(name: &str, default: Option<&str>) -> Part {
    Part::Role { name: name.to_owned(), plays: None, default: default.map(Performer::parse) }
}

#[test]
fn steps_are_cast_by_name_and_by_id_and_roles_by_both_too() {
    let plan = template();
    for (step, who) in [
        ("Analyze Code", "senior_reviewer"),
        ("analyze_code", "senior_reviewer"),
        ("Analyze Code", "role_senior_reviewer"),
    ] {
        let played = by(&plan, &[(step, who), ("Store Result", "rust_pro.build")]);
        assert_eq!(played, ["senior_reviewer=models.answer", "rust_pro.build"], "{step}: {who}");
    }
}

#[test]
fn one_template_runs_under_any_number_of_casts() {
    let plan = template();
    let digest = plan.digest().to_owned();
    let (a, b) =
        (by(&plan, &[("Analyze Code", "tester")]), by(&plan, &[("Analyze Code", "senior_reviewer")]));
    assert_ne!(a, b);
    assert_eq!(plan.digest(), digest);
}

#[test]
fn who_is_not_cast_falls_back_in_a_fixed_order_with_a_sentence() {
    let plain = template();
    let default =
        plan("[templates.p]\ndefault_role = 'role_tester'\n[[templates.p.steps]]\nname = 'Analyze Code'\n");
    let general = [&ROLES[..], &[("general_worker", "models.answer")]].concat();
    let renamed = [("senior_reviewer", "models.answer")];
    let first = |plan: &Plan, roles: &[(&str, &str)]| {
        let assigned = cast(plan, &catalogue(roles), &[]).expect("it can be played");
        (played(&assigned)[0].clone(), assigned.fallbacks[0].message.clone())
    };
    let sentence = |who: &str| format!("nobody is cast for `Analyze Code`: it is played by {who}");
    assert_eq!(
        first(&default, &general),
        ("tester=rust_pro.test".into(), sentence("`tester`, the default of the plan"))
    );
    let why = sentence("`general_worker`, which plays what nobody is cast for");
    assert_eq!(first(&plain, &general), ("general_worker=models.answer".into(), why));
    let why = sentence("`senior_reviewer`, the first role that is declared");
    assert_eq!(first(&plain, &ROLES), ("senior_reviewer=models.answer".into(), why.clone()));
    assert_eq!(first(&default, &renamed), ("senior_reviewer=models.answer".into(), why));
    assert!(refused(&plain, &[], &[]).starts_with("nobody plays step `Analyze Code`: no role is cast"));
}

#[test]
fn every_fallback_is_told_and_nothing_else_is() {
    let assigned = cast(&template(), &catalogue(&ROLES), &[&words(&[("Store Result", "tester")])]);
    let steps: Vec<_> = assigned.expect("it can be played").fallbacks.into_iter().map(|it| it.step).collect();
    assert_eq!(steps, ["analyze_code"]);
}

#[test]
fn the_first_assignment_counts_and_a_step_before_its_role() {
    let plan = of(&[
        ("a", role("reviewer", Some("backend_architect.review")), &[]),
        ("b", role("reviewer", None), &[]),
    ]);
    let (run, cast_of_plan) =
        (words(&[("reviewer", "tester")]), words(&[("a", "senior_reviewer"), ("The b", "rust_pro")]));
    let catalogue = catalogue(&ROLES);
    let both = cast(&plan, &catalogue, &[&run, &cast_of_plan]).expect("it can be played");
    assert_eq!(played(&both), ["tester=rust_pro.test", "tester=rust_pro.test"]);
    let own = words(&[("a", "senior_reviewer"), ("role_reviewer", "tester")]);
    let own = cast(&plan, &catalogue, &[&own]).expect("it can be played");
    assert_eq!(played(&own), ["senior_reviewer=models.answer", "tester=rust_pro.test"]);
}

#[test]
fn none_takes_the_player_of_a_step_and_nobody_takes_over() {
    let fallback = [role("second", Some("rust_pro.build"))];
    let plan = of(&[("a", role("first", Some("rust_pro.test")), &fallback), ("b", Part::Open, &[])]);
    assert_eq!(by(&plan, &[("b", "none")]), ["first=rust_pro.test|second=rust_pro.build", ""]);
    assert_eq!(by(&plan, &[("a", "none"), ("b", "none")]), ["", ""]);
    assert_eq!(by(&plan, &[("first", "none"), ("b", "none")]), ["", ""]);
    assert_eq!(by(&plan, &[("second", "none"), ("b", "none")]), ["first=rust_pro.test", ""]);
    assert_eq!(
        by(&plan, &[("second", "tester"), ("b", "none")]),
        ["first=rust_pro.test|tester=rust_pro.test", ""]
    );
}

#[test]
fn some_steps_are_cast_anew_and_the_others_are_left() {
    let plan = of(&[
        ("a", role("first", Some("rust_pro.test")), &[]),
        ("b", role("second", None), &[]),
        ("c", Part::Open, &[]),
    ]);
    let anew = |pairs: &[(&str, &str)]| {
        let cast = assign_some(&plan, &catalogue(&ROLES), &words(pairs), |_| Ok::<_, String>(()));
        let cast = cast.expect("it can be played").into_iter();
        cast.map(|(step, players)| (step, players.len())).collect::<Vec<_>>()
    };
    assert_eq!(anew(&[("The a", "tester"), ("role_second", "tester")]), [("a".into(), 1), ("b".into(), 1)]);
    assert_eq!(anew(&[("c", "none")]), [("c".into(), 0)]);
    assert_eq!(anew(&[]), []);
}

#[test]
fn a_role_without_a_performer_is_skipped_unless_it_is_cast() {
    let plan = of(&[("a", role("critic", None), &[])]);
    assert_eq!(by(&plan, &[]), [""]);
    assert_eq!(by(&plan, &[("critic", "rust_pro.test")]), ["critic=rust_pro.test"]);
}

#[test]
fn an_agent_alone_performs_what_was_to_be_performed() {
    let plan = of(&[("a", Part::Performer(Performer::parse("rust_pro.review")), &[])]);
    assert_eq!(by(&plan, &[("a", "backend_architect")]), ["backend_architect.review"]);
    assert_eq!(by(&plan, &[("a", "loose")]), ["loose=rust_pro.review"]);
    let template = template();
    assert_snapshot!(refused(&template, &ROLES, &[("Analyze Code", "rust_pro")]), @"agent `rust_pro` cannot play step `Analyze Code` without an operation: write `rust_pro.OPERATION`");
    assert_snapshot!(refused(&template, &ROLES, &[("Analyze Code", "loose")]), @"role `loose` cannot play step `Analyze Code`: it names agent `rust_pro` without an operation");
}

#[test]
fn who_does_not_exist_cannot_be_cast() {
    let template = template();
    assert_snapshot!(refused(&template, &ROLES, &[("Analyze Code", "senior_reviwer")]), @"`senior_reviwer`, which is cast for step `Analyze Code`, is neither a role nor an agent; did you mean `senior_reviewer`?");
    assert_snapshot!(refused(&template, &ROLES, &[("Analyze Code", "rust_pro.fly")]), @"no `rust_pro.fly`");
}

#[test]
fn parts_are_steps_by_id_and_name_and_roles_each_once() {
    let plan = of(&[
        ("a", role("reviewer", None), &[Part::Open, role("tester", None)]),
        ("b", role("reviewer", None), &[]),
    ]);
    assert_eq!(parts(&plan), ["a", "The a", "reviewer", "tester", "b", "The b"]);
    assert_eq!(unknown(&plan, &words(&[("a", "x"), ("role_reviewer", "x"), ("The b", "x")])), None);
    assert_eq!(unknown(&plan, &words(&[("The c", "x")])).map(String::as_str), Some("The c"));
    assert_eq!(
        unknown(&plan, &words(&[("role_a", "x"), ("role_x", "x")])).map(String::as_str),
        Some("role_x")
    );
}

#[test]
fn operations_that_ask_are_told_the_role_and_the_task() {
    let plan = plan("[[templates.p.steps]]\nname = 'Analyze Code'\ndescription = 'Look for bugs'\n");
    let assigned = cast(&plan, &catalogue(&ROLES), &[]).expect("it can be played");
    assert_eq!(
        serde_json::to_value(&assigned.cast[0][0].told).expect("plain data"),
        json!({
            "role": { "name": "senior_reviewer", "prompt": "You are senior_reviewer." },
            "task": { "name": "Analyze Code", "description": "Look for bugs" },
        })
    );
    assert_eq!(usual(&plan), vec![Vec::new()].into());
}

#[test]
fn who_is_called_otherwise_than_its_role_is_told_that_and_cast_by_both_names() {
    let entry = |id: &str, role: &str| format!("{{ id = '{id}', role = '{role}', agent = 'debater.speak' }}");
    let text = |one: &str| {
        format!(
            "[debates.p]\nparticipants = [{one}, {{ id = 'b', agent = 'debater.speak' }}]\nrounds = {{ max = 1 }}\n"
        )
    };
    let declared = plan(&text(&entry("a", "role_senior_reviewer")));
    let told = |words: &[(&str, &str)]| {
        let assigned = cast(&declared, &catalogue(&ROLES), &[&self::words(words)]).expect("it can be played");
        (played(&assigned)[0].clone(), assigned.cast[0][0].told.get("role").cloned())
    };
    let brief = json!({ "name": "senior_reviewer", "prompt": "You are senior_reviewer." });
    for part in ["a", "senior_reviewer", "role_senior_reviewer"] {
        assert_eq!(
            told(&[(part, "models.answer")]),
            ("a=models.answer".to_owned(), Some(brief.clone())),
            "{part}"
        );
    }
    assert_eq!(told(&[("a", "models.answer"), ("senior_reviewer", "rust_pro.test")]).0, "a=models.answer");
    let undeclared = plan(&text(&entry("a", "chair")));
    let assigned = cast(&undeclared, &catalogue(&ROLES), &[&words(&[("chair", "models.answer")])]);
    let told = assigned.expect("it can be played").cast[0][0].told["role"].clone();
    assert_eq!(told, json!({ "name": "chair" }));
    assert_eq!(parts(&undeclared)[..3], ["initial.a", "a", "chair"]);
}

#[test]
fn casts_under_a_name_are_read() {
    let loaded = read(
        "[[templates.p.steps]]\nname = 'Analyze Code'\n\
         [casts.fast]\ndescription = 'Quick and cheap'\nplan = 'p'\n\
         [casts.fast.parts]\n'Analyze Code' = 'tester'\n\
         [casts.any.parts]\n'Whatever' = 'rust_pro'\nother = 'backend_architect.review'\nthird = 'role_tester'\nlast = 'none'\n",
    );
    assert!(!loaded.has_errors());
    let fast = &loaded.casts["fast"];
    assert_eq!((fast.description.as_str(), fast.plan.as_deref()), ("Quick and cheap", Some("p")));
    assert_eq!(fast.parts, words(&[("Analyze Code", "tester")]));
    assert_eq!((loaded.casts["any"].plan.clone(), loaded.casts["any"].parts.len()), (None, 4));
}

#[test]
fn ids_of_roles_are_parts_in_a_cast_too() {
    let text = "[[workstacks.p.phases]]\nid = 'a'\nagents = [{ role = 'tester' }]\n\
        [casts.x]\nplan = 'p'\nparts = { role_tester = 'rust_pro.build' }\n";
    assert_eq!(complaints(text), "");
    let casts = read(text).casts;
    assert_eq!(by(&plan(text), &[("role_tester", "rust_pro.build")]), ["tester=rust_pro.build"]);
    assert_eq!(casts["x"].parts.len(), 1);
}

#[test]
fn what_is_wrong_with_a_cast_is_shown_with_what_to_do_and_the_cast_is_left_out() {
    let text = r#"[[templates.p.steps]]
name = "Analyze Code"
[[templates.broken.steps]]
nam = "x"
[casts.a]
plan = "p"
nonsense = 1
[casts.a.parts]
"Analyse Code" = "tester"
"Analyze Code" = "testr"
analyze_code = "rust_pro.tset"
[casts.b]
plan = "q"
parts = { x = "rost_pro.test", y = 3 }
[casts.c]
[casts.d]
plan = "broken"
parts = { x = "tester" }
"#;
    assert_snapshot!(complaints(text));
    assert_eq!(read(text).casts.keys().collect::<Vec<_>>(), ["d"]);
}

/// Three steps: two alike, one that nobody plays.
fn shared() -> Cast {
    let player = |name: &str| Player::from(Performer::parse(name));
    let pair = || vec![player("w.do"), player("w.stand_in")];
    vec![pair(), Vec::new(), pair()].into()
}

#[test]
fn steps_that_are_played_alike_are_written_once_and_come_back_the_same() {
    let written = serde_json::to_value(shared()).expect("plain data");
    assert_eq!(
        (&written["steps"], written["players"].as_array().map(Vec::len)),
        (&json!([0, 1, 0]), Some(2))
    );
    let read: Cast = serde_json::from_value(written).expect("it was written so");
    assert_eq!(read, shared());
}

#[test]
fn a_step_that_is_recast_leaves_those_that_were_played_alike_as_they_were() {
    let mut cast = shared();
    cast.set(2, Vec::new());
    assert_eq!((&cast[0], cast[2].len()), (&shared()[0], 0));
    let written = serde_json::to_string(&cast).expect("plain data");
    assert_eq!(serde_json::from_str::<Cast>(&written).expect("it was written so"), cast);
}

#[test]
fn a_cast_of_an_older_journal_is_read_and_one_with_a_place_that_is_not_there_is_not() {
    let each: Vec<Vec<Player>> = shared().iter().map(<[Player]>::to_vec).collect();
    let older = serde_json::to_value(&each).expect("plain data");
    assert_eq!(serde_json::from_value::<Cast>(older).expect("older journals have it so"), shared());
    let broken = serde_json::from_value::<Cast>(json!({ "players": [], "steps": [0] }));
    assert!(broken.expect_err("nobody is listed").to_string().contains("does not list"));
}
