//! Commands that read a list: LLEN, LINDEX, LRANGE, LPOS.

use refrain_data::{IntBuffer, List, ListRef, Value};
use refrain_resp::parse_i64;

use super::{charge_comparisons, position, positions, reply_element};
use crate::call::{Call, Outcome};
use crate::error::{ErrorReply, NOT_AN_INTEGER, SYNTAX};

/// LLEN key
pub fn llen(call: &mut Call<'_>) -> Outcome {
    let key = call.key(1);
    let len = call.state.view::<List>(&key)?.map_or(0, ListRef::len);
    call.reply().integer(len as i64);
    Ok(())
}

/// LINDEX key index
pub fn lindex(call: &mut Call<'_>) -> Outcome {
    let key = call.key(1);
    let index = call.integer(2);
    let Some(list) = call.state.view::<List>(&key)? else {
        call.reply().null();
        return Ok(());
    };
    let session = &mut *call.session;
    let element = position(index?, list.len())
        .and_then(|index| list.read(index, |element| reply_element(session.reply(), element)));
    if element.is_none() {
        session.reply().null();
    }
    Ok(())
}

/// LRANGE key start stop
pub fn lrange(call: &mut Call<'_>) -> Outcome {
    let key = call.key(1);
    let (start, stop) = (call.integer(2)?, call.integer(3)?);
    let end = call.reply_end();
    let Some(list) = call.state.view::<List>(&key)? else {
        call.reply().array(0);
        return Ok(());
    };
    let wanted = positions(start, stop, list.len());
    let session = &mut *call.session;
    session.reply().array(wanted.len());
    let mut left = wanted.len();
    if left > 0 {
        list.visit(wanted.start, |element| {
            reply_element(session.reply(), element);
            left -= 1;
            left > 0 && session.output.len() < end
        });
    }
    Ok(())
}

/// What LPOS looks for.
struct Search {
    rank: i64,
    /// How many positions to reply with, all if 0; `None` for one that is not in an array.
    count: Option<usize>,
    /// How many elements to compare, all if 0.
    max_len: usize,
}

impl Search {
    fn parse(call: &Call<'_>) -> Result<Search, ErrorReply> {
        const ZERO_RANK: ErrorReply = ErrorReply::new(
            "ERR RANK can't be zero: use 1 to start from the first match, 2 from the second ... \
             or use negative to start from the end of the list",
        );
        const RANK_OUT_OF_RANGE: ErrorReply = ErrorReply::new(
            "ERR value is out of range, value must between -9223372036854775807 and 9223372036854775807",
        );
        let amount = |text: &[u8], error: &'static str| {
            parse_i64(text).and_then(|number| usize::try_from(number).ok()).ok_or(ErrorReply::new(error))
        };
        let mut search = Search { rank: 1, count: None, max_len: 0 };
        let mut i = 3;
        while i < call.args.len() {
            let operand = call.args.get(i + 1).ok_or(SYNTAX)?;
            if call.args.is(i, "RANK") {
                search.rank = match parse_i64(operand).ok_or(NOT_AN_INTEGER)? {
                    0 => return Err(ZERO_RANK),
                    i64::MIN => return Err(RANK_OUT_OF_RANGE),
                    rank => rank,
                };
            } else if call.args.is(i, "COUNT") {
                search.count = Some(amount(operand, "ERR COUNT can't be negative")?);
            } else if call.args.is(i, "MAXLEN") {
                search.max_len = amount(operand, "ERR MAXLEN can't be negative")?;
            } else {
                return Err(SYNTAX);
            }
            i += 2;
        }
        Ok(search)
    }

    /// Gives the positions of the elements that were asked for to `found`. Returns how many elements were compared.
    fn run(&self, list: ListRef<'_>, needle: &[u8], mut found: impl FnMut(usize)) -> usize {
        let len = list.len();
        let wanted = match self.count {
            None => 1,
            Some(0) => usize::MAX,
            Some(count) => count,
        };
        let max_len = if self.max_len == 0 { usize::MAX } else { self.max_len };
        let (mut compared, mut given) = (0, 0);
        let mut to_skip = self.rank.unsigned_abs() - 1;
        let mut look = |element: Value<'_>| {
            if is_equal(element, needle) {
                if to_skip > 0 {
                    to_skip -= 1;
                } else {
                    found(if self.rank > 0 { compared } else { len - 1 - compared });
                    given += 1;
                }
            }
            compared += 1;
            given < wanted && compared < max_len
        };
        if self.rank > 0 {
            list.visit(0, &mut look);
        } else {
            list.visit_back(len, &mut look);
        }
        compared
    }
}

#[inline]
fn is_equal(element: Value<'_>, needle: &[u8]) -> bool {
    match element {
        Value::Bytes(bytes) => bytes == needle,
        number => number.len() == needle.len() && number.bytes(&mut IntBuffer::new()) == needle,
    }
}

/// LPOS key element [RANK rank] [COUNT num-matches] [MAXLEN len]
pub fn lpos(call: &mut Call<'_>) -> Outcome {
    let key = call.key(1);
    let search = Search::parse(call)?;
    let needle = call.args.at(2);
    let end = call.reply_end();
    let Some(list) = call.state.view::<List>(&key)? else {
        match search.count {
            Some(_) => call.reply().array(0),
            None => call.reply().null(),
        }
        return Ok(());
    };
    let session = &mut *call.session;
    let compared = if search.count.is_some() {
        let begun = session.reply().deferred_array();
        let mut count = 0;
        let compared = search.run(list, needle, |position| {
            count += 1;
            if session.output.len() < end {
                session.reply().integer(position as i64);
            }
        });
        session.reply().finish_array(begun, count);
        compared
    } else {
        let mut first = None;
        let compared = search.run(list, needle, |position| first = Some(position));
        match first {
            Some(position) => session.reply().integer(position as i64),
            None => session.reply().null(),
        }
        compared
    };
    charge_comparisons(call, compared);
    Ok(())
}
