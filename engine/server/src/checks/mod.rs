//! What the machine is asked before it is trusted: `--check-system`, `--test-memory`, and the warnings at start.

pub mod memory;
pub mod system;
