//! Byte strings as numbers: equal strings have equal numbers, and the common ways to make new ones are remembered.

use std::rc::Rc;

use crate::hashing::Table;

/// An interner of byte strings.
#[derive(Debug, Default)]
pub struct Values {
    texts: Vec<Rc<[u8]>>,
    ids: Table<Rc<[u8]>, u32>,
    joined: Table<u64, u32>,
    bytes: usize,
}

impl Values {
    /// The number of `text`, the same for equal texts.
    pub fn intern(&mut self, text: &[u8]) -> u32 {
        if let Some(id) = self.ids.get(text) {
            return *id;
        }
        let id = u32::try_from(self.texts.len()).expect("the memory budget ends a search long before 2^32 values");
        let text: Rc<[u8]> = text.into();
        self.bytes += text.len() + 64;
        self.texts.push(Rc::clone(&text));
        self.ids.insert(text, id);
        id
    }

    /// The number of `first` followed by `second`.
    pub fn concatenate(&mut self, first: u32, second: u32) -> u32 {
        let pair = u64::from(first) << 32 | u64::from(second);
        if let Some(id) = self.joined.get(&pair) {
            return *id;
        }
        let id = self.intern(&[self.text(first), self.text(second)].concat());
        self.bytes += 32;
        self.joined.insert(pair, id);
        id
    }

    /// The text of a number that this interner gave.
    pub fn text(&self, id: u32) -> &[u8] {
        &self.texts[id as usize]
    }

    /// Bytes held, about.
    pub fn memory(&self) -> usize {
        self.bytes
    }
}
