//! The members' bytes in one page: one after another, and where each ends.
//!
//! Ends take two bytes while all bytes of the page are fewer than 65,536, which is nearly always: a page holds about 4 KiB
//! unless one member alone is longer. Room grows in the allocator's steps, so what a page holds in reserve is little.

use std::ops::Range;

use crate::size_class::size_class;

/// Strings of bytes, in the order of their page.
#[derive(Clone, Debug, Default)]
pub(super) struct Names {
    ends: Ends,
    bytes: Vec<u8>,
}

#[derive(Clone, Debug)]
enum Ends {
    Narrow(Vec<u16>),
    Wide(Vec<usize>),
}

impl Default for Ends {
    fn default() -> Self {
        Ends::Narrow(Vec::new())
    }
}

/// A number that says where a name ends.
trait End: Copy {
    fn new(offset: usize) -> Self;
    fn offset(self) -> usize;
}

impl End for u16 {
    #[inline]
    fn new(offset: usize) -> u16 {
        offset as u16
    }
    #[inline]
    fn offset(self) -> usize {
        usize::from(self)
    }
}

impl End for usize {
    #[inline]
    fn new(offset: usize) -> usize {
        offset
    }
    #[inline]
    fn offset(self) -> usize {
        self
    }
}

/// Runs the same code on ends of either width.
macro_rules! either {
    ($ends:expr, $name:ident => $code:expr) => {
        match $ends {
            Ends::Narrow($name) => $code,
            Ends::Wide($name) => $code,
        }
    };
}

impl Names {
    #[inline]
    pub(super) fn len(&self) -> usize {
        either!(&self.ends, ends => ends.len())
    }

    /// How many bytes all names have.
    #[inline]
    pub(super) fn total(&self) -> usize {
        self.bytes.len()
    }

    #[inline]
    fn start(&self, at: usize) -> usize {
        if at == 0 { 0 } else { either!(&self.ends, ends => ends[at - 1].offset()) }
    }

    /// Name number `at`.
    #[inline]
    pub(super) fn get(&self, at: usize) -> &[u8] {
        match &self.ends {
            Ends::Narrow(ends) => {
                let start = if at == 0 { 0 } else { usize::from(ends[at - 1]) };
                &self.bytes[start..usize::from(ends[at])]
            }
            Ends::Wide(ends) => {
                let start = if at == 0 { 0 } else { ends[at - 1] };
                &self.bytes[start..ends[at]]
            }
        }
    }

    /// Puts a name before number `at`, or at the end.
    pub(super) fn insert(&mut self, at: usize, name: &[u8]) {
        let start = self.start(at);
        let len = self.bytes.len();
        self.widen_for(len + name.len());
        reserve(&mut self.bytes, name.len());
        self.bytes.extend_from_slice(name);
        if start < len {
            self.bytes.copy_within(start..len, start + name.len());
            self.bytes[start..start + name.len()].copy_from_slice(name);
        }
        either!(&mut self.ends, ends => insert_end(ends, at, start, name.len()));
    }

    /// Removes the names at `range`.
    pub(super) fn remove(&mut self, range: Range<usize>) {
        if range.is_empty() {
            return;
        }
        let (start, end) = (self.start(range.start), self.start(range.end));
        self.bytes.drain(start..end);
        give_back(&mut self.bytes);
        either!(&mut self.ends, ends => remove_ends(ends, range, end - start));
    }

    /// Cuts off the names from number `at` on.
    pub(super) fn split_off(&mut self, at: usize) -> Names {
        let start = self.start(at);
        let bytes = copied(&self.bytes[start..]);
        let mut rest = Names { ends: Ends::default(), bytes };
        rest.widen_for(rest.bytes.len());
        let all = self.len();
        for end in at..all {
            let offset = self.start(end + 1) - start;
            either!(&mut rest.ends, ends => push(ends, offset));
        }
        either!(&mut rest.ends, ends => fit(ends));
        self.bytes.truncate(start);
        fit(&mut self.bytes);
        either!(&mut self.ends, ends => {
            ends.truncate(at);
            fit(ends);
        });
        self.narrow();
        rest
    }

    /// Adds all names of the page that follows.
    pub(super) fn append(&mut self, other: &Names) {
        let before = self.bytes.len();
        self.widen_for(before + other.bytes.len());
        reserve(&mut self.bytes, other.bytes.len());
        self.bytes.extend_from_slice(&other.bytes);
        let count = other.len();
        either!(&mut self.ends, ends => reserve(ends, count));
        for at in 0..count {
            let offset = before + other.start(at + 1);
            either!(&mut self.ends, ends => push(ends, offset));
        }
    }

    /// Heap bytes, by the allocator's size classes.
    pub(super) fn heap(&self) -> usize {
        heap(&self.bytes) + either!(&self.ends, ends => heap(ends))
    }

    /// Sees to it that ends can say `total`.
    #[inline]
    fn widen_for(&mut self, total: usize) {
        if let Ends::Narrow(ends) = &self.ends
            && total > usize::from(u16::MAX)
        {
            self.ends = Ends::Wide(ends.iter().map(|end| usize::from(*end)).collect());
        }
    }

    fn narrow(&mut self) {
        if let Ends::Wide(ends) = &self.ends
            && self.bytes.len() <= usize::from(u16::MAX)
        {
            self.ends = Ends::Narrow(ends.iter().map(|end| *end as u16).collect());
        }
    }
}

fn insert_end<E: End>(ends: &mut Vec<E>, at: usize, start: usize, len: usize) {
    reserve(ends, 1);
    ends.insert(at, E::new(start + len));
    for end in &mut ends[at + 1..] {
        *end = E::new(end.offset() + len);
    }
}

fn remove_ends<E: End>(ends: &mut Vec<E>, range: Range<usize>, len: usize) {
    let at = range.start;
    ends.drain(range);
    for end in &mut ends[at..] {
        *end = E::new(end.offset() - len);
    }
    give_back(ends);
}

#[inline]
fn push<E: End>(ends: &mut Vec<E>, offset: usize) {
    reserve(ends, 1);
    ends.push(E::new(offset));
}

/// Room for `more` elements, up to the next size class.
#[inline]
pub(super) fn reserve<T>(column: &mut Vec<T>, more: usize) {
    let needed = column.len() + more;
    if needed > column.capacity() {
        let room = size_class(needed * size_of::<T>()) / size_of::<T>();
        column.reserve_exact(room - column.len());
    }
}

/// Gives back room once a quarter of it is not used.
#[inline]
pub(super) fn give_back<T>(column: &mut Vec<T>) {
    if column.capacity() > column.len() + column.len() / 3 + 32 {
        fit(column);
    }
}

/// Gives back all room beyond the size class of what is there.
pub(super) fn fit<T>(column: &mut Vec<T>) {
    let room = if column.is_empty() { 0 } else { size_class(column.len() * size_of::<T>()) / size_of::<T>() };
    column.shrink_to(room);
}

/// A copy whose room is that of its size class.
pub(super) fn copied<T: Copy>(column: &[T]) -> Vec<T> {
    let mut copy = Vec::new();
    reserve(&mut copy, column.len());
    copy.extend_from_slice(column);
    copy
}

/// Heap bytes of a column.
#[inline]
pub(super) fn heap<T>(column: &Vec<T>) -> usize {
    if column.capacity() == 0 { 0 } else { size_class(column.capacity() * size_of::<T>()) }
}
