//! What is recorded of a stream and its group of consumers: what was added and deleted, what was delivered to whom, what was
//! acknowledged, and what the server showed of it all at one moment.

use std::collections::{BTreeMap, BTreeSet};

/// An entry's id.
pub type EntryId = (u64, u64);

/// See the module.
#[derive(Debug, Default)]
pub struct Groups {
    /// Entries that were answered: when their XADD was sent and answered, and what they carry.
    pub added: BTreeMap<EntryId, Added>,
    /// What entries carry that may have been added: their answers were lost.
    pub unanswered: BTreeSet<String>,
    /// Entries that somebody has asked to delete, and when first.
    pub deletions: BTreeMap<EntryId, u64>,
    /// Entries that somebody has asked to acknowledge.
    pub acknowledged: BTreeSet<EntryId>,
    /// Entries that were delivered.
    pub deliveries: Vec<Delivery>,
    /// Entries that XAUTOCLAIM has said to be deleted.
    pub reported: BTreeSet<EntryId>,
    /// XAUTOCLAIMs whose answers were lost, or have not come yet.
    pub lost_claims: Vec<LostClaim>,
    /// What the server showed.
    pub views: Vec<View>,
}

/// An XAUTOCLAIM that may have been executed without anybody hearing of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LostClaim {
    /// When it was sent.
    pub asked: u64,
    /// When its answer was no longer waited for.
    pub given_up: Option<u64>,
}

/// An entry as its producer sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Added {
    /// What it carries; no two entries carry the same.
    pub token: String,
    /// When it was answered.
    pub answered: u64,
}

/// How an entry came to a consumer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum How {
    /// As new.
    New,
    /// From another consumer, or from itself.
    Claimed,
}

/// An entry that has reached a consumer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// When.
    pub at: u64,
    /// Whom.
    pub consumer: String,
    /// Which.
    pub id: EntryId,
    /// What it carries.
    pub token: String,
    /// How.
    pub how: How,
}

/// What the server showed in one transaction.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct View {
    /// When it was asked for.
    pub asked: u64,
    /// When it was answered.
    pub answered: u64,
    /// How many entries are pending, by XPENDING's sum.
    pub pending_sum: i64,
    /// And for whom.
    pub pending_by_consumer: BTreeMap<String, i64>,
    /// Entry by entry, with owner and number of deliveries.
    pub pending: Vec<(EntryId, String, i64)>,
    /// How many are pending for each consumer, by XINFO.
    pub consumers: BTreeMap<String, i64>,
    /// The last entry that was delivered.
    pub last_delivered: EntryId,
    /// How many entries the stream has, and which.
    pub len: i64,
    /// Its entries.
    pub entries: Vec<EntryId>,
}

/// An id as servers write it.
pub fn id(text: &[u8]) -> Option<EntryId> {
    let (ms, seq) = std::str::from_utf8(text).ok()?.split_once('-')?;
    Some((ms.parse().ok()?, seq.parse().ok()?))
}

/// An id for people, and for servers.
pub fn text((ms, seq): EntryId) -> String {
    format!("{ms}-{seq}")
}
