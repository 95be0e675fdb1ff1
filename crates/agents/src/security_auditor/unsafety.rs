//! The inventory of unsafe code, and whether each piece says why it is sound.

mod pieces;

use std::collections::{BTreeMap, BTreeSet};

use pieces::{Kind, Piece, pieces};
use proc_macro2::TokenTree;
use syn::{Attribute, Meta};

use crate::review::{Finding, Review, Severity, Unchecked, plural};
use crate::source::{Area, Repository, Unit};

/// What the Rust files of a repository hold of unsafe code.
#[derive(Debug, Default)]
pub(super) struct Unsafety {
    counts: BTreeMap<Kind, usize>,
    findings: Vec<Finding>,
    /// Crates, by index, that hold unsafe code in what they ship.
    holders: BTreeSet<usize>,
    /// Crate roots that were seen, by the index of their crate, and whether all of them forbid unsafe code.
    roots: BTreeMap<usize, bool>,
    files: usize,
}

impl Unsafety {
    /// Adds one file.
    pub(super) fn add(&mut self, repository: &Repository, unit: &Unit<'_>) {
        self.files += 1;
        let pieces = pieces(unit);
        for piece in &pieces {
            *self.counts.entry(piece.kind).or_insert(0) += 1;
        }
        self.findings.extend(judge(unit, &pieces));
        let Some(krate) = repository.manifests.owner(unit.path) else { return };
        if pieces.iter().any(|piece| unit.is_shipped(piece.line)) {
            self.holders.insert(krate);
        }
        if is_root(&repository.manifests.crates[krate].dir, unit.path) {
            *self.roots.entry(krate).or_insert(true) &= forbids(&unit.tree.attrs);
        }
    }

    /// Says what was found.
    pub(super) fn conclude(self, repository: &Repository, review: &mut Review) {
        if self.files == 0 {
            review.skipped("unsafe code", "there is no Rust file in the path that could be parsed");
            return;
        }
        for kind in Kind::ALL {
            review.measure(kind.metric(), self.counts.get(&kind).copied().unwrap_or(0));
        }
        let (forbidding, open, elsewhere) = self.forbidding(repository);
        review.measure("crates_forbidding_unsafe", forbidding);
        review.verdict("every piece of unsafe code says why it is sound", self.findings);
        if repository.manifests.crates.is_empty() {
            review.skipped("unsafe code forbidden", "the Rust files belong to no crate of the path");
        } else if open.is_empty() && elsewhere.is_empty() {
            review.passed.push("every crate without unsafe code forbids it".to_owned());
        } else {
            review.findings.extend(open);
            review.unchecked.extend(elsewhere);
        }
    }

    /// How many crates forbid unsafe code, a remark for each that has none and could, and those whose lints cannot be
    /// read here.
    fn forbidding(&self, repository: &Repository) -> (usize, Vec<Finding>, Vec<Unchecked>) {
        let (mut count, mut open, mut elsewhere) = (0, Vec::new(), Vec::new());
        for (index, krate) in repository.manifests.crates.iter().enumerate() {
            let by_manifest =
                krate.unsafe_code.as_deref().is_some_and(|level| matches!(level, "forbid" | "deny"));
            let Some(by_source) = self.roots.get(&index).copied() else { continue };
            if by_manifest || by_source {
                count += 1;
            } else if krate.inherits && krate.workspace.is_none() {
                let reason = "its lints may come from a workspace outside of the path";
                elsewhere.push(Unchecked::new(format!("unsafe code forbidden in {}", krate.name), reason));
            } else if !self.holders.contains(&index) && krate.area() == Area::Source {
                open.push(
                    Finding::new(
                        Severity::Info,
                        "unsafe_not_forbidden",
                        format!("{} has no unsafe code and does not forbid it", krate.name),
                    )
                    .at(&krate.manifest, 1)
                    .suggest("set unsafe_code = \"forbid\" under lints.rust"),
                );
            }
        }
        (count, open, elsewhere)
    }
}

fn is_root(dir: &str, path: &str) -> bool {
    let inside = if dir.is_empty() { path } else { path.get(dir.len() + 1..).unwrap_or_default() };
    matches!(inside, "src/lib.rs" | "src/main.rs")
}

fn forbids(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        let level = attribute.path().is_ident("forbid") || attribute.path().is_ident("deny");
        let Meta::List(list) = &attribute.meta else { return false };
        level
            && list
                .tokens
                .clone()
                .into_iter()
                .any(|token| matches!(token, TokenTree::Ident(name) if name == "unsafe_code"))
    })
}

