//! Symbols and words of a syntax tree.

use std::cmp::Reverse;
use std::collections::{HashMap, HashSet};
use std::ops::{ControlFlow, Range};

use tree_sitter::{Node, QueryCursor, QueryCursorOptions, QueryCursorState, QueryMatch, StreamingIterator};

use super::answer::Caller;
use super::grammar::{Capture, Grammar, Kind, Language};
use super::parse::Parsed;

/// Fields of a pattern that hold something else than what is bound.
const UNBOUND: [&str; 7] = ["type", "right", "key", "condition", "parameters", "size", "parameter"];

/// A symbol that is defined in a file, or a function without a name.
#[derive(Debug)]
pub(super) struct Symbol<'a> {
    /// What it is; none for a function without a name.
    pub(super) kind: Option<Kind>,
    pub(super) name: &'a str,
    /// The node of its name.
    name_id: usize,
    span: Range<usize>,
    /// Its lines, counted from 1.
    pub(super) lines: (usize, usize),
    /// The symbol that it stands in.
    pub(super) parent: Option<&'a str>,
    /// The trait that is implemented.
    pub(super) of: Option<&'a str>,
    /// Whether it is a variable of a function.
    pub(super) is_local: bool,
    rank: usize,
}

/// A word that names something.
#[derive(Debug, PartialEq)]
pub(super) struct Word<'a> {
    pub(super) text: &'a str,
    pub(super) line: usize,
    pub(super) column: usize,
    /// What it defines; none if it is a use.
    pub(super) defines: Option<Kind>,
    /// The symbol that it stands in; for a definition, that of the whole definition.
    pub(super) within: Option<&'a str>,
    /// The line that it stands in.
    pub(super) shown: &'a str,
}

/// What the query finds in a tree.
pub(super) struct Syntax<'a> {
    parsed: &'a Parsed,
    /// The symbols in order of their beginnings, outer ones first.
    pub(super) symbols: Vec<Symbol<'a>>,
    binds: HashMap<usize, Kind>,
}

impl<'a> Syntax<'a> {
    pub(super) fn new(parsed: &'a Parsed, caller: &Caller<'_>) -> Self {
        let grammar = parsed.language.grammar();
        let mut syntax = Self { parsed, symbols: Vec::new(), binds: HashMap::new() };
        let mut cursor = QueryCursor::new();
        let mut goes_on = |_: &QueryCursorState| {
            if (caller.stopped)() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        };
        let options = QueryCursorOptions::new().progress_callback(&mut goes_on);
        let root = parsed.tree.root_node();
        let mut matches = cursor.matches_with_options(&grammar.query, root, parsed.text.as_bytes(), options);
        while let Some(found) = matches.next() {
            syntax.take(grammar, found);
        }
        syntax.arrange();
        syntax
    }

    fn take(&mut self, grammar: &Grammar, found: &QueryMatch<'_, 'a>) {
        let mut name = None;
        let mut symbol = None;
        let (mut of, mut parent) = (None, None);
        for capture in found.captures() {
            let node = capture.node;
            match grammar.captures[capture.index as usize] {
                Capture::Name => name = Some(innermost(node)),
                Capture::Trait => of = Some(self.parsed.text_of(node)),
                Capture::Parent => parent = Some(self.parsed.text_of(node)),
                Capture::Scope => symbol = Some((None, node)),
                Capture::Symbol(kind) => symbol = Some((Some(kind), node)),
                Capture::Bind(kind) => {
                    self.binds.insert(node.id(), kind);
                }
                Capture::Condition => {}
            }
        }
        let Some((kind, node)) = symbol else { return };
        self.symbols.push(Symbol {
            kind: kind.map(|kind| declared(kind, name)),
            name: name.map_or("", |name| bare(self.parsed.text_of(name))),
            name_id: name.unwrap_or(node).id(),
            span: node.byte_range(),
            lines: (node.start_position().row + 1, last_row(node) + 1),
            parent,
            of,
            is_local: false,
            rank: found.pattern_index,
        });
    }

    /// Puts the symbols in order, each name once, and each into the one that it stands in.
    fn arrange(&mut self) {
        self.symbols.sort_by_key(|symbol| (symbol.span.start, Reverse(symbol.span.end), symbol.rank));
        let mut first: HashMap<usize, usize> = HashMap::new();
        for symbol in &self.symbols {
            let rank = first.entry(symbol.name_id).or_insert(symbol.rank);
            *rank = symbol.rank.min(*rank);
        }
        let mut seen = HashSet::new();
        self.symbols.retain(|symbol| {
            first[&symbol.name_id] == symbol.rank && (symbol.kind.is_none() || seen.insert(symbol.name_id))
        });
        let mut outer: Vec<usize> = Vec::new();
        for index in 0..self.symbols.len() {
            let start = self.symbols[index].span.start;
            outer.retain(|at| self.symbols[*at].span.end > start);
            // What is declared in one go, as `int a, b`, stands side by side.
            let span = self.symbols[index].span.clone();
            let mut inside =
                outer.iter().rev().map(|at| &self.symbols[*at]).filter(|outer| outer.span != span);
            let around = inside.clone().next().map(|symbol| symbol.kind);
            let named = inside.find(|symbol| symbol.kind.is_some());
            let parent = named.map(|symbol| symbol.name);
            let symbol = &mut self.symbols[index];
            symbol.parent = symbol.parent.or(parent);
            symbol.is_local = matches!(symbol.kind, Some(Kind::Variable | Kind::Field))
                && matches!(around, Some(None | Some(Kind::Function | Kind::Method)));
            symbol.kind = symbol.kind.map(|kind| member(kind, around.flatten()));
            outer.push(index);
        }
    }

