//! How many elements SRANDMEMBER, HRANDFIELD and ZRANDMEMBER are to draw: different ones, or with repetition if the count is
//! negative.
//!
//! A reply of draws with repetition is not bounded by what there is. It is by the limit on what a client may be owed; without one
//! there is a bound on the draws.

use crate::call::Call;
use crate::error::ErrorReply;

/// Draws with repetition in one call, at most, if nothing else bounds the reply.
const DRAWS_MAX: u64 = 1 << 24;

const OUT_OF_RANGE: ErrorReply = ErrorReply::new("ERR value is out of range");

/// The count that argument 2 is.
///
/// # Errors
/// When it is none, or has no opposite.
pub fn count(call: &Call<'_>) -> Result<i64, ErrorReply> {
    const NO_OPPOSITE: ErrorReply =
        ErrorReply::new("ERR value is out of range, value must between -9223372036854775807 and 9223372036854775807");
    match call.integer(2)? {
        i64::MIN => Err(NO_OPPOSITE),
        count => Ok(count),
    }
}

/// Whether a reply can have two elements for each draw.
///
/// # Errors
/// When it can't.
pub fn check_pairs(count: i64) -> Result<(), ErrorReply> {
    if count.unsigned_abs() > i64::MAX as u64 / 2 { Err(OUT_OF_RANGE) } else { Ok(()) }
}

/// Whether so many draws with repetition, from something that is there, may be one reply.
///
/// # Errors
/// When they would be too many.
pub fn check_repetitions(draws: u64, reply_is_limited: bool) -> Result<(), ErrorReply> {
    if draws > DRAWS_MAX && !reply_is_limited { Err(OUT_OF_RANGE) } else { Ok(()) }
}