fn judge(unit: &Unit<'_>, pieces: &[Piece]) -> Vec<Finding> {
    let mut findings: Vec<Finding> = pieces
        .iter()
        .filter(|piece| unit.is_shipped(piece.line))
        .filter_map(|piece| fault(unit, piece))
        .collect();
    let sound: Vec<&Piece> =
        pieces.iter().filter(|piece| piece.documented && unit.is_shipped(piece.line)).collect();
    if let Some(first) = sound.first() {
        let message = format!("{} of unsafe code with a reason given", plural(sound.len(), "piece"));
        findings.push(
            Finding::new(Severity::Info, "unsafe_code", message)
                .at(unit.path, first.line)
                .column(first.column)
                .evidence("the first stands here"),
        );
    }
    findings
}

fn fault(unit: &Unit<'_>, piece: &Piece) -> Option<Finding> {
    let (severity, rule, message, suggestion) = match piece.kind {
        Kind::StaticMut => (
            Severity::Medium,
            "static_mut",
            "a static mut is shared without any guard".to_owned(),
            "use an atomic, a Mutex or a OnceLock",
        ),
        // What another language does is declared here and answered for where it is called.
        Kind::Extern => return None,
        _ if piece.documented => return None,
        kind @ (Kind::Function | Kind::Trait) => (
            Severity::Low,
            "undocumented_unsafe",
            format!("this {} does not say what its callers have to uphold", kind.name()),
            "write a section # Safety that says what has to hold",
        ),
        kind @ (Kind::Block | Kind::Impl) => (
            Severity::Medium,
            "undocumented_unsafe",
            format!("this {} does not say why it is sound", kind.name()),
            "write a comment // SAFETY: above it that says why what it needs holds here",
        ),
    };
    let finding = Finding::new(severity, rule, message).at(unit.path, piece.line).column(piece.column);
    Some(finding.evidence(piece.kind.name()).suggest(suggestion))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::Pace;
    use crate::source::fixture::{package, repository};

    fn review(files: &[(&str, &str)]) -> Review {
        let (_dir, repository) = repository(files);
        let mut unsafety = Unsafety::default();
        repository.each_rust(&Pace::free(), |unit| unsafety.add(&repository, unit)).unwrap();
        let mut review = Review::default();
        unsafety.conclude(&repository, &mut review);
        review.conclude("unsafe")
    }

    #[test]
    fn undocumented_pieces_are_findings_and_documented_ones_a_remark() {
        let manifest = package("x");
        let text = "fn a() {\n    unsafe { b() }\n    // SAFETY: so.\n    unsafe { b() }\n}\nunsafe fn b() {}\n#[cfg(test)]\nmod tests {\n    fn c() { unsafe { b() } }\n}\n";
        let review = review(&[("Cargo.toml", &manifest), ("src/lib.rs", text)]);
        let found: Vec<_> = review.findings.iter().map(|f| (f.severity, f.rule.as_str(), f.line)).collect();
        assert_eq!(
            found,
            [
                (Severity::Medium, "undocumented_unsafe", Some(2)),
                (Severity::Low, "undocumented_unsafe", Some(6)),
                (Severity::Info, "unsafe_code", Some(4))
            ]
        );
        assert_eq!(review.metrics["unsafe_blocks"], 3);
    }

    #[test]
    fn a_crate_that_could_forbid_unsafe_code_is_named() {
        let (plain, forbidding) =
            (package("plain"), package("own") + "[lints.rust]\nunsafe_code = \"forbid\"\n");
        let review = review(&[
            ("a/Cargo.toml", &plain),
            ("a/src/lib.rs", "fn a() {}"),
            ("b/Cargo.toml", &forbidding),
            ("b/src/lib.rs", "fn b() {}"),
            ("c/Cargo.toml", &package("attribute")),
            ("c/src/main.rs", "#![forbid(unsafe_code)]\nfn main() {}"),
        ]);
        assert_eq!(review.findings.len(), 1);
        assert_eq!(review.findings[0].message, "plain has no unsafe code and does not forbid it");
        assert_eq!(review.findings[0].file.as_deref(), Some("a/Cargo.toml"));
        assert_eq!(review.metrics["crates_forbidding_unsafe"], 2);
    }

    #[test]
    fn a_crate_whose_lints_lie_outside_of_the_path_is_unchecked() {
        let manifest = "[package]\nname = \"x\"\n[lints]\nworkspace = true\n";
        let review = review(&[("Cargo.toml", manifest), ("src/lib.rs", "fn a() {}")]);
        assert_eq!(review.findings, []);
        assert_eq!(review.unchecked[0].check, "unsafe code forbidden in x");
        assert_eq!(review.passed, ["every piece of unsafe code says why it is sound"]);
    }

    #[test]
    fn without_rust_nothing_has_passed() {
        let review = review(&[("a.py", "x")]);
        assert!(review.passed.is_empty());
        assert_eq!(review.unchecked[0].check, "unsafe code");
    }
}