    /// The words for which `wanted` holds, in order. Comments and strings have none.
    pub(super) fn words(&self, wanted: impl Fn(&str) -> bool) -> Vec<Word<'a>> {
        let defined: HashMap<usize, &Symbol<'a>> = self
            .symbols
            .iter()
            .filter(|symbol| symbol.kind.is_some_and(|kind| kind != Kind::Impl))
            .map(|symbol| (symbol.name_id, symbol))
            .collect();
        let mut words = Vec::new();
        let mut around = Around::new(&self.symbols);
        let mut cursor = self.parsed.tree.walk();
        // What a pattern binds, for each node from the root to the one that is looked at.
        let mut binding: Vec<Option<Kind>> = Vec::new();
        loop {
            let node = cursor.node();
            let bound = self.binds.get(&node.id()).copied().or_else(|| {
                let (outer, field) = (binding.last().copied().flatten(), cursor.field_name());
                outer.filter(|_| !field.is_some_and(|field| UNBOUND.contains(&field)))
            });
            if is_word(node, self.parsed.language) {
                let text = bare(self.parsed.text_of(node));
                if wanted(text) {
                    let symbol = defined.get(&node.id());
                    let bound = bound.filter(|_| binds(node, text, self.parsed.language));
                    words.push(Word {
                        text,
                        line: node.start_position().row + 1,
                        column: self.parsed.column_of(node),
                        defines: symbol.map_or(bound, |symbol| symbol.kind),
                        within: symbol.map_or_else(|| around.name(node), |symbol| symbol.parent),
                        shown: self.parsed.line_of(node),
                    });
                }
            }
            if cursor.goto_first_child() {
                binding.push(bound.filter(|_| is_pattern(node.kind())));
                continue;
            }
            while !cursor.goto_next_sibling() {
                if !cursor.goto_parent() {
                    return words;
                }
                binding.pop();
            }
        }
    }
}

/// Finds the symbol around each of a row of nodes that come in order.
struct Around<'a, 'b> {
    symbols: &'b [Symbol<'a>],
    next: usize,
    outer: Vec<&'b Symbol<'a>>,
}

impl<'a, 'b> Around<'a, 'b> {
    fn new(symbols: &'b [Symbol<'a>]) -> Self {
        Self { symbols, next: 0, outer: Vec::new() }
    }

    fn name(&mut self, node: Node<'_>) -> Option<&'a str> {
        let start = node.start_byte();
        while let Some(symbol) = self.symbols.get(self.next).filter(|symbol| symbol.span.start <= start) {
            self.outer.retain(|outer| outer.span.end > symbol.span.start);
            self.outer.push(symbol);
            self.next += 1;
        }
        self.outer.retain(|outer| outer.span.end > start);
        self.outer.iter().rev().find(|symbol| symbol.kind.is_some()).map(|symbol| symbol.name)
    }
}

/// The name inside what C puts around it, and inside the parameters of a generic type.
fn innermost(mut node: Node<'_>) -> Node<'_> {
    loop {
        let inner = match node.kind() {
            "generic_type" => node.child_by_field_name("type"),
            "parenthesized_declarator" => node.named_child(0),
            kind if kind.ends_with("declarator") => node.child_by_field_name("declarator"),
            _ => None,
        };
        match inner {
            Some(inner) => node = inner,
            None => return node,
        }
    }
}

/// C declares functions and variables alike; which one it is stands right around the name.
fn declared(kind: Kind, name: Option<Node<'_>>) -> Kind {
    let is_function =
        || name.and_then(|name| name.parent()).is_some_and(|parent| parent.kind() == "function_declarator");
    if kind == Kind::Variable && is_function() { Kind::Function } else { kind }
}

/// What something is as a part of what it stands in.
fn member(kind: Kind, of: Option<Kind>) -> Kind {
    match (kind, of) {
        (Kind::Function, Some(Kind::Class | Kind::Impl | Kind::Trait | Kind::Interface)) => Kind::Method,
        (Kind::Variable, Some(Kind::Class)) => Kind::Field,
        _ => kind,
    }
}

fn last_row(node: Node<'_>) -> usize {
    let end = node.end_position();
    // Some definitions take the end of their line with them.
    if end.column == 0 { end.row.saturating_sub(1).max(node.start_position().row) } else { end.row }
}

/// A name without what marks it: `r#type` of Rust, `#private` of JavaScript.
fn bare(text: &str) -> &str {
    text.strip_prefix("r#").or_else(|| text.strip_prefix('#')).unwrap_or(text)
}

fn is_word(node: Node<'_>, language: Language) -> bool {
    if !node.is_named() || node.child_count() > 0 || node.is_missing() {
        return false;
    }
    match (language, node.kind()) {
        (Language::Bash, "variable_name") => true,
        (Language::Bash, "word") => node
            .parent()
            .is_some_and(|parent| matches!(parent.kind(), "command_name" | "function_definition")),
        (Language::Bash, _) => false,
        (_, kind) => kind.ends_with("identifier") || kind.ends_with("identifier_pattern"),
    }
}

/// Whether the parts of such a node are parts of the same pattern.
fn is_pattern(kind: &str) -> bool {
    kind.ends_with("pattern")
        || kind.ends_with("declarator")
        || matches!(kind, "pattern_list" | "expression_list" | "as_pattern_target")
}

/// Whether a word of a pattern is bound by it. The name of a field is not; nor, in Rust, is what a capital letter begins: a variant or
/// a constant, which is used there.
fn binds(node: Node<'_>, text: &str, language: Language) -> bool {
    let is_variant = language == Language::Rust && text.starts_with(char::is_uppercase);
    !is_variant && node.kind() != "field_identifier"
}

#[cfg(test)]
mod tests;
