//! The levels of the log, with their names, marks and colours.

use std::str::FromStr;

use tracing::level_filters::LevelFilter;

/// How much is logged: `loglevel`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum LogLevel {
    /// Everything.
    Debug,
    /// Much that is rarely useful.
    Verbose,
    /// What one wants to know in production.
    Notice,
    /// Only what matters.
    Warning,
    /// Nothing at all.
    Nothing,
}

impl LogLevel {
    /// All levels, from the most talkative.
    pub const ALL: [LogLevel; 5] =
        [LogLevel::Debug, LogLevel::Verbose, LogLevel::Notice, LogLevel::Warning, LogLevel::Nothing];

    /// The name that `loglevel` gives it.
    pub const fn name(self) -> &'static str {
        match self {
            LogLevel::Debug => "debug",
            LogLevel::Verbose => "verbose",
            LogLevel::Notice => "notice",
            LogLevel::Warning => "warning",
            LogLevel::Nothing => "nothing",
        }
    }

    pub(super) const fn mark(self) -> char {
        match self {
            LogLevel::Debug => '.',
            LogLevel::Verbose => '-',
            LogLevel::Notice => '*',
            LogLevel::Warning | LogLevel::Nothing => '#',
        }
    }

    pub(super) const fn colour(self) -> &'static str {
        match self {
            LogLevel::Debug => "\x1b[2m",
            LogLevel::Verbose => "",
            LogLevel::Notice => "\x1b[36m",
            LogLevel::Warning | LogLevel::Nothing => "\x1b[33m",
        }
    }

    pub(super) fn of(level: tracing::Level) -> LogLevel {
        match level {
            tracing::Level::TRACE => LogLevel::Debug,
            tracing::Level::DEBUG => LogLevel::Verbose,
            tracing::Level::INFO => LogLevel::Notice,
            tracing::Level::WARN | tracing::Level::ERROR => LogLevel::Warning,
        }
    }

    pub(super) fn filter(self) -> LevelFilter {
        match self {
            LogLevel::Debug => LevelFilter::TRACE,
            LogLevel::Verbose => LevelFilter::DEBUG,
            LogLevel::Notice => LevelFilter::INFO,
            LogLevel::Warning => LevelFilter::WARN,
            LogLevel::Nothing => LevelFilter::OFF,
        }
    }
}

impl FromStr for LogLevel {
    type Err = ();

    fn from_str(name: &str) -> Result<LogLevel, ()> {
        LogLevel::ALL.into_iter().find(|level| level.name().eq_ignore_ascii_case(name)).ok_or(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_levels() {
        for level in LogLevel::ALL {
            assert_eq!(level.name().to_uppercase().parse(), Ok(level));
        }
        assert_eq!("loud".parse::<LogLevel>(), Err(()));
    }
}
