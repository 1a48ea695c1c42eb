//! How memory is used: its limit, what is evicted, how it is freed.

use super::declare::group;
use crate::config::choice::choice;

choice! {
    /// Which keys are evicted when `maxmemory` is reached.
    EvictionPolicy {
        /// Of those with a deadline, the least recently used.
        VolatileLru = "volatile-lru",
        /// Of those with a deadline, the least frequently used.
        VolatileLfu = "volatile-lfu",
        /// Of those with a deadline, any.
        VolatileRandom = "volatile-random",
        /// Of those with a deadline, the one that expires first.
        VolatileTtl = "volatile-ttl",
        /// The least recently used.
        AllKeysLru = "allkeys-lru",
        /// The least frequently used.
        AllKeysLfu = "allkeys-lfu",
        /// Any.
        AllKeysRandom = "allkeys-random",
        /// None: writes are refused.
        NoEviction = "noeviction",
    }
}

impl EvictionPolicy {
    /// Whether keys' counts of uses are kept, and not the times of their last use.
    pub fn is_lfu(self) -> bool {
        matches!(self, EvictionPolicy::VolatileLfu | EvictionPolicy::AllKeysLfu)
    }

    /// Whether keys are chosen by the time of their last use.
    pub fn is_lru(self) -> bool {
        matches!(self, EvictionPolicy::VolatileLru | EvictionPolicy::AllKeysLru)
    }
}

/// What Redis says where its allocator can't defragment either.
fn no_defragmentation(value: &str) -> Result<(), String> {
    match value {
        "no" => Ok(()),
        _ => Err("Active defragmentation cannot be enabled: it requires a Redis server compiled with a modified Jemalloc like \
                  the one shipped by default with the Redis source distribution"
            .to_owned()),
    }
}

group! {
    /// How memory is used: its limit, what is evicted, how it is freed.
    memory: Memory {
        /// Bytes of data at which keys are evicted or writes refused; 0 means no limit.
        "maxmemory" maxmemory: u64 = 0, memory(0, u64::MAX).missing("eviction");
        /// How hard eviction tries, 0 to 100.
        "maxmemory-eviction-tenacity" maxmemory_eviction_tenacity: i64 = 10, integer(0, 100).missing("eviction");
        /// What is evicted.
        "maxmemory-policy" maxmemory_policy: EvictionPolicy = EvictionPolicy::NoEviction, choice().missing("eviction");
        /// Keys that eviction looks at to find one.
        "maxmemory-samples" maxmemory_samples: i64 = 5, integer(1, i32::MAX as i64).missing("eviction");
        /// Minutes after which a key's count of uses falls by one.
        "lfu-decay-time" lfu_decay_time: i64 = 1, integer(0, i32::MAX as i64);
        /// How slowly a key's count of uses grows.
        "lfu-log-factor" lfu_log_factor: i64 = 10, integer(0, i32::MAX as i64);
        /// Whether evicted values are freed away from the loop.
        "lazyfree-lazy-eviction" lazyfree_lazy_eviction: bool = false, yes_no().missing("eviction");
        /// Whether expired values are.
        "lazyfree-lazy-expire" lazyfree_lazy_expire: bool = false, yes_no().missing("freeing of single values away from the loop");
        /// Whether values that another command replaces are.
        "lazyfree-lazy-server-del" lazyfree_lazy_server_del: bool = false, yes_no().missing("freeing of single values away from the loop");
        /// Whether DEL does as UNLINK does.
        "lazyfree-lazy-user-del" lazyfree_lazy_user_del: bool = false, yes_no().missing("freeing of single values away from the loop");
        /// Whether FLUSHALL and FLUSHDB are ASYNC unless they say otherwise. What they take out is always freed away from the loop.
        "lazyfree-lazy-user-flush" lazyfree_lazy_user_flush: bool = false, yes_no();
        /// How many databases there are.
        "databases" databases: i64 = 16, integer(1, i32::MAX as i64).fixed();
        /// How much work goes into finding expired keys, 1 to 10.
        "active-expire-effort" active_expire_effort: i64 = 1, integer(1, 10);
        /// Whether idle time is used to grow and shrink tables.
        "activerehashing" activerehashing: bool = true, yes_no().missing("table growth that idle time could speed up");
        /// Whether memory is defragmented while running.
        "activedefrag" activedefrag: bool = false, yes_no().missing("active defragmentation").check(no_defragmentation);
        /// The most CPU that this may take, percent.
        "active-defrag-cycle-max" active_defrag_cycle_max: i64 = 25, integer(1, 99).missing("active defragmentation");
        /// The least.
        "active-defrag-cycle-min" active_defrag_cycle_min: i64 = 1, integer(1, 99).missing("active defragmentation");
        /// Wasted bytes below which it does not begin.
        "active-defrag-ignore-bytes" active_defrag_ignore_bytes: u64 = 100 << 20, memory(1, i64::MAX as u64).missing("active defragmentation");
        /// Elements from which a value is defragmented on its own.
        "active-defrag-max-scan-fields" active_defrag_max_scan_fields: u64 = 1000, integer(1, i64::MAX).missing("active defragmentation");
        /// Percent of waste at which it begins.
        "active-defrag-threshold-lower" active_defrag_threshold_lower: i64 = 10, integer(0, 1000).missing("active defragmentation");
        /// Percent of waste at which it works its hardest.
        "active-defrag-threshold-upper" active_defrag_threshold_upper: i64 = 100, integer(0, 1000).missing("active defragmentation");
        /// Whether the allocator cleans up on a thread of its own.
        "jemalloc-bg-thread" jemalloc_bg_thread: bool = true, yes_no().missing("thread of the allocator");
        /// Whether transparent huge pages are turned off for the process.
        "disable-thp" disable_thp: bool = true, yes_no().fixed();
    }
}
