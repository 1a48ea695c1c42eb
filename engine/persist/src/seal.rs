//! Seals: what tells an append-only file that was cut short by the loss of power from one that is damaged.
//!
//! Whatever is handed to the disk in one piece is preceded by a line that begins with `#`, as annotations do, which other
//! servers skip:
//!
//! ```text
//! #CRC:<8 hex digits> <bytes that follow> <durable>\r\n
//! ```
//!
//! The checksum (CRC-32) is over the rest of the line and the bytes that follow it. `durable` is how many bytes of the
//! file were known to be durable when the piece was written. The loss of power may keep, tear or lose any sector that was not
//! synced, so the first piece whose seal doesn't hold is where the file ends, unless a later piece, whose seal holds, says that
//! what is broken had been durable: then the disk has lost what it had promised to keep.

/// A line that begins with this is a seal.
pub const SEAL_PREFIX: &[u8] = b"#CRC:";

/// No seal is longer than this, line end included.
pub const SEAL_BYTES_MAX: usize = 64;

/// What a seal says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seal {
    /// Over the line behind it and the piece.
    crc: u32,
    /// Bytes of the line, its end included.
    pub line_len: usize,
    /// Bytes of the piece, which follows the line.
    pub len: u64,
    /// Bytes at the front of the file that were durable.
    pub durable: u64,
}

/// The line that seals `piece`, which is to follow it, in a file of which so many bytes are known to be durable.
#[must_use]
pub fn seal(piece: &[u8], durable: u64) -> Vec<u8> {
    let rest = format!(" {} {durable}\r\n", piece.len());
    let mut line = Vec::with_capacity(SEAL_BYTES_MAX);
    line.extend_from_slice(SEAL_PREFIX);
    line.extend_from_slice(format!("{:08x}", checksum(rest.as_bytes(), piece)).as_bytes());
    line.extend_from_slice(rest.as_bytes());
    line
}

fn checksum(rest: &[u8], piece: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(rest);
    hasher.update(piece);
    hasher.finalize()
}

impl Seal {
    /// The seal at the front of `bytes`; `None` if what stands there is none, or is not whole.
    #[must_use]
    pub fn parse(bytes: &[u8]) -> Option<Seal> {
        let line = &bytes[..bytes.len().min(SEAL_BYTES_MAX)];
        let text = line.strip_prefix(SEAL_PREFIX)?;
        let end = text.windows(2).position(|pair| pair == b"\r\n")?;
        let text = std::str::from_utf8(&text[..end]).ok()?;
        let mut words = text.split(' ');
        let (crc, len, durable) = (words.next()?, words.next()?, words.next()?);
        // As it is written and no other way: a flipped bit makes a capital of a letter.
        let is_digit = |digit: u8| matches!(digit, b'0'..=b'9' | b'a'..=b'f');
        let whole = words.next().is_none() && crc.len() == 8 && crc.bytes().all(is_digit);
        let number = |word: &str| word.parse::<u64>().ok().filter(|number| number.to_string() == word);
        Some(Seal {
            crc: u32::from_str_radix(crc, 16).ok().filter(|_| whole)?,
            line_len: SEAL_PREFIX.len() + end + 2,
            len: number(len)?,
            durable: number(durable)?,
        })
    }

    /// Whether this is the seal of `piece`.
    #[must_use]
    pub fn holds(&self, piece: &[u8]) -> bool {
        let rest = format!(" {} {}\r\n", self.len, self.durable);
        piece.len() as u64 == self.len && checksum(rest.as_bytes(), piece) == self.crc
    }

    /// The largest `durable` of the sealed pieces that lie whole in `bytes`, wherever they begin.
    #[must_use]
    pub fn latest_claim(bytes: &[u8]) -> Option<u64> {
        let mut claim = None;
        let mut at = 0;
        while let Some(found) = memchr::memmem::find(&bytes[at..], SEAL_PREFIX) {
            at += found;
            at += match Seal::sealed_piece(&bytes[at..]) {
                Some((seal, piece)) => {
                    claim = claim.max(Some(seal.durable));
                    seal.line_len + piece.len()
                }
                None => 1,
            };
        }
        claim
    }

    fn sealed_piece(bytes: &[u8]) -> Option<(Seal, &[u8])> {
        let seal = Seal::parse(bytes)?;
        let piece = bytes[seal.line_len..].get(..usize::try_from(seal.len).ok()?)?;
        seal.holds(piece).then_some((seal, piece))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use quickcheck::quickcheck;

    fn sealed(piece: &[u8], durable: u64) -> Vec<u8> {
        [&seal(piece, durable)[..], piece].concat()
    }

    #[test]
    fn a_seal_is_a_line() {
        assert_eq!(seal(b"*1\r\n$4\r\nPING\r\n", 120), b"#CRC:e0248780 14 120\r\n");
    }

    #[test]
    fn what_is_no_seal_is_none() {
        for line in
            ["", "#CRC:", "#CRC:0 1 2\r\n", "#CRC:00000000 1\r\n", "#CRC:00000000 01 2\r\n", "#CRC:00000000 1 2 3\r\n"]
        {
            assert_eq!(Seal::parse(line.as_bytes()), None, "{line:?}");
        }
    }

    #[test]
    fn claims_are_found_behind_damage() {
        let file =
            [&b"damage #CRC:zz "[..], &sealed(b"one", 7), b"...", &sealed(b"two", 40), &sealed(b"broken", 99)[..24]];
        assert_eq!(Seal::latest_claim(&file.concat()), Some(40));
        assert_eq!(Seal::latest_claim(b"#CRC: nothing"), None);
    }

    quickcheck! {
        fn a_seal_comes_back_and_holds(piece: Vec<u8>, durable: u64) -> bool {
            let bytes = sealed(&piece, durable);
            let seal = Seal::parse(&bytes).expect("it is whole");
            seal.durable == durable && seal.holds(&bytes[seal.line_len..]) && seal.line_len <= SEAL_BYTES_MAX
        }

        fn one_flipped_bit_is_noticed(piece: Vec<u8>, durable: u64, at: usize, bit: u8) -> bool {
            let mut bytes = sealed(&piece, durable);
            let at = at % bytes.len();
            bytes[at] ^= 1 << (bit % 8);
            Seal::parse(&bytes).is_none_or(|seal| !seal.holds(bytes.get(seal.line_len..).unwrap_or_default()))
        }
    }
}
