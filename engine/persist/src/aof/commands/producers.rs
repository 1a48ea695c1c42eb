//! What a stream remembers of its producers, as commands.
//!
//! A record can be given to an entry that is there. One of an entry that is gone goes with an entry that does not stay, and that is
//! possible only before all others: so what was trimmed is remembered, and what was deleted from among others is not. How often entries
//! came again is not kept.

use refrain_data::stream::{Stream, StreamId};
use refrain_resp::encode_command;

use super::text;

/// An entry that is made in no other way, for there to be a stream.
const FIRST: StreamId = StreamId::new(0, 1);

/// A record: pid, iid, and the id of the entry.
type Record<'a> = (&'a [u8], &'a [u8], StreamId);

/// The records of entries that are gone, as far as they can be kept: those before the first entry, by their ids.
fn trimmed(stream: &Stream) -> Vec<Record<'_>> {
    let log = &stream.log;
    let end = log.range(StreamId::MIN, StreamId::MAX).next().map_or(StreamId::MAX, |entry| entry.id);
    let mut records: Vec<Record<'_>> = all(stream).filter(|(.., id)| *id > FIRST && *id < end).collect();
    records.sort_by_key(|(.., id)| *id);
    // An id is given once.
    records.dedup_by_key(|(.., id)| *id);
    records
}

fn all(stream: &Stream) -> impl Iterator<Item = Record<'_>> {
    let producers = stream.producers().into_iter().flat_map(|producers| producers.iter());
    producers.flat_map(|(pid, _, records)| records.map(move |(iid, id)| (pid, iid, id)))
}

/// Writes what stands before the entries. True if that makes the stream.
pub(super) fn before_entries(out: &mut Vec<u8>, key: &[u8], stream: &Stream) -> bool {
    let records = trimmed(stream);
    if records.is_empty() {
        return false;
    }
    encode_command(out, &[b"XADD", key, b"MAXLEN", b"0", &text(FIRST), b"x", b"y"]);
    limits(out, key, stream);
    for (pid, iid, id) in records {
        encode_command(out, &[b"XADD", key, b"IDMP", pid, iid, b"MAXLEN", b"0", &text(id), b"x", b"y"]);
    }
    true
}

/// Writes what stands behind them. `made` is what [`before_entries`] returned.
pub(super) fn behind_entries(out: &mut Vec<u8>, key: &[u8], stream: &Stream, made: bool) {
    if !made {
        limits(out, key, stream);
    }
    for (pid, iid, id) in all(stream).filter(|(.., id)| stream.log.contains(*id)) {
        encode_command(out, &[b"XIDMPRECORD", key, pid, iid, &text(id)]);
    }
}

/// For how long and of how many, where that was ever asked for. It makes the stream forget what it has.
fn limits(out: &mut Vec<u8>, key: &[u8], stream: &Stream) {
    if let (Some(_), Some(limits)) = (stream.producers(), stream.producer_limits()) {
        let (duration_s, entries) = (limits.duration_s().to_string(), limits.entries().to_string());
        let words: [&[u8]; 6] =
            [b"XCFGSET", key, b"IDMP-DURATION", duration_s.as_bytes(), b"IDMP-MAXSIZE", entries.as_bytes()];
        encode_command(out, &words);
    }
}
