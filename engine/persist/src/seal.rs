//! Seals: what tells an append-only file that was cut short by the loss of power from one that is damaged.
//!
//! Whatever is handed to the disk in one piece is preceded by a line that begins with `#`, as annotations do, which other
//! servers skip:
//!
//! ```text
//! #CRC:<8 hex digits> <bytes that follow> <durable>\r\n
//! ```
//!
//! A piece that says when it was written says that first of all, where other servers say it, and its seal follows:
//!
//! ```text
//! #TS:<unix seconds>\r\n
//! #CRC:<8 hex digits> <bytes that follow> <durable> <bytes of the line before>\r\n
//! ```
//!
//! The checksum (CRC-32) is over the file's [`Salt`], the rest of the line, the line before it if it says so, and the bytes that follow
//! it. `durable` is how many bytes of the file were known to be durable when the piece was written. The loss of power may keep, tear or
//! lose any sector that was not synced, so the first piece whose seal doesn't hold is where the file ends, unless a later piece, whose
//! seal holds, says that what is broken had been durable: then the disk has lost what it had promised to keep.
//!
//! Files that have no salt are read, too: there the checksum begins with the rest of the line, and what a client sends may look like a
//! seal. Behind a salt nothing is a seal that it is not part of.

mod salt;

pub use self::salt::Salt;
pub(crate) use self::salt::{SALT_BYTES, SALT_PREFIX};
use crate::aof::number;

/// A line that begins with this is a seal.
pub const SEAL_PREFIX: &[u8] = b"#CRC:";

/// No seal is longer than this, line end included.
pub const SEAL_BYTES_MAX: usize = 64;

/// A line that begins with this says when what follows was written.
pub(crate) const STAMP_PREFIX: &[u8] = b"#TS:";

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
    /// Bytes of the stamp before the line, which belongs to the piece; 0 if there is none.
    pub stamp_len: usize,
}

/// The line that says when what follows was written.
#[must_use]
pub fn stamp(unix_s: u64) -> Vec<u8> {
    [STAMP_PREFIX, format!("{unix_s}\r\n").as_bytes()].concat()
}

/// Whether a line is a stamp as [`stamp`] writes it and no other way.
#[must_use]
pub(crate) fn is_stamp(line: &[u8]) -> bool {
    let digits = line.strip_prefix(STAMP_PREFIX).and_then(|line| line.strip_suffix(b"\r\n"));
    digits.is_some_and(|digits| !digits.is_empty() && digits.iter().all(u8::is_ascii_digit))
}

/// What stands before `piece`: the stamp, if it has one, and the line that seals both, in a file with this salt, of which so many bytes
/// are known to be durable.
#[must_use]
pub fn seal(salt: Option<Salt>, stamp: &[u8], piece: &[u8], durable: u64) -> Vec<u8> {
    let rest = rest_of_line(piece.len() as u64, durable, stamp.len());
    let crc = checksum(salt, rest.as_bytes(), stamp, piece);
    [stamp, SEAL_PREFIX, format!("{crc:08x}{rest}").as_bytes()].concat()
}

fn rest_of_line(len: u64, durable: u64, stamp_len: usize) -> String {
    match stamp_len {
        0 => format!(" {len} {durable}\r\n"),
        stamp_len => format!(" {len} {durable} {stamp_len}\r\n"),
    }
}

fn checksum(salt: Option<Salt>, rest: &[u8], stamp: &[u8], piece: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    if let Some(salt) = salt {
        hasher.update(&salt.bytes());
    }
    hasher.update(rest);
    hasher.update(stamp);
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
        let number = |word: &str| word.parse::<u64>().ok().filter(|number| number.to_string() == word);
        let stamp_len = match words.next() {
            Some(word) => number(word).filter(|len| (1..=SEAL_BYTES_MAX as u64).contains(len))? as usize,
            None => 0,
        };
        let whole = words.next().is_none() && crc.len() == 8 && crc.bytes().all(is_digit);
        Some(Seal {
            crc: u32::from_str_radix(crc, 16).ok().filter(|_| whole)?,
            line_len: SEAL_PREFIX.len() + end + 2,
            len: number(len)?,
            durable: number(durable)?,
            stamp_len,
        })
    }

    /// Whether this is the seal of `piece`, with this stamp before it, in a file with this salt.
    #[must_use]
    pub fn holds(&self, salt: Option<Salt>, stamp: &[u8], piece: &[u8]) -> bool {
        let rest = rest_of_line(self.len, self.durable, self.stamp_len);
        let fits = piece.len() as u64 == self.len && stamp.len() == self.stamp_len;
        fits && checksum(salt, rest.as_bytes(), stamp, piece) == self.crc
    }

    /// The largest `durable` of the sealed pieces that lie whole in `bytes`, which begin where a file ceases to be whole. Up to there it
    /// has said this salt.
    ///
    /// They may begin anywhere. But without a salt, and with a piece in front whose end is missing, only where its commands end, for what
    /// looks like a seal within one of them is what a client has sent.
    #[must_use]
    pub fn latest_claim(salt: Option<Salt>, bytes: &[u8]) -> Option<u64> {
        let mut scan = Scan { bytes, salt, claim: None };
        if salt.is_none()
            && let Some(at) = torn_piece(bytes)
            && scan.between_commands(at).is_ok()
        {
            return scan.claim;
        }
        scan = Scan { bytes, salt, claim: None };
        let mut at = 0;
        while let Some(found) = memchr::memchr(b'#', &bytes[at..]) {
            at += found;
            at += scan.look_at(at).unwrap_or(1);
        }
        scan.claim
    }
}

