//! What is read: bytes from the front on, with a note of how many were missing when they ended too early, and of what was wrong with
//! them.

use crate::Malformed;

/// Bytes that are being read.
#[derive(Debug, Clone, Copy)]
pub struct Input<'a> {
    bytes: &'a [u8],
    wanted: u64,
    complaint: Option<&'static str>,
}

impl<'a> Input<'a> {
    /// Reads `bytes` from their beginning.
    #[must_use]
    pub fn new(bytes: &'a [u8]) -> Input<'a> {
        Input { bytes, wanted: 0, complaint: None }
    }

    /// What has not been read yet.
    #[must_use]
    pub fn rest(&self) -> &'a [u8] {
        self.bytes
    }

    /// How many bytes more would have been needed, at least, when reading failed because there were none; 0 when what there
    /// is is wrong in itself.
    #[must_use]
    pub fn wanted(&self) -> u64 {
        self.wanted
    }

    /// What was wrong, in Redis's words, where it has some.
    #[must_use]
    pub fn complaint(&self) -> Option<&'static str> {
        self.complaint
    }

    /// Notes what is wrong.
    pub(crate) fn complain(&mut self, what: &'static str) -> Malformed {
        self.complaint = Some(what);
        Malformed
    }

    /// Takes the next `count` bytes.
    ///
    /// # Errors
    /// When there are not so many.
    pub fn take(&mut self, count: u64) -> Result<&'a [u8], Malformed> {
        let taken = usize::try_from(count).ok().and_then(|count| self.bytes.split_at_checked(count));
        let Some((taken, rest)) = taken else {
            self.wanted = count - self.bytes.len() as u64;
            return Err(Malformed);
        };
        self.bytes = rest;
        Ok(taken)
    }

    /// Takes the next `N` bytes, as an array.
    ///
    /// # Errors
    /// When there are not so many.
    pub fn take_array<const N: usize>(&mut self) -> Result<[u8; N], Malformed> {
        let Some((taken, rest)) = self.bytes.split_first_chunk::<N>() else {
            self.wanted = (N - self.bytes.len()) as u64;
            return Err(Malformed);
        };
        self.bytes = rest;
        Ok(*taken)
    }
}
