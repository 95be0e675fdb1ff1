//! What an expression can refer to, as people write it.

use std::fmt;

/// Words that CEL keeps for itself.
const RESERVED: [&str; 20] = [
    "true",
    "false",
    "null",
    "in",
    "as",
    "break",
    "const",
    "continue",
    "else",
    "for",
    "function",
    "if",
    "import",
    "let",
    "loop",
    "package",
    "namespace",
    "return",
    "var",
    "void",
];

/// What can be asked of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum StepField {
    /// What it returned; null until it succeeded.
    Output,
    /// Its state, as a word.
    Status,
    /// Why it failed; null unless it did.
    Error,
    /// How often it was tried.
    Attempts,
}

impl StepField {
    /// Every field, in the order of their declaration.
    pub const ALL: [Self; 4] = [Self::Output, Self::Status, Self::Error, Self::Attempts];

    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Output => "output",
            Self::Status => "status",
            Self::Error => "error",
            Self::Attempts => "attempts",
        }
    }
}

/// What can be asked of a phase.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PhaseField {
    /// Its state, as a word.
    Status,
    /// Whether every step of it succeeded.
    Success,
    /// How often it began; 0 before the first time.
    Visits,
}

impl PhaseField {
    /// Every field, in the order of their declaration.
    pub const ALL: [Self; 3] = [Self::Status, Self::Success, Self::Visits];

    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Status => "status",
            Self::Success => "success",
            Self::Visits => "visits",
        }
    }
}

/// What can be asked of the run itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RunField {
    /// Its id.
    Id,
    /// The id of its plan.
    Plan,
    /// When it started, as RFC 3339 text.
    StartedAt,
}

impl RunField {
    /// Every field, in the order of their declaration.
    pub const ALL: [Self; 3] = [Self::Id, Self::Plan, Self::StartedAt];

    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Id => "id",
            Self::Plan => "plan",
            Self::StartedAt => "started_at",
        }
    }
}

/// Something that an expression refers to.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reference {
    /// An input, or what a step stored with `store_as`, by its bare name.
    Variable(String),
    /// An input: `input.path`.
    Input(String),
    /// Something of a step: `steps.build.output`.
    Step {
        /// The step.
        id: String,
        /// What of it.
        field: StepField,
    },
    /// Something of a phase: `phases.build.success`.
    Phase {
        /// The phase.
        id: String,
        /// What of it.
        field: PhaseField,
    },
    /// Something of the run: `run.id`.
    Run(RunField),
    /// What a step returned, by the name people read, or what was stored under a name: `context['Analyze Code']`.
    Context(String),
    /// What a role or agent returned last, or what was returned last of all: `last_output('coder')`, `last_output()`.
    LastOutput(Option<String>),
}

/// The function that CEL expressions ask for the last output with.
pub(super) const LAST_OUTPUT: &str = "last_output";

/// Why the parts of a name are no reference.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct BadReference {
    pub(super) message: String,
    pub(super) hint: String,
}

impl Reference {
    /// How many names a reference of this root takes after it.
    pub(super) fn length(root: &str, first: Option<&str>) -> usize {
        match (root, first) {
            ("steps" | "phases", _) | ("context", Some("input")) => 2,
            ("input" | "run" | "context" | LAST_OUTPUT, _) => 1,
            _ => 0,
        }
    }

    /// A reference from its root and the names after it; `names` holds [`Self::length`] of them at most.
    pub(super) fn from_names(root: &str, names: &[&str]) -> Result<Self, BadReference> {
        match (root, names) {
            ("input", [name]) => Ok(Self::Input((*name).to_owned())),
            ("steps", [id, word]) => {
                let field = pick(&StepField::ALL, StepField::word, word, "steps.ID")?;
                Ok(Self::Step { id: (*id).to_owned(), field })
            }
            ("phases", [id, word]) => {
                let field = pick(&PhaseField::ALL, PhaseField::word, word, "phases.ID")?;
                Ok(Self::Phase { id: (*id).to_owned(), field })
            }
            ("run", [word]) => pick(&RunField::ALL, RunField::word, word, "run").map(Self::Run),
            ("context", ["input", name]) => Ok(Self::Input((*name).to_owned())),
            ("context", [name]) if *name != "input" => Ok(Self::Context((*name).to_owned())),
            (LAST_OUTPUT, [role]) => {
                Ok(Self::LastOutput(Some(*role).filter(|role| !role.is_empty()).map(str::to_owned)))
            }
            ("input" | "steps" | "phases" | "run" | "context" | LAST_OUTPUT, _) => {
                Err(incomplete(root, names))
            }
            (name, _) => Ok(Self::Variable(name.to_owned())),
        }
    }

