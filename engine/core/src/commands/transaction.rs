//! MULTI, EXEC, DISCARD, WATCH, UNWATCH.

use crate::call::{Call, Outcome, Request};
use crate::error::{EXECABORT, ErrorReply};
use crate::expiry::expired;
use crate::hooks::Bug;
use crate::session::Session;
use crate::state::State;
use crate::watch::WatchedKey;

/// MULTI
pub fn multi(call: &mut Call<'_>) -> Outcome {
    if call.session.in_transaction() {
        return Err(ErrorReply::new("ERR MULTI calls can not be nested"));
    }
    call.session.transaction = Some(Box::default());
    call.reply().ok();
    Ok(())
}

/// DISCARD
pub fn discard(call: &mut Call<'_>) -> Outcome {
    if !call.session.in_transaction() {
        return Err(ErrorReply::new("ERR DISCARD without MULTI"));
    }
    call.session.transaction = None;
    forget_watches(call.state, call.session);
    call.reply().ok();
    Ok(())
}

/// EXEC: refused as a whole when a queued command was, or when a watched key has changed.
pub fn exec(call: &mut Call<'_>) -> Outcome {
    let Some(transaction) = &call.session.transaction else {
        return Err(ErrorReply::new("ERR EXEC without MULTI"));
    };
    let flawed = transaction.flawed;
    let broken = !call.hooks.planted(Bug::MissedWatch)
        && (call.session.watch.broken || a_watched_key_has_expired(call.state, call.session));
    forget_watches(call.state, call.session);
    if flawed {
        call.session.transaction = None;
        return Err(EXECABORT);
    }
    if broken {
        call.session.transaction = None;
        call.reply().null_array();
        return Ok(());
    }
    call.request = Some(Request::ExecuteQueue);
    Ok(())
}

/// WATCH key [key ...]
pub fn watch(call: &mut Call<'_>) -> Outcome {
    if call.session.in_transaction() {
        return Err(ErrorReply::new("ERR WATCH inside MULTI is not allowed"));
    }
    // Once broken, more watches change nothing: EXEC will be refused anyway.
    if !call.session.watch.broken {
        for i in 1..call.args.len() {
            let key = call.key(i);
            if call.state.watchers.has(key.db, key.name, call.session.handle) {
                continue;
            }
            // What has expired by now must be gone before it is watched: its going changes nothing.
            let alive = call.state.peek(&key).is_some();
            let was_expired = !alive && call.state.keyspace.db(key.db).get(key.hash, key.name).is_some();
            call.state.watchers.add(key.db, key.name, call.session.handle);
            call.session.watch.push(WatchedKey { db: key.db, key: key.name.into(), was_expired });
        }
    }
    call.reply().ok();
    Ok(())
}

/// UNWATCH
pub fn unwatch(call: &mut Call<'_>) -> Outcome {
    forget_watches(call.state, call.session);
    call.reply().ok();
    Ok(())
}

/// Ends all watches of a session.
pub(crate) fn forget_watches(state: &mut State, session: &mut Session) {
    state.watchers.forget(session);
    session.watch.broken = false;
}

/// Whether a watched key has expired since it was watched, though nobody has deleted it yet.
fn a_watched_key_has_expired(state: &State, session: &Session) -> bool {
    session.watch.keys.iter().filter(|watched| !watched.was_expired).any(|watched| {
        let hash = state.keyspace.hash(&watched.key);
        let deadline = state.keyspace.db(watched.db).get(hash, &watched.key).and_then(|e| e.deadline());
        expired(deadline, state.now.unix_ms())
    })
}
