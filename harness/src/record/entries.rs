//! What bookkeepers were told of entries in their ledger.

use std::collections::BTreeSet;

/// What clients know of entries.
#[derive(Debug, Default)]
pub struct Entries {
    /// Somebody was told that an entry is there: by the reply to the transaction that wrote it, or to a read.
    pub told: Vec<Told>,
    /// Entries whose transaction was refused: they are never there.
    pub refused: BTreeSet<Vec<u8>>,
}

/// A client was told of an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// The entry.
    pub entry: Vec<u8>,
    /// Who was told.
    pub client: String,
    /// When he asked.
    pub asked: u64,
    /// When he was answered.
    pub answered: u64,
}
