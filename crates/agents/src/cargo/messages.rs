//! What cargo says on its standard output: first messages, one line each, then whatever the programs say that it runs.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use cargo_metadata::{Artifact, Message};

use super::diagnostic::Diagnostic;
use super::lines::Lines;
use super::tally::Tally;
use crate::process::Channel;

/// How many diagnostics are kept; all are counted.
const MOST: usize = 1_000;

/// What was heard so far.
#[derive(Debug)]
pub(crate) struct Messages {
    project: PathBuf,
    lines: Lines,
    seen: BTreeSet<Diagnostic>,
    /// How many different diagnostics there were beyond those that are kept.
    pub(crate) left_out: usize,
    /// The programs that were built.
    pub(crate) executables: Vec<PathBuf>,
    libraries: Vec<PathBuf>,
    /// The packages of the project that were built, by their manifests.
    pub(crate) packages: BTreeSet<PathBuf>,
    /// How many targets of those there were.
    pub(crate) targets: usize,
    /// Whether everything was built; `None` if cargo did not come so far.
    pub(crate) built: Option<bool>,
    /// The tests and benchmarks that were run.
    pub(crate) tally: Tally,
    /// What the programs said that cargo ran, from its beginning.
    pub(crate) said: Vec<u8>,
    limit: usize,
}

impl Messages {
    /// Listens for a project; keeps at most `limit` bytes of what its programs say.
    pub(crate) fn new(project: &Path, limit: usize) -> Self {
        Self {
            project: project.to_owned(),
            lines: Lines::default(),
            seen: BTreeSet::new(),
            left_out: 0,
            executables: Vec::new(),
            libraries: Vec::new(),
            packages: BTreeSet::new(),
            targets: 0,
            built: None,
            tally: Tally::default(),
            said: Vec::new(),
            limit,
        }
    }

    /// Takes a piece of output, and gives back what there is to pass on.
    pub(crate) fn hear(&mut self, piece: &[u8]) -> Vec<(Channel, String)> {
        let mut heard = Vec::new();
        let mut lines = std::mem::take(&mut self.lines);
        lines.feed(piece, |line| heard.extend(self.line(line)));
        self.lines = lines;
        heard
    }

    /// Takes what came after the last line.
    pub(crate) fn finish(&mut self) -> Vec<(Channel, String)> {
        let mut heard = Vec::new();
        std::mem::take(&mut self.lines).finish(|line| heard.extend(self.line(line)));
        heard
    }

    /// The diagnostics: errors first, then by place.
    pub(crate) fn diagnostics(&self) -> Vec<Diagnostic> {
        self.seen.iter().cloned().collect()
    }

    /// What was built: executables by path, then libraries. Of these the last one that cargo names comes first, since it
    /// builds what a package needs before the package.
    pub(crate) fn artifacts(&self) -> Vec<PathBuf> {
        let executables: BTreeSet<_> = self.executables.iter().cloned().collect();
        executables.into_iter().chain(self.libraries.iter().rev().cloned()).collect()
    }

    fn line(&mut self, line: &str) -> Option<(Channel, String)> {
        // Once everything is built, a line of JSON is a program's own.
        if self.built.is_none()
            && let Ok(message) = serde_json::from_str(line)
        {
            return self.message(message);
        }
        self.tally.hear(line);
        let line = format!("{line}\n");
        let room = self.limit.saturating_sub(self.said.len()).min(line.len());
        self.said.extend_from_slice(&line.as_bytes()[..room]);
        Some((Channel::Stdout, line))
    }

    fn message(&mut self, message: Message) -> Option<(Channel, String)> {
        match message {
            Message::CompilerMessage(told) => {
                let new = self.diagnose(Diagnostic::new(&told.message, &self.project)?);
                told.message.rendered.filter(|_| new).map(|text| (Channel::Stderr, text))
            }
            Message::CompilerArtifact(artifact) => {
                self.artifact(artifact);
                None
            }
            Message::BuildFinished(finished) => {
                self.built = Some(finished.success);
                None
            }
            _ => None,
        }
    }

