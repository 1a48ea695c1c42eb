//! Commands that change a list elsewhere than at its ends: LSET, LINSERT, LREM, LTRIM.

use refrain_data::{List, ListEnd as End};

use super::{charge_comparisons, limits, position, positions, shortened};
use crate::call::{Call, Outcome};
use crate::error::{ErrorReply, NO_SUCH_KEY, SYNTAX};
use crate::notify::NotifyClass;

/// LSET key index element
pub fn lset(call: &mut Call<'_>) -> Outcome {
    const OUT_OF_RANGE: ErrorReply = ErrorReply::new("ERR index out of range");
    let (key, index, element) = (call.key(1), call.integer(2), call.args.at(3));
    let limits = limits(call.state);
    let edited = call.state.edit(&key, |list: &mut List| {
        let place = position(index?, list.len());
        let done = place.is_some_and(|place| list.set(place, element, limits));
        if done { Ok(()) } else { Err(OUT_OF_RANGE) }
    })?;
    edited.ok_or(NO_SUCH_KEY)?.result?;
    call.state.modified(&key);
    call.state.notify(NotifyClass::LIST, "lset", &key);
    call.reply().ok();
    Ok(())
}

/// LINSERT key BEFORE | AFTER pivot element
pub fn linsert(call: &mut Call<'_>) -> Outcome {
    let (key, args) = (call.key(1), call.args);
    let side = if args.is(2, "BEFORE") {
        End::Left
    } else if args.is(2, "AFTER") {
        End::Right
    } else {
        return Err(SYNTAX);
    };
    let limits = limits(call.state);
    let insert = |list: &mut List| {
        let found = list.insert(side, args.at(3), args.at(4), limits);
        (found, list.len())
    };
    let Some(edited) = call.state.edit(&key, insert)? else {
        call.reply().integer(0);
        return Ok(());
    };
    let (found, len) = edited.result;
    charge_comparisons(call, len);
    if !found {
        call.reply().integer(-1);
        return Ok(());
    }
    call.state.modified(&key);
    call.state.notify(NotifyClass::LIST, "linsert", &key);
    call.reply().integer(len as i64);
    Ok(())
}

/// LREM key count element
pub fn lrem(call: &mut Call<'_>) -> Outcome {
    const OUT_OF_RANGE: ErrorReply =
        ErrorReply::new("ERR value is out of range, value must between -9223372036854775807 and 9223372036854775807");
    let (key, element) = (call.key(1), call.args.at(3));
    let count = call.integer(2)?;
    let (from, limit) = match count {
        i64::MIN => return Err(OUT_OF_RANGE),
        0 => (End::Left, usize::MAX),
        count if count > 0 => (End::Left, count as usize),
        count => (End::Right, count.unsigned_abs() as usize),
    };
    let limits = limits(call.state);
    let remove = |list: &mut List| (list.len(), list.remove(element, limit, from, limits));
    let Some(edited) = call.state.edit(&key, remove)? else {
        call.reply().integer(0);
        return Ok(());
    };
    let (len, removed) = edited.result;
    charge_comparisons(call, len);
    if removed > 0 {
        shortened(call.state, &key, "lrem", edited.emptied);
    }
    call.reply().integer(removed as i64);
    Ok(())
}

/// LTRIM key start stop
pub fn ltrim(call: &mut Call<'_>) -> Outcome {
    /// Elements whose strips are dropped for about the cost of an ordinary command.
    const DROPPED_PER_WORK: usize = 4096;
    let key = call.key(1);
    let (start, stop) = (call.integer(2)?, call.integer(3)?);
    let limits = limits(call.state);
    let trim = |list: &mut List| {
        let len = list.len();
        let kept = positions(start, stop, len);
        let removed = len - kept.len();
        if removed > 0 {
            list.keep(kept, limits);
        }
        removed
    };
    if let Some(list) = call.state.peek(&key).and_then(|entry| entry.view::<List>()) {
        let len = list.len();
        call.state.set_aside(&key, len - positions(start, stop, len).len());
    }
    if let Some(edited) = call.state.edit(&key, trim)? {
        // The event says that it was asked for; propagated is what changed something.
        shortened(call.state, &key, "ltrim", edited.emptied);
        if edited.result == 0 {
            call.propagate_nothing();
        }
        call.work((edited.result / DROPPED_PER_WORK) as u64);
    }
    call.reply().ok();
    Ok(())
}
