//! The walls of the house, read from the dependency graph that cargo builds: which crate may know of which.
//!
//! `ARCHITECTURE.md` says why. The rules are a function of a graph, so that this file can also show that they fail where
//! they must; a rule about a crate that does not exist (any more) fails as well.
#![expect(clippy::disallowed_methods, reason = "this test reads the source tree, not the simulated world")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use cargo_metadata::{DependencyKind, Metadata, MetadataCommand};

/// Packages and what each depends on.
#[derive(Default, Clone)]
struct Graph {
    /// Normal dependencies, as resolved: these are linked into whatever uses the package.
    normal: BTreeMap<String, BTreeSet<String>>,
    /// Normal, build and development dependencies of the workspace's own crates.
    all: BTreeMap<String, BTreeSet<String>>,
}

impl Graph {
    /// Everything that is linked in with `package`, itself apart.
    fn closure(&self, package: &str) -> BTreeSet<String> {
        let mut reached = BTreeSet::new();
        let mut open = vec![package.to_owned()];
        while let Some(package) = open.pop() {
            for next in self.normal.get(&package).into_iter().flatten() {
                if reached.insert(next.clone()) {
                    open.push(next.clone());
                }
            }
        }
        reached
    }
}

/// The floors of the house, from the ground: a crate may depend on crates of lower floors only, and on none that is not here.
const FLOORS: &[&[&str]] = &[
    &["refrain-runtime", "refrain-resp", "refrain-jepsen"],
    &["refrain-data"],
    &["refrain-persist"],
    &["refrain-core"],
    &["refrain-node"],
    &["refrain-tokio", "refrain-sim"],
    &["refrain-server", "refrain-harness", "refrain-bench"],
];

/// Crates without I/O, clocks, threads or chance of their own, with all that may be linked in with them besides each other.
const PURE: &[&str] = &["refrain-resp", "refrain-data", "refrain-persist", "refrain-core"];

/// Small libraries that compute and do nothing else.
const PURE_LIBRARIES: &[&str] = &[
    "bytes",
    "crc",
    "crc-catalog",
    "crc32fast",
    "itoa",
    "memchr",
    "xxhash-rust",
    // Passwords are kept as SHA-256: sha2, and what it is made of. cpufeatures asks the processor which instructions it has;
    // the digest is the same with any of them.
    "sha2",
    "block-buffer",
    "cfg-if",
    "cpufeatures",
    "crypto-common",
    "digest",
    "hybrid-array",
    "typenum",
];

/// What `refrain-node` may name. It logs, and everything else comes through the seam.
const OF_THE_NODE: &[&str] =
    &["refrain-runtime", "refrain-core", "refrain-persist", "refrain-data", "bytes", "tracing"];

/// What must never reach production.
const SIMULATOR: &[&str] = &["madsim", "refrain-sim", "refrain-harness", "refrain-jepsen"];

/// Every broken rule, in words.
fn violations(graph: &Graph) -> Vec<String> {
    let mut found = Vec::new();
    let empty = BTreeSet::new();
    let floor = |package: &str| FLOORS.iter().position(|crates| crates.contains(&package));
    let ours = |package: &str| package.starts_with("refrain-");

    for package in graph.all.keys().filter(|package| floor(package).is_none()) {
        found.push(format!("{package} stands on no floor of the house: enter it in FLOORS"));
    }
    for package in FLOORS.iter().copied().flatten() {
        if !graph.all.contains_key(*package) {
            found.push(format!("{package} has a floor and does not exist"));
        }
    }
    for (package, dependencies) in &graph.normal {
        for dependency in dependencies.iter().filter(|d| ours(package) && ours(d)) {
            if floor(dependency) >= floor(package) {
                found.push(format!("{package} depends on {dependency}, which is not below it"));
            }
        }
    }
    for pure in PURE {
        for reached in graph.closure(pure) {
            if !PURE.contains(&reached.as_str()) && !PURE_LIBRARIES.contains(&reached.as_str()) {
                found.push(format!("{pure} is pure and reaches {reached}"));
            }
        }
    }
    for dependency in graph.normal.get("refrain-runtime").unwrap_or(&empty) {
        found.push(format!("refrain-runtime holds traits alone and depends on {dependency}"));
    }
    for dependency in graph.normal.get("refrain-node").unwrap_or(&empty) {
        if !OF_THE_NODE.contains(&dependency.as_str()) {
            found.push(format!("refrain-node depends on {dependency}: the world comes through the seam"));
        }
    }
    for simulator in graph.closure("refrain-server").iter().filter(|p| SIMULATOR.contains(&p.as_str())) {
        found.push(format!("refrain-server is linked with {simulator}"));
    }
    // The checkers' own tests count as well: what judges the engine is not built with it in any way.
    for dependency in graph.all.get("refrain-jepsen").unwrap_or(&empty) {
        if ours(dependency) {
            found.push(format!("refrain-jepsen judges the engine and depends on {dependency}"));
        }
    }
    found
}

