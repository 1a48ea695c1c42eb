//! Values of every type, as RDB has them: a number that names type and encoding, and bytes that depend on it.
//!
//! What is small is written as it lies in memory. Large collections are written element by element. Everything that Redis has
//! written since version 2 of RDB is read, up to what 8.6 writes, and what Valkey 9 writes. Which numbers there are depends on
//! who wrote them: see [`Dialect`](crate::rdb::Dialect).

mod hash;
mod list;
mod producers;
mod set;
mod sorted_set;
mod stream;
#[cfg(test)]
mod tests;
mod ziplist;

use refrain_data::{
    Body, Collection, Entry, Hash, HashLimits, HashRef, Kind, Large, List, ListLimits, Packed, PackedList, Set,
    SetLimits, SetRef, SortedSet, SortedSetLimits, SortedSetRef, stream::StreamBody,
};

use crate::length::{Length, read_length, write_length};
use crate::string::{Compressor, StringValue, read_string, write_string};
use crate::{Input, Malformed, Version};

/// The numbers of types and encodings.
pub(crate) mod number {
    pub(crate) const STRING: u8 = 0;
    pub(crate) const LIST: u8 = 1;
    pub(crate) const SET: u8 = 2;
    pub(crate) const SORTED_SET: u8 = 3;
    pub(crate) const HASH: u8 = 4;
    pub(crate) const SORTED_SET_2: u8 = 5;
    /// Of a module; the name of its type follows.
    pub(crate) const MODULE: u8 = 7;
    pub(crate) const HASH_ZIPMAP: u8 = 9;
    pub(crate) const LIST_ZIPLIST: u8 = 10;
    pub(crate) const SET_INTS: u8 = 11;
    pub(crate) const SORTED_SET_ZIPLIST: u8 = 12;
    pub(crate) const HASH_ZIPLIST: u8 = 13;
    pub(crate) const LIST_QUICKLIST: u8 = 14;
    pub(crate) const STREAM: u8 = 15;
    pub(crate) const HASH_PACKED: u8 = 16;
    pub(crate) const SORTED_SET_PACKED: u8 = 17;
    pub(crate) const LIST_QUICKLIST_2: u8 = 18;
    pub(crate) const STREAM_2: u8 = 19;
    pub(crate) const SET_PACKED: u8 = 20;
    pub(crate) const STREAM_3: u8 = 21;
    /// Valkey's. Candidates for Redis 7.4 had another layout under the same number, which is not read.
    pub(crate) const HASH_VALKEY_TIMED: u8 = 22;
    pub(crate) const HASH_TIMED: u8 = 24;
    pub(crate) const HASH_PACKED_TIMED: u8 = 25;
    pub(crate) const STREAM_4: u8 = 26;
}

/// Up to which size what is read is kept small, and how large a string may be.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Bytes of a string or an element.
    pub string_bytes: u64,
    /// Of lists.
    pub list: ListLimits,
    /// Of sets.
    pub set: SetLimits,
    /// Of hashes.
    pub hash: HashLimits,
    /// Of sorted sets.
    pub sorted_set: SortedSetLimits,
}

/// A value that was read.
pub enum Restored<'a> {
    /// A string.
    String(StringValue<'a>),
    /// A collection with something in it, or a stream.
    Collection(Kind, Body),
    /// A collection without elements, which no key holds.
    Nothing,
}

impl Restored<'_> {
    /// Whether it is a stream that has consumers.
    #[must_use]
    pub fn has_consumers(&self) -> bool {
        match self {
            Restored::Collection(Kind::Stream, Body::Large(large)) => match &**large {
                Large::Stream(stream) => has_consumers(stream),
                _ => false,
            },
            _ => false,
        }
    }

    /// Whether it is a stream that remembers producers.
    #[must_use]
    pub fn remembers_producers(&self) -> bool {
        match self {
            Restored::Collection(Kind::Stream, Body::Large(large)) => match &**large {
                Large::Stream(stream) => stream.producers().is_some(),
                _ => false,
            },
            _ => false,
        }
    }

    fn of<C: Collection>(value: C) -> Self {
        if C::ENDS_EMPTY && value.is_empty() {
            return Restored::Nothing;
        }
        Restored::Collection(C::KIND, value.into_body())
    }
}

