//! The members' bytes in one page: one after another, and how long each is.
//!
//! Lengths take a byte each while no name of the page is longer than 255 bytes, and where a name begins is added up: of a page that
//! is a few instructions. Room grows in the allocator's steps, so what a page holds in reserve is little.

use std::ops::Range;

use crate::prefetch::prefetch;
use crate::size_class::size_class;

/// Strings of bytes, in the order of their page.
#[derive(Clone, Debug, Default)]
pub(super) struct Names {
    extents: Extents,
    bytes: Vec<u8>,
}

/// What says where names are.
#[derive(Clone, Debug)]
enum Extents {
    /// How long each is.
    Lengths(Vec<u8>),
    /// Where each ends.
    Ends(Vec<usize>),
}

impl Default for Extents {
    fn default() -> Self {
        Extents::Lengths(Vec::new())
    }
}

/// Runs the same code on extents of either form.
macro_rules! either {
    ($extents:expr, $name:ident => $code:expr) => {
        match $extents {
            Extents::Lengths($name) => $code,
            Extents::Ends($name) => $code,
        }
    };
}

/// How many bytes names of these lengths have: eight are added at a time, as four numbers of 16 bits, which have room for the
/// lengths of a page and many more.
#[inline]
fn sum(lengths: &[u8]) -> usize {
    const EVEN: u64 = 0x00FF_00FF_00FF_00FF;
    /// Of each four numbers: twice 255, so often, is below 2^16.
    const WORDS: usize = 128;
    let (words, rest) = lengths.as_chunks();
    let mut total = rest.iter().map(|len| usize::from(*len)).sum();
    for words in words.chunks(WORDS) {
        let mut four = 0;
        for word in words {
            let word = u64::from_le_bytes(*word);
            four += (word & EVEN) + (word >> 8 & EVEN);
        }
        let two = (four & 0x0000_FFFF_0000_FFFF) + (four >> 16 & 0x0000_FFFF_0000_FFFF);
        total += (two as u32 as usize) + (two >> 32) as usize;
    }
    total
}

impl Names {
    #[inline]
    pub(super) fn len(&self) -> usize {
        either!(&self.extents, extents => extents.len())
    }

    /// How many bytes all names have.
    #[inline]
    pub(super) fn total(&self) -> usize {
        self.bytes.len()
    }

    /// How many bytes name number `at` has.
    #[inline]
    pub(super) fn len_of(&self, at: usize) -> usize {
        match &self.extents {
            Extents::Lengths(lengths) => usize::from(lengths[at]),
            Extents::Ends(ends) => ends[at] - if at == 0 { 0 } else { ends[at - 1] },
        }
    }

    /// Where name number `at` begins, or the last one ends.
    #[inline]
    fn start(&self, at: usize) -> usize {
        match &self.extents {
            Extents::Lengths(lengths) => sum(&lengths[..at]),
            Extents::Ends(_) if at == 0 => 0,
            Extents::Ends(ends) => ends[at - 1],
        }
    }

    /// Starts loading what says where name number `at` is.
    #[inline]
    pub(super) fn prefetch_extents(&self, at: usize) {
        match &self.extents {
            Extents::Lengths(lengths) => {
                (0..=at).step_by(64).for_each(|at| prefetch(lengths.as_ptr().wrapping_add(at)))
            }
            Extents::Ends(ends) => prefetch(ends.as_ptr().wrapping_add(at)),
        }
    }

    /// Starts loading name number `at`, or where it goes at the end.
    #[inline]
    pub(super) fn prefetch(&self, at: usize) {
        prefetch(self.bytes.as_ptr().wrapping_add(self.start(at)));
    }

    /// Name number `at`.
    #[inline]
    pub(super) fn get(&self, at: usize) -> &[u8] {
        let start = self.start(at);
        &self.bytes[start..start + self.len_of(at)]
    }

