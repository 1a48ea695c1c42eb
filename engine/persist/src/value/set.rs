//! Sets: integers in order, packed members, or members one by one.

use refrain_data::{Body, Collection, IntSet, Ints, LargeSet, Set, SetRef, Value};

use super::{Limits, number, read_blob, read_count, read_packed, write_blob, write_count, write_packed};
use crate::string::{Compressor, StringValue, read_string, write_string};
use crate::{Input, Malformed};

const BROKEN: &str = "Set listpack integrity check failed.";
const TWICE: &str = "Duplicate set members detected";

pub(super) fn write(out: &mut Vec<u8>, value_type: u8, set: SetRef<'_>, compressor: &mut Compressor) {
    match set {
        SetRef::Ints(ints) => write_blob(out, ints.bytes(), compressor),
        SetRef::Packed(list) if value_type == number::SET_PACKED => write_packed(out, list, compressor),
        SetRef::Packed(_) | SetRef::Large(_) => {
            write_count(out, set.len());
            for member in set.iter() {
                write_string(out, member, compressor);
            }
        }
    }
}

pub(super) fn read(value_type: u8, input: &mut Input<'_>, limits: &Limits) -> Result<Set, Malformed> {
    match value_type {
        number::SET_INTS => {
            let bytes = read_blob(input, limits)?;
            if !Ints::validate(&bytes, true) {
                return Err(input.complain("Intset integrity check failed."));
            }
            let ints = IntSet::from_bytes(bytes);
            if ints.len() <= limits.set.int_entries {
                return Ok(Set::from_body(Body::Alternate(ints.into_bytes())));
            }
            gather(ints.view().iter().map(Value::Int), limits)
        }
        number::SET_PACKED => {
            let list = read_packed(input, limits, BROKEN)?;
            let fits = list.len() <= limits.set.entries
                && list.view().iter().all(|member| member.len() <= limits.set.value_bytes);
            // A set of integers may be packed if it once had other members.
            match fits {
                true if list.view().are_distinct(1) => Ok(Set::from_body(Body::Packed(list.into_bytes()))),
                true => Err(input.complain(BROKEN)),
                false => gather(list.view().iter(), limits).map_err(|Malformed| input.complain(BROKEN)),
            }
        }
        _ => {
            let mut members = Vec::new();
            for _ in 0..read_count(input)? {
                members.push(read_string(input, limits.string_bytes)?);
            }
            let members: Vec<Value<'_>> = members.iter().map(StringValue::as_value).collect();
            let are_ints = || members.iter().all(|member| member.as_int().is_some());
            if members.len() <= limits.set.entries || members.len() <= limits.set.int_entries && are_ints() {
                return gather(members.into_iter(), limits).map_err(|Malformed| input.complain(TWICE));
            }
            LargeSet::of_distinct(&members, limits.set.seed).map(Set::from).ok_or_else(|| input.complain(TWICE))
        }
    }
}

/// A set of these members; each may come once.
fn gather<'v>(members: impl Iterator<Item = Value<'v>>, limits: &Limits) -> Result<Set, Malformed> {
    let mut set = Set::empty();
    for member in members {
        if !set.insert_value(member, &limits.set) {
            return Err(Malformed);
        }
    }
    Ok(set)
}
