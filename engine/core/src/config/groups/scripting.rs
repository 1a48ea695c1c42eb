//! Scripts and functions.

use super::declare::group;

group! {
    /// Scripts and functions.
    scripting: Scripting {
        /// Milliseconds after which others are told that a script still runs.
        "busy-reply-threshold" busy_reply_threshold: i64 = 5000, integer(0, i64::MAX).alias("lua-time-limit").missing("scripts");
    }
}
