//! XCFGSET and XIDMPRECORD: how long a stream remembers its producers, and what it remembers, for whoever builds it up again; and what
//! is due of that.
//!
//! A record whose time has come goes when periodic work comes round, and not before: commands look at no clock. Streams forget each
//! for itself wherever they are, so nothing is propagated.

use refrain_data::stream::{ProducerLimits, Stream, StreamBody};

use super::id;
use super::sender::configured;
use crate::call::{Call, Key, Outcome};
use crate::error::{ErrorReply, NO_SUCH_KEY, SYNTAX};
use crate::state::State;

/// Records that one stream forgets before others have their turn.
const RECORDS_AT_ONCE: usize = 256;

/// Units of periodic work for a stream that is visited, and for a record that goes.
const UNITS_PER_STREAM: u64 = 8;
const UNITS_PER_RECORD: u64 = 4;

/// Reads a number that an option gives once at the most.
fn read_limit(call: &Call<'_>, i: usize, given: &mut Option<u64>, most: u32, texts: [&'static str; 2]) -> Outcome {
    let [twice, range] = texts;
    if given.is_some() {
        return Err(ErrorReply::new(twice));
    }
    let value = u64::try_from(call.integer(i + 1)?).ok().filter(|value| (1..=u64::from(most)).contains(value));
    *given = Some(value.ok_or(ErrorReply::new(range))?);
    Ok(())
}

/// XCFGSET key [IDMP-DURATION seconds] [IDMP-MAXSIZE entries]
pub fn xcfgset(call: &mut Call<'_>) -> Outcome {
    const DURATION: [&str; 2] =
        ["ERR IDMP-DURATION specified multiple times", "ERR IDMP-DURATION must be between 1 and 86400 seconds"];
    const ENTRIES: [&str; 2] =
        ["ERR IDMP-MAXSIZE specified multiple times", "ERR IDMP-MAXSIZE must be between 1 and 10000 entries"];
    let key = call.key(1);
    let usual = configured(&call.state.config);
    let stream = call.state.view::<StreamBody>(&key)?.ok_or(NO_SUCH_KEY)?;
    let now = stream.producer_limits().unwrap_or(usual);
    let records = stream.producers().map_or(0, |producers| producers.records_len());
    let (mut duration_s, mut entries) = (None, None);
    for i in (2..call.args.len()).step_by(2) {
        let more = i + 1 < call.args.len();
        if more && call.args.is(i, "IDMP-DURATION") {
            read_limit(call, i, &mut duration_s, ProducerLimits::DURATION_S_MAX, DURATION)?;
        } else if more && call.args.is(i, "IDMP-MAXSIZE") {
            read_limit(call, i, &mut entries, ProducerLimits::ENTRIES_MAX, ENTRIES)?;
        } else {
            return Err(SYNTAX);
        }
    }
    if duration_s.is_none() && entries.is_none() {
        return Err(ErrorReply::new("ERR At least one parameter must be specified"));
    }
    let wanted = ProducerLimits::new(
        duration_s.unwrap_or(u64::from(now.duration_s())),
        entries.unwrap_or(u64::from(now.entries())),
    );
    let wanted = wanted.expect("what was given is in its range, and what is there is");
    if wanted != now {
        // They all go, for they were kept for another time.
        call.state.set_aside(&key, records);
        super::edit(call, &key, |stream| {
            stream.set_producer_limits(wanted);
            // From here on this is something that a copy has to know.
            stream.producers_mut();
        })?;
        call.state.has_had_producers = true;
        call.state.modified_aside();
    }
    call.reply().ok();
    Ok(())
}

/// XIDMPRECORD key pid iid stream-id
pub fn xidmprecord(call: &mut Call<'_>) -> Outcome {
    const NO_PID: ErrorReply = ErrorReply::new("ERR producer ID must be non-empty");
    const NO_IID: ErrorReply = ErrorReply::new("ERR idempotent ID must be non-empty");
    const NO_MESSAGE: ErrorReply = ErrorReply::new("ERR No such message in stream");
    const ANOTHER: ErrorReply = ErrorReply::new("ERR IID already exists for this producer with a different stream ID");
    let id = id::strict(call.args.at(4))?;
    let (pid, iid) = (call.args.at(2), call.args.at(3));
    if pid.is_empty() {
        return Err(NO_PID);
    }
    if iid.is_empty() {
        return Err(NO_IID);
    }
    let key = call.key(1);
    let usual = configured(&call.state.config);
    // Of what a file says it was decided then that it was new.
    let repeated = call.state.persistence.is_loading();
    let record = |stream: &mut Stream| {
        if !stream.log.contains(id) {
            return Err(NO_MESSAGE);
        }
        match stream.producers().and_then(|producers| producers.find(pid, iid)) {
            Some(known) if known == id && !repeated => Ok(false),
            Some(_) if !repeated => Err(ANOTHER),
            _ => {
                let most = limits_of(stream, usual).entries();
                stream.producers_mut().record(pid, iid, id, most);
                Ok(true)
            }
        }
    };
    let edited = call.state.edit::<StreamBody, _>(&key, |stream| record(stream))?;
    if edited.ok_or(NO_SUCH_KEY)?.result? {
        call.state.has_had_producers = true;
        call.state.modified_aside();
    }
    call.reply().ok();
    Ok(())
}

/// The limits of a stream that is about to be changed; from here on they are its own.
pub(super) fn limits_of(stream: &mut Stream, usual: ProducerLimits) -> ProducerLimits {
    match stream.producer_limits() {
        Some(limits) => limits,
        None => {
            stream.set_producer_limits(usual);
            usual
        }
    }
}

impl State {
    /// Lets streams forget records that are due, `units` of work at the most. Returns the units used, and whether such records may be
    /// left.
    pub(crate) fn forget_records(&mut self, units: u64) -> (u64, bool) {
        if self.pause.is_on() {
            return (0, false);
        }
        let now = self.deadlines_ms();
        let touches = std::mem::replace(&mut self.touches, false);
        let (mut used, mut behind) = (0, false);
        for db in 0..self.keyspace.len() {
            while let Some(name) = self.keyspace.db_mut(db).due_stream(now).map(|entry| entry.key().to_vec()) {
                if used >= units {
                    behind = true;
                    break;
                }
                let key = Key { db, name: &name, hash: self.keyspace.hash(&name) };
                // A key whose own deadline has come is gone as a whole.
                let edited = self.edit(&key, |stream: &mut StreamBody| stream.forget_due(now, RECORDS_AT_ONCE));
                let gone = edited.ok().flatten().map_or(0, |edited| edited.result);
                used += UNITS_PER_STREAM + UNITS_PER_RECORD * gone as u64;
            }
        }
        self.touches = touches;
        (used, behind)
    }
}
