//! LZF, the compression of long strings: literals and references to what was seen up to 8 KiB before.
//!
//! ```text
//! 000LLLLL                      L+1 literal bytes follow (1 to 32)
//! LLLooooo oooooooo             a copy of L+2 bytes (3 to 8), from o+1 bytes back
//! 111ooooo LLLLLLLL oooooooo    a copy of L+9 bytes (9 to 264), from o+1 bytes back
//! ```
//!
//! The format leaves the search for references to the compressor. This one searches as LibLZF does in the setting that Redis is
//! built with (65,536 slots, and after a reference only the two positions at its end are remembered), so that DUMP gives the same
//! bytes. What stays in memory may be compressed with fewer slots ([`Table::for_len`]), which are sooner made.
//!
//! Decompression takes any bytes: such as nothing can be compressed to are an error, never a panic.

/// The slots of a table that does as LibLZF does, as a power of two.
const HASH_BITS: u32 = 16;
/// No table has fewer.
const HASH_BITS_MIN: u32 = 8;
const LITERALS_MAX: usize = 1 << 5;
const OFFSET_MAX: usize = 1 << 13;
const REFERENCE_MAX: usize = (1 << 8) + (1 << 3);

/// The most bytes that one byte of a compressed string can stand for: three make 264.
const EXPANSION_MAX: usize = REFERENCE_MAX / 3;

/// The three bytes at `at`, as a number.
#[inline]
fn three_at(input: &[u8], at: usize) -> u32 {
    u32::from(input[at]) << 16 | u32::from(input[at + 1]) << 8 | u32::from(input[at + 2])
}

/// The slot of three bytes.
#[inline]
fn slot(three: u32, bits: u32) -> usize {
    let hash = (three >> (24 - bits)).wrapping_sub(three.wrapping_mul(5));
    (hash & ((1 << bits) - 1)) as usize
}

/// What compression remembers while it works, kept from string to string: most are short, and forgetting by clearing would cost
/// more than they do.
pub struct Table {
    /// How many slots there are, as a power of two.
    bits: u32,
    /// Of the last three bytes that hashed to the slot: their position, counted on from string to string. Made when it is needed.
    seen: Vec<u32>,
    /// What is not above this was seen in strings before this one.
    forgotten: u32,
    /// What the last string was compressed to.
    compressed: Vec<u8>,
}

/// How much room for a compressed string is kept for the next one.
const KEPT_MAX: usize = 1 << 20;

/// Longer strings are not compressed: their positions could not be counted.
const INPUT_MAX: usize = 1 << 31;

impl Default for Table {
    fn default() -> Table {
        Table::new()
    }
}

/// What no string is compressed to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotCompressed;

impl Table {
    /// One with which strings are compressed to the bytes that LibLZF would give.
    #[must_use]
    pub fn new() -> Table {
        Table { bits: HASH_BITS, seen: Vec::new(), forgotten: 0, compressed: Vec::new() }
    }

    /// One for a string of this length, with no more slots than find nearly all that there is to refer to.
    #[must_use]
    pub fn for_len(len: usize) -> Table {
        let len = len.clamp(1 << HASH_BITS_MIN, 1 << HASH_BITS);
        Table { bits: len.next_power_of_two().trailing_zeros(), ..Table::new() }
    }

    /// Forgets what was seen, and prepares for `len` bytes.
    fn begin(&mut self, len: u32) {
        if self.seen.is_empty() {
            self.seen = vec![0; 1 << self.bits];
        } else if self.forgotten.checked_add(len).is_none() {
            self.seen.fill(0);
            self.forgotten = 0;
        }
    }
}

/// Compresses into at most `output_max` bytes, or gives up.
#[must_use]
pub fn compress<'t>(input: &[u8], output_max: usize, table: &'t mut Table) -> Option<&'t [u8]> {
    let len = u32::try_from(input.len()).ok().filter(|_| input.len() <= INPUT_MAX)?;
    if input.is_empty() || output_max == 0 {
        return None;
    }
    table.begin(len);
    let mut out = Output { bytes: std::mem::take(&mut table.compressed), run: 0 };
    out.bytes.clear();
    out.bytes.shrink_to(KEPT_MAX);
    out.bytes.push(0);
    let is_compressed = compress_with(input, output_max, table, &mut out);
    table.forgotten += len;
    table.compressed = out.bytes;
    is_compressed.then_some(&table.compressed[..])
}

