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

    /// Trims a stream; see [`refrain_data::stream::Log::trim`].
    pub(super) fn trim(self, stream: &mut Stream, to: TrimTo, whole_blocks: bool, limit: u64) -> u64 {
        if self == References::Keep || stream.groups_len() == 0 {
            return stream.log.trim(to, whole_blocks, limit);
        }
        // What the entries before the last ones are is known before they go, and never after.
        let mut copy = stream.log.clone();
        let most = copy.trim(to, whole_blocks, limit) as usize;
        match self {
            References::Acked => {
                let candidates = match to {
                    TrimTo::Length(_) if !whole_blocks => stream.len(),
                    _ => most,
                };
                let ids = first_ids(stream, candidates);
                let done = ids.into_iter().filter(|id| stream.is_done_with(*id)).take(most).collect::<Vec<_>>();
                for id in &done {
                    stream.log.trim_one(*id);
                }
                done.len() as u64
            }
            _ => {
                let gone = first_ids(stream, most);
                stream.log = copy;
                for id in gone {
                    stream.acknowledge_everywhere(id);
                }
                most as u64
            }
        }
    }
}

fn first_ids(stream: &Stream, count: usize) -> Vec<StreamId> {
    stream.log.range(StreamId::MIN, StreamId::MAX).take(count).map(|entry| entry.id).collect()
}
