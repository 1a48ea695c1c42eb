//! What is logged, and where.

use super::declare::group;
use crate::config::choice::choice;

choice! {
    /// How much is logged.
    LogLevel {
        /// Everything.
        Debug = "debug",
        /// Much that is rarely useful.
        Verbose = "verbose",
        /// What one wants to know in production.
        Notice = "notice",
        /// Only what matters.
        Warning = "warning",
        /// Nothing at all.
        Nothing = "nothing",
    }
}

impl LogLevel {
    /// Whether connections that come and go are worth a line.
    pub fn includes_verbose(self) -> bool {
        matches!(self, LogLevel::Debug | LogLevel::Verbose)
    }
}

choice! {
    /// Facilities of syslog.
    SyslogFacility {
        /// `LOG_USER`.
        User = "user",
        /// `LOG_LOCAL0`.
        Local0 = "local0",
        /// `LOG_LOCAL1`.
        Local1 = "local1",
        /// `LOG_LOCAL2`.
        Local2 = "local2",
        /// `LOG_LOCAL3`.
        Local3 = "local3",
        /// `LOG_LOCAL4`.
        Local4 = "local4",
        /// `LOG_LOCAL5`.
        Local5 = "local5",
        /// `LOG_LOCAL6`.
        Local6 = "local6",
        /// `LOG_LOCAL7`.
        Local7 = "local7",
    }
}

choice! {
    /// The form of a line of the log.
    LogFormat {
        /// As Redis always had it.
        Legacy = "legacy",
        /// Names and values.
        Logfmt = "logfmt",
    }
}

choice! {
    /// The form of the time in a line of the log.
    LogTimestampFormat {
        /// As Redis always had it.
        Legacy = "legacy",
        /// ISO 8601.
        Iso8601 = "iso8601",
        /// Milliseconds of Unix time.
        Milliseconds = "milliseconds",
    }
}

group! {
    /// What is logged, and where.
    logging: Logging {
        /// Whether what users have sent is left out (Redis 7.4).
        "hide-user-data-from-log" hide_user_data_from_log: bool = false, yes_no().hidden().missing("leaving users' data out of the log");
        /// The form of a line (Valkey).
        "log-format" log_format: LogFormat = LogFormat::Legacy, choice().hidden().missing("other forms of the log");
        /// The form of the time in it (Valkey).
        "log-timestamp-format" log_timestamp_format: LogTimestampFormat = LogTimestampFormat::Legacy, choice().hidden().missing("other forms of the log");
        /// Whether the banner is shown even where the log is no terminal.
        "always-show-logo" always_show_logo: bool = false, yes_no().fixed();
        /// Whether a crash is reported in the log.
        "crash-log-enabled" crash_log_enabled: bool = true, yes_no();
        /// Whether memory is tested after a crash.
        "crash-memcheck-enabled" crash_memcheck_enabled: bool = true, yes_no().missing("memory test after a crash");
        /// The log file; empty means standard output.
        "logfile" logfile: String = "".into(), text().fixed();
        /// How much is logged.
        "loglevel" loglevel: LogLevel = LogLevel::Notice, choice();
        /// Whether the log goes to syslog too.
        "syslog-enabled" syslog_enabled: bool = false, yes_no().fixed();
        /// The facility under which it does.
        "syslog-facility" syslog_facility: SyslogFacility = SyslogFacility::Local0, choice().fixed();
        /// The name under which it does.
        "syslog-ident" syslog_ident: String = "redis".into(), text().fixed();
    }
}
