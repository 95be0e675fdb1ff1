//! Where the operations work: the files below the roots, read and written as `tools` does, and the wish to stop.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;

use op_agent::{Call, Failure};
use rustix::fs::{Mode, mkdirat};

use crate::roots::Roots;
use crate::settings::Settings;
use crate::staging::put;
use crate::tools::{Desk, blocking};

/// How many files of one folder are looked at.
const MOST_FILES: usize = 2000;

/// What an operation works with.
pub(super) struct Bench {
    desk: Arc<Desk>,
    stopped: Box<dyn Fn() -> bool + Send>,
}

/// A file of a folder, its path relative to it and with `/`.
pub(super) type Found = (String, PathBuf);

/// An operation that does `work` on a thread where it holds up nobody.
pub(super) fn on<A: Send + 'static, R: Send + 'static>(
    desk: &Arc<Desk>,
    work: fn(&Bench, &A) -> Result<R, Failure>,
) -> impl Fn(Call, A) -> Pin<Box<dyn Future<Output = Result<R, Failure>> + Send>> + Send + Sync + 'static {
    let desk = Arc::clone(desk);
    move |call, args| {
        let bench = Bench { desk: Arc::clone(&desk), stopped: Box::new(move || call.is_cancelled()) };
        Box::pin(blocking(move || work(&bench, &args)))
    }
}

impl Bench {
    /// A bench that nobody stops.
    #[cfg(test)]
    pub(super) fn new(settings: &Settings) -> Self {
        Self { desk: Desk::new(settings), stopped: Box::new(|| false) }
    }

    fn roots(&self) -> &Roots {
        &self.desk.roots
    }

    fn settings(&self) -> &Settings {
        &self.desk.settings
    }

    /// Goes on, unless the call is to stop.
    pub(super) fn go_on(&self) -> Result<(), Failure> {
        if (self.stopped)() { Err(Failure::cancelled("the work was stopped")) } else { Ok(()) }
    }

    /// The text of a file that lies below the roots.
    pub(super) fn read(&self, path: &Path) -> Result<String, Failure> {
        self.go_on()?;
        let shown = path.display();
        let failed = |error| Failure::failed("io_error", format!("reading {shown}: {error}"));
        let file = self.roots().open(path)?;
        if !file.metadata().map_err(failed)?.is_file() {
            return Err(Failure::rejected("not_a_file", format!("{shown} is not a regular file")));
        }
        let limit = self.settings().output_limit;
        let mut bytes = Vec::new();
        file.take(limit.saturating_add(1)).read_to_end(&mut bytes).map_err(failed)?;
        if bytes.len() as u64 > limit {
            return Err(Failure::failed("too_large", format!("{shown} is longer than {limit} bytes"))
                .hint("raise `output_limit` in the settings of the agent"));
        }
        String::from_utf8(bytes)
            .map_err(|_| Failure::rejected("binary", format!("{shown} is not a text file")))
    }

    /// The real path of a folder that is there.
    pub(super) fn folder(&self, path: &Path) -> Result<PathBuf, Failure> {
        let real = self.roots().existing(path)?;
        if real.is_dir() {
            return Ok(real);
        }
        Err(Failure::rejected("not_a_directory", format!("{} is not a folder", path.display())))
    }

    /// The regular files below a real folder, sorted; what is hidden or a link is left out.
    pub(super) fn files(&self, folder: &Path) -> Result<Vec<Found>, Failure> {
        let mut found = Vec::new();
        self.collect(folder, "", &mut found)?;
        found.sort();
        Ok(found)
    }

    fn collect(&self, folder: &Path, prefix: &str, found: &mut Vec<Found>) -> Result<(), Failure> {
        let failed =
            |error: io::Error| Failure::failed("io_error", format!("listing {}: {error}", folder.display()));
        for entry in std::fs::read_dir(folder).map_err(failed)? {
            self.go_on()?;
            let entry = entry.map_err(failed)?;
            let kind = entry.file_type().map_err(failed)?;
            let name = entry.file_name().to_string_lossy().into_owned();
            if name.starts_with('.') {
                continue;
            }
            if kind.is_dir() {
                self.collect(&entry.path(), &format!("{prefix}{name}/"), found)?;
            } else if kind.is_file() {
                found.push((format!("{prefix}{name}"), entry.path()));
            }
            if found.len() > MOST_FILES {
                let message = format!("there are more than {MOST_FILES} files in the folder");
                return Err(Failure::rejected("too_many_files", message).hint("name a smaller folder"));
            }
        }
        Ok(())
    }

