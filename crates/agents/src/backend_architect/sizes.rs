//! How large files and functions are.

use schemars::JsonSchema;
use serde::Serialize;
use syn::visit::{self, Visit};

use super::survey::Survey;
use crate::review::{Finding, Severity};
use crate::source::Unit;
use crate::source::rust::{is_test_only, lines as span_lines};

/// Beyond this a function is hard to hold in the head: clippy's `too_many_lines` draws the same line.
const LONG_FUNCTION: usize = 100;

/// Beyond this nobody holds it in the head.
const ENDLESS_FUNCTION: usize = 250;

/// Lines of shipped code beyond which a file usually holds more than one idea: the 90th percentile of well-kept Rust
/// projects lies below it.
const LONG_FILE: usize = 1000;

/// How many of the largest are listed.
const LISTED: usize = 20;

/// The lines of a file by kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub(super) struct Lines {
    /// Shipped code.
    pub(super) code: usize,
    /// Code of tests, examples and benchmarks.
    pub(super) test: usize,
    /// Comments.
    pub(super) comment: usize,
    /// Nothing.
    pub(super) blank: usize,
}

/// One function.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Function {
    /// Its name.
    pub(super) name: String,
    /// Where it begins.
    pub(super) line: u32,
    /// How many lines it takes.
    pub(super) lines: usize,
    /// Whether it belongs to the tests or examples.
    pub(super) test: bool,
    /// Whether it is itself a test.
    pub(super) is_case: bool,
}

/// The sizes of a repository.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Sizes {
    /// All Rust lines together.
    pub(super) total: Lines,
    /// Shipped lines for each shipped file.
    pub(super) files: Spread,
    /// Lines for each shipped function.
    pub(super) functions: Spread,
    /// The largest files.
    pub(super) largest_files: Vec<Sized>,
    /// The largest functions.
    pub(super) largest_functions: Vec<Sized>,
    #[serde(skip)]
    findings: Vec<Finding>,
}

/// How a number is spread.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub(super) struct Spread {
    /// How many there are.
    pub(super) count: usize,
    /// Half are at most this.
    pub(super) median: usize,
    /// Nine of ten are at most this.
    pub(super) p90: usize,
    /// The largest.
    pub(super) largest: usize,
}

/// A file or function with its size.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub(super) struct Sized {
    /// The function's name; empty for a file.
    pub(super) name: String,
    /// The file.
    pub(super) file: String,
    /// Where it begins.
    pub(super) line: u32,
    /// Its lines.
    pub(super) lines: usize,
}

