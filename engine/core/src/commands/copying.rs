//! A key's value under another name or in another database: RENAME, MOVE, COPY.
//!
//! Values move whole: a long one is handed over, and a copy of one is shared until either of the two changes.

use refrain_data::{DetachedEntry, Lookup};

use crate::call::{Call, Key, Outcome};
use crate::error::{ErrorReply, NO_SUCH_KEY, SAME_OBJECT, SYNTAX};
use crate::notify::NotifyClass;
use crate::state::State;

/// Takes a key out, with its deadline.
fn take(state: &mut State, key: &Key<'_>) -> Option<(DetachedEntry, Option<u64>)> {
    match state.write(key) {
        Lookup::Occupied(found) => {
            let deadline = found.deadline();
            Some((found.detach(), deadline))
        }
        Lookup::Vacant(_) => None,
    }
}

/// Puts a value under a key, whatever was there.
fn put(state: &mut State, key: &Key<'_>, value: DetachedEntry, deadline: Option<u64>) {
    if let Lookup::Occupied(found) = state.write(key) {
        found.remove();
    }
    let Lookup::Vacant(free) = state.write(key) else { unreachable!("the key was taken out") };
    free.insert_detached(value, deadline);
    state.notify(NotifyClass::NEW, "new", key);
}

/// RENAME key newkey
pub fn rename(call: &mut Call<'_>) -> Outcome {
    if rename_key(call, true)? {
        call.reply().ok();
    }
    Ok(())
}

/// RENAMENX key newkey
pub fn renamenx(call: &mut Call<'_>) -> Outcome {
    let renamed = rename_key(call, false)?;
    call.reply().integer(i64::from(renamed));
    Ok(())
}

/// Whether the key has its new name now. To give it the one that it has is allowed, and counts as taken.
fn rename_key(call: &mut Call<'_>, replace: bool) -> Result<bool, ErrorReply> {
    let (from, to) = (call.key(1), call.key(2));
    if call.state.peek(&from).is_none() {
        return Err(NO_SUCH_KEY);
    }
    if from.name == to.name {
        return Ok(replace);
    }
    if !replace && call.state.peek(&to).is_some() {
        return Ok(false);
    }
    let (value, deadline) = take(call.state, &from).expect("it was there a moment ago");
    put(call.state, &to, value, deadline);
    call.state.modified(&from);
    call.state.also_modified(&to);
    call.state.notify(NotifyClass::GENERIC, "rename_from", &from);
    call.state.notify(NotifyClass::GENERIC, "rename_to", &to);
    Ok(true)
}

/// MOVE key db
pub fn move_(call: &mut Call<'_>) -> Outcome {
    let from = call.key(1);
    let to = Key { db: call.database(2)?, ..from };
    if from.db == to.db {
        return Err(SAME_OBJECT);
    }
    let movable = call.state.peek(&from).is_some() && call.state.peek(&to).is_none();
    if movable {
        let (value, deadline) = take(call.state, &from).expect("it was there a moment ago");
        put(call.state, &to, value, deadline);
        call.state.modified(&from);
        call.state.also_modified(&to);
        call.state.notify(NotifyClass::GENERIC, "move_from", &from);
        call.state.notify(NotifyClass::GENERIC, "move_to", &to);
    }
    call.reply().integer(i64::from(movable));
    Ok(())
}

/// COPY source destination [DB destination-db] [REPLACE]
pub fn copy(call: &mut Call<'_>) -> Outcome {
    let (from, mut to) = (call.key(1), call.key(2));
    let mut replace = false;
    let mut i = 3;
    while i < call.args.len() {
        if call.args.is(i, "REPLACE") {
            replace = true;
        } else if call.args.is(i, "DB") && i + 1 < call.args.len() {
            i += 1;
            to.db = call.database(i)?;
        } else {
            return Err(SYNTAX);
        }
        i += 1;
    }
    if (from.db, from.name) == (to.db, to.name) {
        return Err(SAME_OBJECT);
    }
    let found = call.state.read(&from).map(|entry| (entry.duplicate(), entry.deadline()));
    let copied = match found {
        Some((value, deadline)) if replace || call.state.peek(&to).is_none() => {
            put(call.state, &to, value, deadline);
            call.state.modified(&to);
            call.state.notify(NotifyClass::GENERIC, "copy_to", &to);
            true
        }
        _ => false,
    };
    call.reply().integer(i64::from(copied));
    Ok(())
}
