//! Packed hashes: pairs, and triples in the order of their deadlines.

use super::{Field, Found};
use crate::packed_list::{Iter, Packed, PackedList, Position};
use crate::value::{Deadline, IntBuffer, Value};

/// `field value` after `field value`.
#[derive(Clone, Copy)]
pub(super) struct Pairs<'a>(pub(super) Packed<'a>);

/// `field value deadline` after `field value deadline`, the earliest first and those without one, a deadline of 0, last.
#[derive(Clone, Copy)]
pub(super) struct Triples<'a>(pub(super) Packed<'a>);

/// The fields of [`Pairs`].
#[derive(Clone)]
pub(super) struct PairsIter<'a>(Iter<'a>);

/// The fields of [`Triples`].
#[derive(Clone)]
pub(super) struct TriplesIter<'a>(Iter<'a>);

impl<'a> Pairs<'a> {
    #[inline]
    pub(super) fn get(self, name: &[u8]) -> Option<Found<'a>> {
        let at = find(self.0, name, 2)?;
        Some(Found { value: self.0.get(part(self.0, at, 1)), deadline: None })
    }

    pub(super) fn at(self, index: usize) -> Option<Field<'a>> {
        let at = self.0.seek(i64::try_from(2 * index).ok()?)?;
        PairsIter(self.0.iter_from(at)).next()
    }

    #[inline]
    pub(super) fn iter(self) -> PairsIter<'a> {
        PairsIter(self.0.iter())
    }
}

impl<'a> Iterator for PairsIter<'a> {
    type Item = Field<'a>;

    #[inline]
    fn next(&mut self) -> Option<Field<'a>> {
        let name = self.0.next()?;
        Some(Field { name, value: self.0.next()?, deadline: None })
    }
}

impl<'a> Triples<'a> {
    pub(super) fn get(self, name: &[u8]) -> Option<Found<'a>> {
        let at = find(self.0, name, 3)?;
        let value = part(self.0, at, 1);
        Some(Found { value: self.0.get(value), deadline: deadline(self.0.get(part(self.0, value, 1))) })
    }

    pub(super) fn at(self, index: usize) -> Option<Field<'a>> {
        let at = self.0.seek(i64::try_from(3 * index).ok()?)?;
        TriplesIter(self.0.iter_from(at)).next()
    }

    pub(super) fn iter(self) -> TriplesIter<'a> {
        TriplesIter(self.0.iter())
    }

    #[inline]
    pub(super) fn earliest(self) -> Option<u64> {
        let first = self.0.first()?;
        deadline(self.0.get(part(self.0, first, 2)))
    }

    pub(super) fn due(self, now: u64) -> usize {
        self.iter().take_while(|field| field.deadline.is_some_and(|at| at <= now)).count()
    }
}

impl<'a> Iterator for TriplesIter<'a> {
    type Item = Field<'a>;

    #[inline]
    fn next(&mut self) -> Option<Field<'a>> {
        let name = self.0.next()?;
        Some(Field { name, value: self.0.next()?, deadline: deadline(self.0.next()?) })
    }
}

#[inline]
fn find(list: Packed<'_>, name: &[u8], width: usize) -> Option<Position> {
    list.find(list.first()?, name, width - 1)
}

/// The element `distance` after the one at `at`.
#[inline]
fn part(list: Packed<'_>, at: Position, distance: usize) -> Position {
    (0..distance).fold(at, |at, _| list.next(at).expect("a field has all its parts"))
}

/// What a stored deadline says.
#[inline]
fn deadline(stored: Value<'_>) -> Option<u64> {
    match stored {
        Value::Int(at) if at > 0 => Some(at as u64),
        _ => None,
    }
}

/// How a deadline is stored. One beyond 63 bits can't be told from the last one that fits.
fn stored(deadline: Option<u64>) -> Value<'static> {
    Value::Int(deadline.map_or(0, |at| i64::try_from(at).unwrap_or(i64::MAX)))
}

/// Where a deadline belongs in the order.
fn rank(deadline: Option<u64>) -> u64 {
    deadline.unwrap_or(u64::MAX)
}

