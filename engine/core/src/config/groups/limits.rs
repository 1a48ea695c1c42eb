//! How much clients may take. Zero means no limit, unless a parameter says otherwise.

use super::declare::group;
use crate::config::values::{ClientMemory, OutputLimits};

group! {
    /// How much clients may take.
    limits: Limits {
        /// What a client of each class may be owed.
        "client-output-buffer-limit" client_output_buffer_limit: OutputLimits = OutputLimits::default(), special().several();
        /// Bytes that a client may send ahead of their execution.
        "client-query-buffer-limit" client_query_buffer_limit: u64 = 1 << 30, memory(1 << 20, i64::MAX as u64);
        /// Clients that may be connected at once.
        "maxclients" maxclients: i64 = 10000, integer(1, u32::MAX as i64);
        /// Connections accepted at once (Redis 7.4).
        "max-new-connections-per-cycle" max_new_connections_per_cycle: i64 = 10, integer(1, 1000).hidden().missing("a bound on connections accepted at once");
        /// Memory that all clients together may take.
        "maxmemory-clients" maxmemory_clients: ClientMemory = ClientMemory::default(), special();
        /// Bytes of the longest argument and the longest string.
        "proto-max-bulk-len" proto_max_bulk_len: u64 = 512 << 20, memory(1 << 20, i64::MAX as u64);
        /// Seconds after which an idle client is closed; 0 means never.
        "timeout" timeout: i64 = 0, integer(0, i32::MAX as i64);
        /// Keys that the server remembers for clients that cache; 0 means any number.
        "tracking-table-max-keys" tracking_table_max_keys: u64 = 1000000, integer(0, i64::MAX);
    }
}
