//! Packed lists as other programs write and read them: what frames the elements, and what those of strangers are held to before
//! anything relies on them.
//!
//! ```text
//! total bytes u32 | elements u16 (65535: unknown) | element … | 0xFF
//! ```

use super::codec::{is_canonical, whole};
use super::{COUNT_UNKNOWN, HEADER_BYTES, PACKED_BYTES_MAX, Packed, PackedList};

/// What stands before a list and behind it.
const LENGTH_BYTES: usize = 4;
const END: u8 = 0xFF;

/// How much longer a listpack is than what is kept of it.
pub(crate) const FRAME_BYTES: usize = LENGTH_BYTES + 1;

/// Bits to tell elements apart by, before they are compared.
const MARKS: usize = 4096;

impl PackedList {
    /// Takes a listpack, if the bytes are one. Whatever passes can't make a later reader panic, and a search finds every element:
    /// those that are stored in another way than they would be here, a number as text or in too many bytes, are stored anew.
    #[must_use]
    pub fn adopt(mut listpack: Vec<u8>) -> Option<PackedList> {
        let list = Packed::of_listpack(&listpack)?;
        if list.is_canonical() {
            listpack.pop();
            listpack.drain(..LENGTH_BYTES);
            return Some(PackedList::from_bytes(listpack));
        }
        let mut anew = PackedList::with_capacity(list.bytes.len());
        list.iter().for_each(|element| anew.push_back_value(element));
        Some(anew)
    }
}

impl<'a> Packed<'a> {
    /// The list in a listpack of unknown origin, if it is one: every element was looked at, and nothing that is found can make a
    /// later reader panic.
    #[must_use]
    pub fn of_listpack(listpack: &'a [u8]) -> Option<Packed<'a>> {
        let (total, rest) = listpack.split_first_chunk::<LENGTH_BYTES>()?;
        let (end, bytes) = rest.split_last()?;
        let framed = bytes.len() >= HEADER_BYTES
            && listpack.len() <= PACKED_BYTES_MAX
            && u32::from_le_bytes(*total) as usize == listpack.len()
            && *end == END;
        (framed && has_whole_elements(bytes)).then_some(Packed { bytes })
    }

    /// How long the listpack of it is, in bytes.
    #[inline]
    #[must_use]
    pub fn listpack_bytes(self) -> usize {
        self.bytes.len() + FRAME_BYTES
    }

    /// Appends it as a listpack.
    pub fn write_listpack(self, out: &mut Vec<u8>) {
        let total = u32::try_from(self.listpack_bytes()).expect("no list is as long as 4 GiB");
        out.reserve(self.listpack_bytes());
        out.extend_from_slice(&total.to_le_bytes());
        out.extend_from_slice(self.bytes);
        out.push(END);
    }
}

#[cfg(test)]
impl Packed<'_> {
    /// Whether others could read it.
    pub(crate) fn is_whole(self) -> bool {
        let mut listpack = Vec::new();
        self.write_listpack(&mut listpack);
        Packed::of_listpack(&listpack) == Some(self)
    }
}

fn has_whole_elements(bytes: &[u8]) -> bool {
    let (mut at, mut count) = (HEADER_BYTES, 0usize);
    while at < bytes.len() {
        let Some(len) = whole(bytes, at, bytes.len()) else { return false };
        at += len;
        count += 1;
    }
    let said = u16::from_le_bytes([bytes[0], bytes[1]]);
    said == COUNT_UNKNOWN || usize::from(said) == count
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
