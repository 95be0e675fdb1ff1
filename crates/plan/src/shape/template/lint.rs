//! Names that make a template hard to cast: warnings, never more.

use crate::document::Place;
use crate::shape::Lowering;

/// Words for people and programs that do something, rather than for what is done.
const ROLE_WORDS: [&str; 31] = [
    "admin",
    "agent",
    "analyst",
    "architect",
    "assistant",
    "auditor",
    "bot",
    "coder",
    "designer",
    "developer",
    "director",
    "editor",
    "engineer",
    "executive",
    "expert",
    "junior",
    "lead",
    "manager",
    "mentor",
    "moderator",
    "planner",
    "programmer",
    "researcher",
    "reviewer",
    "senior",
    "specialist",
    "tester",
    "translator",
    "validator",
    "worker",
    "writer",
];

/// Words that number a step instead of naming it.
const COUNTING: [&str; 8] = ["step", "task", "phase", "stage", "part", "node", "action", "no"];

/// Warns of a name that says who rather than what.
pub(super) fn template(ctx: &mut Lowering<'_, '_, '_>, (name, place): (&str, Place)) {
    let words = words(name);
    let is_there = |role: &str| {
        let role: Vec<_> = self::words(role);
        !role.is_empty() && words.windows(role.len()).any(|window| window == role)
    };
    let declared = ctx.catalogue.roles.keys().map(String::as_str);
    let found = declared.chain(ROLE_WORDS).find(|role| is_there(role)).map(str::to_owned);
    if let Some(role) = found {
        let message = format!("the name `{name}` speaks of a role, `{role}`, and a template has none");
        let finding = ctx.report.warning(place, message);
        finding.hint("name it after what is done; who does it is said when it is run");
    }
}

/// Warns of a name that is nothing but a number.
pub(super) fn step(ctx: &mut Lowering<'_, '_, '_>, name: &str, place: Place) {
    let is_number = |word: &String| word.chars().all(|c| c.is_ascii_digit());
    let words = words(name);
    let is_bare = match words.as_slice() {
        [word] => is_number(word) || word.len() == 1 || is_counted(word),
        [word, number] => COUNTING.contains(&word.as_str()) && (is_number(number) || number.len() == 1),
        _ => false,
    };
    if is_bare {
        let message = format!("the name `{name}` does not say what the step does");
        let finding = ctx.report.warning(place, message);
        finding.hint("name it after that, as in `Analyze Code`: roles are assigned by name");
    }
}

/// `step1`, or `step` alone.
fn is_counted(word: &str) -> bool {
    COUNTING.contains(&word.trim_end_matches(|c: char| c.is_ascii_digit()))
}

/// The words of a name in small letters; `CodeReview` is one.
fn words(name: &str) -> Vec<String> {
    let words = name.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    words.map(str::to_lowercase).collect()
}