/// Counts the lines of a file.
pub(super) fn lines(unit: &Unit<'_>) -> Lines {
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
pub(super) fn functions(unit: &Unit<'_>) -> Vec<Function> {
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

impl Sizes {
    /// Measures what `survey` has read.
    pub(super) fn of(survey: &Survey) -> Self {
        let files: Vec<Sized> =
            survey.shipped().map(|facts| sized("", &facts.path, 1, facts.lines.code)).collect();
        let functions: Vec<Sized> = survey
            .shipped()
            .flat_map(|facts| facts.functions.iter().map(|function| (&facts.path, function)))
            .filter(|(_, function)| !function.test)
            .map(|(path, function)| sized(&function.name, path, function.line, function.lines))
            .collect();
        let findings =
            files.iter().filter_map(long_file).chain(functions.iter().filter_map(long_function)).collect();
        Self {
            total: survey.files.iter().map(|facts| facts.lines).fold(Lines::default(), Lines::plus),
            files: Spread::of(&files),
            functions: Spread::of(&functions),
            largest_files: largest(files),
            largest_functions: largest(functions),
            findings,
        }
    }

    /// Files and functions that are too long.
    pub(super) fn findings(&self) -> Vec<Finding> {
        self.findings.clone()
    }
}

impl Lines {
    fn plus(self, other: Self) -> Self {
        Self {
            code: self.code + other.code,
            test: self.test + other.test,
            comment: self.comment + other.comment,
            blank: self.blank + other.blank,
        }
    }
}

impl Spread {
    fn of(sizes: &[Sized]) -> Self {
        let mut lines: Vec<usize> = sizes.iter().map(|sized| sized.lines).collect();
        lines.sort_unstable();
        let at = |percent: usize| {
            let rank = (lines.len() * percent).div_ceil(100).max(1) - 1;
            lines.get(rank).copied().unwrap_or(0)
        };
        Self { count: lines.len(), median: at(50), p90: at(90), largest: at(100) }
    }
}

fn sized(name: &str, file: &str, line: u32, lines: usize) -> Sized {
    Sized { name: name.to_owned(), file: file.to_owned(), line, lines }
}

fn largest(mut sizes: Vec<Sized>) -> Vec<Sized> {
    sizes.sort_by(|a, b| b.lines.cmp(&a.lines).then_with(|| (&a.file, a.line).cmp(&(&b.file, b.line))));
    sizes.truncate(LISTED);
    sizes
}

fn long_file(file: &Sized) -> Option<Finding> {
    (file.lines > LONG_FILE).then(|| {
        Finding::new(Severity::Low, "long_file", format!("the file has {} lines of shipped code", file.lines))
            .at(&file.file, 1)
            .evidence(format!("{} lines, threshold {LONG_FILE}", file.lines))
            .suggest("give each idea in it a file of its own")
    })
}

fn long_function(function: &Sized) -> Option<Finding> {
    let severity = match function.lines {
        0..=LONG_FUNCTION => return None,
        lines if lines <= ENDLESS_FUNCTION => Severity::Low,
        _ => Severity::Medium,
    };
    let message = format!("the function {} takes {} lines", function.name, function.lines);
    Some(
        Finding::new(severity, "long_function", message)
            .at(&function.file, function.line)
            .evidence(format!("{} lines, threshold {LONG_FUNCTION}", function.lines))
            .suggest("name its steps and make them functions"),
    )
}

#[cfg(test)]
mod tests {
    use super::super::survey::fixture::survey;
    use super::*;
    use crate::source::rust::fixture::parsed;

    fn function_of(lines: usize) -> String {
        format!("fn long() {{\n{}}}\n", "    step();\n".repeat(lines - 2))
    }

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

    #[test]
    fn the_threshold_of_a_long_function_is_exact() {
        for (lines, expected) in [
            (100, None),
            (101, Some(Severity::Low)),
            (250, Some(Severity::Low)),
            (251, Some(Severity::Medium)),
        ] {
            let (_dir, _repository, survey) = survey(&[("src/a.rs", &format!("\n{}", function_of(lines)))]);
            let findings = Sizes::of(&survey).findings();
            assert_eq!(findings.first().map(|finding| finding.severity), expected, "{lines}");
            assert!(findings.iter().all(|finding| finding.line == Some(2)));
        }
    }

    #[test]
    fn a_long_test_is_no_finding() {
        let test = format!("#[cfg(test)]\nmod tests {{\n{}}}", function_of(300));
        let (_dir, _repository, survey) = survey(&[("src/a.rs", &test), ("tests/b.rs", &function_of(300))]);
        assert_eq!(Sizes::of(&survey).findings(), []);
    }

    #[test]
    fn a_long_file_is_found_by_its_shipped_lines() {
        let (code, test) = ("fn a() {}\n".repeat(1001), "fn a() {}\n".repeat(1000));
        let test = format!("{test}#[cfg(test)]\nmod tests {{\n{test}}}\n");
        let (_dir, _repository, survey) = survey(&[("src/a.rs", &code), ("src/b.rs", &test)]);
        let findings = Sizes::of(&survey).findings();
        assert_eq!(findings.len(), 1);
        assert_eq!((findings[0].rule.as_str(), findings[0].file.as_deref()), ("long_file", Some("src/a.rs")));
    }

    #[test]
    fn a_spread_is_taken_by_rank() {
        let sizes: Vec<Sized> = (1..=10).map(|lines| sized("", "", 1, lines)).collect();
        assert_eq!(Spread::of(&sizes), Spread { count: 10, median: 5, p90: 9, largest: 10 });
        assert_eq!(Spread::of(&[]), Spread::default());
    }
}
