//! The section of INFO about files.

use std::fmt::Write as _;

use super::Purpose;
use super::loading::Loading;
use crate::commands::info::fields;
use crate::state::State;

/// Whole seconds; -1 for none.
fn seconds(us: Option<u64>) -> i64 {
    us.map_or(-1, |us| i64::try_from(us / 1_000_000).unwrap_or(i64::MAX))
}

fn status(failed: bool) -> &'static str {
    if failed { "err" } else { "ok" }
}

fn percent(done: u64, total: u64) -> f64 {
    if total == 0 { 0.0 } else { (done as f64 / total as f64 * 100.0).min(100.0) }
}

impl State {
    /// Writes the fields. Nothing is copied by a fork, and nothing of a module runs. The two counters since the start are ours: who waits
    /// for a save by its counter must not be thrown off by somebody's `CONFIG RESETSTAT`.
    pub(crate) fn report_persistence(&self, out: &mut String) {
        let p = &self.persistence;
        let age_us = |purpose| p.under_way(purpose).map(|u| self.now.mono_us.saturating_sub(u.began_us));
        fields! { out;
            "loading" => u8::from(p.is_loading()),
            "async_loading" => 0,
            "current_cow_peak" => 0,
            "current_cow_size" => 0,
            "current_cow_size_age" => 0,
            "current_fork_perc" => format_args!("{:.2}", percent(p.progress.done, p.progress.total)),
            "current_save_keys_processed" => p.progress.done,
            "current_save_keys_total" => p.progress.total,
            "rdb_changes_since_last_save" => p.unsaved_changes(self.dirty),
            "rdb_bgsave_in_progress" => u8::from(p.saving.is_some_and(|saving| saving.in_background)),
            "rdb_last_save_time" => p.last_save_unix_s,
            "rdb_last_bgsave_status" => status(p.last_save_failed),
            "rdb_last_bgsave_time_sec" => seconds(p.last_save_took_us),
            "rdb_current_bgsave_time_sec" => seconds(age_us(Purpose::Save)),
            "rdb_saves" => p.saves - p.saves_before,
            "rdb_saves_since_start" => p.saves,
            "rdb_last_cow_size" => 0,
            "rdb_last_load_keys_expired" => p.last_load.expired,
            "rdb_last_load_keys_loaded" => p.last_load.loaded,
            "aof_enabled" => u8::from(self.config.persistence.appendonly),
            "aof_rewrite_in_progress" => u8::from(p.rewriting.is_some()),
            "aof_rewrite_scheduled" => u8::from(p.rewrite_is_due()),
            "aof_last_rewrite_time_sec" => seconds(p.last_rewrite_took_us),
            "aof_current_rewrite_time_sec" => seconds(age_us(Purpose::Rewrite)),
            "aof_last_bgrewrite_status" => status(p.last_rewrite_failed),
            "aof_rewrites" => p.rewrites - p.rewrites_before,
            "aof_rewrites_since_start" => p.rewrites,
            "aof_rewrites_consecutive_failures" => p.rewrite_failures,
            "aof_last_write_status" => status(p.aof.write_error.is_some()),
            "aof_last_cow_size" => 0,
            "module_fork_in_progress" => 0,
            "module_fork_last_cow_size" => 0,
        }
        if self.config.persistence.appendonly {
            fields! { out;
                "aof_current_size" => p.aof.current_size,
                "aof_base_size" => p.aof.base_size,
                "aof_pending_rewrite" => u8::from(p.rewrite_is_due()),
                "aof_buffer_length" => p.aof.buffer_length,
                "aof_pending_bio_fsync" => u8::from(p.aof.pending_fsync),
                "aof_delayed_fsync" => p.aof.delayed_fsync.saturating_sub(p.delayed_fsync_before),
            }
        }
        if let Some(loading) = &p.loading {
            report_loading(loading, self.now.mono_us, out);
        }
    }
}

/// What there is to be said while a data set is loaded.
fn report_loading(loading: &Loading, now_us: u64, out: &mut String) {
    let Loading { began_unix_s, began_us, total_bytes, loaded_bytes, used_memory, .. } = *loading;
    let elapsed_s = now_us.saturating_sub(began_us) / 1_000_000;
    let remaining = u128::from(total_bytes.saturating_sub(loaded_bytes));
    let eta = match elapsed_s {
        // There is too little to tell it by.
        0 => 1,
        s => u128::from(s) * remaining / (u128::from(loaded_bytes) + 1),
    };
    fields! { out;
        "loading_start_time" => began_unix_s,
        "loading_total_bytes" => total_bytes,
        "loading_rdb_used_mem" => used_memory,
        "loading_loaded_bytes" => loaded_bytes,
        "loading_loaded_perc" => format_args!("{:.2}", percent(loaded_bytes, total_bytes)),
        "loading_eta_seconds" => eta,
    }
}
