//! For how long a command waits, as clients write it.

use refrain_resp::parse_i64;

use crate::call::Call;
use crate::error::ErrorReply;
use crate::long_double::LongDouble;

const NEGATIVE: ErrorReply = ErrorReply::new("ERR timeout is negative");
const OUT_OF_RANGE: ErrorReply = ErrorReply::new("ERR timeout is out of range");

/// A time to wait, in milliseconds; 0 has no end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeout(u64);

impl Timeout {
    /// No end.
    pub(super) const NONE: Timeout = Timeout(0);

    /// Argument `i` in seconds, with a fraction that is rounded up to milliseconds.
    ///
    /// # Errors
    /// When it is no number, negative, or beyond what Redis's clock can tell.
    pub fn seconds(call: &Call<'_>, i: usize) -> Result<Timeout, ErrorReply> {
        const NO_NUMBER: ErrorReply = ErrorReply::new("ERR timeout is not a float or out of range");
        let seconds = LongDouble::parse(call.args.at(i)).ok_or(NO_NUMBER)?;
        Timeout::checked(call, seconds.thousandths_rounded_up())
    }

    /// Argument `i` in milliseconds.
    ///
    /// # Errors
    /// The same.
    pub fn millis(call: &Call<'_>, i: usize) -> Result<Timeout, ErrorReply> {
        const NO_NUMBER: ErrorReply = ErrorReply::new("ERR timeout is not an integer or out of range");
        Timeout::checked(call, Some(parse_i64(call.args.at(i)).ok_or(NO_NUMBER)?))
    }

    /// `None` stands for more than 64 bits hold.
    fn checked(call: &Call<'_>, millis: Option<i64>) -> Result<Timeout, ErrorReply> {
        let millis = u64::try_from(millis.ok_or(OUT_OF_RANGE)?).map_err(|_| NEGATIVE)?;
        let last = (i64::MAX as u64).saturating_sub(call.state.now.unix_ms());
        if millis > last { Err(OUT_OF_RANGE) } else { Ok(Timeout(millis)) }
    }

    /// When it is over, by a monotonic clock that shows `now_us`.
    pub(super) fn deadline_us(self, now_us: u64) -> Option<u64> {
        (self.0 > 0).then(|| now_us.saturating_add(self.0.saturating_mul(1000)))
    }
}
