//! Commands on sorted sets.

use super::Command;

/// Commands of this group.
pub(super) const COMMANDS: &[Command] = &[];
