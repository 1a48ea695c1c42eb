//! `EX`, `PX`, `EXAT`, `PXAT`: a moment given in one of four ways, turned into the one way in which deadlines are kept.

use refrain_resp::parse_i64;

use crate::clock::Now;
use crate::error::{ErrorReply, NOT_AN_INTEGER};

/// How a time is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimeUnit {
    seconds: bool,
    absolute: bool,
}

impl TimeUnit {
    /// Seconds from now.
    pub const EX: TimeUnit = TimeUnit { seconds: true, absolute: false };
    /// Milliseconds from now.
    pub const PX: TimeUnit = TimeUnit { seconds: false, absolute: false };
    /// Seconds since the epoch.
    pub const EXAT: TimeUnit = TimeUnit { seconds: true, absolute: true };
    /// Milliseconds since the epoch.
    pub const PXAT: TimeUnit = TimeUnit { seconds: false, absolute: true };

    /// The unit that an option word names.
    pub fn of(word: &[u8]) -> Option<TimeUnit> {
        [("EX", TimeUnit::EX), ("PX", TimeUnit::PX), ("EXAT", TimeUnit::EXAT), ("PXAT", TimeUnit::PXAT)]
            .into_iter()
            .find(|(name, _)| word.eq_ignore_ascii_case(name.as_bytes()))
            .map(|(_, unit)| unit)
    }

    /// Whether it is counted from the epoch.
    pub fn is_absolute(self) -> bool {
        self.absolute
    }

    /// The deadline in unix milliseconds; it may lie in the past, before the epoch even.
    ///
    /// # Errors
    /// For no integer, or one out of range for `command`.
    pub fn deadline(self, text: &[u8], now: &Now, command: &str) -> Result<i64, ErrorReply> {
        let value = parse_i64(text).ok_or(NOT_AN_INTEGER)?;
        let invalid = || ErrorReply::invalid_expire(command);
        let millis = if self.seconds { value.checked_mul(1000).ok_or_else(invalid)? } else { value };
        if self.absolute {
            return Ok(millis);
        }
        let base =
            i64::try_from(now.unix_ms()).expect("milliseconds since the epoch fit 63 bits until the year 292277026");
        millis.checked_add(base).ok_or_else(invalid)
    }

    /// The same for options whose time must be positive as it is given: SET, GETEX.
    ///
    /// # Errors
    /// Also for zero and below.
    pub fn positive_deadline(self, text: &[u8], now: &Now, command: &str) -> Result<u64, ErrorReply> {
        if parse_i64(text).ok_or(NOT_AN_INTEGER)? <= 0 {
            return Err(ErrorReply::invalid_expire(command));
        }
        let deadline = self.deadline(text, now, command)?;
        u64::try_from(deadline).map_err(|_| ErrorReply::invalid_expire(command))
    }
}
