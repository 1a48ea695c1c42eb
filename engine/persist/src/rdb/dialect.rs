//! Whose numbers of types and opcodes are meant.
//!
//! Up to version 11 there is one list of them. Redis and Valkey have gone on from there apart, each without regard to the other, so
//! that the same number may mean two things. The version tells: Valkey left 12 to 79 to Redis.

use crate::value::number;

/// Of Redis 8.6: streams that remember producers, and what modules attach to keys.
const NEWEST_OF_REDIS: u16 = 13;

/// Of Valkey 9.0 and 9.1: deadlines of fields of hashes.
const VALKEY_9: u16 = 80;

/// Whose numbers a file or a payload has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// Redis's, and everybody's up to version 11.
    Redis,
    /// Valkey's since 9.0.
    Valkey,
}

impl Dialect {
    /// That of what says that it is of this version; `None` if it is one that is not read.
    pub(crate) fn of_version(version: u16) -> Option<Dialect> {
        match version {
            0..=NEWEST_OF_REDIS => Some(Dialect::Redis),
            VALKEY_9 => Some(Dialect::Valkey),
            _ => None,
        }
    }

    /// Whether the number is one of a type of values that is read.
    pub(crate) fn has(self, value_type: u8) -> bool {
        match value_type {
            number::STRING..=number::SORTED_SET_2 | number::HASH_ZIPMAP..=number::STREAM_3 => true,
            number::HASH_VALKEY_TIMED => self == Dialect::Valkey,
            number::HASH_TIMED | number::HASH_PACKED_TIMED | number::STREAM_4 => self == Dialect::Redis,
            _ => false,
        }
    }
}
