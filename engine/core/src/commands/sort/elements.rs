//! Elements on their way through SORT: copied, for looking keys up may change what they came from.

use std::ops::Range;

use refrain_data::{Entry, Kind, List, Set, SortedSet, Value};

use crate::error::{ErrorReply, WRONG_TYPE};

/// Values, one after another in a buffer.
#[derive(Default)]
pub(super) struct Elements {
    bytes: Vec<u8>,
    places: Vec<Place>,
}

#[derive(Clone, Copy)]
enum Place {
    Number(i64),
    Bytes { start: usize, end: usize },
}

impl Elements {
    pub(super) fn len(&self) -> usize {
        self.places.len()
    }

    pub(super) fn push(&mut self, value: Value<'_>) {
        self.places.push(match value {
            Value::Int(number) => Place::Number(number),
            Value::Bytes(bytes) => {
                let start = self.bytes.len();
                self.bytes.extend_from_slice(bytes);
                Place::Bytes { start, end: self.bytes.len() }
            }
        });
    }

    pub(super) fn get(&self, index: usize) -> Value<'_> {
        match self.places[index] {
            Place::Number(number) => Value::Int(number),
            Place::Bytes { start, end } => Value::Bytes(&self.bytes[start..end]),
        }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = Value<'_>> {
        (0..self.len()).map(|index| self.get(index))
    }
}

/// A collection that can be sorted.
#[derive(Clone, Copy)]
pub(super) enum Sortable<'a> {
    List(<List as refrain_data::Collection>::View<'a>),
    Set(<Set as refrain_data::Collection>::View<'a>),
    SortedSet(<SortedSet as refrain_data::Collection>::View<'a>),
}

impl<'a> Sortable<'a> {
    /// The collection of an entry.
    ///
    /// # Errors
    /// `WRONGTYPE` for what has no elements to sort.
    pub(super) fn of(entry: Entry<'a>) -> Result<Sortable<'a>, ErrorReply> {
        let sortable = match entry.kind() {
            Kind::List => entry.view::<List>().map(Sortable::List),
            Kind::Set => entry.view::<Set>().map(Sortable::Set),
            Kind::SortedSet => entry.view::<SortedSet>().map(Sortable::SortedSet),
            Kind::String | Kind::Hash | Kind::Stream => None,
        };
        sortable.ok_or(WRONG_TYPE)
    }

    pub(super) fn len(self) -> usize {
        match self {
            Sortable::List(list) => list.len(),
            Sortable::Set(set) => set.len(),
            Sortable::SortedSet(set) => set.len(),
        }
    }

    /// Whether its elements have no order of their own.
    pub(super) fn is_unordered(self) -> bool {
        matches!(self, Sortable::Set(_))
    }

    /// Copies the elements at these positions of its own order, or of that order backwards if it has one.
    pub(super) fn copy(self, positions: Range<usize>, backwards: bool) -> Elements {
        let mut elements = Elements::default();
        let count = positions.len();
        elements.places.reserve(count);
        let mut take = |value: Value<'_>| {
            if elements.len() < count {
                elements.push(value);
            }
            elements.len() < count
        };
        match self {
            _ if count == 0 => {}
            Sortable::List(list) if backwards => list.visit_back(list.len() - positions.start, take),
            Sortable::List(list) => list.visit(positions.start, take),
            Sortable::Set(set) => {
                set.iter().skip(positions.start).all(take);
            }
            Sortable::SortedSet(set) => {
                let ranks = if backwards { set.len() - positions.end..set.len() - positions.start } else { positions };
                set.visit(ranks, backwards, |member, _| take(member));
            }
        }
        elements
    }
}
