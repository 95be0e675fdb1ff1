//! Secrets from a directory of files, as systemd hands them over in `$CREDENTIALS_DIRECTORY`.

use std::fs;
use std::path::PathBuf;

use op_engine::guard::secret::Credentials;

/// Largest secret, in bytes; systemd's own limit.
const MAX: u64 = 1 << 20;

/// A directory with a file for each secret.
pub(crate) struct Directory {
    pub(crate) path: Option<PathBuf>,
}

impl Credentials for Directory {
    fn read(&self, name: &str) -> Result<String, String> {
        let Some(directory) = &self.path else {
            return Err("the daemon has no credentials directory".to_owned());
        };
        // A name is a file name and never a way out of the directory.
        if name.is_empty() || name == "." || name == ".." || name.contains('/') {
            return Err("this is not the name of a credential".to_owned());
        }
        let path = directory.join(name);
        let size = fs::metadata(&path).map_err(|error| error.to_string())?.len();
        if size > MAX {
            return Err(format!("it is larger than {MAX} bytes"));
        }
        let text = fs::read_to_string(&path).map_err(|error| error.to_string())?;
        Ok(text.trim_end_matches('\n').to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_the_text_of_its_file_without_the_last_line_break() {
        let directory = tempfile::tempdir().expect("a folder");
        fs::write(directory.path().join("token"), "s3cret\n").expect("writes");
        let credentials = Directory { path: Some(directory.path().into()) };
        assert_eq!(credentials.read("token"), Ok("s3cret".to_owned()));
    }

    #[test]
    fn a_name_leads_nowhere_else() {
        let directory = tempfile::tempdir().expect("a folder");
        fs::write(directory.path().join("outside"), "x").expect("writes");
        let below = directory.path().join("credentials");
        fs::create_dir(&below).expect("makes");
        let credentials = Directory { path: Some(below) };
        for name in ["../outside", "..", "", "/etc/hostname", "missing"] {
            assert!(credentials.read(name).is_err(), "{name}");
        }
        assert!(Directory { path: None }.read("token").is_err());
    }
}
