//! What a requirement leaves open, as questions.
//!
//! | in the requirement | is asked |
//! | --- | --- |
//! | TBD, ???, "to be decided" | what is decided |
//! | "fast", "scalable", "few" and their like, and no number | how it is measured |
//! | "etc", "and so on", "such as" without an end, "and/or" | what else belongs to it |
//! | "as needed", "appropriate", "if possible" | who judges that, and by what |
//! | "must be done" without "by", in the passive | who or what does it |
//! | no number at all, where the style doubts | how one sees that it is met |

use std::sync::LazyLock;

use regex::Regex;

use super::claim::Claim;

fn pattern(pattern: &str) -> Regex {
    Regex::new(pattern).expect("it is a regular expression")
}

static UNDECIDED: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)\b(tbd|tbc|todo|fixme|to be (decided|determined|defined|confirmed|clarified|discussed))\b|\?\?+",
    )
});

static DEGREE: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?ix)\b(fast|faster|quick|quickly|slow|soon|performant|performance|responsive|scalable|scale|efficient|efficiently|
        robust|reliable|reliably|secure|securely|flexible|simple|easy|easily|intuitive|user-friendly|friendly|modern|nice|
        large|big|small|long|short|high|low|many|few|several|some|often|frequent|frequently|rarely|minimal|sufficient)\b",
    )
});

static OPEN_END: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"(?i)\b(etc\b|and so on|and more|among others|and/or|and similar|or similar)"));

static JUDGEMENT: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)\b(as needed|if needed|when needed|if necessary|as necessary|where possible|if possible|as appropriate|appropriate(ly)?|reasonabl[ey]|adequate(ly)?|suitabl[ey]|properly|as usual)\b",
    )
});

static PASSIVE: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?ix)\b(?:must|shall|should|will|may|can|(?:has|have|needs?)\ to)\s+(?:not\s+|never\s+|always\s+)?be\s+
        (\w{2,}ed|\w{2,}en|\w+own|bound|bought|brought|built|caught|cut|done|found|held|kept|left|lost|made|met|paid|put|read|run|
        sent|set|shut|sold|spent|split|taught|told|understood)\b",
    )
});

/// Words that look like participles and are none.
const NO_PARTICIPLES: [&str; 5] = ["open", "even", "golden", "limited", "related"];

/// What is asked about a requirement; `doubts` when each must say how it is measured.
pub(super) fn questions(requirement: &str, doubts: bool) -> Vec<String> {
    let has_number = Claim::of(requirement).has_number();
    let found = |pattern: &Regex| pattern.find(requirement).map(|found| found.as_str().to_owned());
    let mut asked = Vec::new();
    asked.extend(found(&UNDECIDED).map(|word| format!("What is decided where it says \"{word}\"?")));
    let degree = found(&DEGREE).filter(|_| !has_number);
    asked.extend(
        degree
            .as_ref()
            .map(|word| format!("How is \"{word}\" measured, and from which number on is it met?")),
    );
    asked.extend(found(&OPEN_END).map(|word| format!("What else belongs to it, beyond \"{word}\"?")));
    asked.extend(found(&JUDGEMENT).map(|word| format!("Who judges \"{word}\", and by what?")));
    asked.extend(passive(requirement).map(|word| format!("Who or what is it that it is {word} by?")));
    if doubts && degree.is_none() && !has_number {
        asked.push("How does one see that it is met?".to_owned());
    }
    asked
}

/// The participle of a sentence in the passive that names no actor.
fn passive(requirement: &str) -> Option<String> {
    let found = PASSIVE.captures(requirement)?;
    let participle = found[1].to_lowercase();
    let has_actor = requirement.to_lowercase().split_whitespace().any(|word| word == "by");
    (!has_actor && !NO_PARTICIPLES.contains(&participle.as_str())).then_some(participle)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(text: &str) -> Vec<String> {
        questions(text, false)
    }

    #[test]
    fn what_is_vague_is_asked_for() {
        for (text, question) in [
            ("The limit is TBD.", "What is decided where it says \"TBD\"?"),
            ("Search must be fast.", "How is \"fast\" measured, and from which number on is it met?"),
            ("It reads CSV, JSON etc.", "What else belongs to it, beyond \"etc\"?"),
            ("It retries as needed.", "Who judges \"as needed\", and by what?"),
            ("Old logs must be deleted.", "Who or what is it that it is deleted by?"),
            ("A mail has to be sent.", "Who or what is it that it is sent by?"),
        ] {
            assert_eq!(asked(text), [question], "{text}");
        }
    }

    #[test]
    fn what_is_clear_is_not_asked_for() {
        for text in [
            "Search must be fast: within 200 ms.",
            "Old logs must be deleted by the janitor.",
            "The index must be consistent.",
            "The door must be open.",
            "The server answers each request.",
        ] {
            assert_eq!(asked(text), Vec::<String>::new(), "{text}");
        }
    }

    #[test]
    fn who_doubts_asks_for_a_measure_of_everything() {
        assert_eq!(questions("The server answers.", true), ["How does one see that it is met?"]);
        assert_eq!(questions("The server answers within 5 s.", true), Vec::<String>::new());
        assert_eq!(questions("The server is fast.", true).len(), 1);
    }
}
