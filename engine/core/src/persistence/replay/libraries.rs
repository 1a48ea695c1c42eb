//! What a command of an append-only file does to libraries of functions: FUNCTION LOAD, DELETE, FLUSH and RESTORE, as other servers
//! have written them. A command that has taken effect there can't fail here, unless the file is not what it was.

use refrain_persist::restore_libraries;

use super::ReplayError;
use crate::call::Args;
use crate::libraries::Libraries;

/// A change of libraries.
pub(super) enum LibraryChange {
    /// These come in, each in the place of one of its name if they may replace any.
    Add { sources: Vec<Vec<u8>>, replaces: bool },
    /// The one of this name goes.
    Remove(Vec<u8>),
    /// All go.
    Clear,
}

impl LibraryChange {
    /// What the command does, in order. `None` if it is none about libraries.
    ///
    /// # Errors
    /// When it is one, but none that changes any.
    pub(super) fn of(args: Args<'_>) -> Result<Option<Vec<LibraryChange>>, ReplayError> {
        if !args.get(0).is_some_and(|name| name.eq_ignore_ascii_case(b"function")) {
            return Ok(None);
        }
        let word = |i: usize| args.get(i).unwrap_or_default().to_ascii_uppercase();
        let changes = match (&*word(1), args.len()) {
            (b"LOAD", 3) => vec![LibraryChange::Add { sources: vec![args.at(2).to_vec()], replaces: false }],
            (b"LOAD", 4) if word(2) == b"REPLACE" => {
                vec![LibraryChange::Add { sources: vec![args.at(3).to_vec()], replaces: true }]
            }
            (b"DELETE", 3) => vec![LibraryChange::Remove(args.at(2).to_vec())],
            (b"FLUSH", 2 | 3) => vec![LibraryChange::Clear],
            (b"RESTORE", 3 | 4) => {
                let sources = restore_libraries(args.at(2))
                    .map_err(|_| ReplayError::because("FUNCTION RESTORE with a payload that is none"))?;
                let (clears, replaces) = match &*word(3) {
                    b"" | b"APPEND" => (false, false),
                    b"REPLACE" => (false, true),
                    b"FLUSH" => (true, false),
                    _ => return Err(unknown()),
                };
                let all = clears.then_some(LibraryChange::Clear).into_iter();
                all.chain([LibraryChange::Add { sources, replaces }]).collect()
            }
            _ => return Err(unknown()),
        };
        Ok(Some(changes))
    }

    /// Makes it.
    ///
    /// # Errors
    /// When it can't be made, as it must have been when it was written.
    pub(super) fn apply(self, libraries: &mut Libraries) -> Result<(), ReplayError> {
        match self {
            LibraryChange::Add { sources, replaces } => {
                sources.iter().try_for_each(|source| libraries.add(source, replaces)).map_err(ReplayError::because)
            }
            LibraryChange::Remove(name) if !libraries.remove(&name) => Err(ReplayError::because("Library not found")),
            LibraryChange::Remove(_) => Ok(()),
            LibraryChange::Clear => {
                libraries.clear();
                Ok(())
            }
        }
    }
}

fn unknown() -> ReplayError {
    ReplayError::because("Unknown subcommand of 'FUNCTION'")
}
