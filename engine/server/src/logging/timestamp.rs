//! The time stamp of a log line, `22 Nov 2026 21:08:24.885`, in the machine's time zone and in English.

use std::fmt;
use std::time::{SystemTime, UNIX_EPOCH};

const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// A moment, broken down.
#[derive(Debug, Clone, Copy)]
pub(super) struct Timestamp {
    local: libc::tm,
    millis: u32,
}

/// This moment.
pub(super) fn now() -> Timestamp {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    at(since_epoch.as_secs(), since_epoch.subsec_millis())
}

fn at(seconds: u64, millis: u32) -> Timestamp {
    let seconds = libc::time_t::try_from(seconds).unwrap_or(libc::time_t::MAX);
    // SAFETY: all-zero bytes are a valid `tm`: integers, and a pointer to a zone's name that may be null.
    let mut local: libc::tm = unsafe { std::mem::zeroed() };
    // SAFETY: both pointers are to live values of this frame, and the reentrant form keeps neither. It answers null for a
    // year that does not fit, and then leaves `local` a valid value.
    unsafe { libc::localtime_r(&seconds, &mut local) };
    Timestamp { local, millis }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tm = &self.local;
        let month = usize::try_from(tm.tm_mon).ok().and_then(|month| MONTHS.get(month)).unwrap_or(&"???");
        write!(
            f,
            "{:02} {month} {} {:02}:{:02}:{:02}.{:03}",
            tm.tm_mday,
            i64::from(tm.tm_year) + 1900,
            tm.tm_hour,
            tm.tm_min,
            tm.tm_sec,
            self.millis
        )
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Days since the epoch of a date of the Gregorian calendar, counted year by year and month by month.
    fn days(year: i64, month: usize, day: i64) -> i64 {
        let is_leap = |year: i64| (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
        let of_years: i64 = (1970..year).map(|year| if is_leap(year) { 366 } else { 365 }).sum();
        let lengths = [31, if is_leap(year) { 29 } else { 28 }, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
        of_years + lengths[..month].iter().sum::<i64>() + day - 1
    }

    proptest! {
        /// Whatever the zone (since 1973 none is further than 26 hours off, nor off by odd seconds), the parts name the
        /// moment they were made of.
        #[test]
        fn the_parts_name_the_moment(seconds in 100_000_000u64..8_000_000_000, millis in 0u32..1000) {
            let text = at(seconds, millis).to_string();
            let parts: Vec<&str> = text.split([' ', ':', '.']).collect();
            let number = |part: usize| parts[part].parse::<i64>().unwrap();
            let month = MONTHS.iter().position(|month| *month == parts[1]).unwrap();
            let local = days(number(2), month, number(0)) * 86_400 + number(3) * 3600 + number(4) * 60 + number(5);
            prop_assert_eq!(number(6), i64::from(millis));
            let offset = local - seconds as i64;
            prop_assert!(offset.abs() <= 26 * 3600 && offset % 60 == 0, "{} is {} seconds off", text, offset);
        }
    }

    #[test]
    fn a_year_beyond_the_calendar_does_no_harm() {
        let _ = at(u64::MAX, 0).to_string();
    }
}
