//! Where a call works: a directory, the environment that belongs to it, and its sources.

use std::env;
use std::path::{Path, PathBuf};

use ignore::WalkBuilder;
use op_agent::Failure;

use crate::process::Program;
use crate::source::above;
use crate::tools::Desk;

/// Names of virtual environments, in the order in which they are looked for.
const ENVIRONMENTS: [&str; 2] = [".venv", "venv"];

/// Most files that are named to a tool which cannot look for them itself.
const MOST_FILES: usize = 5_000;

/// A directory of Python code.
pub(super) struct Project<'a> {
    pub(super) desk: &'a Desk,
    /// The directory, resolved.
    pub(super) directory: PathBuf,
    /// Its virtual environment.
    environment: Option<PathBuf>,
}

impl<'a> Project<'a> {
    /// The project at `path`, with its virtual environment if there is one in it or above it, below the roots.
    pub(super) fn new(desk: &'a Desk, path: &Path) -> Result<Self, Failure> {
        let directory = desk.roots.existing(path)?;
        if !directory.is_dir() {
            let message = format!("{} is not a directory", path.display());
            return Err(Failure::rejected("not_a_directory", message)
                .hint("set `path` to the directory of the project, and name files beside it"));
        }
        let environment = environment(desk, &directory);
        Ok(Self { desk, directory, environment })
    }

    /// A program that runs in the project; those of its environment come first.
    pub(super) fn program(&self, name: &str) -> Program<'a> {
        let program = Program::new(&self.desk.settings, name, &self.directory);
        match &self.environment {
            None => program,
            Some(environment) => {
                program.with("VIRTUAL_ENV", environment).with("PATH", &self.searched(environment))
            }
        }
    }

    /// The interpreter, in unbuffered mode, so that what it says is heard at once.
    pub(super) fn python(&self) -> Program<'a> {
        self.program("python3").args(["-u"])
    }

    /// The interpreter of its virtual environment.
    pub(super) fn interpreter(&self) -> Option<PathBuf> {
        self.environment.as_ref().map(|environment| environment.join("bin/python"))
    }

    fn searched(&self, environment: &Path) -> PathBuf {
        let mut searched = environment.join("bin").into_os_string();
        let lets = self.desk.settings.environment.iter().any(|name| name == "PATH");
        if let Some(path) = env::var_os("PATH").filter(|_| lets) {
            searched.push(":");
            searched.push(path);
        }
        searched.into()
    }

    /// A file or directory of a call, by its real path, which is absolute and so is no option of any program.
    pub(super) fn file(&self, path: &Path) -> Result<PathBuf, Failure> {
        Ok(self.desk.roots.existing(&self.directory.join(path))?)
    }

    /// What a tool is to look at: the files that were named, or all of the project, which must have some.
    pub(super) fn chosen(&self, files: &[PathBuf]) -> Result<Vec<PathBuf>, Failure> {
        if files.is_empty() {
            self.sources()?;
            return Ok(vec![self.directory.clone()]);
        }
        files.iter().map(|file| self.file(file)).collect()
    }

    /// The files of Python code, without what is hidden, ignored, or part of an environment.
    pub(super) fn sources(&self) -> Result<Vec<PathBuf>, Failure> {
        let mut walk = WalkBuilder::new(&self.directory);
        above::obey(&mut walk, &self.desk.roots, &self.directory);
        let walk = walk
            .require_git(false)
            .git_global(false)
            .parents(false)
            .sort_by_file_name(std::cmp::Ord::cmp)
            .filter_entry(|entry| {
                entry.file_name() != "node_modules" && !entry.path().join("pyvenv.cfg").exists()
            })
            .build();
        let is_python = |path: &PathBuf| path.extension().is_some_and(|end| end == "py" || end == "pyi");
        let files: Vec<PathBuf> = walk
            .filter_map(Result::ok)
            .filter(|entry| entry.file_type().is_some_and(|kind| kind.is_file()))
            .map(ignore::DirEntry::into_path)
            .filter(is_python)
            .take(MOST_FILES + 1)
            .collect();
        if files.is_empty() {
            let message = format!("there is no Python file below {}", self.directory.display());
            return Err(Failure::failed("no_files", message));
        }
        Ok(files)
    }

    /// The files that a call is about, one by one, for tools that cannot look for them.
    pub(super) fn listed(&self, files: &[PathBuf]) -> Result<Vec<PathBuf>, Failure> {
        let listed = if files.is_empty() { self.sources()? } else { self.chosen(files)? };
        if listed.len() > MOST_FILES {
            let message = format!("there are more than {MOST_FILES} files");
            return Err(Failure::rejected("too_many_files", message).hint("name a directory with less in it"));
        }
        Ok(listed)
    }

    /// A path as people know it: from the project.
    pub(super) fn shown(&self, file: &str) -> String {
        let path = Path::new(file);
        path.strip_prefix(&self.directory).unwrap_or(path).display().to_string()
    }
}

