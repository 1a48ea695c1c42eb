//! LPUSH, RPUSH, and their forms for lists that exist.

use refrain_data::{List, ListEnd as End};

use super::{limits, pushed};
use crate::call::{Call, Outcome};
use crate::notify::NotifyClass;

#[inline]
fn push(call: &mut Call<'_>, end: End, must_exist: bool) -> Outcome {
    let key = call.key(1);
    let limits = limits(call.state);
    let elements = call.args.iter().skip(2);
    let add = |list: &mut List| {
        list.push(end, elements, limits);
        list.len()
    };
    let len = if must_exist {
        match call.state.edit(&key, add)? {
            Some(edited) => edited.result,
            None => {
                call.reply().integer(0);
                return Ok(());
            }
        }
    } else {
        call.state.edit_or_create(&key, add)?.result
    };
    call.state.modified(&key);
    call.state.notify(NotifyClass::LIST, pushed(end), &key);
    call.reply().integer(len as i64);
    Ok(())
}

/// LPUSH key element [element ...]
pub fn lpush(call: &mut Call<'_>) -> Outcome {
    push(call, End::Left, false)
}

/// RPUSH key element [element ...]
pub fn rpush(call: &mut Call<'_>) -> Outcome {
    push(call, End::Right, false)
}

/// LPUSHX key element [element ...]
pub fn lpushx(call: &mut Call<'_>) -> Outcome {
    push(call, End::Left, true)
}

/// RPUSHX key element [element ...]
pub fn rpushx(call: &mut Call<'_>) -> Outcome {
    push(call, End::Right, true)
}