    /// Reads a text that is one whole reference; `None` when it is anything else, or nothing.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (root, mut rest) = identifier(text)?;
        if RESERVED.contains(&root) || root == LAST_OUTPUT {
            return None;
        }
        let mut names = Vec::new();
        while !rest.is_empty() {
            if names.len() == Self::length(root, names.first().copied()) {
                return None;
            }
            let (name, after) = match rest.strip_prefix('.') {
                Some(rest) => identifier(rest)?,
                None => quoted(rest)?,
            };
            names.push(name);
            rest = after;
        }
        Self::from_names(root, &names).ok()
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Variable(name) => f.write_str(name),
            Self::Input(name) => write_key(f, "input", name),
            Self::Step { id, field } => {
                write_key(f, "steps", id)?;
                write!(f, ".{}", field.word())
            }
            Self::Phase { id, field } => {
                write_key(f, "phases", id)?;
                write!(f, ".{}", field.word())
            }
            Self::Run(field) => write!(f, "run.{}", field.word()),
            Self::Context(name) => write_key(f, "context", name),
            Self::LastOutput(None) => f.write_str("last_output()"),
            Self::LastOutput(Some(role)) => write!(f, "last_output('{}')", escape(role)),
        }
    }
}

fn write_key(f: &mut fmt::Formatter<'_>, root: &str, key: &str) -> fmt::Result {
    if is_identifier(key) { write!(f, "{root}.{key}") } else { write!(f, "{root}['{}']", escape(key)) }
}

fn escape(text: &str) -> String {
    text.replace('\\', "\\\\").replace('\'', "\\'")
}

/// Whether CEL reads the text as one bare name.
pub(crate) fn is_identifier(text: &str) -> bool {
    identifier(text).is_some_and(|(_, rest)| rest.is_empty()) && !RESERVED.contains(&text)
}

fn identifier(text: &str) -> Option<(&str, &str)> {
    let end = text.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(text.len());
    let begins = text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    begins.then(|| text.split_at(end))
}

/// Reads `['name']`, without escapes: those are left to CEL.
fn quoted(text: &str) -> Option<(&str, &str)> {
    let text = text.strip_prefix('[')?;
    let quote = text.chars().next().filter(|c| matches!(c, '\'' | '"'))?;
    let (name, rest) = text[1..].split_once(quote)?;
    let plain = !name.is_empty() && !name.contains(['\\', '\n', '\r']);
    plain.then_some((name, rest.strip_prefix(']')?))
}

fn pick<T: Copy>(all: &[T], word: fn(T) -> &'static str, given: &str, of: &str) -> Result<T, BadReference> {
    all.iter().copied().find(|field| word(*field) == given).ok_or_else(|| {
        let words: Vec<_> = all.iter().map(|field| format!("`{of}.{}`", word(*field))).collect();
        BadReference {
            message: format!("`{of}` has no `{given}`"),
            hint: format!("there is {}", words.join(", ")),
        }
    })
}

fn incomplete(root: &str, names: &[&str]) -> BadReference {
    let written = names.iter().fold(root.to_owned(), |text, name| format!("{text}.{name}"));
    let hint = match root {
        "steps" => "write `steps.ID.output`, or `steps['ID'].output` when the id has a `-` or `.` in it",
        "phases" => "write `phases.ID.success`, or `phases['ID'].success` when the id has a `-` or `.` in it",
        "run" => "write `run.id`, `run.plan` or `run.started_at`",
        "context" => "write `context['Step Name']`, or `context.input.NAME`",
        LAST_OUTPUT => "write `last_output('ROLE')`, or `last_output()` for the last one of all",
        _ => "write `input.NAME`",
    };
    BadReference { message: format!("`{written}` is no value by itself"), hint: hint.to_owned() }
}
