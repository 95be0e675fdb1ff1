use serde_json::json;

use super::*;

fn kept(name: &str, version: u32) -> Record {
    serde_json::from_value(json!({ "name": name, "version": version, "content": { "of": name } })).unwrap()
}

/// An archive with one entry whose path is written as it is, without the checks of those who mean well.
fn with(path: &[u8], kind: EntryType, bytes: &[u8]) -> Vec<u8> {
    let mut archive = Builder::new(Vec::new());
    archive.append(&header(path, kind, bytes.len() as u64), bytes).unwrap();
    archive.into_inner().unwrap()
}

fn header(path: &[u8], kind: EntryType, size: u64) -> Header {
    let mut header = Header::new_gnu();
    header.as_old_mut().name[..path.len()].copy_from_slice(path);
    header.set_entry_type(kind);
    header.set_size(size);
    header.set_cksum();
    header
}

fn refusal(archive: &[u8]) -> (String, String) {
    let failure = unpack(archive).unwrap_err();
    (failure.reason().to_owned(), failure.message().to_owned())
}

#[test]
fn what_was_packed_is_unpacked_also_under_long_names() {
    let records = [kept("a", 1), kept("a", 2), kept(&format!("deep/{}", "x".repeat(200)), 3)];
    let archive = pack(&records).unwrap();
    assert_eq!(unpack(&archive).unwrap(), records);
    assert_eq!(unpack(&pack(&[]).unwrap()).unwrap(), []);
}

#[test]
fn an_entry_that_could_not_be_read_again_is_not_packed() {
    let large = Record { content: json!("\u{1}".repeat(3 << 20)), ..kept("a", 7) };
    let failure = pack(&[kept("a", 1), large]).unwrap_err();
    assert_eq!(failure.reason(), "too_large");
    assert!(failure.message().contains("`a` version 7"), "{failure}");
}

#[test]
fn a_path_that_leads_out_is_refused_with_its_name() {
    let bytes = serde_json::to_vec(&kept("a", 1)).unwrap();
    for path in [
        "../a/1.json",
        "contexts/../../a/1.json",
        "/etc/passwd",
        "contexts/a/..",
        "contexts/./a/1.json",
        "contexts\\..\\a",
        "contexts/a\n/1.json",
    ] {
        let (reason, message) = refusal(&with(path.as_bytes(), EntryType::Regular, &bytes));
        assert_eq!(reason, "unsafe_entry", "{path}");
        assert!(message.contains(&format!("{path:?}")), "{message}");
    }
    assert_eq!(refusal(&with(b"contexts/\xff/1.json", EntryType::Regular, &bytes)).0, "unsafe_entry");
}

#[test]
fn links_devices_and_pipes_are_refused_with_their_names() {
    for kind in [
        EntryType::Symlink,
        EntryType::Link,
        EntryType::Char,
        EntryType::Block,
        EntryType::Fifo,
        EntryType::GNUSparse,
        EntryType::new(b'Z'),
    ] {
        let (reason, message) = refusal(&with(b"contexts/a/1.json", kind, b""));
        assert!(reason == "unsafe_entry" || reason == "invalid_archive", "{kind:?}: {reason} {message}");
    }
    let (reason, message) = refusal(&with(b"contexts/a/1.json", EntryType::Symlink, b""));
    assert_eq!(reason, "unsafe_entry");
    assert!(message.contains("contexts/a/1.json"), "{message}");
}

#[test]
fn an_entry_that_is_there_twice_is_refused() {
    let records = [kept("a", 1), kept("a", 1)];
    let (reason, message) = refusal(&pack(&records).unwrap());
    assert_eq!(reason, "duplicate_entry");
    assert!(message.contains("contexts/a/1.json"), "{message}");
}

#[test]
fn an_entry_that_claims_to_be_huge_is_refused_before_it_is_read() {
    let mut archive = header(b"contexts/a/1.json", EntryType::Regular, LARGEST_ENTRY + 1).as_bytes().to_vec();
    archive.extend([0; 1024]);
    assert_eq!(refusal(&archive).0, "too_large");
    let mut archive = header(b"contexts/a/1.json", EntryType::Regular, 5000).as_bytes().to_vec();
    archive.extend([0; 1024]);
    assert_eq!(refusal(&archive).0, "invalid_archive");
}

#[test]
fn what_is_no_record_or_that_of_something_else_is_refused() {
    let bytes = serde_json::to_vec(&kept("a", 1)).unwrap();
    assert_eq!(refusal(&with(b"contexts/b/1.json", EntryType::Regular, &bytes)).0, "invalid_entry");
    assert_eq!(refusal(&with(b"contexts/a/1.json", EntryType::Regular, b"{}")).0, "invalid_entry");
    assert_eq!(refusal(&[b'x'; 2048]).0, "invalid_archive");
}

#[test]
fn folders_are_passed_over() {
    let archive = with(b"./contexts/", EntryType::Directory, b"");
    assert_eq!(unpack(&archive).unwrap(), []);
}
