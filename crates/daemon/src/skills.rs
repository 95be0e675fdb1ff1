//! Where skills are found: what ships, the directories that the settings name, `skills/` of the configuration, and that of the user.
//!
//! Later ones stand for earlier ones of the same name. A daemon reads no repository by itself, since it opens no user's files: an
//! operator names those that it may trust in `[skills] directories`. A client that hosts a daemon in its own process reads those of the
//! repository that it was started in; they give way to all others, so that a repository cannot take away what a skill demands.

use std::fs::{self, File};
use std::io::Read as _;
use std::path::{Path, PathBuf};

use op_plan::Source;
use op_plan::skill::{MAX_FILE, Written};

/// The lowest layer, built in.
macro_rules! shipped {
    ($($name:literal),*) => {
        [$(($name, include_str!(concat!("../../../config/skills/", $name, "/SKILL.md")))),*]
    };
}

const SHIPPED: [(&str, &str); 7] = shipped![
    "documentation",
    "ovs-networking",
    "python-debugging",
    "rust-optimization",
    "security-audit",
    "systemd-management",
    "tdd-workflow"
];

/// The file that a skill is.
const FILE: &str = "SKILL.md";

/// Where a repository keeps skills: for this program, and for every client of the format.
const OF_REPOSITORY: [&str; 2] = [".op-dbus/skills", ".agents/skills"];

/// Most skills of a directory; files beside a skill, how deep they lie, and how large they are, one by one and together.
const MAX_SKILLS: usize = 256;
const MAX_RESOURCES: usize = 64;
const MAX_DEPTH: usize = 4;
const MAX_RESOURCE: usize = 64 << 10;
const MAX_RESOURCES_BYTES: usize = 512 << 10;

/// What ships.
pub(crate) fn shipped() -> Vec<Written> {
    let written = |(name, text): (&str, &str)| Written {
        directory: name.to_owned(),
        source: Source { name: format!("shipped skills/{name}/{FILE}"), text: text.to_owned() },
        ..Written::default()
    };
    SHIPPED.map(written).into()
}

/// Skills of the repository that a folder is in: of that folder, and of those above it up to the one with `.git`. The nearest first.
pub(crate) fn of_repository(folder: &Path) -> Vec<Written> {
    let mut written = Vec::new();
    for above in folder.ancestors() {
        for place in OF_REPOSITORY {
            let found = below(&above.join(place)).into_iter();
            written.extend(found.map(|written| Written { gives_way: true, ..written }));
        }
        if above.join(".git").exists() {
            return written;
        }
    }
    // In no repository, only the folder itself counts.
    written.retain(|of| Path::new(&of.source.name).starts_with(folder));
    written
}

/// Skills of a directory, in order of their names. One that is not there has none.
pub(crate) fn below(directory: &Path) -> Vec<Written> {
    let root = match fs::canonicalize(directory) {
        Ok(root) => root,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Vec::new(),
        Err(error) => return vec![unreadable(directory, &error)],
    };
    let entries = match fs::read_dir(&root) {
        Ok(entries) => entries,
        Err(error) => return vec![unreadable(directory, &error)],
    };
    let mut names: Vec<_> = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok()).collect();
    names.retain(|name| !name.starts_with('.') && root.join(name).join(FILE).symlink_metadata().is_ok());
    names.sort();
    let mut written: Vec<_> =
        names.iter().take(MAX_SKILLS).map(|name| skill(directory, &root, name)).collect();
    if names.len() > MAX_SKILLS {
        let many = format!("{} skills lie there, and {MAX_SKILLS} are read", names.len());
        written.push(trouble(directory, many));
    }
    written
}

fn unreadable(directory: &Path, error: &std::io::Error) -> Written {
    trouble(directory, format!("the directory cannot be read: {error}"))
}

fn trouble(directory: &Path, trouble: String) -> Written {
    let source = Source { name: directory.display().to_string(), text: String::new() };
    Written { source, troubles: vec![trouble], ..Written::default() }
}