    /// Opens a folder below the roots, and makes it when it is not there.
    pub(super) fn open_folder(&self, path: &Path) -> Result<(File, PathBuf), Failure> {
        let real = self.roots().future(path)?;
        self.make(&real)?;
        Ok((self.roots().open(&real)?, self.folder(&real)?))
    }

    /// Makes a folder and those above it. Each is made in the one that was opened beneath its root.
    fn make(&self, real: &Path) -> Result<(), Failure> {
        if self.roots().existing(real).is_ok() {
            return Ok(());
        }
        if let Some(above) = real.parent() {
            self.make(above)?;
        }
        let (above, name) = self.roots().parent(real)?;
        match mkdirat(above, &name, Mode::from_raw_mode(0o777)) {
            Ok(()) | Err(rustix::io::Errno::EXIST) => Ok(()),
            Err(error) => {
                Err(Failure::failed("io_error", format!("making the folder {}: {error}", real.display())))
            }
        }
    }

    /// Writes a file below the roots, all of it or nothing; its folder is made when it is not there.
    pub(super) fn write(&self, path: &Path, text: &str) -> Result<PathBuf, Failure> {
        let real = self.roots().future(path)?;
        let (folder, name) = real
            .parent()
            .zip(real.file_name())
            .ok_or_else(|| Failure::rejected("not_a_file", format!("{} names no file", path.display())))?;
        let (opened, _) = self.open_folder(folder)?;
        put(&opened, &[(name, text)])
            .map_err(|error| Failure::failed("io_error", format!("writing {}: {error}", path.display())))?;
        Ok(real)
    }
}

#[cfg(test)]
pub(super) mod fixture {
    use super::*;

    /// A bench with one root, and that root.
    pub(in crate::offline) fn bench() -> (tempfile::TempDir, Bench) {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path().join("root");
        std::fs::create_dir(&root).unwrap();
        let bench = Bench::new(&Settings { roots: vec![root], ..Settings::default() });
        (directory, bench)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::fixture::bench;
    use super::*;

    #[test]
    fn a_file_is_written_with_the_folders_above_it_and_nothing_is_left_beside_it() {
        let (directory, bench) = bench();
        let path = bench.write(Path::new("a/b/c.txt"), "one").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "one");
        bench.write(Path::new("a/b/c.txt"), "two").unwrap();
        assert_eq!(bench.read(Path::new("a/b/c.txt")).unwrap(), "two");
        assert_eq!(fs::read_dir(directory.path().join("root/a/b")).unwrap().count(), 1);
    }

    #[test]
    fn nothing_is_written_or_read_outside() {
        let (directory, bench) = bench();
        symlink("..", directory.path().join("root/up")).unwrap();
        for path in ["../new/x", "up/x", "/tmp/op-agents-never/x"] {
            assert_eq!(bench.write(Path::new(path), "x").unwrap_err().reason(), "outside_roots", "{path}");
            assert_eq!(bench.read(Path::new(path)).unwrap_err().reason(), "outside_roots", "{path}");
        }
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
    }

    #[test]
    fn files_are_found_in_order_without_links_and_hidden_ones() {
        let (directory, bench) = bench();
        for path in ["b.txt", "a/c.txt", ".hidden"] {
            let path = directory.path().join("root").join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "").unwrap();
        }
        symlink("b.txt", directory.path().join("root/link")).unwrap();
        let folder = bench.folder(Path::new(".")).unwrap();
        let names: Vec<String> = bench.files(&folder).unwrap().into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["a/c.txt", "b.txt"]);
    }

    #[test]
    fn work_that_is_to_stop_stops_at_the_next_file() {
        let bench = Bench { desk: Desk::new(&Settings::default()), stopped: Box::new(|| true) };
        assert_eq!(bench.read(Path::new("x")).unwrap_err().reason(), "cancelled");
    }
}