/// Sets a field of pairs, and tells whether it is new.
pub(super) fn set_pair(list: &mut PackedList, name: &[u8], value: &[u8]) -> bool {
    match find(list.view(), name, 2) {
        Some(at) => {
            let at = part(list.view(), at, 1);
            list.replace(at, value);
            false
        }
        None => {
            list.push_back(name);
            list.push_back(value);
            true
        }
    }
}

/// The same fields with room for deadlines.
pub(super) fn with_deadlines(pairs: Packed<'_>) -> PackedList {
    let mut triples = PackedList::with_capacity(pairs.bytes().len() + pairs.len());
    for Field { name, value, .. } in Pairs(pairs).iter() {
        triples.push_back_value(name);
        triples.push_back_value(value);
        triples.push_back_value(stored(None));
    }
    triples
}

/// Sets a field of triples, and tells whether it is new.
pub(super) fn set_triple(list: &mut PackedList, name: &[u8], value: &[u8], change: Deadline) -> bool {
    let Some(at) = find(list.view(), name, 3) else {
        insert(list, Value::Bytes(name), Value::Bytes(value), change.over(None));
        return true;
    };
    let value_at = part(list.view(), at, 1);
    let old = deadline(list.view().get(part(list.view(), value_at, 1)));
    let new = change.over(old);
    if new == old {
        list.replace(value_at, value);
    } else {
        list.remove(at, 3);
        insert(list, Value::Bytes(name), Value::Bytes(value), new);
    }
    false
}

/// Sets the deadline of a field of triples; false if there is no such field.
pub(super) fn set_deadline(list: &mut PackedList, name: &[u8], new: Option<u64>) -> bool {
    let Some(at) = find(list.view(), name, 3) else { return false };
    let value_at = part(list.view(), at, 1);
    if deadline(list.view().get(part(list.view(), value_at, 1))) != new {
        let value = list.view().get(value_at).to_vec();
        list.remove(at, 3);
        insert(list, Value::Bytes(name), Value::Bytes(&value), new);
    }
    true
}

/// Adds a field where its deadline belongs: behind those that are as early.
fn insert(list: &mut PackedList, name: Value<'_>, value: Value<'_>, deadline: Option<u64>) {
    let mut after = None;
    if deadline.is_some() {
        let mut at = list.view().first();
        while let Some(field) = at {
            let view = list.view();
            let deadline_at = part(view, field, 2);
            if rank(self::deadline(view.get(deadline_at))) > rank(deadline) {
                after = Some(field);
                break;
            }
            at = view.next(deadline_at);
        }
    }
    let parts = [name, value, stored(deadline)];
    match after {
        // From the last part on: each goes before the one that was put there first.
        Some(at) => {
            for part in parts.into_iter().rev() {
                list.insert_before_value(at, part);
            }
        }
        None => parts.into_iter().for_each(|part| list.push_back_value(part)),
    }
}

/// Removes a field of pairs or triples; false if there is none.
pub(super) fn remove(list: &mut PackedList, name: &[u8], width: usize) -> bool {
    let Some(at) = find(list.view(), name, width) else { return false };
    list.remove(at, width);
    true
}

/// Removes up to `most` triples that are due.
pub(super) fn remove_due(list: &mut PackedList, now: u64, most: usize, removed: &mut dyn FnMut(&[u8])) {
    let due = Triples(list.view()).due(now).min(most);
    for field in Triples(list.view()).iter().take(due) {
        removed(field.name.bytes(&mut IntBuffer::new()));
    }
    if due > 0 {
        list.remove_range(0, 3 * due);
    }
}

/// How many fields strangers' elements make, and the longest name or value; `None` if they make no hash.
pub(super) fn check(list: Packed<'_>, timed: bool) -> Option<(usize, usize)> {
    let width = if timed { 3 } else { 2 };
    let (mut count, mut longest, mut last) = (0, 0, 0);
    let mut elements = list.iter();
    while let Some(name) = elements.next() {
        let value = elements.next()?;
        longest = longest.max(name.len()).max(value.len());
        count += 1;
        if timed {
            let Value::Int(0..) = elements.clone().next()? else { return None };
            let rank = rank(deadline(elements.next()?));
            if rank < last {
                return None;
            }
            last = rank;
        }
    }
    (list.len() == width * count && list.are_distinct(width)).then_some((count, longest))
}
