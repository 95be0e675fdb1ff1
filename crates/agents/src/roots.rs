//! Which paths an agent may touch: those below its roots, by what they really are.
//!
//! A path is judged after every symlink and every `..` in it is resolved, never by its letters. What is opened is then
//! opened by the kernel *beneath* its root with symlinks forbidden, so that a path that changes between the judgement and the
//! opening is refused and not followed.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::path::{Component, Path, PathBuf};

use op_agent::Failure;
use rustix::fs::{Mode, OFlags, ResolveFlags, open, openat, openat2};
use rustix::io::Errno;

/// The directories below which an agent may work.
#[derive(Debug, Clone)]
pub struct Roots(Vec<PathBuf>);

/// Why a path may not, or cannot, be touched.
#[derive(Debug, thiserror::Error)]
pub enum PathError {
    /// Nothing is allowed at all.
    #[error("no folder is allowed")]
    NoRoots,
    /// The path leads out of the roots.
    #[error("{path} is outside of the allowed roots {roots}")]
    Outside {
        /// The path as it was given.
        path: PathBuf,
        /// The roots, for people.
        roots: String,
    },
    /// The path is inside of the roots and not there.
    #[error("{0} does not exist")]
    Missing(PathBuf),
    /// The system refused.
    #[error("opening {path}")]
    Io {
        /// The path as it was given.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
}

impl Roots {
    /// Roots with their symlinks resolved. A root that is not there stays as it is written and holds nothing.
    pub fn new(roots: &[PathBuf]) -> Self {
        let real = |root: &PathBuf| root.canonicalize().unwrap_or_else(|_| root.clone());
        Self(roots.iter().map(real).collect())
    }

    /// The roots, symlinks resolved.
    pub fn as_slice(&self) -> &[PathBuf] {
        &self.0
    }

    /// The real path of something that is there.
    pub fn existing(&self, path: &Path) -> Result<PathBuf, PathError> {
        let (real, rest) = self.nearest(path)?;
        if rest.is_empty() { Ok(real) } else { Err(PathError::Missing(path.to_owned())) }
    }

    /// The real path of something that may yet have to be made: the part of it that exists is resolved, the rest
    /// is taken by its names.
    pub fn future(&self, path: &Path) -> Result<PathBuf, PathError> {
        let (real, rest) = self.nearest(path)?;
        Ok(rest.iter().fold(real, |path, name| path.join(name)))
    }

    /// Opens a file or directory for reading.
    pub fn open(&self, path: &Path) -> Result<File, PathError> {
        let real = self.existing(path)?;
        self.beneath(&real, OFlags::RDONLY | OFlags::NONBLOCK)
            .map(File::from)
            .map_err(|source| PathError::Io { path: path.to_owned(), source })
    }

    /// Opens the directory that holds `path`, and gives the name of `path` in it. What has that name may not exist
    /// yet, the directory must.
    pub fn parent(&self, path: &Path) -> Result<(OwnedFd, OsString), PathError> {
        let real = self.future(path)?;
        let outside = || self.outside(path);
        let (parent, name) = real.parent().zip(real.file_name()).ok_or_else(outside)?;
        if !self.holds(parent) {
            return Err(outside());
        }
        match self.beneath(parent, OFlags::PATH | OFlags::DIRECTORY) {
            Ok(directory) => Ok((directory, name.to_owned())),
            Err(source) if source.kind() == io::ErrorKind::NotFound => {
                Err(PathError::Missing(parent.to_owned()))
            }
            Err(source) => Err(PathError::Io { path: parent.to_owned(), source }),
        }
    }

    /// The longest part of `path` that exists, resolved, and the names that come after it.
    fn nearest(&self, path: &Path) -> Result<(PathBuf, Vec<OsString>), PathError> {
        let full = self.0.first().ok_or(PathError::NoRoots)?.join(path);
        let mut parts: Vec<Component<'_>> = full.components().collect();
        let mut rest = Vec::new();
        loop {
            let part: PathBuf = parts.iter().collect();
            match part.canonicalize() {
                Ok(real) if self.holds(&real) => return Ok((real, rest.into_iter().rev().collect())),
                Ok(_) => return Err(self.outside(path)),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(source) => return Err(self.unreadable(path, &part, source)),
            }
            // `..` after something that is not there leads nowhere that could be judged.
            match parts.pop() {
                Some(Component::Normal(name)) => rest.push(name.to_owned()),
                _ => return Err(self.outside(path)),
            }
        }
    }

