//! Lists that other programs wrote: what they are held to before anything relies on them.

use super::codec::is_canonical;
use super::{Packed, PackedList};

/// Bits to tell elements apart by, before they are compared.
const MARKS: usize = 4096;

impl PackedList {
    /// Takes bytes that are a list, if they are one. Whatever passes can't make a later reader panic, and a search finds every element:
    /// those that are stored in another way than they would be here, a number as text or in too many bytes, are stored anew.
    #[must_use]
    pub fn adopt(bytes: Vec<u8>) -> Option<PackedList> {
        if !Packed::validate(&bytes, true) {
            return None;
        }
        let list = Packed::new(&bytes);
        if list.is_canonical() {
            return Some(PackedList::from_bytes(bytes));
        }
        let mut anew = PackedList::with_capacity(bytes.len());
        list.iter().for_each(|element| anew.push_back_value(element));
        Some(anew)
    }
}

impl Packed<'_> {
    /// Whether each element is stored as it would be here.
    fn is_canonical(self) -> bool {
        self.positions().all(|position| is_canonical(self.bytes, position.offset()))
    }

    /// Whether no two elements are the same among those at every `stride`th place, the first included.
    #[must_use]
    pub fn are_distinct(self, stride: usize) -> bool {
        let every = || self.positions().step_by(stride).map(|position| self.content(position));
        let mut marks = [0_u64; MARKS / 64];
        let are_apart = every().all(|element| {
            let mark = mark_of(element);
            let (word, bit) = (&mut marks[mark / 64], 1 << (mark % 64));
            let is_new = *word & bit == 0;
            *word |= bit;
            is_new
        });
        if are_apart {
            return true;
        }
        let mut elements: Vec<&[u8]> = every().collect();
        elements.sort_unstable();
        elements.windows(2).all(|two| two[0] != two[1])
    }
}

/// A number below [`MARKS`] that depends on all bytes. Whoever makes many elements agree in it has them compared, and no more.
fn mark_of(element: &[u8]) -> usize {
    const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;
    let mut hash = element.len() as u64;
    for chunk in element.chunks(8) {
        let mut word = [0; 8];
        word[..chunk.len()].copy_from_slice(chunk);
        hash = (hash.rotate_left(23) ^ u64::from_le_bytes(word)).wrapping_mul(FACTOR);
    }
    (hash >> 52) as usize % MARKS
}
