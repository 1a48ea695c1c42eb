//! Bytes of a file as they arrive: what has not been understood yet, and a checksum of what has.

use crate::crc64::Crc64;

/// Bytes that wait to be understood.
pub(crate) struct Incoming {
    bytes: Vec<u8>,
    /// How many of them have been understood.
    at: usize,
    /// How many of those are in the checksum.
    summed: usize,
    /// Where in the file the bytes begin.
    base: u64,
    checksum: Option<Crc64>,
}

impl Incoming {
    /// Of a file from `base` on.
    pub(crate) fn new(base: u64, checksum: bool) -> Incoming {
        Incoming { bytes: Vec::new(), at: 0, summed: 0, base, checksum: checksum.then(Crc64::new) }
    }

    /// More has arrived. What was understood is forgotten.
    pub(crate) fn feed(&mut self, bytes: &[u8]) {
        self.sum(self.at);
        self.base += self.at as u64;
        self.bytes.drain(..self.at);
        (self.at, self.summed) = (0, 0);
        self.bytes.extend_from_slice(bytes);
    }

    /// What has not been understood.
    pub(crate) fn rest(&self) -> &[u8] {
        &self.bytes[self.at..]
    }

    /// The next `count` bytes of [`Incoming::rest`] have been understood.
    pub(crate) fn advance(&mut self, count: usize) {
        self.at += count;
        assert!(self.at <= self.bytes.len(), "nothing is understood that has not arrived");
    }

    /// The last `count` bytes that were understood. They are still here: only feeding forgets them.
    pub(crate) fn last(&self, count: usize) -> &[u8] {
        &self.bytes[self.at - count..self.at]
    }

    /// How many bytes of the file have been understood.
    pub(crate) fn offset(&self) -> u64 {
        self.base + self.at as u64
    }

    /// The checksum of what has been understood before the last `count` bytes, if one is made.
    pub(crate) fn checksum_before(&mut self, count: usize) -> Option<u64> {
        self.sum(self.at - count);
        self.checksum.as_ref().map(Crc64::sum)
    }

    /// Takes what has been understood into the checksum: in one long piece, which is several times as fast as in short ones.
    fn sum(&mut self, to: usize) {
        if let Some(checksum) = &mut self.checksum {
            checksum.update(&self.bytes[self.summed..to]);
        }
        self.summed = to;
    }
}
