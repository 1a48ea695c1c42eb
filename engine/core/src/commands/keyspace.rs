//! Keys of any type, and whole databases.

use refrain_data::Entry;

use crate::call::{Call, Key, Outcome};
use crate::error::{DB_OUT_OF_RANGE, ErrorReply, INVALID_CURSOR, SYNTAX};
use crate::expiry::expired;
use crate::glob;
use crate::state::State;

/// DEL key [key ...]
pub fn del(call: &mut Call<'_>) -> Outcome {
    let mut removed = 0;
    for i in 1..call.args.len() {
        let key = call.key(i);
        removed += i64::from(call.state.delete(&key));
    }
    call.reply().integer(removed);
    Ok(())
}

/// UNLINK key [key ...]: as DEL; values so large that freeing them takes long are freed elsewhere in both.
pub fn unlink(call: &mut Call<'_>) -> Outcome {
    del(call)
}

/// EXISTS key [key ...]: a key named twice counts twice.
pub fn exists(call: &mut Call<'_>) -> Outcome {
    let mut found = 0;
    for i in 1..call.args.len() {
        let key = call.key(i);
        found += i64::from(call.state.inspect(&key).is_some());
    }
    call.reply().integer(found);
    Ok(())
}

/// TOUCH key [key ...]: uses of the keys whatever CLIENT NO-TOUCH says, for that is what it is for.
pub fn touch(call: &mut Call<'_>) -> Outcome {
    let mut found = 0;
    call.state.touches = true;
    for i in 1..call.args.len() {
        let key = call.key(i);
        found += i64::from(call.state.read(&key).is_some());
    }
    call.state.touches = !call.session.no_touch;
    call.reply().integer(found);
    Ok(())
}

/// TYPE key
pub fn type_(call: &mut Call<'_>) -> Outcome {
    let key = call.key(1);
    let name = call.state.inspect(&key).map_or("none", |entry| entry.kind().name());
    call.reply().simple(name);
    Ok(())
}

/// What SCAN returns of what it passes.
struct ScanFilter<'a> {
    pattern: Option<&'a [u8]>,
    kind: Option<&'a [u8]>,
    now_ms: u64,
}

impl ScanFilter<'_> {
    fn keeps(&self, entry: Entry<'_>) -> bool {
        !expired(entry.deadline(), self.now_ms)
            && self.pattern.is_none_or(|p| p == b"*" || glob::matches(p, entry.key()))
            && self.kind.is_none_or(|k| k.eq_ignore_ascii_case(entry.kind().name().as_bytes()))
    }
}

/// SCAN cursor [MATCH pattern] [COUNT count] [TYPE type]
pub fn scan(call: &mut Call<'_>) -> Outcome {
    const COUNT_DEFAULT: i64 = 10;
    /// Entries passed in one call at the most, whatever COUNT says: a reply is one command, and no command is endless.
    const COUNT_MAX: i64 = 1 << 20;
    let cursor = parse_cursor(call.args.at(1)).ok_or(INVALID_CURSOR)?;
    let mut filter = ScanFilter { pattern: None, kind: None, now_ms: call.state.now.unix_ms() };
    let mut count = COUNT_DEFAULT;
    let mut i = 2;
    while i < call.args.len() {
        let Some(operand) = call.args.get(i + 1) else { return Err(SYNTAX) };
        if call.args.is(i, "MATCH") {
            filter.pattern = Some(operand);
        } else if call.args.is(i, "TYPE") {
            filter.kind = Some(operand);
        } else if call.args.is(i, "COUNT") {
            count = call.integer(i + 1)?;
            if count < 1 {
                return Err(SYNTAX);
            }
        } else {
            return Err(SYNTAX);
        }
        i += 2;
    }
    let database = call.state.keyspace.db(call.session.db);
    let mut digits = itoa::Buffer::new();
    let (mut keys, mut gone) = (Vec::new(), Vec::new());
    let count = usize::try_from(count.min(COUNT_MAX)).expect("between 1 and COUNT_MAX");
    let next = database.scan(cursor, count, &mut |entry| {
        if expired(entry.deadline(), filter.now_ms) {
            gone.push(entry.key().to_vec());
        } else if filter.keeps(entry) {
            keys.push(entry.key().to_vec());
        }
    });
    for name in &gone {
        // Whoever meets what has expired deletes it.
        let hash = call.state.keyspace.hash(name);
        call.state.peek(&Key { db: call.session.db, name, hash });
    }
    let mut reply = call.session.reply();
    reply.array(2);
    reply.bulk(digits.format(next).as_bytes());
    reply.array(keys.len());
    for key in &keys {
        call.reply().bulk(key);
        if !call.reply_may_grow() {
            break;
        }
    }
    Ok(())
}

/// A cursor as C's `strtoul` reads it, which is what Redis's clients meet: a sign and leading zeros pass, and
/// nothing at all is 0. One that we never
/// gave out is beyond the end, and a scan from there finds nothing.
pub(super) fn parse_cursor(text: &[u8]) -> Option<u64> {
    let (negative, digits) = match text {
        [b'-', digits @ ..] => (true, digits),
        [b'+', digits @ ..] => (false, digits),
        digits => (false, digits),
    };
    if text.is_empty() {
        return Some(0);
    }
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let value = std::str::from_utf8(digits).ok()?.parse::<u64>().ok()?;
    Some(if negative { value.wrapping_neg() } else { value })
}