    /// Outside of the roots, even what cannot be looked at is only said to be outside.
    fn unreadable(&self, path: &Path, part: &Path, source: io::Error) -> PathError {
        let plain = !part.components().any(|component| component == Component::ParentDir);
        if plain && self.holds(part) {
            PathError::Io { path: path.to_owned(), source }
        } else {
            self.outside(path)
        }
    }

    fn holds(&self, real: &Path) -> bool {
        self.0.iter().any(|root| real.starts_with(root))
    }

    fn outside(&self, path: &Path) -> PathError {
        let roots: Vec<String> = self.0.iter().map(|root| root.display().to_string()).collect();
        PathError::Outside { path: path.to_owned(), roots: format!("[{}]", roots.join(", ")) }
    }

    /// Opens a resolved path below its root without following any link.
    fn beneath(&self, real: &Path, flags: OFlags) -> io::Result<OwnedFd> {
        let root =
            self.0.iter().find(|root| real.starts_with(root)).ok_or(io::ErrorKind::PermissionDenied)?;
        let below = real.strip_prefix(root).map_err(io::Error::other)?;
        let below = if below.as_os_str().is_empty() { Path::new(".") } else { below };
        let directory = open(root, OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?;
        let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
        match openat2(&directory, below, flags | OFlags::CLOEXEC, Mode::empty(), resolve) {
            // `RestrictSUIDSGID=`, which systemd sets for every dynamic user, takes openat2 away: its filter cannot look into it.
            Err(Errno::NOSYS) => Ok(step_by_step(directory, below, flags)?),
            opened => Ok(opened?),
        }
    }
}

/// What `openat2` does with those flags: opens name by name, each in the directory of the one before it, and follows no link.
fn step_by_step(root: OwnedFd, below: &Path, flags: OFlags) -> rustix::io::Result<OwnedFd> {
    let mut names: Vec<&OsStr> = Vec::new();
    for component in below.components() {
        match component {
            Component::Normal(name) => names.push(name),
            Component::CurDir => {}
            Component::ParentDir | Component::RootDir | Component::Prefix(_) => return Err(Errno::XDEV),
        }
    }
    let flags = flags | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let Some((last, before)) = names.split_last() else { return openat(root, ".", flags, Mode::empty()) };
    let folder = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let at = before.iter().try_fold(root, |at, name| openat(at, *name, folder, Mode::empty()))?;
    openat(at, *last, flags, Mode::empty())
}

impl From<PathError> for Failure {
    fn from(error: PathError) -> Self {
        match &error {
            PathError::NoRoots => Self::rejected("outside_roots", error.to_string())
                .hint("`allowed_roots` in op-dbusd.toml names the folders that agents may work in"),
            PathError::Outside { .. } => Self::rejected("outside_roots", error.to_string())
                .hint("use a path below one of the roots, or add a root to the agent's settings"),
            PathError::Missing(_) => Self::failed("not_found", error.to_string()),
            PathError::Io { source, .. } => Self::failed("io_error", format!("{error}: {source}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::Read;
    use std::os::unix::fs::symlink;

    use super::*;

    /// A root with a file, a link that stays and links that leave; beside it a secret.
    struct Place {
        root: PathBuf,
        _directory: tempfile::TempDir,
    }

    fn place() -> Place {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path().canonicalize().unwrap().join("root");
        fs::create_dir_all(root.join("sub")).unwrap();
        fs::write(root.join("sub/file"), "inside").unwrap();
        fs::write(root.with_file_name("secret"), "outside").unwrap();
        symlink("sub/file", root.join("stays")).unwrap();
        symlink("../secret", root.join("leaves")).unwrap();
        symlink("..", root.join("up")).unwrap();
        Place { root, _directory: directory }
    }

    impl Place {
        fn roots(&self) -> Roots {
            Roots::new(std::slice::from_ref(&self.root))
        }
    }

    #[test]
    fn where_there_is_no_openat2_the_same_is_opened_and_the_same_is_refused() {
        let place = place();
        let root = || open(&place.root, OFlags::PATH | OFlags::DIRECTORY, Mode::empty()).unwrap();
        let read = |path: &str| step_by_step(root(), Path::new(path), OFlags::RDONLY);
        let mut text = String::new();
        File::from(read("sub/file").unwrap()).read_to_string(&mut text).unwrap();
        assert_eq!(text, "inside");
        read(".").unwrap();
        for path in ["stays", "leaves", "up/secret", "../secret", "/etc/hostname", "sub/none"] {
            assert!(read(path).is_err(), "{path}");
        }
        symlink("sub", place.root.join("within")).unwrap();
        assert!(read("within/file").is_err(), "no link is followed, wherever it leads");
        assert!(step_by_step(root(), Path::new("up"), OFlags::PATH | OFlags::DIRECTORY).is_err());
    }

    #[test]
    fn a_path_inside_is_found_by_any_of_its_names() {
        let place = place();
        for name in ["sub/file", "stays", "./sub/../sub/file", "sub/../stays"] {
            assert_eq!(
                place.roots().existing(Path::new(name)).unwrap(),
                place.root.join("sub/file"),
                "{name}"
            );
        }
        assert_eq!(place.roots().existing(Path::new(".")).unwrap(), place.root);
        assert_eq!(place.roots().existing(&place.root.join("sub")).unwrap(), place.root.join("sub"));
    }

    #[test]
    fn a_path_that_leads_outside_is_rejected_and_named() {
        let place = place();
        for name in
            ["leaves", "up/secret", "../secret", "sub/../../secret", "/etc/passwd", "/nowhere", "up/new"]
        {
            let error = place.roots().future(Path::new(name)).unwrap_err();
            assert!(matches!(error, PathError::Outside { .. }), "{name}: {error}");
            assert!(error.to_string().contains(name), "{error}");
            assert!(error.to_string().contains(&place.root.display().to_string()), "{error}");
            assert_eq!(Failure::from(error).reason(), "outside_roots");
        }
    }

    #[test]
    fn a_name_that_starts_like_a_root_is_outside_of_it() {
        let place = place();
        let beside = place.root.with_file_name("root-beside");
        fs::create_dir(&beside).unwrap();
        assert!(matches!(place.roots().existing(&beside), Err(PathError::Outside { .. })));
    }

    #[test]
    fn a_path_to_be_made_is_judged_by_the_part_that_exists() {
        let place = place();
        let path = place.roots().future(Path::new("sub/new/deeper")).unwrap();
        assert_eq!(path, place.root.join("sub/new/deeper"));
        assert!(matches!(place.roots().existing(Path::new("sub/new")), Err(PathError::Missing(_))));
    }

    #[test]
    fn dots_behind_something_missing_are_not_believed() {
        let place = place();
        let error = place.roots().future(Path::new("missing/../../secret")).unwrap_err();
        assert!(matches!(error, PathError::Outside { .. }), "{error}");
    }

    #[test]
    fn without_roots_nothing_is_inside() {
        let roots = Roots::new(&[]);
        assert!(matches!(roots.existing(Path::new("/etc")), Err(PathError::NoRoots)));
    }

    #[test]
    fn what_is_opened_is_what_was_judged() {
        let place = place();
        let mut text = String::new();
        place.roots().open(Path::new("stays")).unwrap().read_to_string(&mut text).unwrap();
        assert_eq!(text, "inside");
    }

    #[test]
    fn a_link_put_in_place_after_the_judgement_is_not_followed() {
        let place = place();
        let roots = place.roots();
        let judged = roots.existing(Path::new("sub/file")).unwrap();
        fs::remove_file(&judged).unwrap();
        symlink("../../secret", &judged).unwrap();
        assert!(roots.beneath(&judged, OFlags::RDONLY).is_err());
        fs::remove_dir_all(place.root.join("sub")).unwrap();
        symlink("..", place.root.join("sub")).unwrap();
        assert!(roots.beneath(&place.root.join("sub/secret"), OFlags::RDONLY).is_err());
    }

    #[test]
    fn the_parent_of_a_new_file_is_opened_and_a_missing_one_is_named() {
        let place = place();
        let (_, name) = place.roots().parent(Path::new("sub/new")).unwrap();
        assert_eq!(name, "new");
        assert!(matches!(place.roots().parent(Path::new("no/new")), Err(PathError::Missing(_))));
        assert!(matches!(place.roots().parent(Path::new(".")), Err(PathError::Outside { .. })));
    }
}
