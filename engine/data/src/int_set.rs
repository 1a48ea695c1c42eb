//! Integers in order in one buffer: Redis's intset, byte for byte.
//!
//! ```text
//! width u32 (2, 4 or 8) | length u32 | integers of that width, ascending, each once          all little-endian
//! ```
//!
//! [`Ints`] reads, [`IntSet`] owns and changes. The width is that of the widest integer that ever was in the set. Reading
//! trusts the bytes: those of strangers go through [`Ints::validate`] first.

use crate::size_class::size_class;

const HEADER_BYTES: usize = 8;

/// How many bytes an integer needs.
#[inline]
fn width_of(number: i64) -> usize {
    if i16::try_from(number).is_ok() {
        2
    } else if i32::try_from(number).is_ok() {
        4
    } else {
        8
    }
}

/// A set of integers, borrowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ints<'a> {
    bytes: &'a [u8],
}

impl<'a> Ints<'a> {
    /// Views bytes that are known to be a set of integers. What else they may be is for [`Ints::validate`] to find out.
    #[inline]
    #[must_use]
    pub fn new(bytes: &'a [u8]) -> Self {
        debug_assert!(bytes.len() >= HEADER_BYTES);
        Ints { bytes }
    }

    /// Whether the bytes are a set of integers, not empty. With `deep` their order is looked at, too.
    #[must_use]
    pub fn validate(bytes: &[u8], deep: bool) -> bool {
        let [a, b, c, d, e, f, g, h, numbers @ ..] = bytes else { return false };
        let width = u32::from_le_bytes([*a, *b, *c, *d]) as usize;
        let len = u32::from_le_bytes([*e, *f, *g, *h]) as usize;
        let framed = matches!(width, 2 | 4 | 8) && len > 0 && len.checked_mul(width) == Some(numbers.len());
        framed && (!deep || Ints::new(bytes).iter().is_sorted_by(|low, high| low < high))
    }

    /// The whole set, header included.
    #[inline]
    #[must_use]
    pub fn bytes(self) -> &'a [u8] {
        self.bytes
    }

    #[inline]
    fn width(self) -> usize {
        usize::from(self.bytes[0])
    }

    /// How many integers there are.
    #[inline]
    #[must_use]
    pub fn len(self) -> usize {
        (self.bytes.len() - HEADER_BYTES) / self.width()
    }

    /// Whether there are no integers.
    #[inline]
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.bytes.len() == HEADER_BYTES
    }

    /// The integer with this rank; the caller has looked at the length.
    #[inline]
    #[must_use]
    pub fn get(self, index: usize) -> i64 {
        let numbers = &self.bytes[HEADER_BYTES..];
        const PRESENT: &str = "an index is below the length";
        match self.width() {
            2 => i64::from(i16::from_le_bytes(*numbers[index * 2..].first_chunk().expect(PRESENT))),
            4 => i64::from(i32::from_le_bytes(*numbers[index * 4..].first_chunk().expect(PRESENT))),
            _ => i64::from_le_bytes(*numbers[index * 8..].first_chunk().expect(PRESENT)),
        }
    }

    /// The rank of an integer, or the one that it would have.
    #[inline]
    pub fn search(self, number: i64) -> Result<usize, usize> {
        let len = self.len();
        // What grows by ascending numbers appends.
        if len == 0 || number > self.get(len - 1) {
            return Err(len);
        }
        let (mut low, mut size) = (0, len);
        while size > 1 {
            let half = size / 2;
            low = if self.get(low + half) <= number { low + half } else { low };
            size -= half;
        }
        match self.get(low) {
            found if found == number => Ok(low),
            found => Err(low + usize::from(found < number)),
        }
    }

    /// Whether the integer is there.
    #[inline]
    #[must_use]
    pub fn contains(self, number: i64) -> bool {
        width_of(number) <= self.width() && self.search(number).is_ok()
    }

    /// The integers in ascending order, from either end.
    #[inline]
    pub fn iter(self) -> impl DoubleEndedIterator<Item = i64> + ExactSizeIterator + Clone + use<'a> {
        (0..self.len()).map(move |index| self.get(index))
    }
}

