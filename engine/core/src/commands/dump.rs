//! DUMP and RESTORE: a value as bytes that other servers read.

use refrain_data::{Deadline, Lookup, SetLimits};
use refrain_persist::{DumpError, Limits, Restored};

use crate::call::{Call, Outcome};
use crate::effects::Level;
use crate::error::{ErrorReply, SYNTAX};
use crate::notify::NotifyClass;
use crate::state::State;

/// DUMP key
pub fn dump(call: &mut Call<'_>) -> Outcome {
    /// Bytes that are encoded and summed for about the cost of an ordinary command.
    const BYTES_PER_WORK: u64 = 1024;
    let key = call.key(1);
    let compression = call.state.config.persistence.rdbcompression;
    let payload = call.state.read(&key).map(|entry| refrain_persist::dump(entry, compression));
    match payload {
        Some(payload) => {
            call.work(payload.len() as u64 / BYTES_PER_WORK);
            call.reply().bulk(&payload);
        }
        None => call.reply().null(),
    }
    Ok(())
}

/// What is read becomes what a client's own commands would have made of it.
pub(crate) fn value_limits(state: &State) -> Limits {
    let encodings = &state.config.encodings;
    let size = |limit: u64| usize::try_from(limit).unwrap_or(usize::MAX);
    Limits {
        string_bytes: state.config.limits.proto_max_bulk_len,
        list: super::list::limits(state),
        set: SetLimits {
            int_entries: size(encodings.set_max_intset_entries),
            entries: size(encodings.set_max_listpack_entries),
            value_bytes: size(encodings.set_max_listpack_value),
            seed: *state.keyspace.seed(),
        },
        hash: state.hash_limits(),
        sorted_set: super::sorted_set::limits(state),
    }
}

#[derive(Default)]
struct Options {
    replace: bool,
    absolute: bool,
    idle_s: Option<u64>,
    frequency: Option<u8>,
}

impl Options {
    fn parse(call: &Call<'_>) -> Result<Options, ErrorReply> {
        const IDLE_TIME: ErrorReply = ErrorReply::new("ERR Invalid IDLETIME value, must be >= 0");
        const FREQUENCY: ErrorReply = ErrorReply::new("ERR Invalid FREQ value, must be >= 0 and <= 255");
        let mut options = Options::default();
        let mut i = 4;
        while i < call.args.len() {
            let more = i + 1 < call.args.len();
            if call.args.is(i, "REPLACE") {
                options.replace = true;
            } else if call.args.is(i, "ABSTTL") {
                options.absolute = true;
            } else if call.args.is(i, "IDLETIME") && more && options.frequency.is_none() {
                i += 1;
                options.idle_s = Some(u64::try_from(call.integer(i)?).map_err(|_| IDLE_TIME)?);
            } else if call.args.is(i, "FREQ") && more && options.idle_s.is_none() {
                i += 1;
                options.frequency = Some(u8::try_from(call.integer(i)?).map_err(|_| FREQUENCY)?);
            } else {
                return Err(SYNTAX);
            }
            i += 1;
        }
        Ok(options)
    }
}

/// RESTORE key ttl serialized-value [REPLACE] [ABSTTL] [IDLETIME seconds] [FREQ frequency]
pub fn restore(call: &mut Call<'_>) -> Outcome {
    let options = Options::parse(call)?;
    let (key, payload) = (call.key(1), call.args.at(3));
    if !options.replace && call.state.peek(&key).is_some() {
        return Err(ErrorReply::new("BUSYKEY Target key name already exists."));
    }
    let ttl = u64::try_from(call.integer(2)?).map_err(|_| ErrorReply::new("ERR Invalid TTL value, must be >= 0"))?;
    let limits = value_limits(call.state);
    let value = match call.state.skips_checksums {
        false => refrain_persist::restore(payload, &limits),
        true => refrain_persist::restore_unchecked(payload, &limits),
    };
    let value = match value {
        Ok(value) => value,
        Err(DumpError::VersionOrChecksum) => {
            return Err(ErrorReply::new("ERR DUMP payload version or checksum are wrong"));
        }
        Err(DumpError::BadFormat(what)) => {
            call.state.effects.log(Level::Warning, format!("RESTORE was given a damaged payload: {what}"));
            return Err(ErrorReply::new("ERR Bad data format"));
        }
    };
    call.state.stats.payload_checks += u64::from(matches!(value, Restored::Collection(..)));
    let now_ms = call.state.now.unix_ms();
    let deadline = match ttl {
        0 => None,
        at if options.absolute => Some(at),
        ttl => Some(now_ms.saturating_add(ttl)),
    };
    if deadline.is_some_and(|at| at <= call.state.deadlines_ms()) {
        // It would end at once: what it was to replace ends, too.
        if options.replace && call.state.delete(&key) {
            call.propagate(&[b"DEL", key.name]);
        }
        call.reply().ok();
        return Ok(());
    }
    if let Lookup::Occupied(found) = call.state.write(&key) {
        found.remove();
    }
    // Of the two only that which the policy of eviction goes by can be kept.
    let usage = &call.state.usage;
    let bits = match options.frequency {
        Some(count) => usage.counted(count),
        None => options.idle_s.and_then(|idle_s| usage.idle_for(idle_s)),
    };
    let deadline_after = deadline.map_or(Deadline::Clear, Deadline::At);
    call.state.has_had_consumers |= value.has_consumers();
    call.state.has_had_producers |= value.remembers_producers();
    let Lookup::Vacant(free) = call.state.write(&key) else { unreachable!("the key was removed") };
    let entry = match value {
        Restored::String(value) => free.insert(value.to_new_value(), deadline_after),
        Restored::Collection(kind, body) => free.insert_body(kind, body, deadline_after),
        Restored::Nothing => unreachable!("an empty collection is no payload"),
    };
    if let Some(bits) = bits {
        entry.touch(bits);
    }
    call.state.notify(NotifyClass::NEW, "new", &key);
    call.state.modified(&key);
    call.state.notify(NotifyClass::GENERIC, "restore", &key);
    if let Some(at) = deadline
        && !options.absolute
    {
        propagate_absolute(call, at);
    }
    call.reply().ok();
    Ok(())
}

/// The same RESTORE with its time to live as a moment.
fn propagate_absolute(call: &mut Call<'_>, at: u64) {
    let mut digits = itoa::Buffer::new();
    let mut command: Vec<&[u8]> = call.args.iter().collect();
    command[2] = digits.format(at).as_bytes();
    command.push(b"ABSTTL");
    call.propagate(&command);
}
