//! How a replica follows its primary.

use super::declare::group;
use crate::config::choice::choice;
use crate::config::values::ReplicaOf;

choice! {
    /// What a replica does with a command of its primary that fails.
    PropagationError {
        /// Counts it.
        Ignore = "ignore",
        /// Ends.
        Panic = "panic",
        /// Ends, if it is a replica.
        PanicOnReplicas = "panic-on-replicas",
    }
}

choice! {
    /// When a replica loads from the socket.
    DisklessLoad {
        /// Never.
        Disabled = "disabled",
        /// When it has no data.
        OnEmptyDb = "on-empty-db",
        /// Always, beside the data that it has.
        SwapDb = "swapdb",
    }
}

group! {
    /// How a replica follows its primary.
    replication: Replication {
        /// Whether a replica is sent data and changes by two connections (Valkey).
        "dual-channel-replication-enabled" dual_channel_replication_enabled: bool = false, yes_no().hidden().missing("replication");
        /// The password for the primary.
        "masterauth" masterauth: Vec<u8> = Vec::new(), bytes_or_none().sensitive().hidden_alias("primaryauth").missing("replication");
        /// The user for the primary.
        "masteruser" masteruser: String = String::new(), text_or_none().sensitive().hidden_alias("primaryuser").missing("replication");
        /// Seconds after which a replica does not count any more.
        "min-replicas-max-lag" min_replicas_max_lag: i64 = 10, integer(0, i32::MAX as i64).alias("min-slaves-max-lag").missing("replication");
        /// Replicas without which writes are refused.
        "min-replicas-to-write" min_replicas_to_write: i64 = 0, integer(0, i32::MAX as i64).alias("min-slaves-to-write").missing("replication");
        /// What a replica does with a command of its primary that fails.
        "propagation-error-behavior" propagation_error_behavior: PropagationError = PropagationError::Ignore, choice().missing("replication");
        /// Bytes of the stream kept for replicas that come back.
        "repl-backlog-size" repl_backlog_size: u64 = 1 << 20, memory(1, i64::MAX as u64).missing("replication");
        /// Seconds for which it is kept without replicas.
        "repl-backlog-ttl" repl_backlog_ttl: i64 = 3600, integer(0, i64::MAX).missing("replication");
        /// Whether small packets to replicas are gathered.
        "repl-disable-tcp-nodelay" repl_disable_tcp_nodelay: bool = false, yes_no().missing("replication");
        /// Whether a replica loads without its disk.
        "repl-diskless-load" repl_diskless_load: DisklessLoad = DisklessLoad::Disabled, choice().fixed_while_loading().missing("replication");
        /// Whether a primary sends without its disk.
        "repl-diskless-sync" repl_diskless_sync: bool = true, yes_no().missing("replication");
        /// Seconds for which it waits for more replicas.
        "repl-diskless-sync-delay" repl_diskless_sync_delay: i64 = 5, integer(0, i32::MAX as i64).missing("replication");
        /// Replicas after which it does not.
        "repl-diskless-sync-max-replicas" repl_diskless_sync_max_replicas: i64 = 0, integer(0, i32::MAX as i64).missing("replication");
        /// Seconds between two pings.
        "repl-ping-replica-period" repl_ping_replica_period: i64 = 10, integer(1, i32::MAX as i64).alias("repl-ping-slave-period").missing("replication");
        /// Seconds of silence after which the other is given up.
        "repl-timeout" repl_timeout: i64 = 60, integer(1, i32::MAX as i64).missing("replication");
        /// The address by which others are to know this replica.
        "replica-announce-ip" replica_announce_ip: String = String::new(), text_or_none().alias("slave-announce-ip").missing("replication");
        /// The port.
        "replica-announce-port" replica_announce_port: u16 = 0, integer(0, 65535).alias("slave-announce-port").missing("replication");
        /// Whether Sentinels may know it.
        "replica-announced" replica_announced: bool = true, yes_no().missing("replication");
        /// Whether a replica goes on when it can't write its files.
        "replica-ignore-disk-write-errors" replica_ignore_disk_write_errors: bool = false, yes_no().missing("replication");
        /// Whether a replica leaves `maxmemory` to its primary.
        "replica-ignore-maxmemory" replica_ignore_maxmemory: bool = true, yes_no().alias("slave-ignore-maxmemory").missing("replication");
        /// Whether a replica frees its old data away from the loop.
        "replica-lazy-flush" replica_lazy_flush: bool = false, yes_no().alias("slave-lazy-flush").missing("replication");
        /// Which replica is promoted first: the lowest; 0 never.
        "replica-priority" replica_priority: i64 = 100, integer(0, i32::MAX as i64).alias("slave-priority").missing("replication");
        /// Whether a replica refuses writes.
        "replica-read-only" replica_read_only: bool = true, yes_no().alias("slave-read-only").missing("replication");
        /// Whether a replica without its primary serves what it has.
        "replica-serve-stale-data" replica_serve_stale_data: bool = true, yes_no().alias("slave-serve-stale-data").missing("replication");
        /// The primary.
        "replicaof" replicaof: ReplicaOf = ReplicaOf::default(), special().alias("slaveof").fixed().several().missing("replication");
    }
}
