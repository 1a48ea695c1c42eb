//! What becomes of groups' references to entries that are deleted: `KEEPREF`, `DELREF`, `ACKED`.

use refrain_data::stream::{Stream, StreamId, TrimTo};

/// What becomes of references, or whether an entry may go at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum References {
    /// They stay, to nothing.
    #[default]
    Keep,
    /// They go, too.
    Delete,
    /// Only entries go that every group has read and acknowledged.
    Acked,
}

/// What has become of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Deletion {
    Deleted,
    /// A group is not done with it.
    InUse,
    Missing,
    /// It was missing, but references to it were left, which went.
    Forgotten,
}

impl Deletion {
    /// What clients are told of it.
    pub(super) fn code(self) -> i64 {
        match self {
            Deletion::Deleted => 1,
            Deletion::InUse => 2,
            Deletion::Missing | Deletion::Forgotten => -1,
        }
    }
}

impl References {
    /// The option that a word is.
    pub(super) fn of(word: &[u8]) -> Option<References> {
        [(&b"KEEPREF"[..], References::Keep), (b"DELREF", References::Delete), (b"ACKED", References::Acked)]
            .into_iter()
            .find(|(name, _)| word.eq_ignore_ascii_case(name))
            .map(|(_, references)| references)
    }

    /// The word for whoever repeats a command; the default needs none.
    pub(super) fn word(self) -> Option<&'static [u8]> {
        match self {
            References::Keep => None,
            References::Delete => Some(b"DELREF"),
            References::Acked => Some(b"ACKED"),
        }
    }

    /// Deletes an entry.
    pub(super) fn delete(self, stream: &mut Stream, id: StreamId) -> Deletion {
        if self == References::Acked && !stream.is_done_with(id) {
            return Deletion::InUse;
        }
        let found = stream.log.delete(id);
        let forgotten = self == References::Delete && stream.acknowledge_everywhere(id);
        match (found, forgotten) {
            (true, _) => Deletion::Deleted,
            (false, true) => Deletion::Forgotten,
            (false, false) => Deletion::Missing,
        }
    }

    /// Trims a stream; see [`refrain_data::stream::Log::trim`]. Where references matter each entry is looked at, so no block stays whole
    /// for the sake of being whole; `limit` goes by blocks all the same, as with Redis.
    pub(super) fn trim(self, stream: &mut Stream, to: TrimTo, whole_blocks: bool, limit: u64) -> Trimmed {
        let gone = match self {
            References::Keep => stream.log.trim(to, whole_blocks, limit),
            _ if stream.groups_len() == 0 => stream.log.trim(to, false, limit),
            References::Delete => {
                // What the first entries are is known before they go, and never after.
                let mut trimmed = stream.log.clone();
                let gone = trimmed.trim(to, false, limit);
                let ids = stream.log.range(StreamId::MIN, StreamId::MAX).take(gone as usize).map(|entry| entry.id);
                let ids: Vec<StreamId> = ids.collect();
                stream.log = trimmed;
                for id in ids {
                    stream.acknowledge_everywhere(id);
                }
                gone
            }
            References::Acked => return trim_acknowledged(stream, to, limit),
        };
        let left = match to {
            TrimTo::Length(_) => TrimTo::Length(stream.len() as u64),
            TrimTo::Id(_) if stream.is_empty() => TrimTo::Id(StreamId::MAX),
            TrimTo::Id(_) => TrimTo::Id(stream.log.first_id()),
        };
        Trimmed { gone, left }
    }
}

/// What has become of a stream that was trimmed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Trimmed {
    /// How many entries went.
    pub(super) gone: u64,
    /// What remains to be said to whoever repeats it: a bound that, taken exactly, has the same entries go.
    pub(super) left: TrimTo,
}

/// Removes the entries that every group is done with, from the first on. As with Redis a block of which something would have to stay for
/// the length's sake is the last one that is looked at, even if nothing of it goes.
fn trim_acknowledged(stream: &mut Stream, to: TrimTo, limit: u64) -> Trimmed {
    let len = stream.len() as u64;
    let mut going = Vec::new();
    // All entries before this one were looked at.
    let mut reached = None;
    'blocks: for block in stream.log.blocks() {
        let (gone, live) = (going.len() as u64, block.live_len() as u64);
        if limit > 0 && gone + live > limit {
            reached = Some(block.id());
            break;
        }
        let is_last = match to {
            TrimTo::Length(most) => len - gone < most.saturating_add(live),
            TrimTo::Id(id) => block.last() >= id,
        };
        for entry in stream.log.range(block.id(), block.last()) {
            let is_end = match to {
                TrimTo::Length(most) => len - going.len() as u64 <= most,
                TrimTo::Id(id) => entry.id >= id,
            };
            if is_end {
                reached = Some(entry.id);
                break 'blocks;
            }
            if stream.is_done_with(entry.id) {
                going.push(entry.id);
            }
        }
        if is_last {
            reached = block.last().next();
            break;
        }
    }
    for id in &going {
        stream.log.trim_one(*id);
    }
    // How far it came depends on how entries are packed. Said by an id it does not.
    Trimmed { gone: going.len() as u64, left: TrimTo::Id(reached.unwrap_or(StreamId::MAX)) }
}