/// A look for seals in what lies behind damage.
struct Scan<'a> {
    bytes: &'a [u8],
    salt: Option<Salt>,
    claim: Option<u64>,
}

impl Scan<'_> {
    /// Takes what stands at `at`, if it is a sealed piece or says the salt. Returns how many bytes that has.
    fn look_at(&mut self, at: usize) -> Option<usize> {
        let rest = &self.bytes[at..];
        if let (None, Some(line)) = (self.salt, rest.get(..SALT_BYTES)) {
            self.salt = Salt::parse(line);
            if self.salt.is_some() {
                return Some(SALT_BYTES);
            }
        }
        let seal = Seal::parse(rest)?;
        let stamp = &self.bytes[at.checked_sub(seal.stamp_len)?..at];
        let len = usize::try_from(seal.len).ok()?;
        let piece = rest[seal.line_len..].get(..len)?;
        if !seal.holds(self.salt, stamp, piece) {
            return None;
        }
        self.claim = self.claim.max(Some(seal.durable));
        Some(seal.line_len + len)
    }

    /// Takes what stands between commands, from the one that begins at `at` on. An error if what stands there are no commands.
    fn between_commands(&mut self, mut at: usize) -> Result<(), ()> {
        while at < self.bytes.len() {
            if let Some(len) = self.look_at(at) {
                at += len;
            } else if self.bytes[at] == b'#' {
                let Some(len) = line_len(&self.bytes[at..]) else { break };
                at += len;
            } else {
                let Some(end) = command_end(self.bytes, at)? else { break };
                at = end;
            }
        }
        Ok(())
    }
}

/// Where the first command begins of a piece that stands in front and has no end, if there is such a piece.
fn torn_piece(bytes: &[u8]) -> Option<usize> {
    let stamp_len = if bytes.starts_with(STAMP_PREFIX) { line_len(bytes)? } else { 0 };
    let seal = Seal::parse(&bytes[stamp_len..])?;
    let begins = stamp_len + seal.line_len;
    (seal.len > (bytes.len() - begins) as u64).then_some(begins)
}

fn line_len(bytes: &[u8]) -> Option<usize> {
    memchr::memchr(b'\n', bytes).map(|end| end + 1)
}

/// Where the command ends that begins at `at`; `None` if it has no end. An error if none begins there.
fn command_end(bytes: &[u8], at: usize) -> Result<Option<usize>, ()> {
    let Some((arguments, mut at)) = number(bytes, at, b'*').map_err(drop)? else { return Ok(None) };
    for _ in 0..arguments {
        let Some((len, begins)) = number(bytes, at, b'$').map_err(drop)? else { return Ok(None) };
        let end = usize::try_from(len).ok().and_then(|len| begins.checked_add(len)).ok_or(())?;
        match bytes.get(end..).unwrap_or_default() {
            [b'\r', b'\n', ..] => at = end + 2,
            [] | [b'\r'] => return Ok(None),
            _ => return Err(()),
        }
    }
    Ok(Some(at))
}

#[cfg(test)]
mod tests {
    use super::*;
    use quickcheck::quickcheck;

    fn sealed(salt: Option<Salt>, stamp: &[u8], piece: &[u8], durable: u64) -> Vec<u8> {
        [&seal(salt, stamp, piece, durable)[..], piece].concat()
    }

