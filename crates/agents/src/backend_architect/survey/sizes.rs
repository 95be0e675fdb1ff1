//! The lines and functions of one file.

use schemars::JsonSchema;
use serde::Serialize;
use syn::visit::{self, Visit};

use crate::source::Unit;
use crate::source::rust::{is_test_only, lines as span_lines};

/// The lines of a file by kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub(in crate::backend_architect) struct Lines {
    /// Shipped code.
    pub(in crate::backend_architect) code: usize,
    /// Code of tests, examples and benchmarks.
    pub(in crate::backend_architect) test: usize,
    /// Comments.
    pub(in crate::backend_architect) comment: usize,
    /// Nothing.
    pub(in crate::backend_architect) blank: usize,
}

/// One function.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::backend_architect) struct Function {
    /// Its name.
    pub(in crate::backend_architect) name: String,
    /// Where it begins.
    pub(in crate::backend_architect) line: u32,
    /// How many lines it takes.
    pub(in crate::backend_architect) lines: usize,
    /// Whether it belongs to the tests or examples.
    pub(in crate::backend_architect) test: bool,
    /// Whether it is itself a test.
    pub(in crate::backend_architect) is_case: bool,
}

/// Counts the lines of a file.
pub(in crate::backend_architect) fn lines(unit: &Unit<'_>) -> Lines {
    let mut counted = Lines::default();
    for (number, line) in (1..).zip(unit.text.lines()) {
        let line = line.trim();
        if line.is_empty() {
            counted.blank += 1;
        } else if line.starts_with("//") {
            counted.comment += 1;
        } else if unit.is_shipped(number) {
            counted.code += 1;
        } else {
            counted.test += 1;
        }
    }
    counted
}

/// The functions of a file, methods and nested ones among them.
pub(in crate::backend_architect) fn functions(unit: &Unit<'_>) -> Vec<Function> {
    let mut functions = Functions { unit, found: Vec::new() };
    functions.visit_file(&unit.tree);
    functions.found
}

struct Functions<'a> {
    unit: &'a Unit<'a>,
    found: Vec<Function>,
}

impl Functions<'_> {
    fn add(&mut self, signature: &syn::Signature, block: &syn::Block, attributes: &[syn::Attribute]) {
        let line = *span_lines(signature.fn_token.span).start();
        let end = *span_lines(block.brace_token.span.close()).end();
        self.found.push(Function {
            name: signature.ident.to_string(),
            line,
            lines: (end.saturating_sub(line) + 1) as usize,
            test: !self.unit.is_shipped(line),
            is_case: is_test_only(attributes),
        });
    }
}

impl<'ast> Visit<'ast> for Functions<'_> {
    fn visit_item_fn(&mut self, function: &'ast syn::ItemFn) {
        self.add(&function.sig, &function.block, &function.attrs);
        visit::visit_item_fn(self, function);
    }

    fn visit_impl_item_fn(&mut self, function: &'ast syn::ImplItemFn) {
        self.add(&function.sig, &function.block, &function.attrs);
        visit::visit_impl_item_fn(self, function);
    }

    fn visit_trait_item_fn(&mut self, function: &'ast syn::TraitItemFn) {
        if let Some(block) = &function.default {
            self.add(&function.sig, block, &function.attrs);
        }
        visit::visit_trait_item_fn(self, function);
    }
}

impl Lines {
    /// Both together.
    pub(in crate::backend_architect) fn plus(self, other: Self) -> Self {
        Self {
            code: self.code + other.code,
            test: self.test + other.test,
            comment: self.comment + other.comment,
            blank: self.blank + other.blank,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::rust::fixture::parsed;

    #[test]
    fn lines_are_counted_by_kind() {
        let text = "//! Doc.\n\nfn a() {} // code\n#[cfg(test)]\nmod tests {\n    // why\n    fn b() {}\n}\n";
        parsed("src/a.rs", text, |unit| {
            assert_eq!(lines(unit), Lines { code: 1, test: 4, comment: 2, blank: 1 });
        });
    }

    #[test]
    fn functions_have_their_place_and_length() {
        let text = "/// Doc.\n#[inline]\npub fn a() {\n}\nimpl A {\n    fn b(&self) {\n        fn c() {}\n    }\n}\ntrait T { fn d(); fn e() {} }\n#[test]\nfn f() {}\n";
        parsed("src/a.rs", text, |unit| {
            let found: Vec<_> =
                functions(unit).into_iter().map(|f| (f.name, f.line, f.lines, f.is_case)).collect();
            let expected = [
                ("a", 3, 2, false),
                ("b", 6, 3, false),
                ("c", 7, 1, false),
                ("e", 10, 1, false),
                ("f", 12, 1, true),
            ];
            assert_eq!(found, expected.map(|(name, line, lines, case)| (name.to_owned(), line, lines, case)));
        });
    }
}
