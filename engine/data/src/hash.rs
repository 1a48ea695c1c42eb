//! The keyed hash of the keyspace.
//!
//! One 128-bit seed serves every dictionary of a keyspace, so that the engine can hash a key before it knows the
//! database. Keyed, because clients choose the keys: without the seed nobody can aim many keys at one bucket.

use siphasher::sip::SipHasher13;

/// The secret of a keyspace's hash; drawn once from the runtime's entropy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HashSeed(pub [u64; 2]);

impl HashSeed {
    /// Hashes a key with SipHash-1-3.
    #[inline]
    #[must_use]
    pub fn hash(&self, key: &[u8]) -> KeyHash {
        KeyHash(SipHasher13::new_with_keys(self.0[0], self.0[1]).hash(key))
    }
}

/// The hash of a key: its place in the order that SCAN and the snapshot walk follow, from 0 up to 2^64.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct KeyHash(pub u64);

impl KeyHash {
    /// The top `depth` bits.
    #[inline]
    pub(crate) fn prefix(self, depth: u8) -> usize {
        // Two shifts, because a shift by 64 (depth 0) is not defined.
        ((self.0 >> 1) >> (63 - u32::from(depth))) as usize
    }

    /// The 16 bits below the top `depth`: the place inside a segment, and the tag in the slot.
    #[inline]
    pub(crate) fn fraction(self, depth: u8) -> u16 {
        ((self.0 << depth) >> 48) as u16
    }
}