    #[test]
    fn a_seal_is_a_line() {
        assert_eq!(seal(None, b"", b"*1\r\n$4\r\nPING\r\n", 120), b"#CRC:e0248780 14 120\r\n");
        let stamped = seal(None, &stamp(1_700_000_000), b"*1\r\n$4\r\nPING\r\n", 120);
        assert_eq!(stamped, b"#TS:1700000000\r\n#CRC:29efcd40 14 120 16\r\n");
        let salted = seal(Some(Salt::new(7)), b"", b"*1\r\n$4\r\nPING\r\n", 120);
        assert_eq!(salted, b"#CRC:d33a9543 14 120\r\n");
    }

    #[test]
    fn what_is_no_seal_is_none() {
        for line in [
            "",
            "#CRC:",
            "#CRC:0 1 2\r\n",
            "#CRC:00000000 1\r\n",
            "#CRC:00000000 01 2\r\n",
            "#CRC:00000000 1 2 0\r\n",
            "#CRC:00000000 1 2 65\r\n",
            "#CRC:00000000 1 2 3 4\r\n",
        ] {
            assert_eq!(Seal::parse(line.as_bytes()), None, "{line:?}");
        }
    }

    #[test]
    fn claims_are_found_behind_damage() {
        for salt in [None, Some(Salt::new(8))] {
            let broken = &sealed(salt, b"", b"broken", 99)[..24];
            let (one, two) = (sealed(salt, b"", b"one", 7), sealed(salt, b"", b"two", 40));
            let file = [&b"damage #CRC:zz "[..], &one, b"...", &two, broken].concat();
            assert_eq!(Seal::latest_claim(salt, &file), Some(40));
            assert_eq!(Seal::latest_claim(salt, b"#CRC: nothing"), None);
            // A seal of a stamp counts with its stamp only.
            let stamped = sealed(salt, &stamp(7), b"three", 50);
            assert_eq!(Seal::latest_claim(salt, &[&file[..], &stamped].concat()), Some(50));
            assert_eq!(Seal::latest_claim(salt, &stamped[1..]), None);
            assert_eq!(Seal::latest_claim(salt, &[&b"."[..], &stamped[1..]].concat()), None);
            // Those of another file count nowhere.
            assert_eq!(Seal::latest_claim(Some(Salt::new(9)), &file), None);
        }
    }

    #[test]
    fn a_salt_behind_damage_counts_for_what_follows_it() {
        let salt = Salt::new(8);
        let file = [
            &b"damage"[..],
            &sealed(None, b"", b"one", 7),
            &salt.lines(),
            &sealed(Some(salt), b"", b"two", 40),
            &sealed(None, b"", b"three", 50),
        ];
        assert_eq!(Seal::latest_claim(None, &file.concat()), Some(40));
        assert_eq!(Seal::latest_claim(None, &file[..2].concat()), Some(7));
        assert_eq!(Seal::latest_claim(Some(Salt::new(9)), &file.concat()), None);
    }

    quickcheck! {
        fn a_seal_comes_back_and_holds(salt: Option<u64>, unix_s: Option<u64>, piece: Vec<u8>, durable: u64) -> bool {
            let salt = salt.map(Salt::new);
            let stamp = unix_s.map(stamp).unwrap_or_default();
            let bytes = sealed(salt, &stamp, &piece, durable);
            let line = &bytes[stamp.len()..];
            let seal = Seal::parse(line).expect("it is whole");
            let piece = &line[seal.line_len..];
            seal.durable == durable && seal.holds(salt, &stamp, piece) && seal.line_len <= SEAL_BYTES_MAX
        }

        fn it_holds_with_its_salt_only(random: u64, flipped: u8, piece: Vec<u8>, durable: u64) -> bool {
            let salt = Some(Salt::new(random));
            let other = Some(Salt::new(random ^ (1 << (flipped % 64))));
            let seal = Seal::parse(&seal(salt, b"", &piece, durable)).expect("it is whole");
            seal.holds(salt, b"", &piece) && !seal.holds(other, b"", &piece) && !seal.holds(None, b"", &piece)
        }

        fn one_flipped_bit_is_noticed(salt: Option<u64>, unix_s: Option<u64>, piece: Vec<u8>, durable: u64, at: usize, bit: u8) -> bool {
            let salt = salt.map(Salt::new);
            let stamp = unix_s.map(stamp).unwrap_or_default();
            let mut bytes = sealed(salt, &stamp, &piece, durable);
            let at = at % bytes.len();
            bytes[at] ^= 1 << (bit % 8);
            let (stamp, line) = bytes.split_at(stamp.len());
            Seal::parse(line).is_none_or(|seal| !seal.holds(salt, stamp, line.get(seal.line_len..).unwrap_or_default()))
        }
    }
}
