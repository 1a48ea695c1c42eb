//! Streams: blocks of entries, what is known of ids, groups with their pending entries and consumers, and producers.

use std::collections::BTreeMap;

use refrain_data::stream::{Block, Pending, Stream, StreamBody, StreamId};

use super::{Limits, number, producers, read_blob, read_count, write_blob, write_count};
use crate::length::write_length;
use crate::string::{Compressor, StringValue, read_string, write_bytes, write_string};
use crate::{Input, Malformed};

/// What stands for a count of entries read that is not known.
const UNKNOWN: u64 = u64::MAX;

/// What stands for a consumer that never got anything.
const NEVER: i64 = -1;

pub(super) fn write_id(out: &mut Vec<u8>, id: StreamId) {
    write_length(out, id.ms);
    write_length(out, id.seq);
}

pub(super) fn write(out: &mut Vec<u8>, value_type: u8, stream: &Stream, compressor: &mut Compressor) {
    let log = &stream.log;
    write_count(out, log.count_blocks());
    for block in log.blocks() {
        write_bytes(out, &block.id().to_be_bytes());
        write_blob(out, &block.to_listpack(), compressor);
    }
    write_count(out, log.len());
    write_id(out, log.last_id());
    write_id(out, log.first_id());
    write_id(out, log.max_deleted_id());
    write_length(out, log.entries_added());
    write_count(out, stream.groups_len());
    for group in stream.groups() {
        write_string(out, refrain_data::Value::Bytes(group.name()), compressor);
        write_id(out, group.last_id());
        write_length(out, group.entries_read().unwrap_or(UNKNOWN));
        write_count(out, group.pending_len());
        for pending in group.pending_from(StreamId::MIN) {
            out.extend_from_slice(&pending.id.to_be_bytes());
            out.extend_from_slice(&pending.delivered_ms.to_le_bytes());
            write_length(out, pending.deliveries);
        }
        write_count(out, group.consumers_len());
        for consumer in group.consumers() {
            write_string(out, refrain_data::Value::Bytes(consumer.name()), compressor);
            out.extend_from_slice(&consumer.seen_ms.to_le_bytes());
            if value_type != number::STREAM_2 {
                out.extend_from_slice(&consumer.active_ms.unwrap_or(NEVER).to_le_bytes());
            }
            write_count(out, consumer.pending_len());
            for id in consumer.pending_from(StreamId::MIN) {
                out.extend_from_slice(&id.to_be_bytes());
            }
        }
    }
    if value_type == number::STREAM_4 {
        producers::write(out, stream, compressor);
    }
}

pub(super) fn read_id(input: &mut Input<'_>) -> Result<StreamId, Malformed> {
    Ok(StreamId::new(read_count(input)?, read_count(input)?))
}

fn raw_id(bytes: &[u8]) -> Option<StreamId> {
    let (ms, seq) = bytes.split_first_chunk::<8>()?;
    Some(StreamId::new(u64::from_be_bytes(*ms), u64::from_be_bytes(seq.try_into().ok()?)))
}

fn read_raw_id(input: &mut Input<'_>) -> Result<StreamId, Malformed> {
    raw_id(&input.take_array::<16>()?).ok_or(Malformed)
}

pub(super) fn read_name(input: &mut Input<'_>, limits: &Limits) -> Result<Vec<u8>, Malformed> {
    Ok(match read_string(input, limits.string_bytes)? {
        StringValue::Int(number) => number.to_string().into_bytes(),
        StringValue::Bytes(bytes) => bytes.into_owned(),
    })
}

pub(super) fn read(value_type: u8, input: &mut Input<'_>, limits: &Limits) -> Result<StreamBody, Malformed> {
    let mut stream = Stream::new();
    let log = &mut stream.log;
    for _ in 0..read_count(input)? {
        let id = raw_id(&read_blob(input, limits)?).ok_or(Malformed)?;
        let block = Block::from_listpack(id, &read_blob(input, limits)?);
        let block = block.ok_or_else(|| input.complain("Stream listpack integrity check failed."))?;
        if !log.push_block(block) {
            return Err(input.complain("Listpack re-added with existing key"));
        }
    }
    let len = read_count(input)?;
    if len != log.len() as u64 {
        return Err(input.complain("Stream length inconsistent with rax entries"));
    }
    let last_id = read_id(input)?;
    if log.last_entry_id().is_some_and(|last| last > last_id) {
        return Err(Malformed);
    }
    log.set_last_id(last_id);
    if value_type == number::STREAM {
        // What was not written then is what it would be for a stream from which nothing was ever deleted.
        let first = log.range(StreamId::MIN, StreamId::MAX).next().map_or(StreamId::MIN, |entry| entry.id);
        log.set_first_id(first);
        log.set_entries_added(len);
    } else {
        log.set_first_id(read_id(input)?);
        log.set_max_deleted_id(read_id(input)?);
        log.set_entries_added(read_count(input)?);
    }
    for _ in 0..read_count(input)? {
        read_group(value_type, input, &mut stream, limits)?;
    }
    if value_type == number::STREAM_4 {
        producers::read(input, &mut stream, limits)?;
    }
    Ok(stream.into())
}

fn read_group(value_type: u8, input: &mut Input<'_>, stream: &mut Stream, limits: &Limits) -> Result<(), Malformed> {
    let name = read_name(input, limits)?;
    let last_id = read_id(input)?;
    let entries_read = match value_type {
        number::STREAM => stream.log.distance_of(last_id),
        _ => Some(read_count(input)?).filter(|read| *read != UNKNOWN),
    };
    let mut pending = BTreeMap::new();
    for _ in 0..read_count(input)? {
        let id = read_raw_id(input)?;
        let delivered_ms = i64::from_le_bytes(input.take_array()?);
        let deliveries = read_count(input)?;
        if pending.insert(id, (delivered_ms, deliveries)).is_some() {
            return Err(input.complain("Duplicated global PEL entry loading stream consumer group"));
        }
    }
    if !stream.add_group(&name, last_id, entries_read) {
        return Err(input.complain("Duplicated consumer group name"));
    }
    let read = stream.edit_group(&name, |group, _| {
        for _ in 0..read_count(input)? {
            let name = read_name(input, limits)?;
            let seen_ms = i64::from_le_bytes(input.take_array()?);
            let active_ms = match value_type {
                number::STREAM_3 | number::STREAM_4 => i64::from_le_bytes(input.take_array()?),
                _ => seen_ms,
            };
            let consumer = group.add_consumer(&name, seen_ms);
            let consumer = consumer.ok_or_else(|| input.complain("Duplicate stream consumer detected."))?;
            group.edit_consumer(consumer, |consumer| {
                consumer.active_ms = Some(active_ms).filter(|ms| *ms != NEVER);
            });
            for _ in 0..read_count(input)? {
                let id = read_raw_id(input)?;
                let known = pending.remove(&id);
                let (delivered_ms, deliveries) =
                    known.ok_or_else(|| input.complain("Consumer entry not found in group global PEL"))?;
                group.assign(Pending { id, delivered_ms, deliveries, consumer });
            }
        }
        // What is pending belongs to somebody.
        if pending.is_empty() { Ok(()) } else { Err(input.complain("Stream CG PEL entry without consumer")) }
    });
    read.unwrap_or(Err(Malformed))
}
