//! Up to which size values keep their compact encodings.

use super::declare::group;
use crate::config::choice::choice;

choice! {
    /// Whose payloads are checked in depth.
    Sanitize {
        /// Nobody's.
        No = "no",
        /// Everybody's.
        Yes = "yes",
        /// Those of clients, but not those of primaries and files.
        Clients = "clients",
    }
}

group! {
    /// Up to which size values keep their compact encodings.
    encodings: Encodings {
        /// Fields of a compact hash.
        "hash-max-listpack-entries" hash_max_listpack_entries: u64 = 512, integer(0, i64::MAX).alias("hash-max-ziplist-entries");
        /// Bytes of the longest field or value of a compact hash.
        "hash-max-listpack-value" hash_max_listpack_value: u64 = 64, memory(0, i64::MAX as u64).alias("hash-max-ziplist-value");
        /// Bytes of a sparse HyperLogLog.
        "hll-sparse-max-bytes" hll_sparse_max_bytes: u64 = 3000, memory(0, i64::MAX as u64);
        /// Strips at either end of a large list that stay uncompressed; 0 compresses none.
        "list-compress-depth" list_compress_depth: i64 = 0, integer(0, i32::MAX as i64);
        /// Up to how many elements, or (negative) which class of sizes, a list is packed.
        "list-max-listpack-size" list_max_listpack_size: i64 = -2, integer(i32::MIN as i64, i32::MAX as i64).alias("list-max-ziplist-size");
        /// Elements of a set of integers.
        "set-max-intset-entries" set_max_intset_entries: u64 = 512, integer(0, i64::MAX);
        /// Elements of a compact set.
        "set-max-listpack-entries" set_max_listpack_entries: u64 = 128, integer(0, i64::MAX);
        /// Bytes of the longest element of a compact set.
        "set-max-listpack-value" set_max_listpack_value: u64 = 64, integer(0, i64::MAX);
        /// Seconds for which a stream that is made now remembers what producers have sent.
        "stream-idmp-duration" stream_idmp_duration: u64 = 100, integer(1, 86_400).hidden();
        /// Entries of each producer that it remembers at the most.
        "stream-idmp-maxsize" stream_idmp_maxsize: u64 = 100, integer(1, 10_000).hidden();
        /// Bytes of a stream's node.
        "stream-node-max-bytes" stream_node_max_bytes: u64 = 4096, memory(0, i64::MAX as u64);
        /// Entries of a stream's node.
        "stream-node-max-entries" stream_node_max_entries: i64 = 100, integer(0, i64::MAX);
        /// Elements of a compact sorted set.
        "zset-max-listpack-entries" zset_max_listpack_entries: u64 = 128, integer(0, i64::MAX).alias("zset-max-ziplist-entries");
        /// Bytes of the longest element of a compact sorted set.
        "zset-max-listpack-value" zset_max_listpack_value: u64 = 64, memory(0, i64::MAX as u64).alias("zset-max-ziplist-value");
        /// How far the payload of RESTORE is checked. Every payload is, wholly: there is nothing that this could leave out.
        "sanitize-dump-payload" sanitize_dump_payload: Sanitize = Sanitize::No, choice();
    }
}
