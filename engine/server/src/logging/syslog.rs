//! `syslog-enabled`: the lines of the log in the system's own log as well.

use std::ffi::CString;

use refrain_core::config::SyslogFacility;

use super::LogLevel;

/// The system's log, open for the rest of the process's life.
#[derive(Debug)]
pub(super) struct Syslog;

impl Syslog {
    /// Names this process to the system's log.
    pub(super) fn open(ident: &str, facility: SyslogFacility) -> Syslog {
        // The system keeps the pointer, so what it points to must stay.
        let ident = CString::new(ident.replace('\0', "")).unwrap_or_default().into_raw();
        // SAFETY: a string that ends in 0 and is never freed.
        unsafe { libc::openlog(ident, libc::LOG_PID | libc::LOG_NDELAY | libc::LOG_NOWAIT, number(facility)) };
        Syslog
    }

    /// Writes one line, or several.
    pub(super) fn write(&self, level: LogLevel, text: &str) {
        let Ok(text) = CString::new(text.replace('\0', "")) else { return };
        // SAFETY: the format takes one string, which ends in 0 and is live.
        unsafe { libc::syslog(priority(level), c"%s".as_ptr(), text.as_ptr()) };
    }
}

fn priority(level: LogLevel) -> libc::c_int {
    match level {
        LogLevel::Debug => libc::LOG_DEBUG,
        LogLevel::Verbose => libc::LOG_INFO,
        LogLevel::Notice => libc::LOG_NOTICE,
        LogLevel::Warning | LogLevel::Nothing => libc::LOG_WARNING,
    }
}

fn number(facility: SyslogFacility) -> libc::c_int {
    match facility {
        SyslogFacility::User => libc::LOG_USER,
        SyslogFacility::Local0 => libc::LOG_LOCAL0,
        SyslogFacility::Local1 => libc::LOG_LOCAL1,
        SyslogFacility::Local2 => libc::LOG_LOCAL2,
        SyslogFacility::Local3 => libc::LOG_LOCAL3,
        SyslogFacility::Local4 => libc::LOG_LOCAL4,
        SyslogFacility::Local5 => libc::LOG_LOCAL5,
        SyslogFacility::Local6 => libc::LOG_LOCAL6,
        SyslogFacility::Local7 => libc::LOG_LOCAL7,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn priorities_are_the_systems() {
        let priorities = [LogLevel::Debug, LogLevel::Verbose, LogLevel::Notice, LogLevel::Warning].map(priority);
        assert_eq!(priorities, [7, 6, 5, 4]);
    }
}
