//! Which room may use which room, and which packages. Only what ends up in a binary counts: tests may use what they like.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::process::Command;

use cargo_metadata::{DependencyKind, Metadata, MetadataCommand, Node};

use crate::expect_none;
use crate::tree::root;

/// What a room may use.
struct Room {
    name: &'static str,
    /// Rooms it may use.
    rooms: &'static [&'static str],
    /// The packages it may use, where they are few enough to be listed.
    packages: Option<&'static [&'static str]>,
    /// What it must not reach, not even by way of others.
    never: &'static [&'static str],
}

/// The package of tests, which uses everything and which nothing uses.
const STREET: &str = "op-tests";

/// Whatever touches the world: sockets, files, threads, time, chance, logs.
const WORLD: &[&str] = &[
    "axum",
    "clap",
    "getrandom",
    "hyper",
    "log",
    "mio",
    "nix",
    "prost",
    "rand",
    "reqwest",
    "rusqlite",
    "rustix",
    "socket2",
    "tokio",
    "tokio-postgres",
    "tonic",
    "tracing",
    "ureq",
    "zbus",
];

const ROOMS: [Room; 12] = [
    Room {
        name: "op-plan",
        rooms: &[],
        packages: Some(&[
            "cel",
            "croner",
            "indexmap",
            "petgraph",
            "serde",
            "serde-saphyr",
            "serde_json",
            "sha2",
            "strsim",
            "thiserror",
            "toml",
            "unicode-width",
        ]),
        never: WORLD,
    },
    Room {
        name: "op-run",
        rooms: &["op-plan"],
        packages: Some(&["imbl", "indexmap", "serde", "serde_json", "thiserror"]),
        never: WORLD,
    },
    // Knows neither plans nor runs, so that an agent built with the kit carries no evaluator of expressions.
    Room {
        name: "op-proto",
        rooms: &[],
        packages: Some(&["prost", "prost-types", "thiserror", "tonic", "tonic-prost"]),
        never: &["cel", "clap", "rusqlite", "tokio-postgres", "zbus"],
    },
    Room {
        name: "op-engine",
        rooms: &["op-plan", "op-run"],
        packages: None,
        never: &["axum", "clap", "hyper", "prost", "rusqlite", "tokio-postgres", "tonic", "zbus"],
    },
    Room {
        name: "op-journal",
        rooms: &["op-engine", "op-plan", "op-run"],
        packages: None,
        never: &["axum", "clap", "hyper", "prost", "tonic", "zbus"],
    },
    Room {
        name: "op-pool",
        rooms: &["op-engine", "op-plan", "op-proto", "op-run"],
        packages: None,
        never: &["clap", "rusqlite", "tokio-postgres"],
    },
    Room {
        name: "op-grpc",
        rooms: &["op-engine", "op-plan", "op-proto", "op-run"],
        packages: None,
        never: &["clap", "rusqlite", "tokio-postgres", "zbus"],
    },
    Room {
        name: "op-dbus",
        rooms: &["op-engine", "op-plan", "op-run"],
        packages: None,
        never: &["clap", "prost", "rusqlite", "tokio-postgres", "tonic"],
    },
    Room {
        name: "op-agent",
        rooms: &["op-proto"],
        packages: None,
        never: &["cel", "clap", "rusqlite", "tokio-postgres", "zbus"],
    },
    Room {
        name: "op-agents",
        rooms: &["op-agent", "op-proto"],
        packages: None,
        // `rusqlite` is theirs too: each agent keeps what it must in a file of its own.
        never: &["cel", "clap", "tokio-postgres"],
    },
    Room {
        name: "op-daemon",
        rooms: &[
            "op-agent",
            "op-agents",
            "op-dbus",
            "op-engine",
            "op-grpc",
            "op-journal",
            "op-plan",
            "op-pool",
            "op-proto",
            "op-run",
        ],
        packages: None,
        never: &["clap", "indicatif"],
    },
    // Reads the journal through the daemon alone, so it knows neither the journal nor the engine.
    Room {
        name: "op-cli",
        rooms: &["op-agent", "op-agents", "op-daemon", "op-plan", "op-proto", "op-run"],
        packages: None,
        never: &[],
    },
];

/// What each package uses.
type Graph = BTreeMap<String, BTreeSet<String>>;

