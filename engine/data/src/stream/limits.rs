//! How much goes into a block.

/// No block, and so no entry, has more content than this: with what frames it, it stays below the length of a listpack.
pub const BLOCK_BYTES_MAX: usize = (1 << 30) - (1 << 24);

/// `stream-node-max-bytes` and `stream-node-max-entries`; 0 is no limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StreamLimits {
    /// Bytes of a block, as Redis would count them.
    pub node_max_bytes: u64,
    /// Entries of a block, deleted ones included.
    pub node_max_entries: u64,
}

impl Default for StreamLimits {
    fn default() -> Self {
        StreamLimits { node_max_bytes: 4096, node_max_entries: 100 }
    }
}

impl StreamLimits {
    pub(super) fn block_bytes(self) -> usize {
        match usize::try_from(self.node_max_bytes) {
            Ok(bytes @ 1..=BLOCK_BYTES_MAX) => bytes,
            _ => BLOCK_BYTES_MAX,
        }
    }

    pub(super) fn block_entries(self) -> Option<usize> {
        (self.node_max_entries != 0).then(|| usize::try_from(self.node_max_entries).unwrap_or(usize::MAX))
    }
}