const A_KIND_HAS_A_VIEW: &str = "an entry of a type is viewed as one";

fn view<C: Collection>(entry: Entry<'_>) -> C::View<'_> {
    entry.view::<C>().expect(A_KIND_HAS_A_VIEW)
}

/// The number of the entry's type and encoding, under which [`write_value`] writes it.
///
/// It is one that `version` knows, except for a hash whose fields have deadlines, which nothing before version 12 can say, and a stream
/// that remembers producers, which nothing before version 13 can: what can't be read is better than what silently lost them.
#[must_use]
pub fn value_type(entry: Entry<'_>, version: Version) -> u8 {
    match entry.kind() {
        Kind::String => number::STRING,
        Kind::List => number::LIST_QUICKLIST_2,
        Kind::Set => match view::<Set>(entry) {
            SetRef::Ints(_) => number::SET_INTS,
            SetRef::Packed(_) if version >= Version::V11 => number::SET_PACKED,
            SetRef::Packed(_) | SetRef::Large(_) => number::SET,
        },
        Kind::SortedSet => match view::<SortedSet>(entry) {
            SortedSetRef::Packed(_) => number::SORTED_SET_PACKED,
            SortedSetRef::Large(_) => number::SORTED_SET_2,
        },
        Kind::Hash => match view::<Hash>(entry) {
            HashRef::Packed(_) => number::HASH_PACKED,
            HashRef::Timed(_) => number::HASH_PACKED_TIMED,
            large @ HashRef::Large(_) if large.earliest_deadline().is_some() => number::HASH_TIMED,
            HashRef::Large(_) => number::HASH,
        },
        Kind::Stream if view::<StreamBody>(entry).producers().is_some() => number::STREAM_4,
        Kind::Stream if version >= Version::V11 => number::STREAM_3,
        Kind::Stream => number::STREAM_2,
    }
}

/// The lowest version of RDB that can hold an entry's value: before version 11 nothing was known of when consumers of a stream were
/// active.
#[must_use]
pub fn lowest_version(entry: Entry<'_>) -> Version {
    let version = version_of(value_type(entry, Version::V10));
    match entry.kind() {
        Kind::Stream if has_consumers(view::<StreamBody>(entry)) => version.max(Version::V11),
        _ => version,
    }
}

fn has_consumers(stream: &refrain_data::stream::Stream) -> bool {
    stream.groups().any(|group| group.consumers_len() > 0)
}

/// The lowest version of RDB that knows a type and encoding.
#[must_use]
pub fn version_of(value_type: u8) -> Version {
    match value_type {
        number::STREAM_4 => Version::V13,
        number::HASH_TIMED | number::HASH_PACKED_TIMED => Version::V12,
        number::SET_PACKED | number::STREAM_3 => Version::V11,
        _ => Version::V10,
    }
}

/// Appends the entry's value as the type that [`value_type`] gave for it, without that number.
pub fn write_value(out: &mut Vec<u8>, value_type: u8, entry: Entry<'_>, compressor: &mut Compressor) {
    match entry.kind() {
        Kind::String => write_string(out, entry.value(), compressor),
        Kind::List => list::write(out, view::<List>(entry), compressor),
        Kind::Set => set::write(out, value_type, view::<Set>(entry), compressor),
        Kind::SortedSet => sorted_set::write(out, view::<SortedSet>(entry), compressor),
        Kind::Hash => hash::write(out, view::<Hash>(entry), compressor),
        Kind::Stream => stream::write(out, value_type, view::<StreamBody>(entry), compressor),
    }
}

/// Reads a value of the type that this number names.
///
/// # Errors
/// For what is cut short, contradicts itself, or is of an unknown type. `now_ms` is nothing that decides; times are read as they
/// are.
pub fn read_value<'a>(value_type: u8, input: &mut Input<'a>, limits: &Limits) -> Result<Restored<'a>, Malformed> {
    match value_type {
        number::STRING => Ok(Restored::String(read_string(input, limits.string_bytes)?)),
        number::LIST | number::LIST_ZIPLIST | number::LIST_QUICKLIST | number::LIST_QUICKLIST_2 => {
            list::read(value_type, input, limits).map(Restored::of)
        }
        number::SET | number::SET_INTS | number::SET_PACKED => set::read(value_type, input, limits).map(Restored::of),
        number::SORTED_SET | number::SORTED_SET_2 | number::SORTED_SET_ZIPLIST | number::SORTED_SET_PACKED => {
            sorted_set::read(value_type, input, limits).map(Restored::of)
        }
        number::HASH
        | number::HASH_ZIPMAP
        | number::HASH_ZIPLIST
        | number::HASH_PACKED
        | number::HASH_VALKEY_TIMED
        | number::HASH_TIMED
        | number::HASH_PACKED_TIMED => hash::read(value_type, input, limits).map(Restored::of),
        number::STREAM | number::STREAM_2 | number::STREAM_3 | number::STREAM_4 => {
            stream::read(value_type, input, limits).map(Restored::of)
        }
        _ => Err(Malformed),
    }
}