    /// The names at `range`, from either end.
    #[inline]
    pub(super) fn iter(&self, range: Range<usize>) -> NamesIter<'_> {
        let (front, back) = (self.start(range.start), self.start(range.end));
        NamesIter { names: self, range, front, back }
    }

    /// Where `name` is among the names at `range`, which ascend, or where it belongs.
    pub(super) fn search(&self, range: Range<usize>, name: &[u8]) -> Result<usize, usize> {
        let (mut low, mut high) = (range.start, range.end);
        let mut start = self.start(low);
        while low < high {
            let middle = low + (high - low) / 2;
            let (begin, end) = match &self.extents {
                Extents::Lengths(lengths) => {
                    let begin = start + sum(&lengths[low..middle]);
                    (begin, begin + usize::from(lengths[middle]))
                }
                Extents::Ends(ends) => (self.start(middle), ends[middle]),
            };
            match self.bytes[begin..end].cmp(name) {
                std::cmp::Ordering::Less => (low, start) = (middle + 1, end),
                std::cmp::Ordering::Equal => return Ok(middle),
                std::cmp::Ordering::Greater => high = middle,
            }
        }
        Err(low)
    }

    /// Puts a name before number `at`, or at the end.
    pub(super) fn insert(&mut self, at: usize, name: &[u8]) {
        let start = self.start(at);
        let len = self.bytes.len();
        reserve(&mut self.bytes, name.len());
        self.bytes.extend_from_slice(name);
        if start < len {
            self.bytes.copy_within(start..len, start + name.len());
            self.bytes[start..start + name.len()].copy_from_slice(name);
        }
        match (&mut self.extents, u8::try_from(name.len())) {
            (Extents::Lengths(lengths), Ok(len)) => {
                reserve(lengths, 1);
                lengths.insert(at, len);
            }
            _ => {
                let ends = self.widen();
                reserve(ends, 1);
                ends.insert(at, start + name.len());
                for end in &mut ends[at + 1..] {
                    *end += name.len();
                }
            }
        }
    }

    /// Removes the names at `range`.
    pub(super) fn remove(&mut self, range: Range<usize>) {
        if range.is_empty() {
            return;
        }
        let start = self.start(range.start);
        let end = if range.len() == 1 { start + self.len_of(range.start) } else { self.start(range.end) };
        self.bytes.drain(start..end);
        give_back(&mut self.bytes);
        if let Extents::Ends(ends) = &mut self.extents {
            for later in &mut ends[range.end..] {
                *later -= end - start;
            }
        }
        either!(&mut self.extents, extents => {
            extents.drain(range);
            give_back(extents);
        });
    }

    /// Cuts off the names from number `at` on.
    pub(super) fn split_off(&mut self, at: usize) -> Names {
        let start = self.start(at);
        let extents = match &self.extents {
            Extents::Lengths(lengths) => Extents::Lengths(copied(&lengths[at..])),
            Extents::Ends(ends) => Extents::Ends(ends[at..].iter().map(|end| end - start).collect()),
        };
        let mut rest = Names { extents, bytes: copied(&self.bytes[start..]) };
        self.bytes.truncate(start);
        fit(&mut self.bytes);
        either!(&mut self.extents, extents => {
            extents.truncate(at);
            fit(extents);
        });
        self.narrow();
        rest.narrow();
        rest
    }

    /// Adds all names of the page that follows.
    pub(super) fn append(&mut self, other: &Names) {
        let before = self.bytes.len();
        reserve(&mut self.bytes, other.bytes.len());
        self.bytes.extend_from_slice(&other.bytes);
        match (&mut self.extents, &other.extents) {
            (Extents::Lengths(lengths), Extents::Lengths(others)) => {
                reserve(lengths, others.len());
                lengths.extend_from_slice(others);
            }
            _ => {
                let ends = self.widen();
                reserve(ends, other.len());
                ends.extend((0..other.len()).map(|at| before + other.start(at + 1)));
            }
        }
    }

    /// Heap bytes, by the allocator's size classes.
    pub(super) fn heap(&self) -> usize {
        heap(&self.bytes) + either!(&self.extents, extents => heap(extents))
    }

    fn widen(&mut self) -> &mut Vec<usize> {
        if let Extents::Lengths(lengths) = &self.extents {
            let mut end = 0;
            let add = |len: &u8| {
                end += usize::from(*len);
                end
            };
            self.extents = Extents::Ends(lengths.iter().map(add).collect());
        }
        match &mut self.extents {
            Extents::Ends(ends) => ends,
            Extents::Lengths(_) => unreachable!("they were widened"),
        }
    }

    fn narrow(&mut self) {
        let Extents::Ends(ends) = &self.extents else { return };
        let mut lengths = Vec::new();
        reserve(&mut lengths, ends.len());
        for at in 0..ends.len() {
            let Ok(len) = u8::try_from(self.len_of(at)) else { return };
            lengths.push(len);
        }
        self.extents = Extents::Lengths(lengths);
    }
}

/// Some of the names of a page, from either end.
pub(super) struct NamesIter<'a> {
    names: &'a Names,
    range: Range<usize>,
    front: usize,
    back: usize,
}

impl<'a> Iterator for NamesIter<'a> {
    type Item = &'a [u8];

    #[inline]
    fn next(&mut self) -> Option<&'a [u8]> {
        let at = self.range.next()?;
        let start = self.front;
        self.front += self.names.len_of(at);
        Some(&self.names.bytes[start..self.front])
    }

    #[inline]
    fn size_hint(&self) -> (usize, Option<usize>) {
        self.range.size_hint()
    }
}

impl ExactSizeIterator for NamesIter<'_> {}

impl<'a> DoubleEndedIterator for NamesIter<'a> {
    #[inline]
    fn next_back(&mut self) -> Option<&'a [u8]> {
        let at = self.range.next_back()?;
        let end = self.back;
        self.back -= self.names.len_of(at);
        Some(&self.names.bytes[self.back..end])
    }
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
