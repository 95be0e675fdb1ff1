//! Contexts as a tar archive: one regular file for each version, `contexts/NAME/VERSION.json`, which holds its record.
//!
//! Reading trusts nothing: nothing is ever unpacked to a disk, and an archive is refused, with the name of the entry, when one
//!
//! - has a path that is absolute, leads out by `..`, or is no plain text (`unsafe_entry`)
//! - is a link, a device, a pipe or anything else than a file or a folder (`unsafe_entry`)
//! - is larger than a record can be, or there are too many (`too_large`)
//! - has a path that another one had (`duplicate_entry`)
//! - is no record, or that of something else than its path says (`invalid_entry`)

use std::collections::HashSet;
use std::io::{self, Read};

use op_agent::Failure;
use tar::{Archive, Builder, Entry, EntryType, Header};

use super::content::LARGEST;
use super::record::Record;

/// Most entries of an archive.
const MOST_ENTRIES: usize = 20_000;

/// Bytes of the largest entry: a content may be six times as long in JSON when all of its letters are escaped, but hardly is.
const LARGEST_ENTRY: u64 = 2 * LARGEST as u64;

/// Writes an archive, of which each entry can be read again.
pub(super) fn pack(records: &[Record]) -> Result<Vec<u8>, Failure> {
    let failed = |error: io::Error| Failure::failed("io_error", format!("making the archive: {error}"));
    let mut archive = Builder::new(Vec::new());
    for record in records {
        let bytes = serde_json::to_vec(record).map_err(|error| failed(error.into()))?;
        if bytes.len() as u64 > LARGEST_ENTRY {
            let message = format!(
                "`{}` version {} has {} bytes as JSON, and an entry of an archive at most {LARGEST_ENTRY}",
                record.name,
                record.version,
                bytes.len()
            );
            return Err(Failure::rejected("too_large", message).hint("export it as `json`"));
        }
        let mut header = Header::new_gnu();
        header.set_entry_type(EntryType::Regular);
        header.set_mode(0o644);
        header.set_size(bytes.len() as u64);
        archive.append_data(&mut header, path(record), bytes.as_slice()).map_err(failed)?;
    }
    archive.into_inner().map_err(failed)
}

fn path(record: &Record) -> String {
    format!("contexts/{}/{}.json", record.name, record.version)
}

/// Reads an archive.
pub(super) fn unpack(bytes: &[u8]) -> Result<Vec<Record>, Failure> {
    let broken = |error: io::Error| {
        Failure::rejected("invalid_archive", format!("the archive cannot be read: {error}"))
    };
    let mut archive = Archive::new(bytes);
    let mut seen = HashSet::new();
    let mut records = Vec::new();
    for entry in archive.entries().map_err(broken)? {
        let entry = entry.map_err(broken)?;
        let path = safe_path(&entry)?;
        if seen.len() >= MOST_ENTRIES {
            return Err(Failure::rejected(
                "too_large",
                format!("`{path}` is entry {}, which is one too many", seen.len() + 1),
            ));
        }
        if entry.header().entry_type().is_dir() {
            continue;
        }
        if !seen.insert(path.clone()) {
            return Err(refused("duplicate_entry", &path, "is there twice"));
        }
        records.push(record(entry, &path)?);
    }
    Ok(records)
}

/// The path of an entry that is a file or a folder and stays below the place where it would be unpacked.
fn safe_path(entry: &Entry<'_, &[u8]>) -> Result<String, Failure> {
    let raw = entry.path_bytes();
    let shown = String::from_utf8_lossy(&raw).into_owned();
    let kind = entry.header().entry_type();
    if !kind.is_file() && !kind.is_dir() {
        return Err(refused("unsafe_entry", &shown, "is neither a file nor a folder"));
    }
    let path = shown.strip_prefix("./").unwrap_or(&shown);
    let path = if kind.is_dir() { path.trim_end_matches('/') } else { path };
    let is_plain = std::str::from_utf8(&raw).is_ok()
        && !shown.chars().any(|letter| letter.is_control() || letter == '\\');
    let stays = !path.starts_with('/') && path.split('/').all(|part| !matches!(part, ".." | "."));
    if is_plain && stays {
        return Ok(path.to_owned());
    }
    Err(refused("unsafe_entry", &shown, "has a path that leads out of the archive"))
}

fn record(entry: Entry<'_, &[u8]>, name: &str) -> Result<Record, Failure> {
    let size = entry.size();
    if size > LARGEST_ENTRY {
        return Err(refused(
            "too_large",
            name,
            &format!("has {size} bytes, which is more than {LARGEST_ENTRY}"),
        ));
    }
    let mut bytes = Vec::new();
    let read = entry.take(LARGEST_ENTRY).read_to_end(&mut bytes);
    let read = read.map_err(|error| refused("invalid_archive", name, &format!("cannot be read: {error}")))?;
    if read as u64 != size {
        return Err(refused("invalid_archive", name, &format!("has {read} bytes and should have {size}")));
    }
    let record: Record = serde_json::from_slice(&bytes)
        .map_err(|error| refused("invalid_entry", name, &format!("is no record: {error}")))?;
    if path(&record) == name {
        return Ok(record);
    }
    Err(refused("invalid_entry", name, &format!("holds the record that belongs to `{}`", path(&record))))
}

fn refused(reason: &str, entry: &str, why: &str) -> Failure {
    let shown: String = entry.chars().take(300).collect();
    Failure::rejected(reason, format!("the entry {shown:?} {why}")).hint("nothing was imported")
}

#[cfg(test)]
mod tests;
