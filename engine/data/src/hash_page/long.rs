//! The long parts of a page's records, each behind a count, so that copies of the page share them.

use std::sync::Arc;

use crate::size_class::size_class;

/// Long parts by their numbers.
#[derive(Clone, Default)]
pub(super) struct Long {
    parts: Vec<Option<Arc<[u8]>>>,
    /// What the parts occupy.
    bytes: usize,
}

impl Long {
    #[inline]
    pub(super) fn get(&self, number: usize) -> &[u8] {
        self.shared(number)
    }

    pub(super) fn shared(&self, number: usize) -> &Arc<[u8]> {
        self.parts.get(number).and_then(Option::as_ref).expect("a record names a part that is there")
    }

    /// Keeps a part, under the lowest number that is free.
    pub(super) fn keep(&mut self, part: Arc<[u8]>) -> u16 {
        self.bytes += block_bytes(&part);
        let free = self.parts.iter().position(Option::is_none).unwrap_or(self.parts.len());
        match self.parts.get_mut(free) {
            Some(place) => *place = Some(part),
            None => {
                self.parts.reserve_exact(1);
                self.parts.push(Some(part));
            }
        }
        u16::try_from(free).expect("a page has few long parts, for each record of it takes some bytes")
    }

    /// Lets go of a part.
    pub(super) fn release(&mut self, number: usize) {
        if let Some(part) = self.parts.get_mut(number).and_then(Option::take) {
            self.bytes -= block_bytes(&part);
        }
    }

    pub(super) fn memory(&self) -> usize {
        let table = size_class(self.parts.capacity().max(1) * size_of::<Option<Arc<[u8]>>>());
        size_class(size_of::<Self>()) + table + self.bytes
    }
}

/// A part with the counters before it.
fn block_bytes(part: &Arc<[u8]>) -> usize {
    size_class(2 * size_of::<usize>() + part.len())
}