/// Whether it fits.
fn compress_with(input: &[u8], output_max: usize, table: &mut Table, out: &mut Output) -> bool {
    let Table { bits, seen, forgotten, .. } = table;
    // How the table says that something was seen at 0.
    let zero = *forgotten + 1;
    // The last two bytes begin no three.
    let end = input.len().saturating_sub(2);
    let (mut at, mut literals_from) = (0, 0);
    let mut three = if end > 0 { three_at(input, 0) } else { 0 };
    while at < end {
        let known = std::mem::replace(&mut seen[slot(three, *bits)], zero + at as u32);
        // Like LibLZF, whose null pointer stands for "none": nothing refers to the very first byte.
        let reference = (known > zero).then(|| (known - zero) as usize);
        let Some(from) = reference.filter(|&from| at - from <= OFFSET_MAX && three_at(input, from) == three) else {
            at += 1;
            if at < end {
                three = (three << 8 | u32::from(input[at + 2])) & 0xff_ffff;
            }
            continue;
        };
        out.literals(&input[literals_from..at]);
        // Room for a reference and the length of the literals after it: LibLZF asks for as much, needed or not.
        if out.bytes.len() + 4 >= output_max && out.bytes.len() - usize::from(out.run == 0) + 4 >= output_max {
            return false;
        }
        let len = reference_length(input, from, at);
        out.reference(at - from - 1, len);
        at += len;
        literals_from = at;
        if at >= end {
            break;
        }
        for again in [at - 2, at - 1] {
            seen[slot(three_at(input, again), *bits)] = zero + again as u32;
        }
        three = three_at(input, at);
    }
    out.literals(&input[literals_from..at]);
    if out.bytes.len() + 3 > output_max {
        return false;
    }
    out.literals(&input[at..]);
    out.end_run();
    true
}

/// How long a reference from `at` to `from` is to be, three bytes at least being known to be the same.
fn reference_length(input: &[u8], from: usize, at: usize) -> usize {
    // LibLZF leaves the last two bytes to literals, but looks at sixteen more than the three before it minds that, if it may
    // look at more than sixteen at all.
    const COMPARED_AT_ONCE: usize = 3 + 16;
    let max = (input.len() - at - 2).min(REFERENCE_MAX);
    let max = if max > 16 { max.max(COMPARED_AT_ONCE) } else { max.max(3) };
    3 + input[from + 3..].iter().zip(&input[at + 3..]).take(max - 3).take_while(|(a, b)| a == b).count()
}

/// What has been written; the last `run` bytes are literals whose number, in the byte before them, has yet to be set.
struct Output {
    bytes: Vec<u8>,
    run: usize,
}

impl Output {
    fn literals(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let (now, rest) = bytes.split_at(bytes.len().min(LITERALS_MAX - self.run));
            self.bytes.extend_from_slice(now);
            self.run += now.len();
            if self.run == LITERALS_MAX {
                self.end_run();
                self.bytes.push(0);
            }
            bytes = rest;
        }
    }

    /// Sets the number of literals, or takes back the byte that was kept for it.
    fn end_run(&mut self) {
        if self.run == 0 {
            self.bytes.pop();
            return;
        }
        let number_at = self.bytes.len() - self.run - 1;
        self.bytes[number_at] = (self.run - 1) as u8;
        self.run = 0;
    }

    fn reference(&mut self, offset: usize, len: usize) {
        self.end_run();
        let (high, low) = ((offset >> 8) as u8, offset as u8);
        match len - 2 {
            len @ ..7 => self.bytes.extend_from_slice(&[high | (len << 5) as u8, low]),
            len => self.bytes.extend_from_slice(&[high | 7 << 5, (len - 7) as u8, low]),
        }
        self.bytes.push(0);
    }
}

