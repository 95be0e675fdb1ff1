//! `file_read`: a text file as it is.

use std::io::Read;
use std::path::PathBuf;
use std::sync::Arc;

use op_agent::{Call, Failure};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Desk, blocking};

/// Which file.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct FileRead {
    /// The file; a relative path starts at the first root.
    path: PathBuf,
}

/// A file that was read.
#[derive(Debug, PartialEq, Serialize, JsonSchema)]
pub(super) struct FileContent {
    /// Where it really is.
    path: PathBuf,
    /// All of its text.
    content: String,
    /// Its length.
    bytes: u64,
}

/// Reads a text file, whole or not at all.
pub(super) async fn file_read(desk: Arc<Desk>, _call: Call, args: FileRead) -> Result<FileContent, Failure> {
    blocking(move || read(&desk, &args)).await
}

fn read(desk: &Desk, args: &FileRead) -> Result<FileContent, Failure> {
    let shown = args.path.display();
    let path = desk.roots.existing(&args.path)?;
    let file = desk.roots.open(&args.path)?;
    let failed = |error| Failure::failed("io_error", format!("reading {shown}: {error}"));
    if !file.metadata().map_err(failed)?.is_file() {
        return Err(Failure::rejected("not_a_file", format!("{shown} is not a regular file")));
    }
    let limit = desk.settings.output_limit;
    let mut bytes = Vec::new();
    // One byte more than allowed tells a file that fits from one that does not, also when it grows meanwhile.
    file.take(limit.saturating_add(1)).read_to_end(&mut bytes).map_err(failed)?;
    let length = bytes.len() as u64;
    if length > limit {
        let message = format!("{shown} is longer than {limit} bytes");
        return Err(Failure::failed("too_large", message)
            .hint("raise `output_limit` in the settings of the agent, or search it with file_search"));
    }
    match String::from_utf8(bytes) {
        Ok(content) if !content.contains('\0') => Ok(FileContent { path, content, bytes: length }),
        _ => Err(Failure::rejected("binary", format!("{shown} is not a text file"))),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::settings::Settings;

    fn desk(output_limit: u64) -> (tempfile::TempDir, Arc<Desk>) {
        let directory = tempfile::tempdir().unwrap();
        let roots = vec![directory.path().to_owned()];
        let desk = Desk::new(&Settings { roots, output_limit, ..Settings::default() });
        (directory, desk)
    }

    fn reason(desk: &Desk, path: &str) -> String {
        read(desk, &FileRead { path: path.into() }).unwrap_err().reason().to_owned()
    }

    #[test]
    fn a_text_file_comes_as_it_is() {
        let (directory, desk) = desk(100);
        fs::write(directory.path().join("a.txt"), "grüße\n").unwrap();
        let file = read(&desk, &FileRead { path: "a.txt".into() }).unwrap();
        assert_eq!((file.content.as_str(), file.bytes), ("grüße\n", 8));
        assert!(file.path.ends_with("a.txt") && file.path.is_absolute());
    }

    #[test]
    fn a_file_of_just_the_limit_fits_and_one_byte_more_does_not() {
        let (directory, desk) = desk(10);
        fs::write(directory.path().join("fits"), "0123456789").unwrap();
        fs::write(directory.path().join("long"), "0123456789x").unwrap();
        assert_eq!(read(&desk, &FileRead { path: "fits".into() }).unwrap().bytes, 10);
        assert_eq!(reason(&desk, "long"), "too_large");
    }

    #[test]
    fn what_is_no_text_file_inside_is_refused_with_its_reason() {
        let (directory, desk) = desk(100);
        fs::write(directory.path().join("binary"), b"\xff\xfe").unwrap();
        fs::write(directory.path().join("nul"), b"a\0b").unwrap();
        assert_eq!(reason(&desk, "binary"), "binary");
        assert_eq!(reason(&desk, "nul"), "binary");
        assert_eq!(reason(&desk, "."), "not_a_file");
        assert_eq!(reason(&desk, "missing"), "not_found");
        assert_eq!(reason(&desk, "../x"), "outside_roots");
    }

    #[test]
    fn a_pipe_is_refused_and_holds_nobody_up() {
        let (directory, desk) = desk(100);
        let pipe = directory.path().join("pipe");
        rustix::fs::mkfifoat(rustix::fs::CWD, &pipe, rustix::fs::Mode::RUSR).unwrap();
        assert_eq!(reason(&desk, "pipe"), "not_a_file");
    }
}