/// KEYS pattern
pub fn keys(call: &mut Call<'_>) -> Outcome {
    let filter = ScanFilter { pattern: Some(call.args.at(1)), kind: None, now_ms: call.state.now.unix_ms() };
    let db = call.session.db;
    let length = call.reply().deferred_array();
    let end = call.reply_end();
    let (mut found, mut cursor) = (0, 0);
    loop {
        let session = &mut *call.session;
        cursor = call.state.keyspace.db(db).scan(cursor, 4096, &mut |entry| {
            if session.output.len() < end && filter.keeps(entry) {
                session.reply().bulk(entry.key());
                found += 1;
            }
        });
        if cursor == 0 || !call.reply_may_grow() {
            break;
        }
    }
    call.reply().finish_array(length, found);
    let units = call.state.keyspace.db(db).len() as u64 / 16;
    call.work(units);
    Ok(())
}

/// RANDOMKEY
pub fn randomkey(call: &mut Call<'_>) -> Outcome {
    /// Draws before an expired key is given up on; each deletes the one it met, so that the next has fewer.
    const DRAWS_MAX: usize = 100;
    let db = call.session.db;
    for _ in 0..DRAWS_MAX {
        let Some(entry) = call.state.keyspace.db(db).random(call.hooks.entropy()) else { break };
        let name = entry.key().to_vec();
        let key = Key { db, name: &name, hash: call.state.keyspace.hash(&name) };
        if call.state.peek(&key).is_some() {
            call.reply().bulk(&name);
            return Ok(());
        }
    }
    call.reply().null();
    Ok(())
}

/// DBSIZE
pub fn dbsize(call: &mut Call<'_>) -> Outcome {
    let len = call.state.keyspace.db(call.session.db).len();
    call.reply().integer(len as i64);
    Ok(())
}

/// [ASYNC | SYNC] of a flush. The table is taken out at once and freed elsewhere in either case, so both are quick; they are
/// told apart only by being checked.
fn check_flush_mode(call: &Call<'_>) -> Outcome {
    match call.args.len() {
        1 => Ok(()),
        2 if call.args.is(1, "ASYNC") || call.args.is(1, "SYNC") => Ok(()),
        _ => Err(SYNTAX),
    }
}

/// FLUSHDB [ASYNC | SYNC]
pub fn flushdb(call: &mut Call<'_>) -> Outcome {
    check_flush_mode(call)?;
    let db = call.session.db;
    call.state.break_watches_of_existing(db, None);
    let detached = call.state.keyspace.flush(db);
    call.state.effects.detached.push(detached);
    call.state.database_changed(db);
    call.state.dirty += 1;
    call.state.invalidate_everything();
    call.propagate(&[b"FLUSHDB"]);
    call.reply().ok();
    Ok(())
}

/// FLUSHALL [ASYNC | SYNC]
pub fn flushall(call: &mut Call<'_>) -> Outcome {
    check_flush_mode(call)?;
    call.state.drop_everything();
    call.state.dirty += 1;
    call.state.data_set_was_flushed();
    call.propagate(&[b"FLUSHALL"]);
    if !call.awaits_empty_snapshot() {
        call.reply().ok();
    }
    Ok(())
}

/// SWAPDB index1 index2
pub fn swapdb(call: &mut Call<'_>) -> Outcome {
    let index = |i: usize, error: &'static str| {
        let value = call.integer(i).ok().and_then(|n| i32::try_from(n).ok());
        value.ok_or(ErrorReply::new(error))
    };
    let first = index(1, "ERR invalid first DB index")?;
    let second = index(2, "ERR invalid second DB index")?;
    let in_range = |n: i32| usize::try_from(n).ok().filter(|n| *n < call.state.keyspace.len()).ok_or(DB_OUT_OF_RANGE);
    let (first, second) = (in_range(first)?, in_range(second)?);
    if first != second {
        for (db, successor) in [(first, second), (second, first)] {
            delete_expired_under_watched_names(call, db, successor);
        }
        for (db, successor) in [(first, second), (second, first)] {
            call.state.break_watches_of_existing(db, Some(successor));
        }
        call.state.keyspace.swap(first, second);
        call.state.database_changed(first);
        call.state.database_changed(second);
        call.state.invalidate_everything();
    }
    call.state.dirty += 1;
    call.reply().ok();
    Ok(())
}

impl State {
    /// Drops all keys of all databases.
    pub(crate) fn drop_everything(&mut self) {
        for db in 0..self.keyspace.len() {
            self.break_watches_of_existing(db, None);
        }
        let detached = self.keyspace.flush_all();
        self.effects.detached.push(detached);
        (self.has_had_consumers, self.has_had_producers) = (false, false);
        for db in 0..self.keyspace.len() {
            self.database_changed(db);
        }
        self.invalidate_everything();
    }

    /// See [`crate::watch::Watchers::break_on_existing`].
    fn break_watches_of_existing(&mut self, db: usize, successor: Option<usize>) {
        let State { watchers, sessions, client_memory, keyspace, .. } = self;
        if !watchers.is_empty() {
            watchers.break_on_existing(sessions, client_memory, keyspace, (db, successor));
        }
    }
}

/// Deletes from `successor` what has expired there under a name that is watched in `db`: where nothing was, it must not
/// appear as something that has expired since.
fn delete_expired_under_watched_names(call: &mut Call<'_>, db: usize, successor: usize) {
    if call.state.watchers.is_empty() {
        return;
    }
    let names: Vec<Box<[u8]>> = call.state.watchers.in_database(db).map(Box::from).collect();
    for name in names {
        let hash = call.state.keyspace.hash(&name);
        call.state.write(&Key { db: successor, name: &name, hash });
    }
}
