//! In which form a strip keeps its elements, in 32 bits, and how it goes from one to another.
//!
//! Lists may be kept compressed but for some strips at either end. A strip that has come to be further inside is compressed, or
//! stays as it is if that gains too little, which is remembered. Whoever changes it opens it first, and it is compressed again when
//! the change is done ([`LargeList::settle`](super::LargeList)); whoever reads it reads a copy that lives as long as the look.
//! So there are never two copies of a strip for longer than an operation takes.

use super::strip::Strip;
use crate::lzf;
use crate::size_class::size_class;

/// Shorter strips are not compressed.
const COMPRESSED_FROM: usize = 48;
/// Compression must gain more than this.
const GAIN_MIN: usize = 8;
/// Longer strips are not compressed: their length has no place in a form.
const COMPRESSED_TO: usize = 1 << 30;

/// The form of a strip.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Form(u32);

impl Form {
    /// Of a strip whose only element may have no others beside it.
    const ALONE: u32 = 1 << 31;
    /// Of a strip near an end, or in a list that is not compressed.
    const PLAIN: u32 = 0;
    /// Of a strip that was compressed, or would have been if that gained enough, before it was changed.
    const OPENED: u32 = 1;
    /// Of a strip of which compression gains too little.
    const TRIED: u32 = 2;

    #[inline]
    fn without_alone(self) -> u32 {
        self.0 & !Self::ALONE
    }

    /// How many bytes the elements of a compressed strip take.
    #[inline]
    fn compressed_from(self) -> Option<usize> {
        let bytes = self.without_alone();
        (bytes > Self::TRIED).then_some(bytes as usize)
    }

    fn with(self, rest: u32) -> Form {
        Form(self.0 & Self::ALONE | rest)
    }
}

impl Default for Form {
    fn default() -> Form {
        Form(Self::PLAIN)
    }
}

impl Strip {
    /// Whether its only element may have no others beside it.
    #[inline]
    pub(super) fn is_alone(&self) -> bool {
        self.form.0 & Form::ALONE != 0
    }

    pub(super) fn set_alone(&mut self, alone: bool) {
        debug_assert!(!alone || self.len == 1);
        self.form = Form(self.form.without_alone() | if alone { Form::ALONE } else { 0 });
    }

    /// Whether the bytes are what the elements are compressed to.
    pub(super) fn is_compressed(&self) -> bool {
        self.form.compressed_from().is_some()
    }

    /// Whether nobody has tried to compress it as it is.
    pub(super) fn is_untried(&self) -> bool {
        matches!(self.form.without_alone(), Form::PLAIN | Form::OPENED)
    }

    /// Whether it is as strips near the ends are.
    pub(super) fn is_plain(&self) -> bool {
        self.form.without_alone() == Form::PLAIN
    }

    /// Bytes that the elements take when they are not compressed.
    #[inline]
    pub(super) fn total_bytes(&self) -> usize {
        self.form.compressed_from().unwrap_or(self.bytes.len())
    }

    /// The elements' bytes; decompressed into the buffer if need be.
    #[inline]
    pub(super) fn raw<'a>(&'a self, buffer: &'a mut Vec<u8>) -> &'a [u8] {
        match self.form.compressed_from() {
            None => &self.bytes,
            Some(len) => self.decompress(len, buffer),
        }
    }

    #[cold]
    fn decompress<'a>(&self, len: usize, buffer: &'a mut Vec<u8>) -> &'a [u8] {
        lzf::decompress_into(&self.bytes, len, buffer).expect("it was compressed here");
        buffer
    }

    /// Makes the elements be there as they are, to be changed.
    #[inline]
    pub(super) fn open(&mut self) {
        if self.form.without_alone() > Form::OPENED {
            self.open_inside();
        }
    }

    #[cold]
    fn open_inside(&mut self) {
        if let Some(len) = self.form.compressed_from() {
            let mut bytes = Vec::with_capacity(size_class(len));
            self.decompress(len, &mut bytes);
            self.bytes = bytes;
        }
        self.form = self.form.with(Form::OPENED);
    }

    /// The same for a strip that has come near an end: it is not to be compressed again.
    pub(super) fn open_for_good(&mut self) {
        self.open();
        self.form = self.form.with(Form::PLAIN);
    }

    /// Compresses the elements, if that gains enough.
    pub(super) fn compress(&mut self) {
        if !self.is_untried() {
            return;
        }
        self.form = self.form.with(Form::TRIED);
        let len = self.bytes.len();
        if !(COMPRESSED_FROM..=COMPRESSED_TO).contains(&len) {
            return;
        }
        let mut table = lzf::Table::for_len(len);
        let Some(compressed) = lzf::compress(&self.bytes, len - GAIN_MIN - 1, &mut table) else { return };
        let mut bytes = Vec::with_capacity(size_class(compressed.len()));
        bytes.extend_from_slice(compressed);
        self.bytes = bytes;
        self.form = self.form.with(len as u32);
    }
}
