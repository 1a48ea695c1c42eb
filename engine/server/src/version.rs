//! Which build this is: version, commit, and an id that differs between builds.

use crate::conf_file::REDIS_VERSION;

/// The commit's first eight digits, and whether the tree had changes; zeros where it was built outside of a repository.
pub const COMMIT: &str = env!("REFRAIN_COMMIT");

/// 1 when the tree had changes that were not committed.
pub const MODIFIED: &str = env!("REFRAIN_MODIFIED");

/// 16 hexadecimal digits: of the version, the commit, the compiler and the target.
pub const BUILD_ID: &str = env!("REFRAIN_BUILD_ID");

/// The commit as the banner shows it.
pub const COMMIT_LINE: &str = concat!("commit ", env!("REFRAIN_COMMIT"), ":", env!("REFRAIN_MODIFIED"));

/// The allocator, as `INFO` names it.
pub const ALLOCATOR: &str = "jemalloc-5.3.1";

/// The line that `--version` prints: Redis's, field by field, because scripts read it, with our name behind it.
pub fn line() -> String {
    format!(
        "Redis server v={REDIS_VERSION} sha={COMMIT}:{MODIFIED} malloc={ALLOCATOR} bits={} build={BUILD_ID} (Refrain {})",
        usize::BITS,
        env!("CARGO_PKG_VERSION")
    )
}