fn metadata() -> Metadata {
    // What a build for this platform needs is on this machine already; for others it would have to be fetched.
    let platform = format!("{}-unknown-linux-gnu", std::env::consts::ARCH);
    MetadataCommand::new()
        .manifest_path(root().join("Cargo.toml"))
        .other_options(["--locked", "--filter-platform", &platform].map(str::to_owned))
        .exec()
        .expect("cargo can read its own workspace")
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn graph_of(metadata: &Metadata) -> Graph {
    let name = |id| metadata[id].name.to_string();
    let mut graph = Graph::default();
    let resolve = metadata.resolve.as_ref().expect("cargo resolves unless told not to");
    for node in &resolve.nodes {
        let normal = node.deps.iter().filter(|d| d.dep_kinds.iter().any(|k| k.kind == DependencyKind::Normal));
        graph.normal.insert(name(&node.id), normal.map(|d| name(&d.pkg)).collect());
        if metadata.workspace_members.contains(&node.id) {
            graph.all.insert(name(&node.id), node.deps.iter().map(|d| name(&d.pkg)).collect());
        }
    }
    graph
}

#[test]
fn every_crate_depends_on_what_it_may() {
    let found = violations(&graph_of(&metadata()));
    assert!(found.is_empty(), "walls that do not stand:\n{}", found.join("\n"));
}

/// The real graph, read once more with one edge added.
#[track_caller]
fn check_noticed(from: &str, to: &str, message: &str) {
    let mut graph = graph_of(&metadata());
    graph.normal.entry(from.to_owned()).or_default().insert(to.to_owned());
    graph.all.entry(from.to_owned()).or_default().insert(to.to_owned());
    let found = violations(&graph);
    assert!(found.iter().any(|v| v.contains(message)), "{from} -> {to} went unnoticed: {found:?}");
}

#[test]
fn a_broken_wall_is_noticed() {
    check_noticed("refrain-core", "tokio", "refrain-core is pure and reaches tokio");
    check_noticed("refrain-resp", "libc", "refrain-core is pure and reaches libc");
    check_noticed("itoa", "rand", "refrain-data is pure and reaches rand");
    check_noticed("refrain-core", "tracing", "refrain-core is pure and reaches tracing");
    check_noticed("refrain-data", "refrain-core", "refrain-data depends on refrain-core, which is not below it");
    check_noticed("refrain-tokio", "refrain-sim", "refrain-tokio depends on refrain-sim, which is not below it");
    check_noticed("refrain-runtime", "bytes", "refrain-runtime holds traits alone and depends on bytes");
    check_noticed("refrain-node", "mio", "refrain-node depends on mio");
    check_noticed("refrain-tokio", "madsim", "refrain-server is linked with madsim");
    check_noticed("tracing-subscriber", "refrain-harness", "refrain-server is linked with refrain-harness");
    check_noticed("refrain-jepsen", "refrain-core", "refrain-jepsen judges the engine and depends on refrain-core");
    check_noticed("refrain-new", "bytes", "refrain-new stands on no floor");
}

#[test]
fn a_rule_about_a_crate_that_is_gone_is_noticed() {
    let mut graph = graph_of(&metadata());
    graph.all.remove("refrain-data");
    assert!(violations(&graph).iter().any(|v| v == "refrain-data has a floor and does not exist"));
}

fn read(file: &str) -> String {
    std::fs::read_to_string(root().join(file)).unwrap_or_else(|error| panic!("{file}: {error}"))
}

#[test]
fn every_dependency_has_its_reason_in_contributing() {
    let metadata = metadata();
    let text = read("CONTRIBUTING.md");
    let mut missing = BTreeSet::new();
    for package in metadata.workspace_packages() {
        for dependency in package.dependencies.iter().filter(|d| !d.name.starts_with("refrain-")) {
            if !text.contains(&format!("| `{}` |", dependency.name)) {
                missing.insert(dependency.name.clone());
            }
        }
    }
    assert!(missing.is_empty(), "no row in CONTRIBUTING.md for {missing:?}");
}

/// Rows of CONTRIBUTING.md's table of dependencies: names in backticks in the first cell.
#[test]
fn contributing_gives_no_reason_for_what_nobody_uses() {
    let used: BTreeSet<String> = metadata()
        .workspace_packages()
        .iter()
        .flat_map(|package| package.dependencies.iter().map(|d| d.name.clone()))
        .collect();
    let text = read("CONTRIBUTING.md");
    let section = text.split("## Dependencies").nth(1).and_then(|rest| rest.split("\n## ").next()).unwrap_or_default();
    let named = section.lines().filter_map(|line| line.strip_prefix("| `")?.split_once('`').map(|(name, _)| name));
    let stale: Vec<&str> = named.filter(|name| !used.contains(*name)).collect();
    assert!(!section.is_empty() && stale.is_empty(), "rows for dependencies that are gone: {stale:?}");
}

#[test]
fn the_map_shows_what_is_there() {
    let text = read("ARCHITECTURE.md");
    let metadata = metadata();
    let top = root().canonicalize().expect("the workspace is there");
    for package in metadata.workspace_packages() {
        let folder = package.manifest_path.parent().expect("a manifest lies in a folder");
        let folder = folder.as_std_path().strip_prefix(&top).expect("members lie below the root").display().to_string();
        assert!(text.contains(&format!("`{folder}/`")), "ARCHITECTURE.md does not show {folder}/");
    }
}

/// What stands between backticks in a document, code blocks apart.
fn quoted(document: &str) -> Vec<String> {
    let prose: Vec<&str> = document.split("```").step_by(2).collect();
    prose.concat().split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

#[test]
fn documents_name_paths_that_exist() {
    for (document, expected) in
        [("ARCHITECTURE.md", 30), ("CONTRIBUTING.md", 5), ("docs/guarantees.md", 10), ("docs/errors.md", 2)]
    {
        let quoted = quoted(&read(document));
        let first_folders =
            ["engine/", "sim/", "harness/", "jepsen/", "benches/", "scenarios/", "docs/", ".ci/", ".cargo/"];
        let is_path = |code: &&String| first_folders.iter().any(|f| code.starts_with(f)) && !code.contains([' ', '*']);
        let paths: Vec<&String> = quoted.iter().filter(is_path).collect();
        assert!(paths.len() >= expected, "only {} paths were recognised in {document}", paths.len());
        let missing: Vec<&&String> = paths.iter().filter(|path| !root().join(path).exists()).collect();
        assert!(missing.is_empty(), "{document} names what is not there: {missing:?}");
    }
}

/// The Rust sources below a folder, one after the other.
fn sources(folder: &Path, text: &mut String) {
    for entry in std::fs::read_dir(folder).expect("a folder of the tree can be read") {
        let path = entry.expect("a folder of the tree can be read").path();
        if path.is_dir() {
            sources(&path, text);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            text.push_str(&std::fs::read_to_string(&path).expect("sources are text"));
        }
    }
}

/// A promise names the test that checks it: so a test that is renamed or deleted takes its promise with it.
#[test]
fn promises_name_tests_oracles_and_scenarios_that_exist() {
    let mut tree = String::new();
    for folder in ["engine", "sim", "harness"] {
        sources(&root().join(folder), &mut tree);
    }
    let mut names = 0;
    for document in ["docs/guarantees.md", "docs/errors.md"] {
        for name in quoted(&read(document)) {
            let is_name = name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
            if is_name && name.matches('_').count() >= 3 {
                assert!(tree.contains(&format!("fn {name}(")), "{document} names the test {name}, which is not there");
                names += 1;
            }
        }
    }
    assert!(names >= 5, "only {names} tests were recognised");

    let text = read("docs/guarantees.md");
    // Up to the end of the paragraph or of the item.
    let first = |text: &str, end: &str| text.split(end).next().unwrap_or_default().to_owned();
    let checks = text.split("*Checked by*").skip(1).map(|rest| first(&first(rest, "\n\n"), "\n* "));
    let (mut oracles, mut others) = (0, 0);
    for name in checks.flat_map(|check| quoted(&check)).filter(|name| !name.contains(['/', '.', ' '])) {
        let is_oracle = root().join(format!("harness/src/oracles/{name}.rs")).exists();
        let is_scenario = root().join(format!("scenarios/{name}.toml")).exists();
        let is_planted = tree.contains(&format!("(\"{name}\", Planted::"));
        let is_test = tree.contains(&format!("fn {name}("));
        assert!(is_oracle || is_scenario || is_planted || is_test, "nothing is called {name}");
        oracles += usize::from(is_oracle);
        others += usize::from(is_scenario || is_planted);
    }
    assert!(oracles >= 5 && others >= 8, "{oracles} oracles and {others} scenarios and planted bugs were recognised");
}
