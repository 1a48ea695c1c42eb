//! The members' bytes in one page: one after another, and how long each is.
//!
//! Names are mostly equally long, and then that is said once. Otherwise lengths take a byte each while no name of the page is longer than
//! 255 bytes, and where a name begins is added up: of a page that is a few instructions.

use std::ops::Range;

use super::column::{copied, fit, give_back, heap, reserve};
use crate::prefetch::prefetch;

/// Most names are no longer.
const SHORT_BYTES: usize = 24;

/// Strings of bytes, in the order of their page.
#[derive(Clone, Debug, Default)]
pub(super) struct Names {
    extents: Extents,
    bytes: Vec<u8>,
}

/// What says where names are.
#[derive(Clone, Debug)]
enum Extents {
    /// So many of one length; of none it means nothing.
    Same { len: usize, count: usize },
    /// How long each is.
    Lengths(Vec<u8>),
    /// Where each ends.
    Ends(Vec<usize>),
}

impl Default for Extents {
    fn default() -> Self {
        Extents::Same { len: 0, count: 0 }
    }
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
        match &self.extents {
            Extents::Same { count, .. } => *count,
            Extents::Lengths(lengths) => lengths.len(),
            Extents::Ends(ends) => ends.len(),
        }
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
            Extents::Same { len, .. } => *len,
            Extents::Lengths(lengths) => usize::from(lengths[at]),
            Extents::Ends(ends) => ends[at] - if at == 0 { 0 } else { ends[at - 1] },
        }
    }

    /// Where name number `at` begins, or the last one ends.
    #[inline]
    fn start(&self, at: usize) -> usize {
        match &self.extents {
            Extents::Same { len, .. } => at * len,
            Extents::Lengths(lengths) => sum(&lengths[..at]),
            Extents::Ends(_) if at == 0 => 0,
            Extents::Ends(ends) => ends[at - 1],
        }
    }

    /// Starts loading what says where name number `at` is.
    #[inline]
    pub(super) fn prefetch_extents(&self, at: usize) {
        match &self.extents {
            Extents::Same { .. } => {}
            Extents::Lengths(lengths) => {
                (0..=at).step_by(64).for_each(|at| prefetch(lengths.as_ptr().wrapping_add(at)))
            }
            Extents::Ends(ends) => prefetch(ends.as_ptr().wrapping_add(at)),
        }
    }

    /// Starts loading name number `at`, or where it goes at the end.
    #[inline]
    pub(super) fn prefetch(&self, at: usize) {
        let name = self.bytes.as_ptr().wrapping_add(self.start(at));
        prefetch(name);
        prefetch(name.wrapping_add(SHORT_BYTES));
    }

    /// Starts loading what begins with name number `at`, as far as loading does not go on by itself.
    #[inline]
    pub(super) fn prefetch_from(&self, at: usize) {
        /// The processor sees by then that line after line is wanted.
        const LINES: usize = 4;
        let start = self.start(at);
        let end = self.bytes.len().min(start + LINES * 64);
        (start..end).step_by(64).for_each(|at| prefetch(self.bytes.as_ptr().wrapping_add(at)));
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
                Extents::Same { len, .. } => (middle * len, middle * len + len),
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
        if let Extents::Same { len, count } = &mut self.extents {
            if *count == 0 || *len == name.len() {
                (*len, *count) = (name.len(), *count + 1);
                return;
            }
            self.tell_apart();
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
        match &mut self.extents {
            Extents::Same { count, .. } => *count -= range.len(),
            Extents::Lengths(lengths) => {
                lengths.drain(range);
                give_back(lengths);
            }
            Extents::Ends(ends) => {
                for later in &mut ends[range.end..] {
                    *later -= end - start;
                }
                ends.drain(range);
                give_back(ends);
            }
        }
    }

    /// Cuts off the names from number `at` on.
    pub(super) fn split_off(&mut self, at: usize) -> Names {
        let start = self.start(at);
        let extents = match &mut self.extents {
            Extents::Same { len, count } => {
                let rest = Extents::Same { len: *len, count: *count - at };
                *count = at;
                rest
            }
            Extents::Lengths(lengths) => {
                let rest = Extents::Lengths(copied(&lengths[at..]));
                lengths.truncate(at);
                fit(lengths);
                rest
            }
            Extents::Ends(ends) => {
                let rest = Extents::Ends(ends[at..].iter().map(|end| end - start).collect());
                ends.truncate(at);
                fit(ends);
                rest
            }
        };
        let mut rest = Names { extents, bytes: copied(&self.bytes[start..]) };
        self.bytes.truncate(start);
        fit(&mut self.bytes);
        self.narrow();
        rest.narrow();
        rest
    }

    /// Adds all names of the page that follows.
    pub(super) fn append(&mut self, other: &Names) {
        let before = self.bytes.len();
        reserve(&mut self.bytes, other.bytes.len());
        self.bytes.extend_from_slice(&other.bytes);
        if let (Extents::Same { len, count }, Extents::Same { len: other, count: more }) =
            (&mut self.extents, &other.extents)
            && (*count == 0 || len == other)
        {
            (*len, *count) = (*other, *count + more);
            return;
        }
        self.tell_apart();
        match (&mut self.extents, &other.extents) {
            (Extents::Lengths(lengths), Extents::Lengths(others)) => {
                reserve(lengths, others.len());
                lengths.extend_from_slice(others);
            }
            (Extents::Lengths(lengths), Extents::Same { len, count }) if *len <= usize::from(u8::MAX) => {
                reserve(lengths, *count);
                lengths.resize(lengths.len() + count, *len as u8);
            }
            _ => {
                let ends = self.widen();
                reserve(ends, other.len());
                ends.extend((0..other.len()).map(|at| before + other.start(at + 1)));
            }
        }
    }

    /// The same names, each with `before` before it, and without so many bytes at its beginning.
    pub(super) fn rewritten(&self, before: &[u8], without: usize) -> Names {
        let (mut bytes, mut ends) = (Vec::new(), Vec::new());
        reserve(&mut bytes, self.bytes.len() + self.len() * before.len() - self.len() * without);
        reserve(&mut ends, self.len());
        for name in self.iter(0..self.len()) {
            bytes.extend_from_slice(before);
            bytes.extend_from_slice(&name[without..]);
            ends.push(bytes.len());
        }
        let mut names = Names { extents: Extents::Ends(ends), bytes };
        names.narrow();
        names
    }

    /// Heap bytes, by the allocator's size classes.
    pub(super) fn heap(&self) -> usize {
        heap(&self.bytes)
            + match &self.extents {
                Extents::Same { .. } => 0,
                Extents::Lengths(lengths) => heap(lengths),
                Extents::Ends(ends) => heap(ends),
            }
    }

    /// Says of each name how long it is.
    fn tell_apart(&mut self) {
        let Extents::Same { len, count } = self.extents else { return };
        self.extents = match u8::try_from(len) {
            Ok(len) => {
                let mut lengths = Vec::new();
                reserve(&mut lengths, count);
                lengths.resize(count, len);
                Extents::Lengths(lengths)
            }
            Err(_) => Extents::Ends((1..=count).map(|names| names * len).collect()),
        };
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
            _ => unreachable!("they were told apart and widened"),
        }
    }

    fn narrow(&mut self) {
        let (len, count) = (if self.len() == 0 { 0 } else { self.len_of(0) }, self.len());
        if (1..count).all(|at| self.len_of(at) == len) {
            self.extents = Extents::Same { len, count };
            return;
        }
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

#[cfg(test)]
mod tests {
    use quickcheck::quickcheck;

    use super::sum;

    quickcheck! {
        fn lengths_are_added(lengths: Vec<u8>, more: u8) -> bool {
            let lengths: Vec<u8> = lengths.into_iter().chain(vec![255; usize::from(more) * 16]).collect();
            let expected: usize = lengths.iter().map(|len| usize::from(*len)).sum();
            sum(&lengths) == expected
        }
    }
}