fn skill(directory: &Path, root: &Path, name: &str) -> Written {
    let shown = directory.join(name).join(FILE);
    let mut written = Written { directory: name.to_owned(), ..Written::default() };
    written.source.name = shown.display().to_string();
    let own = root.join(name);
    match fs::canonicalize(&own) {
        // The directory itself is no link to somewhere else either.
        Ok(real) if real == own => {}
        Ok(_) => {
            written
                .troubles
                .push("its directory is a link that leads out of the directory of skills".to_owned());
            return written;
        }
        Err(error) => {
            written.troubles.push(format!("its directory cannot be read: {error}"));
            return written;
        }
    }
    match text(&own, Path::new(FILE), MAX_FILE + 1) {
        Ok(text) => written.source.text = text,
        Err(why) => written.troubles.push(why),
    }
    resources(&own, &mut written);
    written
}

/// Reads a text file below a directory, as far as `most` bytes.
fn text(directory: &Path, path: &Path, most: usize) -> Result<String, String> {
    let shown = path.display();
    let whole = directory.join(path);
    let real = fs::canonicalize(&whole).map_err(|error| format!("`{shown}` cannot be read: {error}"))?;
    if !real.starts_with(directory) {
        return Err(format!("`{shown}` is a link that leads out of the directory of the skill"));
    }
    let is_file = fs::metadata(&real).is_ok_and(|of| of.is_file());
    if !is_file {
        return Err(format!("`{shown}` is no file"));
    }
    let file = File::open(&real).map_err(|error| format!("`{shown}` cannot be read: {error}"))?;
    let mut bytes = Vec::new();
    let read = file.take(u64::try_from(most).unwrap_or(u64::MAX)).read_to_end(&mut bytes);
    read.map_err(|error| format!("`{shown}` cannot be read: {error}"))?;
    // A file that is cut is too long anyway, so that it does not matter where.
    let is_cut = bytes.len() == most;
    match String::from_utf8(bytes) {
        Ok(text) => Ok(text),
        Err(error) if is_cut => Ok(String::from_utf8_lossy(error.as_bytes()).into_owned()),
        Err(_) => Err(format!("`{shown}` is no UTF-8 text")),
    }
}

/// Text files beside the skill. Others, such as pictures, are not for calls.
fn resources(directory: &Path, written: &mut Written) {
    let mut files = Vec::new();
    list(directory, Path::new(""), 1, &mut files);
    files.sort();
    let mut bytes = 0;
    for path in files {
        let is_link = directory.join(&path).symlink_metadata().is_ok_and(|of| of.is_symlink());
        match text(directory, &path, MAX_RESOURCE + 1) {
            Ok(text) if text.len() > MAX_RESOURCE => {
                let why = format!("`{}` is left out: it is longer than {MAX_RESOURCE} bytes", path.display());
                written.remarks.push(why);
            }
            Ok(text)
                if written.resources.len() < MAX_RESOURCES && bytes + text.len() <= MAX_RESOURCES_BYTES =>
            {
                bytes += text.len();
                written.resources.insert(path.display().to_string(), text);
            }
            Ok(_) => {
                let why = format!(
                    "`{}` is left out: {MAX_RESOURCES} files of {MAX_RESOURCES_BYTES} bytes together are the most",
                    path.display()
                );
                written.remarks.push(why);
            }
            Err(why) if is_link => written.troubles.push(why),
            Err(_) => {}
        }
    }
}

/// Files below a directory but the skill itself; links are named, and not followed.
fn list(directory: &Path, below: &Path, depth: usize, files: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(directory.join(below)) else { return };
    for entry in entries.filter_map(Result::ok) {
        let name = entry.file_name();
        let (path, kind) = (below.join(&name), entry.file_type());
        let is_hidden = name.as_encoded_bytes().starts_with(b".");
        if is_hidden || path == Path::new(FILE) || files.len() > 4 * MAX_RESOURCES {
            continue;
        }
        match kind {
            Ok(kind) if kind.is_dir() && depth < MAX_DEPTH => list(directory, &path, depth + 1, files),
            Ok(kind) if kind.is_file() || kind.is_symlink() => files.push(path),
            Ok(_) | Err(_) => {}
        }
    }
}

/// Every skill but those of repositories, from the lowest layer to the highest.
pub(crate) fn layers(
    directories: &[PathBuf],
    configuration: Option<&Path>,
    user: Option<&Path>,
) -> Vec<Written> {
    let mut written = shipped();
    let own = configuration.map(|directory| directory.join("skills"));
    let places = directories.iter().map(PathBuf::as_path).chain(own.as_deref()).chain(user);
    written.extend(places.flat_map(below));
    written
}
