//! The number that the seals of one file have in common: whoever can't read the file can't know it, so nothing that a client sends is
//! taken for a seal.
//!
//! A file says it where it begins, or where this server goes on with one that another has begun, and twice, because without it the
//! checksums of everything behind it are worth nothing:
//!
//! ```text
//! #SALT:<16 hex digits> <8 hex digits>\r\n
//! ```
//!
//! The second number is the CRC-32 of the first one's digits.

/// A line that begins with this says what goes into the checksums of all seals behind it.
pub(crate) const SALT_PREFIX: &[u8] = b"#SALT:";

/// Bytes of such a line, its end included.
pub(crate) const SALT_BYTES: usize = SALT_PREFIX.len() + 16 + 1 + 8 + 2;

/// What goes into the checksums of a file's seals before everything else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Salt(u64);

impl Salt {
    /// One that is made of random bits.
    #[must_use]
    pub const fn new(random: u64) -> Salt {
        Salt(random)
    }

    /// What a file says before its first seal.
    #[must_use]
    pub fn lines(self) -> Vec<u8> {
        self.line().repeat(2)
    }

    fn line(self) -> Vec<u8> {
        let digits = format!("{:016x}", self.0);
        let check = crc32fast::hash(digits.as_bytes());
        [SALT_PREFIX, format!("{digits} {check:08x}\r\n").as_bytes()].concat()
    }

    /// The salt that a line says, its end included; `None` if it is not as it was written.
    pub(crate) fn parse(line: &[u8]) -> Option<Salt> {
        let digits = line.strip_prefix(SALT_PREFIX)?.get(..16)?;
        let salt = Salt(u64::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?);
        (line == salt.line()).then_some(salt)
    }

    pub(super) fn bytes(self) -> [u8; 8] {
        self.0.to_le_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use quickcheck::quickcheck;

    #[test]
    fn a_salt_is_said_twice() {
        let line = "#SALT:0123456789abcdef 68c4f033\r\n";
        assert_eq!(Salt::new(0x0123_4567_89ab_cdef).lines(), line.repeat(2).as_bytes());
        assert_eq!(line.len(), SALT_BYTES);
    }

    quickcheck! {
        fn a_salt_comes_back(random: u64) -> bool {
            let salt = Salt::new(random);
            salt.lines().chunks(SALT_BYTES).all(|line| Salt::parse(line) == Some(salt))
        }

        fn one_flipped_bit_leaves_one_of_both_lines(random: u64, at: usize, bit: u8) -> bool {
            let salt = Salt::new(random);
            let mut lines = salt.lines();
            let at = at % lines.len();
            lines[at] ^= 1 << (bit % 8);
            let left = lines.chunks(SALT_BYTES).filter_map(Salt::parse).collect::<Vec<_>>();
            left == [salt]
        }
    }
}
