//! What a stream remembers of its producers: the last part of the newest form of a stream, which Redis writes since 8.6.
//!
//! ```text
//! duration in seconds | entries of each | producers (pid | records (iid | id)…)… | ever added | came again
//! ```

use refrain_data::Value;
use refrain_data::stream::{ProducerLimits, Producers, Stream};

use super::stream::{read_id, read_name, write_id};
use super::{Limits, read_count, write_count};
use crate::length::write_length;
use crate::string::{Compressor, write_string};
use crate::{Input, Malformed};

pub(super) fn write(out: &mut Vec<u8>, stream: &Stream, compressor: &mut Compressor) {
    let limits = stream.producer_limits().unwrap_or_default();
    write_length(out, u64::from(limits.duration_s()));
    write_length(out, u64::from(limits.entries()));
    let nothing = Producers::default();
    let producers = stream.producers().unwrap_or(&nothing);
    write_count(out, producers.len());
    for (pid, len, records) in producers.iter() {
        write_string(out, Value::Bytes(pid), compressor);
        write_count(out, len);
        for (iid, id) in records {
            write_string(out, Value::Bytes(iid), compressor);
            write_id(out, id);
        }
    }
    write_length(out, producers.added);
    write_length(out, producers.duplicates);
}

/// Reads it into a stream. Streams that say no more than that they have no producers, as all do that Redis writes, are left as if they
/// had not said it, but for the limits.
///
/// # Errors
/// For limits out of their ranges, and for a producer that comes twice.
pub(super) fn read(input: &mut Input<'_>, stream: &mut Stream, limits: &Limits) -> Result<(), Malformed> {
    let kept = ProducerLimits::new(read_count(input)?, read_count(input)?);
    let kept = kept.ok_or_else(|| input.complain("Stream limits of producers are out of range"))?;
    stream.set_producer_limits(kept);
    let mut producers = Producers::default();
    for _ in 0..read_count(input)? {
        let pid = read_name(input, limits)?;
        if producers.knows(&pid) {
            return Err(input.complain("Stream producer is there twice"));
        }
        for _ in 0..read_count(input)? {
            let iid = read_name(input, limits)?;
            let id = read_id(input)?;
            producers.record(&pid, &iid, id, kept.entries());
        }
    }
    producers.added = read_count(input)?;
    producers.duplicates = read_count(input)?;
    let says_something = !producers.is_empty() || producers.added > 0 || producers.duplicates > 0;
    if says_something || kept != ProducerLimits::default() {
        *stream.producers_mut() = producers;
    }
    Ok(())
}
