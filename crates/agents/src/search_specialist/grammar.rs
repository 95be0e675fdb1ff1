//! The languages that are understood, and what of their syntax trees is a symbol.
//!
//! What defines a symbol stands in one query per language (`grammar/*.scm`), in the patterns of tree-sitter: `@symbol.KIND` is the whole
//! definition and `@name` its name; `@bind.KIND` is a pattern whose identifiers are bound to something local; `@scope` is a function
//! without a name. Where two patterns give the same name, the first one counts.

use std::ffi::OsStr;
use std::path::Path;
use std::sync::OnceLock;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tree_sitter::Query;

/// A language that is understood.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum Language {
    Rust,
    Python,
    Javascript,
    Typescript,
    Tsx,
    Go,
    C,
    Bash,
}

/// What kind of symbol something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum Kind {
    Function,
    /// A function of a class, an interface, a trait or an implementation.
    Method,
    Class,
    Struct,
    Enum,
    Union,
    Trait,
    Interface,
    /// An implementation of a type or of a trait for it.
    Impl,
    Type,
    Constant,
    Variable,
    Field,
    Variant,
    Module,
    Macro,
    Parameter,
    /// Another name under which something is imported.
    Alias,
}

/// What a capture of a query says.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Capture {
    Name,
    Trait,
    Parent,
    Scope,
    Symbol(Kind),
    Bind(Kind),
    /// For a condition of the pattern only.
    Condition,
}

/// A language, ready to parse.
pub(super) struct Grammar {
    pub(super) language: tree_sitter::Language,
    pub(super) query: Query,
    /// What each capture of the query says, by its index.
    pub(super) captures: Vec<Capture>,
}

impl Kind {
    const ALL: [Self; 18] = [
        Self::Function,
        Self::Method,
        Self::Class,
        Self::Struct,
        Self::Enum,
        Self::Union,
        Self::Trait,
        Self::Interface,
        Self::Impl,
        Self::Type,
        Self::Constant,
        Self::Variable,
        Self::Field,
        Self::Variant,
        Self::Module,
        Self::Macro,
        Self::Parameter,
        Self::Alias,
    ];

    /// The name as it is written in JSON and in the queries.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Function => "function",
            Self::Method => "method",
            Self::Class => "class",
            Self::Struct => "struct",
            Self::Enum => "enum",
            Self::Union => "union",
            Self::Trait => "trait",
            Self::Interface => "interface",
            Self::Impl => "impl",
            Self::Type => "type",
            Self::Constant => "constant",
            Self::Variable => "variable",
            Self::Field => "field",
            Self::Variant => "variant",
            Self::Module => "module",
            Self::Macro => "macro",
            Self::Parameter => "parameter",
            Self::Alias => "alias",
        }
    }

    fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

impl Language {
    const ALL: [Self; 8] = [
        Self::Rust,
        Self::Python,
        Self::Javascript,
        Self::Typescript,
        Self::Tsx,
        Self::Go,
        Self::C,
        Self::Bash,
    ];

    /// The language of a file by its name.
    pub(super) fn of(file: &str) -> Option<Self> {
        Some(match Path::new(file).extension().and_then(OsStr::to_str)? {
            "rs" => Self::Rust,
            "py" | "pyi" | "pyw" => Self::Python,
            "js" | "mjs" | "cjs" | "jsx" => Self::Javascript,
            "ts" | "mts" | "cts" => Self::Typescript,
            "tsx" => Self::Tsx,
            "go" => Self::Go,
            "c" | "h" => Self::C,
            "sh" | "bash" => Self::Bash,
            _ => return None,
        })
    }

    /// The grammar, loaded when it is first asked for.
    pub(super) fn grammar(self) -> &'static Grammar {
        static LOADED: [OnceLock<Grammar>; Language::ALL.len()] =
            [const { OnceLock::new() }; Language::ALL.len()];
        LOADED[self as usize].get_or_init(|| Grammar::new(self.parser(), &self.query()))
    }

    fn parser(self) -> tree_sitter::Language {
        match self {
            Self::Rust => tree_sitter_rust::LANGUAGE,
            Self::Python => tree_sitter_python::LANGUAGE,
            Self::Javascript => tree_sitter_javascript::LANGUAGE,
            Self::Typescript => tree_sitter_typescript::LANGUAGE_TYPESCRIPT,
            Self::Tsx => tree_sitter_typescript::LANGUAGE_TSX,
            Self::Go => tree_sitter_go::LANGUAGE,
            Self::C => tree_sitter_c::LANGUAGE,
            Self::Bash => tree_sitter_bash::LANGUAGE,
        }
        .into()
    }

    fn query(self) -> String {
        let ecmascript = include_str!("grammar/ecmascript.scm");
        match self {
            Self::Rust => include_str!("grammar/rust.scm").to_owned(),
            Self::Python => include_str!("grammar/python.scm").to_owned(),
            Self::Javascript => [ecmascript, include_str!("grammar/javascript.scm")].concat(),
            Self::Typescript | Self::Tsx => [ecmascript, include_str!("grammar/typescript.scm")].concat(),
            Self::Go => include_str!("grammar/go.scm").to_owned(),
            Self::C => include_str!("grammar/c.scm").to_owned(),
            Self::Bash => include_str!("grammar/bash.scm").to_owned(),
        }
    }
}

impl Grammar {
    fn new(language: tree_sitter::Language, query: &str) -> Self {
        let query = Query::new(&language, query).expect("the queries are fixed and a test compiles each");
        let captures = query.capture_names().iter().map(|name| capture(name)).collect();
        Self { language, query, captures }
    }
}

fn capture(name: &str) -> Capture {
    let kind = |name: &str| Kind::named(name).expect("the queries are fixed and a test compiles each");
    match name.split_once('.') {
        Some(("symbol", name)) => Capture::Symbol(kind(name)),
        Some(("bind", name)) => Capture::Bind(kind(name)),
        _ => match name {
            "name" => Capture::Name,
            "trait" => Capture::Trait,
            "parent" => Capture::Parent,
            "scope" => Capture::Scope,
            _ => Capture::Condition,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_language_is_loaded_with_its_query() {
        for language in Language::ALL {
            let grammar = language.grammar();
            assert!(grammar.query.pattern_count() > 3, "{language:?}");
            assert!(grammar.captures.contains(&Capture::Name), "{language:?}");
        }
    }

    #[test]
    fn kinds_are_written_alike_in_json_and_in_queries() {
        for kind in Kind::ALL {
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.name());
        }
    }

    #[test]
    fn files_are_known_by_their_names() {
        assert_eq!(Language::of("a/b.rs"), Some(Language::Rust));
        assert_eq!(Language::of("a.test.tsx"), Some(Language::Tsx));
        assert_eq!(Language::of("README.md"), None);
        assert_eq!(Language::of("rs"), None);
    }
}