fn environment(desk: &Desk, directory: &Path) -> Option<PathBuf> {
    let inside = directory.ancestors().take_while(|above| desk.roots.existing(above).is_ok());
    let places = inside.flat_map(|above| ENVIRONMENTS.map(|name| above.join(name)));
    places
        .filter_map(|place| desk.roots.existing(&place).ok())
        .find(|place| place.join("pyvenv.cfg").is_file() && place.join("bin/python").exists())
}

/// A word that a program takes for a name and not for an option or an expression.
pub(super) fn word(text: &str, what: &str) -> Result<(), Failure> {
    let plain = |c: char| c.is_alphanumeric() || c == '_';
    if !text.is_empty() && text.chars().all(plain) && !matches!(text, "and" | "or" | "not") {
        return Ok(());
    }
    let message = format!("`{text}` is not {what}: letters, digits and underscores");
    Err(Failure::rejected("invalid_arguments", message))
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::sync::Arc;

    use super::*;
    use crate::settings::Settings;
    use crate::source::fixture::tree;

    fn place() -> (tempfile::TempDir, Arc<Desk>) {
        let place = tree(&[
            ("root/app/sub/a.py", ""),
            ("root/app/.venv/pyvenv.cfg", ""),
            ("root/app/.venv/bin/python", ""),
            ("root/app/env/pyvenv.cfg", ""),
            ("root/app/env/lib/b.py", ""),
            ("root/empty/a.txt", ""),
            (".venv/pyvenv.cfg", ""),
            (".venv/bin/python", ""),
        ]);
        let desk = Desk::new(&Settings { roots: vec![place.path().join("root")], ..Settings::default() });
        (place, desk)
    }

    #[test]
    fn an_environment_is_found_in_the_directory_or_above_it_and_not_outside_of_the_roots() {
        let (place, desk) = place();
        let found = |path: &str| Project::new(&desk, Path::new(path)).unwrap().interpreter();
        let real = place.path().canonicalize().unwrap().join("root/app/.venv/bin/python");
        assert_eq!(found("app"), Some(real.clone()));
        assert_eq!(found("app/sub"), Some(real));
        assert_eq!(found("empty"), None);
        std::os::unix::fs::symlink(place.path().join(".venv"), place.path().join("root/empty/.venv"))
            .unwrap();
        assert_eq!(found("empty"), None, "a link out of the roots is no environment");
    }

    #[test]
    fn sources_are_those_of_the_project_and_there_must_be_some() {
        let (_place, desk) = place();
        let project = Project::new(&desk, Path::new("app")).unwrap();
        let names: Vec<_> =
            project.sources().unwrap().iter().map(|path| project.shown(path.to_str().unwrap())).collect();
        assert_eq!(names, ["sub/a.py"]);
        let above = desk.roots.as_slice()[0].join(".gitignore");
        fs::write(above, "sub/\n").unwrap();
        assert_eq!(project.sources().unwrap_err().reason(), "no_files", "what is written above holds");
        let empty = Project::new(&desk, Path::new("empty")).unwrap();
        assert_eq!(empty.chosen(&[]).unwrap_err().reason(), "no_files");
    }

    #[test]
    fn files_are_named_by_absolute_paths_below_the_roots() {
        let (place, desk) = place();
        fs::write(place.path().join("root/app/-c"), "").unwrap();
        let project = Project::new(&desk, Path::new("app")).unwrap();
        assert!(project.file(Path::new("-c")).unwrap().is_absolute());
        assert_eq!(project.file(Path::new("../../.venv")).unwrap_err().reason(), "outside_roots");
        assert_eq!(Project::new(&desk, Path::new("app/-c")).err().unwrap().reason(), "not_a_directory");
    }

    #[test]
    fn words_are_no_options_and_no_expressions() {
        assert!(word("test_one", "a word").is_ok());
        for wrong in ["", "-x", "a or b", "not", "a()", "a.b"] {
            assert!(word(wrong, "a word").is_err(), "{wrong}");
        }
    }
}
