//! Hashes: packed fields and values, with deadlines or without, or the same one by one.

use refrain_data::{Collection, Deadline, Field, Hash, HashRef, IntBuffer, LargeHash, Value};

use super::ziplist::{ziplist, zipmap};
use super::{Limits, deadline, number, read_blob, read_count, read_packed, write_count, write_packed};
use crate::length::write_length;
use crate::string::{Compressor, read_string, write_string};
use crate::{Input, Malformed};

const BROKEN: &str = "Hash listpack integrity check failed.";
const BROKEN_ZIPLIST: &str = "Hash ziplist integrity check failed.";
const BROKEN_ZIPMAP: &str = "Zipmap integrity check failed.";
const TWICE: &str = "Duplicate hash fields detected";

/// A field without a deadline is marked by 0, so what is written of the others is one more than their distance from the first.
const NO_DEADLINE: u64 = 0;

pub(super) fn write(out: &mut Vec<u8>, hash: HashRef<'_>, compressor: &mut Compressor) {
    let earliest = hash.earliest_deadline();
    match hash {
        HashRef::Packed(list) => write_packed(out, list, compressor),
        HashRef::Timed(list) => {
            out.extend_from_slice(&earliest.unwrap_or(0).to_le_bytes());
            write_packed(out, list, compressor);
        }
        HashRef::Large(_) => {
            if let Some(earliest) = earliest {
                out.extend_from_slice(&earliest.to_le_bytes());
            }
            write_count(out, hash.len());
            for field in hash.iter() {
                if let Some(earliest) = earliest {
                    write_length(out, field.deadline.map_or(NO_DEADLINE, |at| at.saturating_sub(earliest) + 1));
                }
                write_string(out, field.name, compressor);
                write_string(out, field.value, compressor);
            }
        }
    }
}

pub(super) fn read(value_type: u8, input: &mut Input<'_>, limits: &Limits) -> Result<Hash, Malformed> {
    match value_type {
        number::HASH_PACKED => {
            let list = read_packed(input, limits, BROKEN)?;
            let complaint = match list.len() % 2 == 0 && !list.view().are_distinct(2) {
                true => "Hash listpack integrity check failed: a listpack with dup elements",
                false => BROKEN,
            };
            Hash::from_packed(list, false, &limits.hash).ok_or_else(|| input.complain(complaint))
        }
        number::HASH_PACKED_TIMED => {
            // The earliest deadline, which the list says as well.
            let _earliest: [u8; 8] = input.take_array()?;
            let list = read_packed(input, limits, BROKEN)?;
            Hash::from_packed(list, true, &limits.hash).ok_or_else(|| input.complain(BROKEN))
        }
        number::HASH_ZIPLIST | number::HASH_ZIPMAP => {
            let bytes = read_blob(input, limits)?;
            let mut hash = Hash::empty();
            let mut name: Option<Vec<u8>> = None;
            let mut valid = true;
            let mut add = |element: Value<'_>| match name.take() {
                None => name = Some(element.to_vec()),
                Some(field) => {
                    let mut digits = IntBuffer::new();
                    valid &= hash.set(&field, element.bytes(&mut digits), Deadline::Clear, &limits.hash);
                }
            };
            let (read, complaint) = match value_type {
                number::HASH_ZIPLIST => (ziplist(&bytes, &mut add), BROKEN_ZIPLIST),
                _ => (zipmap(&bytes, &mut add), BROKEN_ZIPMAP),
            };
            if read.is_err() || name.is_some() || !valid {
                return Err(input.complain(complaint));
            }
            Ok(hash)
        }
        _ => {
            let timed = value_type == number::HASH_TIMED;
            let earliest = if timed { u64::from_le_bytes(input.take_array()?) } else { 0 };
            let mut fields = Vec::new();
            for _ in 0..read_count(input)? {
                let distance = if timed { read_count(input)? } else { NO_DEADLINE };
                let name = read_string(input, limits.string_bytes)?;
                let value = read_string(input, limits.string_bytes)?;
                let deadline = match distance {
                    // Valkey writes the time itself, behind the value.
                    NO_DEADLINE if value_type == number::HASH_VALKEY_TIMED => {
                        deadline(i64::from_le_bytes(input.take_array()?))
                    }
                    NO_DEADLINE => None,
                    distance => Some(earliest.checked_add(distance - 1).ok_or(Malformed)?),
                };
                // Fields that are packed mark by 0 that there is none. What ended then ended a millisecond later as well.
                fields.push((name, value, deadline.map(|at| at.max(1))));
            }
            let fields = fields.iter().map(|(name, value, deadline)| Field {
                name: name.as_value(),
                value: value.as_value(),
                deadline: *deadline,
            });
            if fields.len() > limits.hash.entries {
                let fields: Vec<Field<'_>> = fields.collect();
                return LargeHash::of_distinct(&fields, limits.hash.seed)
                    .map(Hash::from)
                    .ok_or_else(|| input.complain(TWICE));
            }
            let mut hash = Hash::empty();
            let (mut digits, mut value_digits) = (IntBuffer::new(), IntBuffer::new());
            for Field { name, value, deadline } in fields {
                let deadline = deadline.map_or(Deadline::Clear, Deadline::At);
                if !hash.set(name.bytes(&mut digits), value.bytes(&mut value_digits), deadline, &limits.hash) {
                    return Err(input.complain(TWICE));
                }
            }
            Ok(hash)
        }
    }
}