/// A set of integers, owned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IntSet(Vec<u8>);

impl Default for IntSet {
    fn default() -> Self {
        IntSet::new()
    }
}

impl IntSet {
    /// A set without integers.
    #[must_use]
    pub fn new() -> Self {
        let mut bytes = Vec::with_capacity(16);
        bytes.extend_from_slice(&[2, 0, 0, 0, 0, 0, 0, 0]);
        IntSet(bytes)
    }

    /// Takes bytes that are known to be a set of integers, as [`Ints::new`] does.
    #[inline]
    #[must_use]
    pub fn from_bytes(bytes: Vec<u8>) -> Self {
        debug_assert!(bytes.len() >= HEADER_BYTES);
        IntSet(bytes)
    }

    /// The set's bytes.
    #[inline]
    #[must_use]
    pub fn into_bytes(self) -> Vec<u8> {
        self.0
    }

    /// The set, to be read.
    #[inline]
    #[must_use]
    pub fn view(&self) -> Ints<'_> {
        Ints::new(&self.0)
    }

    /// How many integers there are.
    #[inline]
    #[must_use]
    pub fn len(&self) -> usize {
        self.view().len()
    }

    /// Whether there are no integers.
    #[inline]
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.view().is_empty()
    }

    /// What the allocator holds for the set.
    #[inline]
    #[must_use]
    pub fn memory(&self) -> usize {
        size_class(self.0.capacity())
    }

    /// Adds an integer. False if it was there.
    pub fn insert(&mut self, number: i64) -> bool {
        let needed = width_of(number);
        if needed > self.view().width() {
            self.widen(needed, number);
            return true;
        }
        let Err(index) = self.view().search(number) else { return false };
        let width = self.view().width();
        let (at, len) = (HEADER_BYTES + index * width, self.0.len());
        self.reserve(width);
        self.0.resize(len + width, 0);
        self.0.copy_within(at..len, at + width);
        self.0[at..at + width].copy_from_slice(&number.to_le_bytes()[..width]);
        self.set_len();
        true
    }

    /// Removes an integer. False if it wasn't there.
    pub fn remove(&mut self, number: i64) -> bool {
        if width_of(number) > self.view().width() {
            return false;
        }
        let Ok(index) = self.view().search(number) else { return false };
        self.remove_at(index);
        true
    }

    /// Removes the integer with this rank and returns it; the caller has looked at the length.
    pub fn remove_at(&mut self, index: usize) -> i64 {
        let number = self.view().get(index);
        let width = self.view().width();
        let at = HEADER_BYTES + index * width;
        self.0.drain(at..at + width);
        self.set_len();
        number
    }

    /// Makes all integers wider, with one more that needs it: being outside of the old range it is the first or the last.
    #[cold]
    fn widen(&mut self, width: usize, number: i64) {
        let old = self.view();
        let mut bytes = Vec::with_capacity(size_class(HEADER_BYTES + (old.len() + 1) * width));
        bytes.extend_from_slice(&[width as u8, 0, 0, 0, 0, 0, 0, 0]);
        let mut add = |number: i64| bytes.extend_from_slice(&number.to_le_bytes()[..width]);
        if number < 0 {
            add(number);
        }
        old.iter().for_each(&mut add);
        if number > 0 {
            add(number);
        }
        self.0 = bytes;
        self.set_len();
    }

    fn reserve(&mut self, more: usize) {
        let needed = self.0.len() + more;
        if self.0.capacity() < needed {
            self.0.reserve_exact(size_class(needed) - self.0.len());
        }
    }

    fn set_len(&mut self) {
        let len = u32::try_from(self.len()).expect("a set of integers is small: thresholds are far below 2^32");
        self.0[4..HEADER_BYTES].copy_from_slice(&len.to_le_bytes());
    }
}

#[cfg(test)]
mod tests;
