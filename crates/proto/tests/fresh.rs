//! The committed code is what the protos say. `UPDATE_PROTO=1 cargo test -p op-proto --test fresh` writes it anew.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

const PROTOS: [&str; 8] = [
    "opdbus/agent/v1/agent.proto",
    "opdbus/v1/agent.proto",
    "opdbus/v1/journal.proto",
    "opdbus/v1/payload.proto",
    "opdbus/v1/plan.proto",
    "opdbus/v1/run.proto",
    "opdbus/v1/session.proto",
    "opdbus/v1/skill.proto",
];

fn generate(into: &Path) {
    let protos = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../proto");
    let mut compiler = protox::Compiler::new([protos]).expect("the proto folder exists");
    compiler.include_source_info(true).include_imports(true).open_files(PROTOS).expect("the protos compile");
    fs::write(into.join("descriptor.bin"), compiler.encode_file_descriptor_set())
        .expect("writes the descriptor");
    tonic_prost_build::configure()
        .out_dir(into)
        .bytes(".opdbus")
        // The RPC `Connect` and a constructor `connect` cannot stand on one client.
        .build_transport(false)
        .compile_fds(compiler.file_descriptor_set())
        .expect("generates code");
}

fn files(of: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    fs::read_dir(of)
        .expect("the folder exists")
        .map(|entry| entry.expect("an entry").path())
        .map(|path| (path.file_name().expect("a name").into(), fs::read(&path).expect("a file")))
        .collect()
}

#[test]
fn the_generated_code_is_what_the_protos_say() {
    let fresh = tempfile::tempdir().expect("a folder");
    generate(fresh.path());
    let committed = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/generated");
    if std::env::var_os("UPDATE_PROTO").is_some() {
        for (name, text) in files(fresh.path()) {
            fs::write(committed.join(name), text).expect("writes the code");
        }
    }
    let (fresh, committed) = (files(fresh.path()), files(&committed));
    assert_eq!(fresh.keys().collect::<Vec<_>>(), committed.keys().collect::<Vec<_>>());
    for (name, text) in fresh {
        assert!(committed[&name] == text, "{} is stale: UPDATE_PROTO=1 writes it anew", name.display());
    }
}