fn complaints(graph: &Graph, members: &BTreeSet<String>, rooms: &[Room]) -> Vec<String> {
    let has_row = |member: &&String| rooms.iter().any(|room| room.name == **member) || *member == STREET;
    let unknown = members.iter().filter(|member| !has_row(member));
    let mut complaints: Vec<_> =
        unknown.map(|member| format!("`{member}` has no row in the table of rooms")).collect();
    for room in rooms {
        match graph.get(room.name).filter(|_| members.contains(room.name)) {
            None => {
                complaints
                    .push(format!("`{}` has a row in the table of rooms and does not exist", room.name));
            }
            Some(uses) => {
                complaints.extend(uses.iter().filter_map(|used| refused(room, used, members)));
                complaints.extend(room.never.iter().filter_map(|never| way(graph, room.name, never)));
            }
        }
    }
    complaints
}

fn refused(room: &Room, used: &str, members: &BTreeSet<String>) -> Option<String> {
    let is_allowed = if members.contains(used) {
        room.rooms.contains(&used)
    } else {
        room.packages.is_none_or(|packages| packages.contains(&used))
    };
    (!is_allowed).then(|| format!("`{}` may not use `{used}`", room.name))
}

/// How a package reaches another one, if it does.
fn way(graph: &Graph, from: &str, to: &str) -> Option<String> {
    let mut before = BTreeMap::from([(from, None)]);
    let mut next = VecDeque::from([from]);
    while let Some(at) = next.pop_front() {
        if at == to {
            let mut way: Vec<_> = std::iter::successors(Some(at), |at| before[at]).collect();
            way.reverse();
            return Some(format!("`{from}` must never reach `{to}`: {}", way.join(" > ")));
        }
        for used in graph.get(at).into_iter().flatten() {
            if !before.contains_key(used.as_str()) {
                before.insert(used, Some(at));
                next.push_back(used);
            }
        }
    }
    None
}

/// The dependencies that are built for this platform.
fn metadata() -> Metadata {
    let told = Command::new("rustc").arg("-vV").output().expect("whoever has cargo has rustc");
    let told = String::from_utf8(told.stdout).expect("rustc speaks UTF-8");
    let host = told.lines().find_map(|line| line.strip_prefix("host: ")).expect("rustc names its platform");
    let options = ["--locked", "--filter-platform", host].map(str::to_owned);
    let mut command = MetadataCommand::new();
    command.manifest_path(root().join("Cargo.toml")).other_options(options);
    command.exec().expect("cargo tells the packages of the workspace")
}

fn graph(metadata: &Metadata) -> Graph {
    let is_normal =
        |kinds: &[cargo_metadata::DepKindInfo]| kinds.iter().any(|info| info.kind == DependencyKind::Normal);
    let uses = |node: &Node| -> BTreeSet<String> {
        let used = node.deps.iter().filter(|used| is_normal(&used.dep_kinds));
        used.map(|used| metadata[&used.pkg].name.to_string()).collect()
    };
    let mut graph = Graph::new();
    for node in &metadata.resolve.as_ref().expect("dependencies were asked for").nodes {
        // Versions of one package count as one.
        graph.entry(metadata[&node.id].name.to_string()).or_default().extend(uses(node));
    }
    graph
}

#[test]
fn every_arrow_between_rooms_is_in_the_plan_of_the_house() {
    let metadata = metadata();
    let members = metadata.workspace_packages().into_iter().map(|package| package.name.to_string()).collect();
    expect_none(&complaints(&graph(&metadata), &members, &ROOMS));
}

#[test]
fn arrows_that_point_outwards_are_complained_of() {
    let uses = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<BTreeSet<_>>();
    let graph = Graph::from([
        ("op-plan".to_owned(), uses(&["cel", "rand"])),
        ("op-run".to_owned(), uses(&["op-plan", "op-proto"])),
        ("cel".to_owned(), uses(&["clock"])),
        ("clock".to_owned(), uses(&["tokio"])),
    ]);
    let plan = Room { name: "op-plan", rooms: &[], packages: Some(&["cel"]), never: &[] };
    let run = Room { name: "op-run", rooms: &["op-plan"], packages: None, never: &["tokio", "tonic"] };
    let gone = Room { name: "op-web", rooms: &[], packages: None, never: &[] };
    let expected = [
        "`op-proto` has no row in the table of rooms",
        "`op-plan` may not use `rand`",
        "`op-run` may not use `op-proto`",
        "`op-run` must never reach `tokio`: op-run > op-plan > cel > clock > tokio",
        "`op-web` has a row in the table of rooms and does not exist",
    ];
    assert_eq!(
        complaints(&graph, &uses(&["op-plan", "op-run", "op-proto", STREET]), &[plan, run, gone]),
        expected
    );
}
