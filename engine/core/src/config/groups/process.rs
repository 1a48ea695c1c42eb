//! How the process runs, presents itself and ends.

use super::declare::group;
use crate::config::choice::choice;
use crate::config::values::{Directory, OomScores, ShutdownOn, is_title_template};

choice! {
    /// Whether `oom-score-adj-values` are obeyed.
    OomScoreAdj {
        /// They are not.
        No = "no",
        /// They are added to what the process started with.
        Relative = "yes" | "relative",
        /// They are taken as they are.
        Absolute = "absolute",
    }
}

choice! {
    /// Who supervises the process.
    Supervised {
        /// upstart: it is told by SIGSTOP.
        Upstart = "upstart",
        /// systemd: it is told through `$NOTIFY_SOCKET`.
        Systemd = "systemd",
        /// Whichever of the two the environment speaks of.
        Auto = "auto",
        /// Nobody.
        No = "no",
    }
}

group! {
    /// How the process runs, presents itself and ends.
    process: Process {
        /// Whether it goes to the background.
        "daemonize" daemonize: bool = false, yes_no().fixed();
        /// The working directory. Absolute, once the server has started.
        "dir" dir: Directory = Directory::default(), special().protected().fixed_while_loading();
        /// Whether `hz` follows the number of clients.
        "dynamic-hz" dynamic_hz: bool = true, yes_no();
        /// Rounds of periodic work a second.
        "hz" hz: i64 = 10, integer(0, i32::MAX as i64);
        /// Warnings not to be given. None of those that can be left out is given anyway.
        "ignore-warnings" ignore_warnings: String = "".into(), text();
        /// Where the machine stands, for whoever asks INFO (Valkey).
        "availability-zone" availability_zone: String = "".into(), text().hidden();
        /// How many threads read and write.
        "io-threads" io_threads: i64 = 1, integer(1, 128).fixed().missing("I/O threads");
        /// Whether they read.
        "io-threads-do-reads" io_threads_do_reads: bool = false, yes_no().fixed().missing("I/O threads");
        /// Ready clients for which there is another of them (Valkey).
        "events-per-io-thread" events_per_io_thread: i64 = 2, integer(0, i32::MAX as i64).hidden().missing("I/O threads");
        /// Commands of them that are looked up ahead (Valkey).
        "prefetch-batch-max-size" prefetch_batch_max_size: i64 = 16, integer(0, 128).hidden().missing("I/O threads");
        /// The order of characters.
        "locale-collate" locale_collate: String = "".into(), text();
        /// Whether the system's out-of-memory killer is told whom to prefer.
        "oom-score-adj" oom_score_adj: OomScoreAdj = OomScoreAdj::No, choice();
        /// What it is told of a primary, a replica and a child.
        "oom-score-adj-values" oom_score_adj_values: OomScores = OomScores::default(), special().several();
        /// The file that holds the process's id; empty means none.
        "pidfile" pidfile: String = String::new(), text_or_none().fixed();
        /// What the process calls itself.
        "proc-title-template" proc_title_template: String = "{title} {listen-addr} {server-mode}".into(), text().check(is_title_template);
        /// Whether it does.
        "set-proc-title" set_proc_title: bool = true, yes_no().fixed();
        /// Processors for threads beside the loop.
        "bio_cpulist" bio_cpulist: String = String::new(), text_or_none().fixed().hidden_alias("bio-cpulist").missing("binding to processors");
        /// Processors for the loop.
        "server_cpulist" server_cpulist: String = String::new(), text_or_none().fixed().hidden_alias("server-cpulist").missing("binding to processors");
        /// Processors for the rewriting of the append-only file.
        "aof_rewrite_cpulist" aof_rewrite_cpulist: String = String::new(), text_or_none().fixed().hidden_alias("aof-rewrite-cpulist").missing("binding to processors");
        /// Processors for the saving of snapshots.
        "bgsave_cpulist" bgsave_cpulist: String = String::new(), text_or_none().fixed().hidden_alias("bgsave-cpulist").missing("binding to processors");
        /// How SIGINT ends it.
        "shutdown-on-sigint" shutdown_on_sigint: ShutdownOn = ShutdownOn::default(), special().several();
        /// How SIGTERM ends it.
        "shutdown-on-sigterm" shutdown_on_sigterm: ShutdownOn = ShutdownOn::default(), special().several();
        /// Seconds for which replicas are waited for at the end.
        "shutdown-timeout" shutdown_timeout: i64 = 10, integer(0, i32::MAX as i64).missing("replication");
        /// Who supervises the process.
        "supervised" supervised: Supervised = Supervised::No, choice().fixed();
        /// Whether a failed assertion exits and does not abort.
        "use-exit-on-panic" use_exit_on_panic: bool = false, yes_no().hidden();
        /// Milliseconds after which a command that still runs is reported.
        "watchdog-period" watchdog_period: i64 = 0, integer(0, i32::MAX as i64).hidden();
    }
}