/// A time at which something ends, as it is written where there may be none. Times before 1970 have passed as well as 1970 has; one
/// of them stands for none.
pub(crate) fn deadline(ms: i64) -> Option<u64> {
    (ms != -1).then(|| ms.max(0) as u64)
}

/// A length that is one, and not the number of an encoding.
fn read_count(input: &mut Input<'_>) -> Result<u64, Malformed> {
    match read_length(input)? {
        Length::Plain(count) => Ok(count),
        Length::Encoding(_) => Err(Malformed),
    }
}

/// A string that is bytes of a packed form.
fn read_blob(input: &mut Input<'_>, limits: &Limits) -> Result<Vec<u8>, Malformed> {
    match read_string(input, limits.string_bytes)? {
        StringValue::Bytes(bytes) => Ok(bytes.into_owned()),
        StringValue::Int(_) => Err(Malformed),
    }
}

/// A string that is the bytes of a packed list, and what to complain of if it isn't.
fn read_packed(input: &mut Input<'_>, limits: &Limits, complaint: &'static str) -> Result<PackedList, Malformed> {
    PackedList::adopt(read_blob(input, limits)?).ok_or_else(|| input.complain(complaint))
}

/// Appends a packed list, as a string that is a listpack.
fn write_packed(out: &mut Vec<u8>, list: Packed<'_>, compressor: &mut Compressor) {
    crate::string::write_listpack_or_compressed(out, list, compressor);
}

/// Appends bytes of a packed form, as a string.
fn write_blob(out: &mut Vec<u8>, bytes: &[u8], compressor: &mut Compressor) {
    crate::string::write_bytes_or_compressed(out, bytes, compressor);
}

/// Appends how many elements follow.
fn write_count(out: &mut Vec<u8>, count: usize) {
    write_length(out, count as u64);
}

/// Limits of tests: small, so that large forms are reached.
#[cfg(test)]
pub(crate) fn limits() -> Limits {
    let seed = refrain_data::HashSeed([1, 2]);
    Limits {
        string_bytes: 1 << 24,
        list: ListLimits::new(-1),
        set: SetLimits { int_entries: 32, entries: 16, value_bytes: 24, seed },
        hash: HashLimits { entries: 16, value_bytes: 24, seed },
        sorted_set: SortedSetLimits { entries: 16, value: 24, seed },
    }
}

/// Looks at an entry that `insert` makes.
#[cfg(test)]
pub(crate) fn with_entry<R>(
    insert: impl for<'d, 'k> FnOnce(refrain_data::VacantEntry<'d, 'k>) -> refrain_data::OccupiedEntry<'d>,
    look: impl FnOnce(Entry<'_>) -> R,
) -> R {
    let seed = refrain_data::HashSeed([1, 2]);
    let mut dict = refrain_data::Dict::new(seed);
    let refrain_data::Lookup::Vacant(free) = dict.lookup(seed.hash(b"key"), b"key") else {
        unreachable!("the dictionary is empty")
    };
    look(insert(free).into_entry())
}
