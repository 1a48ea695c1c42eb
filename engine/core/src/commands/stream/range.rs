//! XLEN, XRANGE and XREVRANGE.

use refrain_data::stream::StreamBody;

use super::id;
use super::reply::{self, Span};
use crate::call::{Call, Outcome};
use crate::error::SYNTAX;

/// XLEN key
pub fn xlen(call: &mut Call<'_>) -> Outcome {
    let key = call.key(1);
    let len = call.state.view::<StreamBody>(&key)?.map_or(0, |stream| stream.len());
    call.reply().integer(len as i64);
    Ok(())
}

/// XRANGE key start end [COUNT count]
pub fn xrange(call: &mut Call<'_>) -> Outcome {
    range(call, false)
}

/// XREVRANGE key end start [COUNT count]
pub fn xrevrange(call: &mut Call<'_>) -> Outcome {
    range(call, true)
}

fn range(call: &mut Call<'_>, back: bool) -> Outcome {
    let (start_at, end_at) = if back { (3, 2) } else { (2, 3) };
    let start = id::start(call.args.at(start_at))?;
    let end = id::end(call.args.at(end_at))?;
    let mut count = None;
    let mut i = 4;
    while i < call.args.len() {
        if !call.args.is(i, "COUNT") || i + 1 == call.args.len() {
            return Err(SYNTAX);
        }
        count = Some(u64::try_from(call.integer(i + 1)?).unwrap_or(0));
        i += 2;
    }
    let key = call.key(1);
    let found = call.state.view::<StreamBody>(&key)?.is_some();
    match (found, count) {
        (false, _) => call.reply().array(0),
        (true, Some(0)) => call.reply().null_array(),
        (true, count) => {
            reply::span(call, &key, Span { start, end, count: count.unwrap_or(0), back });
        }
    }
    Ok(())
}
