//! What is kept on disk, when and how.

use super::declare::group;
use crate::config::choice::choice;
use crate::config::values::SavePoints;

choice! {
    /// When the append-only file is synced.
    AppendFsync {
        /// Every second.
        EverySec = "everysec",
        /// Before a change is acknowledged.
        Always = "always",
        /// When the system does it.
        No = "no",
    }
}

fn is_snapshot_name(name: &str) -> Result<(), String> {
    is_base_name(name).then_some(()).ok_or_else(|| "dbfilename can't be a path, just a filename".to_owned())
}

fn is_aof_name(name: &str) -> Result<(), String> {
    match name {
        "" => Err("appendfilename can't be empty".to_owned()),
        name if is_base_name(name) => Ok(()),
        _ => Err("appendfilename can't be a path, just a filename".to_owned()),
    }
}

fn is_folder_name(name: &str) -> Result<(), String> {
    match name {
        "" => Err("appenddirname can't be empty".to_owned()),
        name if is_base_name(name) => Ok(()),
        _ => Err("appenddirname can't be a path, just a dirname".to_owned()),
    }
}

fn is_base_name(name: &str) -> bool {
    !name.contains(['/', '\\'])
}

group! {
    /// What is kept on disk, when and how.
    persistence: Persistence {
        /// Whether files that are no longer needed are left where they are.
        "aof-disable-auto-gc" aof_disable_auto_gc: bool = false, yes_no().hidden();
        /// Whether a file that ends early is accepted.
        "aof-load-truncated" aof_load_truncated: bool = true, yes_no();
        /// Whether the file is synced piecewise while it is rewritten.
        "aof-rewrite-incremental-fsync" aof_rewrite_incremental_fsync: bool = true, yes_no();
        /// Whether the file says when its commands were executed.
        "aof-timestamp-enabled" aof_timestamp_enabled: bool = false, yes_no();
        /// Whether a rewritten file begins with a snapshot.
        "aof-use-rdb-preamble" aof_use_rdb_preamble: bool = true, yes_no();
        /// The folder of the append-only file.
        "appenddirname" appenddirname: String = "appendonlydir".into(), text().fixed().check(is_folder_name);
        /// The name of the append-only file.
        "appendfilename" appendfilename: String = "appendonly.aof".into(), text().fixed().check(is_aof_name);
        /// When it is synced.
        "appendfsync" appendfsync: AppendFsync = AppendFsync::EverySec, choice();
        /// Whether there is one.
        "appendonly" appendonly: bool = false, yes_no().fixed_while_loading();
        /// Its least size to be rewritten.
        "auto-aof-rewrite-min-size" auto_aof_rewrite_min_size: u64 = 64 << 20, memory(0, i64::MAX as u64);
        /// Percent of growth after which it is.
        "auto-aof-rewrite-percentage" auto_aof_rewrite_percentage: i64 = 100, integer(0, i32::MAX as i64);
        /// The name of the snapshot.
        "dbfilename" dbfilename: String = "dump.rdb".into(), text().protected().check(is_snapshot_name);
        /// Microseconds lost at every key that is loaded, for tests.
        "key-load-delay" key_load_delay: i64 = 0, integer(i32::MIN as i64, i32::MAX as i64).hidden();
        /// Bytes loaded between two looks at clients.
        "loading-process-events-interval-bytes" loading_process_events_interval_bytes: i64 = 2 << 20, integer(1024, i32::MAX as i64).hidden();
        /// Whether syncing stops during a rewrite.
        "no-appendfsync-on-rewrite" no_appendfsync_on_rewrite: bool = false, yes_no();
        /// Whether snapshots of replication are removed when nothing needs them.
        "rdb-del-sync-files" rdb_del_sync_files: bool = false, yes_no().missing("replication");
        /// Microseconds lost at every key that is saved, for tests.
        "rdb-key-save-delay" rdb_key_save_delay: i64 = 0, integer(i32::MIN as i64, i32::MAX as i64).hidden();
        /// Whether a snapshot is synced piecewise.
        "rdb-save-incremental-fsync" rdb_save_incremental_fsync: bool = true, yes_no();
        /// Whether it has a checksum.
        "rdbchecksum" rdbchecksum: bool = true, yes_no().fixed();
        /// Whether long strings are compressed in a snapshot, and in what DUMP gives.
        "rdbcompression" rdbcompression: bool = true, yes_no();
        /// After how many seconds and changes one is taken.
        "save" save: SavePoints = SavePoints::default(), special().several();
        /// Whether writes are refused after a snapshot has failed.
        "stop-writes-on-bgsave-error" stop_writes_on_bgsave_error: bool = true, yes_no();
    }
}