/// Decompresses to exactly `len` bytes.
///
/// # Errors
/// If that can't be what was compressed.
pub fn decompress(input: &[u8], len: usize) -> Result<Vec<u8>, NotCompressed> {
    let mut out = Vec::new();
    decompress_into(input, len, &mut out)?;
    Ok(out)
}

/// Decompresses to exactly `len` bytes, which take the place of what is in `out`.
///
/// # Errors
/// If that can't be what was compressed. What `out` holds then means nothing.
pub fn decompress_into(mut input: &[u8], len: usize, out: &mut Vec<u8>) -> Result<(), NotCompressed> {
    out.clear();
    // A length that no input of this size can have is not allocated for.
    if len > input.len().saturating_mul(EXPANSION_MAX) {
        return Err(NotCompressed);
    }
    out.reserve_exact(len);
    while let Some((&control, rest)) = input.split_first() {
        let high = usize::from(control >> 5);
        if high == 0 {
            let (run, rest) = rest.split_at_checked(usize::from(control) + 1).ok_or(NotCompressed)?;
            if out.len() + run.len() > len {
                return Err(NotCompressed);
            }
            out.extend_from_slice(run);
            input = rest;
            continue;
        }
        let (longer, low);
        (longer, low, input) = match (high, rest) {
            (7, [longer, low, rest @ ..]) => (usize::from(*longer), *low, rest),
            (..7, [low, rest @ ..]) => (0, *low, rest),
            _ => return Err(NotCompressed),
        };
        let back = (usize::from(control & 0x1f) << 8 | usize::from(low)) + 1;
        let count = high + longer + 2;
        let from = out.len().checked_sub(back).ok_or(NotCompressed)?;
        if out.len() + count > len {
            return Err(NotCompressed);
        }
        if from + count <= out.len() {
            out.extend_from_within(from..from + count);
        } else {
            // Source and destination overlap: what was copied first is then copied again.
            for i in from..from + count {
                out.push(out[i]);
            }
        }
    }
    if out.len() == len { Ok(()) } else { Err(NotCompressed) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use quickcheck::quickcheck;

    fn compress(input: &[u8], output_max: usize) -> Option<Vec<u8>> {
        super::compress(input, output_max, &mut Table::new()).map(<[u8]>::to_vec)
    }

    /// Bytes of a small alphabet, in which there is much to refer to.
    fn repetitive(bytes: &[u8], times: u8) -> Vec<u8> {
        let few: Vec<u8> = bytes.iter().map(|b| b % 3).collect();
        few.repeat(usize::from(times % 40) + 1)
    }

    /// The same, byte by byte as LibLZF goes.
    fn compress_bytewise(input: &[u8], output_max: usize) -> Option<Vec<u8>> {
        if input.is_empty() || output_max == 0 {
            return None;
        }
        let mut seen = vec![None; 1 << HASH_BITS];
        let mut out = Output { bytes: vec![0], run: 0 };
        let (mut at, end) = (0, input.len().saturating_sub(2));
        let place = |at: usize| slot(three_at(input, at), HASH_BITS);
        while at < end {
            let known: Option<usize> = seen[place(at)].replace(at);
            let Some(from) = known
                .filter(|&from| from > 0 && at - from - 1 < OFFSET_MAX && input[from..from + 3] == input[at..at + 3])
            else {
                if out.bytes.len() >= output_max {
                    return None;
                }
                out.literals(&input[at..=at]);
                at += 1;
                continue;
            };
            if out.bytes.len() + 4 >= output_max && out.bytes.len() - usize::from(out.run == 0) + 4 >= output_max {
                return None;
            }
            let len = reference_length(input, from, at);
            out.reference(at - from - 1, len);
            at += len;
            if at < end {
                for again in [at - 2, at - 1] {
                    seen[place(again)] = Some(again);
                }
            }
        }
        if out.bytes.len() + 3 > output_max {
            return None;
        }
        input[at..].iter().for_each(|byte| out.literals(&[*byte]));
        out.end_run();
        Some(out.bytes)
    }

    quickcheck! {
        fn it_is_what_liblzf_gives(bytes: Vec<u8>, times: u8, less: usize, kept: Vec<u8>) -> bool {
            let mut table = Table::new();
            let _ = super::compress(&kept, kept.len(), &mut table);
            [bytes.clone(), repetitive(&bytes, times)].iter().all(|input| {
                let output_max = input.len().saturating_sub(less % 8);
                let expected = compress_bytewise(input, output_max);
                super::compress(input, output_max, &mut table).map(<[u8]>::to_vec) == expected
            })
        }

        fn what_is_compressed_comes_back(bytes: Vec<u8>, times: u8) -> bool {
            let input = repetitive(&bytes, times);
            let output_max = input.len().saturating_sub(4);
            compress(&input, output_max).is_none_or(|out| {
                out.len() <= output_max && decompress(&out, input.len()) == Ok(input.clone())
            })
        }

        fn with_fewer_slots_it_comes_back_as_well(bytes: Vec<u8>, times: u8) -> bool {
            let input = repetitive(&bytes, times);
            let mut table = Table::for_len(input.len());
            super::compress(&input, input.len(), &mut table)
                .is_none_or(|out| decompress(out, input.len()) == Ok(input.clone()))
        }

        fn whatever_is_decompressed_gives_its_length_or_an_error(bytes: Vec<u8>, len: usize) -> bool {
            let len = len % 4096;
            decompress(&bytes, len).is_ok_and(|out| out.len() == len) || decompress(&bytes, len) == Err(NotCompressed)
        }

        fn a_damaged_string_is_never_a_panic(bytes: Vec<u8>, times: u8, at: usize, bit: u8) -> bool {
            let input = repetitive(&bytes, times);
            let Some(mut out) = compress(&input, input.len()) else { return true };
            let at = at % out.len();
            out[at] ^= 1 << (bit % 8);
            decompress(&out, input.len()).map_or_else(|NotCompressed| true, |out| out.len() == input.len())
        }
    }

    #[test]
    fn nothing_of_earlier_strings_is_remembered() {
        let texts = [&b"the cat sat on the mat, the cat sat on the hat"[..], b"on the hat, on the hat, on the hat"];
        let mut table = Table::new();
        for i in 0..10 {
            // Close to where positions begin anew.
            if i == 5 {
                table.forgotten = u32::MAX - 60;
            }
            for text in texts {
                let alone = compress(text, text.len()).expect("it repeats");
                assert_eq!(super::compress(text, text.len(), &mut table), Some(&alone[..]));
            }
        }
        assert!(table.forgotten < 1000, "positions began anew");
    }

    #[test]
    fn long_runs_use_long_references_and_far_ones_are_not_made() {
        let ones = vec![b'1'; 1000];
        assert!(compress(&ones, 996).expect("it repeats").len() < 20);
        let mut far = b"abcdefgh".to_vec();
        far.extend((0..9000_u32).flat_map(|i| (i.wrapping_mul(2_654_435_761)).to_be_bytes()));
        far.extend_from_slice(b"abcdefgh");
        assert_eq!(compress(&far, far.len() - 4), None, "the repetition is out of reach");
    }

    #[test]
    fn an_impossible_length_is_refused_before_it_is_allocated() {
        assert_eq!(decompress(&[0, b'a'], usize::MAX), Err(NotCompressed));
        assert_eq!(decompress(&[0, b'a'], 1), Ok(vec![b'a']));
        // A reference before the beginning; one beyond the length; nothing where a byte is due.
        assert_eq!(decompress(&[0, b'a', 0x20, 1], 4), Err(NotCompressed));
        assert_eq!(decompress(&[0, b'a', 0x20, 0], 3), Err(NotCompressed));
        assert_eq!(decompress(&[0, b'a', 0xe0], 4), Err(NotCompressed));
        assert_eq!(decompress(&[0, b'a', 0x20, 0], 4), Ok(b"aaaa".to_vec()));
    }
}