    /// Keeps a diagnostic, and tells whether it is new: a file that is compiled for a library and for its tests is
    /// complained of twice.
    fn diagnose(&mut self, diagnostic: Diagnostic) -> bool {
        if self.seen.contains(&diagnostic) {
            return false;
        }
        if self.seen.len() == MOST {
            self.left_out += 1;
            return true;
        }
        self.seen.insert(diagnostic)
    }

    fn artifact(&mut self, artifact: Artifact) {
        if !artifact.manifest_path.starts_with(&self.project) || artifact.target.is_custom_build() {
            return;
        }
        self.targets += 1;
        self.packages.insert(artifact.manifest_path.into());
        if artifact.executable.is_none() {
            let whole = artifact.filenames.into_iter().filter(|file| file.extension() != Some("rmeta"));
            self.libraries.extend(whole.map(PathBuf::from));
        }
        self.executables.extend(artifact.executable.map(PathBuf::from));
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn warning(line: u32) -> String {
        let span = json!({ "file_name": "src/lib.rs", "byte_start": 0, "byte_end": 1, "line_start": line,
            "line_end": line, "column_start": 1, "column_end": 2, "is_primary": true, "text": [], "label": null,
            "suggested_replacement": null, "suggestion_applicability": null, "expansion": null });
        let target = json!({ "name": "x", "kind": ["lib"], "crate_types": ["lib"], "src_path": "/x/src/lib.rs",
            "edition": "2024", "doctest": true, "test": true, "doc": true });
        let message = json!({ "reason": "compiler-message", "package_id": "x", "manifest_path": "/x/Cargo.toml",
            "target": target, "message": { "message": "unused", "level": "warning", "code": null, "children": [],
            "rendered": "warning: unused\n", "spans": [span] } });
        format!("{message}\n")
    }

    const FINISHED: &str = "{\"reason\":\"build-finished\",\"success\":true}\n";

    #[test]
    fn the_same_complaint_of_two_targets_is_one() {
        let mut messages = Messages::new(Path::new("/x"), 100);
        assert_eq!(messages.hear(warning(1).as_bytes()), [(Channel::Stderr, "warning: unused\n".to_owned())]);
        assert!(messages.hear(warning(1).as_bytes()).is_empty());
        assert_eq!(messages.hear(warning(2).as_bytes()).len(), 1);
        assert_eq!(messages.diagnostics().len(), 2);
    }

    #[test]
    fn diagnostics_are_bounded_and_counted() {
        let mut messages = Messages::new(Path::new("/x"), 100);
        for line in 0..1_010 {
            messages.hear(warning(line).as_bytes());
        }
        assert_eq!((messages.diagnostics().len(), messages.left_out), (MOST, 10));
    }

    #[test]
    fn what_a_program_says_is_not_taken_for_a_message_of_cargo() {
        let mut messages = Messages::new(Path::new("/x"), 1000);
        let lie = "{\"reason\":\"build-finished\",\"success\":false}\n";
        let heard = messages.hear(format!("{FINISHED}{lie}").as_bytes());
        assert_eq!(heard, [(Channel::Stdout, lie.to_owned())]);
        assert_eq!(messages.built, Some(true));
        assert_eq!(messages.said, lie.as_bytes());
    }

    #[test]
    fn what_programs_say_is_kept_up_to_the_limit_and_counted_to_the_end() {
        let mut messages = Messages::new(Path::new("/x"), 4);
        messages.hear(format!("{FINISHED}running\n").as_bytes());
        messages.hear(b"test result: ok. 7 passed; 0 failed; 0 ignored; 0 measured");
        messages.finish();
        assert_eq!(messages.said, b"runn");
        assert_eq!(messages.tally.tests.passed, 7);
    }
}
