//! The options that SSCAN, HSCAN and ZSCAN have in common.

use refrain_data::Value;

use super::keyspace::parse_cursor;
use crate::call::Call;
use crate::error::{ErrorReply, INVALID_CURSOR, SYNTAX};
use crate::glob;

/// MATCH pattern, COUNT count, and NOVALUES where there are values.
pub struct ScanOptions<'a> {
    /// Which elements are returned; all without.
    pub pattern: Option<&'a [u8]>,
    /// How many elements are visited at least.
    pub count: usize,
    /// Values are returned with their fields.
    pub with_values: bool,
}

/// The cursor that argument 2 is.
///
/// # Errors
/// When it is no number.
pub fn cursor(call: &Call<'_>) -> Result<u64, ErrorReply> {
    parse_cursor(call.args.at(2)).ok_or(INVALID_CURSOR)
}

impl<'a> ScanOptions<'a> {
    /// Reads the options from argument 3 on.
    ///
    /// # Errors
    /// When they are not of those kinds.
    pub fn parse(call: &Call<'a>) -> Result<ScanOptions<'a>, ErrorReply> {
        const COUNT_DEFAULT: usize = 10;
        /// Elements visited in one call at the most, whatever COUNT says: a reply is one command, and no command is endless.
        const COUNT_MAX: i64 = 1 << 20;
        let mut options = ScanOptions { pattern: None, count: COUNT_DEFAULT, with_values: true };
        let mut i = 3;
        while i < call.args.len() {
            if call.args.is(i, "NOVALUES") {
                if call.command.name != "hscan" {
                    return Err(ErrorReply::new("ERR NOVALUES option can only be used in HSCAN"));
                }
                options.with_values = false;
                i += 1;
                continue;
            }
            let Some(operand) = call.args.get(i + 1) else { return Err(SYNTAX) };
            if call.args.is(i, "MATCH") {
                options.pattern = Some(operand).filter(|pattern| *pattern != b"*");
            } else if call.args.is(i, "COUNT") {
                let count = call.integer(i + 1)?;
                if count < 1 {
                    return Err(SYNTAX);
                }
                options.count = usize::try_from(count.min(COUNT_MAX)).expect("between 1 and COUNT_MAX");
            } else {
                return Err(SYNTAX);
            }
            i += 2;
        }
        Ok(options)
    }

    /// Whether an element is to be returned.
    #[inline]
    pub fn keeps(&self, element: Value<'_>) -> bool {
        match (self.pattern, element) {
            (None, _) => true,
            (Some(pattern), Value::Bytes(bytes)) => glob::matches(pattern, bytes),
            (Some(pattern), element) => glob::matches(pattern, &element.to_vec()),
        }
    }
}

/// What a scan of a missing key answers, before its options are looked at.
pub fn reply_nothing(call: &mut Call<'_>) {
    let mut reply = call.reply();
    reply.array(2);
    reply.bulk(b"0");
    reply.array(0);
}
