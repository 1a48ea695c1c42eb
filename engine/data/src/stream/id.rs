//! Ids of entries: a time in milliseconds and a number within it. They order a stream.

/// Longest text of an id: two numbers of up to 20 digits and a dash.
const TEXT_BYTES_MAX: usize = 41;

/// The id of an entry.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StreamId {
    /// Milliseconds, of the Unix epoch as a rule.
    pub ms: u64,
    /// Which one among those of the same milliseconds.
    pub seq: u64,
}

impl StreamId {
    /// The smallest, which no entry has.
    pub const MIN: StreamId = StreamId { ms: 0, seq: 0 };
    /// The largest.
    pub const MAX: StreamId = StreamId { ms: u64::MAX, seq: u64::MAX };

    /// The id `ms-seq`.
    #[inline]
    #[must_use]
    pub const fn new(ms: u64, seq: u64) -> Self {
        StreamId { ms, seq }
    }

    /// The id after this one, if there is one.
    #[inline]
    #[must_use]
    pub const fn next(self) -> Option<Self> {
        match (self.ms, self.seq) {
            (u64::MAX, u64::MAX) => None,
            (ms, u64::MAX) => Some(StreamId { ms: ms + 1, seq: 0 }),
            (ms, seq) => Some(StreamId { ms, seq: seq + 1 }),
        }
    }

    /// The id before this one, if there is one.
    #[inline]
    #[must_use]
    pub const fn previous(self) -> Option<Self> {
        match (self.ms, self.seq) {
            (0, 0) => None,
            (ms, 0) => Some(StreamId { ms: ms - 1, seq: u64::MAX }),
            (ms, seq) => Some(StreamId { ms, seq: seq - 1 }),
        }
    }

    /// Whether this is [`StreamId::MIN`], which stands for "none" where an id is remembered.
    #[inline]
    #[must_use]
    pub const fn is_zero(self) -> bool {
        self.ms == 0 && self.seq == 0
    }

    /// The 16 bytes by which ids sort as they do as numbers.
    #[must_use]
    pub const fn to_be_bytes(self) -> [u8; 16] {
        ((self.ms as u128) << 64 | self.seq as u128).to_be_bytes()
    }

    /// The id of such bytes.
    #[must_use]
    pub const fn from_be_bytes(bytes: [u8; 16]) -> Self {
        let number = u128::from_be_bytes(bytes);
        StreamId { ms: (number >> 64) as u64, seq: number as u64 }
    }

    /// The id as text, `ms-seq`.
    #[inline]
    #[must_use]
    pub fn text(self) -> IdText {
        let mut text = IdText { bytes: [0; TEXT_BYTES_MAX], len: 0 };
        text.push(itoa::Buffer::new().format(self.ms).as_bytes());
        text.push(b"-");
        text.push(itoa::Buffer::new().format(self.seq).as_bytes());
        text
    }
}

/// The text of an id, on the stack.
#[derive(Clone, Copy)]
pub struct IdText {
    bytes: [u8; TEXT_BYTES_MAX],
    len: u8,
}

impl IdText {
    #[inline]
    fn push(&mut self, part: &[u8]) {
        let at = usize::from(self.len);
        self.bytes[at..at + part.len()].copy_from_slice(part);
        self.len += part.len() as u8;
    }

    /// Its bytes.
    #[inline]
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[..usize::from(self.len)]
    }
}

impl std::fmt::Display for StreamId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}-{}", self.ms, self.seq)
    }
}

#[cfg(test)]
mod tests {
    use super::StreamId;
    use quickcheck::quickcheck;

    #[test]
    fn ids_have_neighbours_but_at_the_ends() {
        assert_eq!(StreamId::MAX.next(), None);
        assert_eq!(StreamId::MIN.previous(), None);
        assert_eq!(StreamId::new(4, u64::MAX).next(), Some(StreamId::new(5, 0)));
        assert_eq!(StreamId::new(5, 0).previous(), Some(StreamId::new(4, u64::MAX)));
        assert_eq!(StreamId::MAX.text().as_bytes().len(), super::TEXT_BYTES_MAX);
    }

    quickcheck! {
        fn bytes_and_text_tell_the_same_id(ms: u64, seq: u64) -> bool {
            let id = StreamId::new(ms, seq);
            StreamId::from_be_bytes(id.to_be_bytes()) == id && id.text().as_bytes() == id.to_string().as_bytes()
        }
    }
}
