//! What the server remembers and tells about its own work.

use super::declare::group;
use crate::config::values::Percentiles;
use crate::notify::NotifyClass;

group! {
    /// What the server remembers and tells about its own work.
    monitoring: Monitoring {
        /// Replies from this size on are kept in COMMANDLOG, bytes; negative for none.
        "commandlog-reply-larger-than" commandlog_reply_larger_than: i64 = 1 << 20, integer(-1, i64::MAX).hidden();
        /// How many.
        "commandlog-large-reply-max-len" commandlog_large_reply_max_len: u64 = 128, integer(0, i64::MAX).hidden();
        /// Requests from this size on are kept in COMMANDLOG, bytes; negative for none.
        "commandlog-request-larger-than" commandlog_request_larger_than: i64 = 1 << 20, integer(-1, i64::MAX).hidden();
        /// How many.
        "commandlog-large-request-max-len" commandlog_large_request_max_len: u64 = 128, integer(0, i64::MAX).hidden();
        /// Milliseconds from which an event is kept by LATENCY; 0 for none.
        "latency-monitor-threshold" latency_monitor_threshold: i64 = 0, integer(0, i64::MAX);
        /// Whether the time of every command is kept by its distribution.
        "latency-tracking" latency_tracking: bool = true, yes_no();
        /// What INFO shows of it.
        "latency-tracking-info-percentiles" latency_tracking_info_percentiles: Percentiles = Percentiles::default(), special().several();
        /// Which changes of keys are published.
        "notify-keyspace-events" notify_keyspace_events: NotifyClass = NotifyClass::default(), special();
        /// Commands that take longer are kept by SLOWLOG, microseconds; negative for none.
        "slowlog-log-slower-than" slowlog_log_slower_than: i64 = 10000, integer(-1, i64::MAX).hidden_alias("commandlog-execution-slower-than");
        /// How many.
        "slowlog-max-len" slowlog_max_len: u64 = 128, integer(0, i64::MAX).hidden_alias("commandlog-slow-execution-max-len");
    }
}
