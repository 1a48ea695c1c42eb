//! Commands on geographic indexes.

use super::Command;

/// Commands of this group.
pub(super) const COMMANDS: &[Command] = &[];
