//! One step of an installation: told as it is taken.

use std::fmt;
use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::failure::Failure;

/// A step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Step {
    /// Writes a file that everybody may read.
    Write { path: PathBuf, text: &'static str },
    /// Copies a program that everybody may run.
    Copy { from: PathBuf, to: PathBuf },
    /// Removes a file, and its folder if that is left empty and is named here.
    Remove { path: PathBuf, folder: Option<PathBuf> },
    /// Runs a program. One that `may_fail` has nothing to do where it fails.
    Run { words: Vec<String>, may_fail: bool },
}

impl Step {
    /// Runs a program that must succeed.
    pub(super) fn run(words: &[&str]) -> Self {
        Self::Run { words: words.iter().map(|&word| word.to_owned()).collect(), may_fail: false }
    }

    /// Runs a program that fails where there is nothing to do.
    pub(super) fn attempt(words: &[&str]) -> Self {
        Self::Run { words: words.iter().map(|&word| word.to_owned()).collect(), may_fail: true }
    }

    /// Takes it.
    pub(super) fn take(&self) -> Result<(), Failure> {
        match self {
            Self::Write { path, text } => {
                place(path, 0o644, |new| fs::write(new, text)).map_err(|error| failed("write", path, &error))
            }
            Self::Copy { from, to } => place(to, 0o755, |new| fs::copy(from, new).map(drop))
                .map_err(|error| failed("write", to, &error)),
            Self::Remove { path, folder } => remove(path, folder.as_deref()),
            Self::Run { words, may_fail } => run(words, *may_fail),
        }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Write { path, .. } => write!(f, "write  {}", path.display()),
            Self::Copy { from, to } => write!(f, "copy   {} to {}", from.display(), to.display()),
            Self::Remove { path, .. } => write!(f, "remove {}", path.display()),
            Self::Run { words, .. } => write!(f, "run    {}", words.join(" ")),
        }
    }
}

/// Makes a file whole or not at all: whoever runs or reads the old one goes on with the old one.
fn place(path: &Path, mode: u32, make: impl FnOnce(&Path) -> io::Result<()>) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".op-dbus-new");
    let new = path.with_file_name(name);
    let made = make(&new)
        .and_then(|()| fs::set_permissions(&new, Permissions::from_mode(mode)))
        .and_then(|()| fs::rename(&new, path));
    if made.is_err() {
        let _ = fs::remove_file(new);
    }
    made
}

fn remove(path: &Path, folder: Option<&Path>) -> Result<(), Failure> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed("remove", path, &error)),
        Ok(()) | Err(_) => {}
    }
    // One that holds something else stays.
    let _ = folder.map(fs::remove_dir);
    Ok(())
}

fn run(words: &[String], may_fail: bool) -> Result<(), Failure> {
    let line = words.join(" ");
    let status = Command::new(&words[0]).args(&words[1..]).status();
    match status {
        Ok(status) if status.success() || may_fail => Ok(()),
        Ok(status) => Err(Failure::broken(format!("`{line}` ended with {status}"))
            .hint("mend what it says and install again: what is done stays done")),
        Err(error) => Err(Failure::broken(format!("cannot run `{line}`")).because(&error)),
    }
}

fn failed(what: &str, path: &Path, error: &io::Error) -> Failure {
    Failure::broken(format!("cannot {what} `{}`", path.display())).because(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_replaced_as_a_whole_and_nothing_else_is_left() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("below/op-dbus.service");
        for text in ["one", "two"] {
            Step::Write { path: path.clone(), text }.take().expect("writes");
            assert_eq!(fs::read_to_string(&path).expect("reads"), text);
        }
        assert_eq!(fs::metadata(&path).expect("is there").permissions().mode() & 0o777, 0o644);
        assert_eq!(fs::read_dir(folder.path().join("below")).expect("reads").count(), 1);
    }

    #[test]
    fn a_folder_that_holds_something_else_stays() {
        let folder = tempfile::tempdir().expect("a folder");
        let drop_ins = folder.path().join("x.service.d");
        let ours = drop_ins.join("50-work.conf");
        let remove = Step::Remove { path: ours.clone(), folder: Some(drop_ins.clone()) };
        Step::Write { path: ours, text: "" }.take().expect("writes");
        fs::write(drop_ins.join("own.conf"), "").expect("writes");
        remove.take().expect("removes");
        assert!(drop_ins.join("own.conf").exists());
        fs::remove_file(drop_ins.join("own.conf")).expect("removes");
        remove.take().expect("what is gone is gone");
        assert!(!drop_ins.exists());
    }

    #[test]
    fn a_program_that_fails_is_told_with_its_words() {
        let failure = Step::run(&["false", "--really"]).take().expect_err("it fails");
        let text = failure.render(crate::terminal::Paint::plain());
        assert!(text.contains("`false --really` ended with exit status: 1"), "{text}");
        Step::attempt(&["false"]).take().expect("nothing was to be done");
    }
}
