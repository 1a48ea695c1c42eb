//! Memory: by our own account, by the allocator's, and by the system's.

use std::fmt::Write as _;

use super::{Report, fields, human};
use crate::config::Choice as _;

pub(super) fn memory(report: &Report<'_>, out: &mut String) {
    let Report { state, process, host, memory: m, .. } = report;
    let config = &state.config.memory;
    let fragmentation = m.fragmentation(process);
    fields! { out;
        "used_memory" => m.used,
        "used_memory_human" => human(m.used),
        "used_memory_rss" => process.resident,
        "used_memory_rss_human" => human(process.resident),
        "used_memory_peak" => m.peak,
        "used_memory_peak_human" => human(m.peak),
        "used_memory_peak_perc" => format_args!("{:.2}%", m.peak_percent()),
        "used_memory_overhead" => m.overhead,
        "used_memory_startup" => m.startup,
        "used_memory_dataset" => m.dataset,
        "used_memory_dataset_perc" => format_args!("{:.2}%", m.dataset_percent()),
        "allocator_allocated" => process.allocated,
        "allocator_active" => process.active,
        "allocator_resident" => process.allocator_resident,
        // The allocator gives pages back at once.
        "allocator_muzzy" => 0,
        "total_system_memory" => host.total_memory,
        "total_system_memory_human" => human(host.total_memory),
        "used_memory_lua" => 0,
        "used_memory_vm_eval" => 0,
        "used_memory_lua_human" => human(0),
        "used_memory_scripts_eval" => 0,
        "number_of_cached_scripts" => 0,
        "number_of_functions" => 0,
        "number_of_libraries" => state.libraries.len(),
        "used_memory_vm_functions" => 0,
        "used_memory_vm_total" => 0,
        "used_memory_vm_total_human" => human(0),
        "used_memory_functions" => state.libraries.memory(),
        "used_memory_scripts" => state.libraries.memory(),
        "used_memory_scripts_human" => human(state.libraries.memory() as u64),
        "maxmemory" => config.maxmemory,
        "maxmemory_human" => human(config.maxmemory),
        "maxmemory_policy" => config.maxmemory_policy.name(),
        "allocator_frag_ratio" => format_args!("{:.2}", fragmentation.allocator.ratio),
        "allocator_frag_bytes" => fragmentation.allocator.bytes,
        "allocator_rss_ratio" => format_args!("{:.2}", fragmentation.allocator_resident.ratio),
        "allocator_rss_bytes" => fragmentation.allocator_resident.bytes,
        "rss_overhead_ratio" => format_args!("{:.2}", fragmentation.process.ratio),
        "rss_overhead_bytes" => fragmentation.process.bytes,
        "mem_fragmentation_ratio" => format_args!("{:.2}", fragmentation.total.ratio),
        "mem_fragmentation_bytes" => fragmentation.total.bytes,
        "mem_not_counted_for_evict" => 0,
        "mem_replication_backlog" => 0,
        "mem_total_replication_buffers" => 0,
        "mem_clients_slaves" => 0,
        "mem_clients_normal" => m.clients,
        "mem_cluster_links" => 0,
        "mem_replica_full_sync_buffer" => 0,
        // A table grows segment by segment, and there is never an old one beside it.
        "mem_overhead_db_hashtable_rehashing" => 0,
        "mem_aof_buffer" => state.persistence.aof().buffer_length,
        "mem_allocator" => host.allocator,
        "active_defrag_running" => 0,
        "lazyfree_pending_objects" => state.stats.lazyfree_pending,
        "lazyfreed_objects" => state.stats.lazyfreed,
    }
}
