//! Calls that are easily wrong in a way that an attacker can use.
//!
//! Each check is a file with two or three functions over one expression. They see every expression of a file, those
//! among the arguments of macros too, and know nothing of types: what they report is a place to look at.

mod files;
mod http;
mod memory;
mod shell;
mod sql;
mod tls;

use syn::spanned::Spanned;
use syn::visit::{self, Visit};
use syn::{Attribute, Expr, ExprCall, ExprMethodCall, Lit, LitStr, Macro};

use crate::review::{Finding, Review, Severity};
use crate::source::Unit;
use crate::source::rust::{arguments, place};

/// One risky call, without its place.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Risk {
    severity: Severity,
    rule: &'static str,
    message: &'static str,
    /// What was seen, in words of this program: text of the source may hold a secret.
    evidence: String,
    suggestion: &'static str,
}

/// The risky calls of a repository.
#[derive(Debug, Default)]
pub(super) struct Risks {
    findings: Vec<Finding>,
    files: usize,
}

impl Risks {
    /// Adds one file.
    pub(super) fn add(&mut self, unit: &Unit<'_>) {
        self.files += 1;
        self.findings.extend(search(unit));
    }

    /// Says what was found.
    pub(super) fn conclude(self, review: &mut Review) {
        if self.files == 0 {
            review.skipped("risky calls", "there is no Rust file in the path that could be parsed");
            return;
        }
        review.measure("risky_calls", self.findings.len());
        review.verdict(
            "no risky calls: shells, raw memory, open permissions, unchecked certificates, assembled SQL, plain HTTP",
            self.findings,
        );
    }
}

fn search(unit: &Unit<'_>) -> Vec<Finding> {
    let mut search = Search { unit, found: Vec::new() };
    search.visit_file(&unit.tree);
    search.found
}

struct Search<'a> {
    unit: &'a Unit<'a>,
    found: Vec<Finding>,
}

impl Search<'_> {
    /// Reports `risk`. In tests and examples it weighs less, and what would be a remark is left out.
    fn add(&mut self, risk: Option<Risk>, node: &impl Spanned) {
        let Some(risk) = risk else { return };
        let (line, column) = place(node.span());
        let shipped = self.unit.is_shipped(line);
        let severity = if shipped { risk.severity } else { risk.severity.lowered() };
        if !shipped && severity == Severity::Info {
            return;
        }
        let finding = Finding::new(severity, risk.rule, risk.message).at(self.unit.path, line).column(column);
        self.found.push(finding.evidence(risk.evidence).suggest(risk.suggestion));
    }
}

impl<'ast> Visit<'ast> for Search<'_> {
    fn visit_attribute(&mut self, _: &'ast Attribute) {
        // Attributes call nothing, and documentation is one of them.
    }

    fn visit_expr_call(&mut self, call: &'ast ExprCall) {
        self.add(memory::call(call), &call.func);
        self.add(files::call(call), &call.func);
        visit::visit_expr_call(self, call);
    }

    fn visit_expr_method_call(&mut self, call: &'ast ExprMethodCall) {
        self.add(shell::method(call), &call.method);
        self.add(files::method(call), &call.method);
        self.add(tls::method(call), &call.method);
        visit::visit_expr_method_call(self, call);
    }

    fn visit_macro(&mut self, mac: &'ast Macro) {
        self.add(sql::format(mac), &mac.path);
        for argument in arguments(mac) {
            self.visit_expr(&argument);
        }
    }

    fn visit_lit_str(&mut self, literal: &'ast LitStr) {
        self.add(http::literal(&literal.value()), literal);
    }
}

/// The names of the path that `call` calls, without generic arguments.
fn callee(call: &ExprCall) -> Vec<String> {
    match &*call.func {
        Expr::Path(path) => path.path.segments.iter().map(|segment| segment.ident.to_string()).collect(),
        _ => Vec::new(),
    }
}

/// The text of a literal, behind references too.
fn text(expression: &Expr) -> Option<String> {
    match expression {
        Expr::Lit(literal) => match &literal.lit {
            Lit::Str(text) => Some(text.value()),
            _ => None,
        },
        Expr::Reference(reference) => text(&reference.expr),
        Expr::Paren(paren) => text(&paren.expr),
        _ => None,
    }
}

/// The value of an integer literal.
fn number(expression: &Expr) -> Option<u32> {
    match expression {
        Expr::Lit(literal) => match &literal.lit {
            Lit::Int(number) => number.base10_parse().ok(),
            _ => None,
        },
        _ => None,
    }
}

#[cfg(test)]
mod fixture {
    use super::*;
    use crate::source::rust::fixture::parsed;

    /// The rules that find something in the body of a function, with their lines.
    pub(super) fn rules(body: &str) -> Vec<(String, u32)> {
        findings("src/a.rs", &format!("fn a() {{\n{body}\n}}\n"))
            .into_iter()
            .map(|finding| (finding.rule, finding.line.unwrap_or(0)))
            .collect()
    }

    /// What is found in `text`, the content of the file at `path`.
    pub(super) fn findings(path: &str, text: &str) -> Vec<Finding> {
        parsed(path, text, search)
    }

    /// Asserts that `body` is found by `rule` once, on its first line.
    pub(super) fn finds(rule: &str, body: &str) {
        assert_eq!(rules(body), [(rule.to_owned(), 2)], "{body}");
    }

    /// Asserts that nothing is found in `body`.
    pub(super) fn finds_nothing(body: &str) {
        assert_eq!(rules(body), [], "{body}");
    }
}

#[cfg(test)]
mod tests {
    use super::fixture::{findings, finds_nothing};
    use super::*;

    #[test]
    fn a_risk_in_a_test_weighs_less_or_nothing() {
        let body = "c.danger_accept_invalid_certs(true); std::mem::forget(x);";
        let found = findings("src/a.rs", &format!("#[test]\nfn a() {{ {body} }}\nfn b() {{ {body} }}\n"));
        let found: Vec<_> = found.into_iter().map(|f| (f.rule, f.severity, f.line)).collect();
        assert_eq!(
            found,
            [
                ("unchecked_certificate".to_owned(), Severity::Low, Some(2)),
                ("unchecked_certificate".to_owned(), Severity::High, Some(3)),
                ("forget".to_owned(), Severity::Low, Some(3))
            ]
        );
    }

    #[test]
    fn the_column_is_that_of_the_call() {
        let found = findings("src/a.rs", "fn a() { client\n    .danger_accept_invalid_certs(true) }");
        assert_eq!((found[0].line, found[0].column), (Some(2), Some(6)));
    }

    #[test]
    fn documentation_calls_nothing() {
        finds_nothing("/// see http://insecure.org/x\nlet a = 1; // transmute(x)");
    }
}
