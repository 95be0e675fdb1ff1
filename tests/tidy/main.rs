//! The house is tidy: rules that no compiler holds, read off the files and the graph of packages.
//!
//! Each rule is a function from what it judges to complaints, a test that there are none, and a test that it complains of a
//! planted fault.
//!
//! - [`rooms`]: which room may use which room and which packages
//! - [`street`]: what stands in the visible root; names of files
//! - [`words`]: what code that ships does not say; [`sizes`]: how long a file may be; [`lints`]: every package takes the lints
//! - [`invariants`]: the invariants of `crates/README.md` name tests that exist
//! - [`shipped`]: what lies below `systemd/` is installed
//! - [`protos`]: everything in the protos has a sentence
//! - [`tree`], [`code`]: files of the repository, words of Rust code

mod code;
mod invariants;
mod lints;
mod protos;
mod rooms;
mod shipped;
mod sizes;
mod street;
mod tree;
mod words;

/// Fails with every complaint on a line of its own.
#[track_caller]
fn expect_none(complaints: &[String]) {
    assert!(complaints.is_empty(), "{} complaints:\n{}", complaints.len(), complaints.join("\n"));
}
