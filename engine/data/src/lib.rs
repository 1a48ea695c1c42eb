//! Values, entries, the dictionary and the keyspace: what the engine remembers.
//!
//! Pure: no I/O, no clock, no randomness of its own, no threads. Time and entropy are arguments. The same operations give
//! the same order and the same memory, everywhere. A deadline that has passed hides nothing here; what an expired key
//! means is the engine's business.
//!
//! From the outside in: a [`Keyspace`] has numbered [`Database`]s, a database has one [`Dict`] or one for each hash slot, and
//! a dictionary has [`Entry`]s. `unsafe` is confined to `entry` (blocks of memory), `prefetch` (a hint), and
//! `bits` and `hyperloglog` (vectors).

mod approach;
pub mod bits;
mod bucket;
mod collection;
mod database;
mod dict;
mod entry;
mod hash;
mod hash_map;
mod hash_page;
pub mod hyperloglog;
mod int_set;
mod keyspace;
mod list;
pub mod lzf;
mod packed_list;
mod prefetch;
mod segment;
mod set;
mod size_class;
mod slab;
mod sorted_set;
mod spread;
pub mod stream;
mod tree;
mod value;
mod walk;

pub use approach::Approach;
pub use collection::{Body, BodyRef, Collection, Large};
pub use database::{DICTS_MAX, Database};
pub use dict::{DetachedEntry, Dict, Lookup, OccupiedEntry, SweepReport, VacantEntry};
pub use entry::{Entry, EntryBatch, INLINE_BYTES_MAX, LRU_MAX};
pub use hash::{HashSeed, KeyHash};
pub use hash_map::{Field, Fields, Found, Hash, HashLimits, HashRef, LargeHash};
pub use hash_page::{HashPage, Record};
pub use int_set::{IntSet, Ints};
pub use keyspace::{Detached, Keyspace, KeyspaceWalk};
pub use list::{End as ListEnd, LargeList, List, ListLimits, ListRef};
pub use packed_list::{Iter as PackedIter, PACKED_BYTES_MAX, Packed, PackedList, Position, packed_bytes};
pub use set::{
    LargeSet, LargeSetIter, Set, SetIter, SetLimits, SetRef, difference, distinct_indexes, intersection,
    set_of_difference, set_of_intersection, set_of_union, uniform_index, union,
};
pub use sorted_set::{
    LargeSortedSet, LexBound, LexRange, ScoreBound, ScoreRange, Scored, SortedSet, SortedSetLimits, SortedSetRef,
    Updated, rank_range, sort_scored,
};
pub use tree::{Page, Pages, Tree};
pub use value::{Deadline, EMBSTR_BYTES_MAX, Encoding, IntBuffer, Kind, NewValue, Value, parse_canonical_i64};
pub use walk::{MAX_WALKS, TooManyWalks, WalkId, WalkProgress};

const _: () = {
    const fn is_send<T: Send>() {}
    is_send::<Keyspace>();
    is_send::<Detached>();
    is_send::<Dict>();
    is_send::<DetachedEntry>();
};
