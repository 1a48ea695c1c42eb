//! Tells the binary which commit and which build it is (`REFRAIN_COMMIT`, `REFRAIN_MODIFIED`, `REFRAIN_BUILD_ID`).
//!
//! Outside of a repository, as in a source archive, the commit is zeros and the build goes on.
#![expect(
    clippy::disallowed_methods,
    reason = "a build script runs before there is anything to be deterministic about"
)]

use std::env;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::Path;
use std::process::Command;

fn main() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    // A commit moves HEAD's log; other changes of the tree don't run this again, so `modified` is that of the last commit or
    // of the last change of this crate.
    for path in [root.join(".git/logs/HEAD"), root.join(".git/HEAD")] {
        if path.exists() {
            println!("cargo::rerun-if-changed={}", path.display());
        }
    }
    println!("cargo::rerun-if-changed=src");
    println!("cargo::rerun-if-changed=build.rs");
    let commit = git(&root, &["rev-parse", "--short=8", "HEAD"]).unwrap_or_else(|| "00000000".to_owned());
    let modified = git(&root, &["status", "--porcelain", "--untracked-files=no"]).is_some_and(|text| !text.is_empty());
    let mut hasher = DefaultHasher::new();
    let about = ["CARGO_PKG_VERSION", "TARGET", "PROFILE", "OPT_LEVEL"].map(|name| env::var(name).unwrap_or_default());
    (about, &commit, modified, compiler()).hash(&mut hasher);
    println!("cargo::rustc-env=REFRAIN_COMMIT={commit}");
    println!("cargo::rustc-env=REFRAIN_MODIFIED={}", u8::from(modified));
    println!("cargo::rustc-env=REFRAIN_BUILD_ID={:016x}", hasher.finish());
}

fn git(root: &Path, arguments: &[&str]) -> Option<String> {
    let output = Command::new("git").arg("-C").arg(root).args(arguments).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

fn compiler() -> String {
    let rustc = env::var("RUSTC").unwrap_or_else(|_| "rustc".to_owned());
    let output = Command::new(rustc).arg("--version").output();
    output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default()
}
